"""Codes of the report, as tables. Standard ones where the standard has them, else ``99TRIAGE``.

Sources: PS3.16 (DCM, context groups named beside the rows), SNOMED CT as used there (SCT), RadLex
(RADLEX), UCUM. The private scheme is written into every object (Coding Scheme Identification
Sequence) and listed in docs/conformance.md, which a test compares with these tables.
"""

from __future__ import annotations

from typing import Any, Final

from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr import CodedConcept

PRIVATE: Final = "99TRIAGE"


def _code(value: str, scheme: str, meaning: str) -> Any:
    return CodedConcept(value=value, scheme_designator=scheme, meaning=meaning)


def scheme() -> Any:
    """What a receiver needs to know about ``99TRIAGE`` (PS3.3 C.12.1.1.8)."""
    return CodingSchemeIdentificationItem(
        designator=PRIVATE,
        name="Codes of the triage lung nodule reader, docs/conformance.md",
        version="1",
        responsible_organization="triage",
    )


# ---------------------------------------------------------------- concept names
CT_OF_CHEST = _code("169069000", "SCT", "CT of chest")
NODULE = _code("27925004", "SCT", "Nodule")  # CID 6102
LUNG = _code("39607008", "SCT", "Lung")  # CID 6100
LONG_AXIS = _code("103339001", "SCT", "Long axis")  # CID 7470
SHORT_AXIS = _code("103340004", "SCT", "Short axis")  # CID 7470
DIAMETER = _code("81827009", "SCT", "Diameter")  # CID 7470
MEAN = _code("373098007", "SCT", "Mean")  # CID 7464
VOLUME = _code("118565006", "SCT", "Volume")  # CID 7472
CERTAINTY = _code("111012", "DCM", "Certainty of Finding")  # CID 6048
SOLID_LONG_AXIS = _code("SOLID_LONG", PRIVATE, "Long axis of solid component")
SOLID_SHORT_AXIS = _code("SOLID_SHORT", PRIVATE, "Short axis of solid component")

QUALITATIVE_EVALUATIONS = _code("C0034375", "UMLS", "Qualitative Evaluations")  # TID 1500
CAD_SUMMARY = _code("111017", "DCM", "CAD Processing and Findings Summary")
ASSESSMENT_CATEGORY = _code("111005", "DCM", "Assessment Category")
COMMENT = _code("121106", "DCM", "Comment")
SUMMARY = _code("121111", "DCM", "Summary")
CONCLUSION = _code("121077", "DCM", "Conclusion")
RECOMMENDATION = _code("121075", "DCM", "Recommendation")
EXTENT = _code("ASSESSED", PRIVATE, "Extent of lung that was assessed")
DECISION = _code("DECISION", PRIVATE, "Reader decision")
SOLIDITY = _code("SOLIDITY", PRIVATE, "Nodule solidity")
CALCIFICATION = _code("CALCIFICATION", PRIVATE, "Nodule calcification")
MARGIN = _code("MARGIN", PRIVATE, "Nodule margin")
SHAPE = _code("JUXTAPLEURAL", PRIVATE, "Juxtapleural nodule shape")
COMPARISON = _code("COMPARISON", PRIVATE, "Status compared with prior")
LEFT_OUT = _code("LEFT_OUT", PRIVATE, "Marks left out of this report")
CONTEXT = _code("CONTEXT", PRIVATE, "Context of the examination")

MM = _code("mm", "UCUM", "millimeter")
MM3 = _code("mm3", "UCUM", "cubic millimeter")
PERCENT = _code("%", "UCUM", "percent")

# ---------------------------------------------------------------- values

RIGHT = _code("24028007", "SCT", "Right")  # CID 244
LEFT = _code("7771000", "SCT", "Left")
_UPPER = _code("45653009", "SCT", "Upper lobe of lung")  # CID 6170
_MIDDLE = _code("72481006", "SCT", "Middle lobe of right lung")
_LOWER = _code("90572001", "SCT", "Lower lobe of lung")
_LINGULA = _code("LINGULA", PRIVATE, "Lingula of left upper lobe")
#: Lobe of the HTTP contract -> (site, side).
LOBES: Final = {
    "right_upper": (_UPPER, RIGHT),
    "right_middle": (_MIDDLE, RIGHT),
    "right_lower": (_LOWER, RIGHT),
    "left_upper": (_UPPER, LEFT),
    "lingula": (_LINGULA, LEFT),
    "left_lower": (_LOWER, LEFT),
}
SOLIDITIES: Final = {
    "solid": _code("RID50151", "RADLEX", "solid pulmonary nodule"),
    "part_solid": _code("RID50152", "RADLEX", "part-solid pulmonary nodule"),
    "ground_glass": _code("RID50153", "RADLEX", "non-solid pulmonary nodule"),
}
EXTENTS: Final = {
    "assessed": _code("ASSESSED_WHOLE", PRIVATE, "Whole lung assessed"),
    "partly_assessed": _code("ASSESSED_PARTLY", PRIVATE, "Partly assessed"),
    "not_assessed": _code("ASSESSED_NOT", PRIVATE, "Not assessed"),
}
DECISIONS: Final = {
    "pending": _code("PENDING", PRIVATE, "not decided"),
    "confirmed": _code("CONFIRMED", PRIVATE, "confirmed"),
    "corrected": _code("CORRECTED", PRIVATE, "confirmed and corrected"),
    "added": _code("ADDED", PRIVATE, "added by the reader"),
}
#: (status, whether there are findings) -> CID 6047.
CAD_SUMMARIES: Final = {
    ("assessed", False): _code("111241", "DCM", "All algorithms succeeded; without findings"),
    ("assessed", True): _code("111242", "DCM", "All algorithms succeeded; with findings"),
    ("partly_assessed", False): _code(
        "111243", "DCM", "Not all algorithms succeeded; without findings"
    ),
    ("partly_assessed", True): _code(
        "111244", "DCM", "Not all algorithms succeeded; with findings"
    ),
    ("not_assessed", False): _code("111245", "DCM", "No algorithms succeeded; without findings"),
}
#: Guideline and edition -> prefix of the codes of its categories.
GUIDELINES: Final = {"Lung-RADS v2022": "LR2022", "Fleischner Society 2017": "FS2017"}
NO_CATEGORY: Final = {
    "cannot_categorise": _code("NO_CATEGORY", PRIVATE, "Cannot categorise"),
    "not_applicable": _code("NOT_APPLICABLE", PRIVATE, "Guideline not applicable"),
}


def own_value(prefix: str, word: str) -> Any:
    """A value of an open list (margin, calcification …) as a private code."""
    return _code(f"{prefix}_{word.upper()}", PRIVATE, word.replace("_", " "))


def category(guideline: str, name: str) -> Any:
    """The category of a guideline as a code, the edition in its value and its meaning."""
    prefix = GUIDELINES.get(guideline, "GUIDELINE")
    return _code(f"{prefix}_{name}", PRIVATE, f"{guideline} category {name}"[:64])
