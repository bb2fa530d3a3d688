"""The words a reader may use: enumerations of the guidelines' inputs and categories."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """Why the CT was made."""

    SCREENING_LDCT = "screening_ldct"
    INCIDENTAL = "incidental"
    OTHER = "other"


class PriorCt(StrEnum):
    """Whether there is an earlier chest CT to compare with."""

    NONE = "none"
    AVAILABLE = "available"
    BEING_LOCATED = "being_located"


class Kind(StrEnum):
    """What the finding is; a nodule that belongs to a cyst is entered as its own finding."""

    NODULE = "nodule"
    CAVITARY = "cavitary"
    AIRWAY = "airway"
    CYST = "cyst"


class NoduleType(StrEnum):
    """Texture of a nodule."""

    SOLID = "solid"
    PART_SOLID = "part_solid"
    GROUND_GLASS = "ground_glass"


class FindingStatus(StrEnum):
    """The finding against the earlier exams."""

    BASELINE = "baseline"
    NEW = "new"
    EXISTING = "existing"
    RESOLVED = "resolved"


class Calcification(StrEnum):
    """Pattern; diffuse = complete, laminated = concentric ring."""

    NONE = "none"
    COMPLETE = "complete"
    DIFFUSE = "diffuse"
    CENTRAL = "central"
    POPCORN = "popcorn"
    CONCENTRIC_RING = "concentric_ring"
    LAMINATED = "laminated"
    ECCENTRIC = "eccentric"
    STIPPLED = "stippled"
    OTHER = "other"


class Margin(StrEnum):
    """Edge of a nodule."""

    SMOOTH = "smooth"
    LOBULATED = "lobulated"
    IRREGULAR = "irregular"
    SPICULATED = "spiculated"
    OTHER = "other"


class JuxtapleuralShape(StrEnum):
    """Shape of a nodule that touches pleura or fissure; null when it does not, or is unknown."""

    OVAL = "oval"
    LENTIFORM = "lentiform"
    TRIANGULAR = "triangular"
    OTHER = "other"


class AirwayLevel(StrEnum):
    """Where in the airway; ``segmental_or_proximal`` when no more is known."""

    SUBSEGMENTAL = "subsegmental"
    SEGMENTAL = "segmental"
    LOBAR = "lobar"
    MAIN = "main"
    TRACHEAL = "tracheal"
    SEGMENTAL_OR_PROXIMAL = "segmental_or_proximal"


class AirwayChange(StrEnum):
    """An airway nodule against the exam before."""

    STABLE = "stable"
    GROWING = "growing"
    DECREASED = "decreased"


class CystWall(StrEnum):
    """Thin: uniform, below 2 mm. Thick: 2 mm or more, or asymmetric, or nodular."""

    THIN = "thin"
    THICK = "thick"


class Locularity(StrEnum):
    """One chamber or several."""

    UNILOCULAR = "unilocular"
    MULTILOCULAR = "multilocular"


class CystChange(StrEnum):
    """A cyst against the exam before; several may be true."""

    CYSTIC_COMPONENT_GROWING = "cystic_component_growing"
    WALL_OR_NODULARITY_GROWING = "wall_or_nodularity_growing"
    BECAME_MULTILOCULAR = "became_multilocular"
    MORE_LOCULATION = "more_loculation"
    OPACITY_NEW_OR_INCREASED = "opacity_new_or_increased"


class LungRads(StrEnum):
    """Lung-RADS v2022 categories; S is a modifier and not among them."""

    C0 = "0"
    C1 = "1"
    C2 = "2"
    C3 = "3"
    C4A = "4A"
    C4B = "4B"
    C4X = "4X"


class Feature(StrEnum):
    """Additional features that may raise a category 3 or 4 nodule to 4X."""

    SPICULATION = "spiculation"
    LYMPHADENOPATHY = "lymphadenopathy"
    METASTATIC_DISEASE = "metastatic_disease"
    GGN_DOUBLED_IN_A_YEAR = "ggn_doubled_in_a_year"
    OTHER = "other"


class Risk(StrEnum):
    """Estimated probability of malignancy below 5 %, or 5 % and above: the clinician's word."""

    LOW = "low"
    HIGH = "high"
