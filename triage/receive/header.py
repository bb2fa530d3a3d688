"""The header of one object, read at the door before anything is promised (design decision 6).

What stops an object here is what would make it dangerous or useless by itself: no DICOM, a length
that is not true, a UID that is none, a CT slice without size or place. What only a whole series can
tell (one slice, gaps, mixed orientations) is stored and judged by `triage.detect.series`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pydicom.datadict import keyword_dict

from triage.errors import CannotUnderstand, ClassNotSupported, IdentityMismatch, IntakeError
from triage.pathway import CT_IMAGE_STORAGE
from triage.receive import classes, pixels, values
from triage.receive.inflate import inflate
from triage.receive.values import JsonValue
from triage.receive.walk import PIXEL_DATA, Place, Value, name_of, walk

#: Instance level: what geometry, choice and display need, kept with the row, by DICOM keyword.
_INSTANCE: Final = {
    "ImageType": "list",
    "Modality": "text",
    "SeriesDescription": "text",
    "ConvolutionKernel": "text",
    "SliceThickness": "decimal",
    "SpacingBetweenSlices": "decimal",
    "KVP": "decimal",
    "GantryDetectorTilt": "decimal",
    "PatientPosition": "text",
    "SeriesNumber": "integer",
    "AcquisitionNumber": "integer",
    "InstanceNumber": "integer",
    "ImagePositionPatient": "decimals",
    "ImageOrientationPatient": "decimals",
    "FrameOfReferenceUID": "text",
    "SliceLocation": "decimal",
    "SamplesPerPixel": "unsigned",
    "PhotometricInterpretation": "text",
    "NumberOfFrames": "integer",
    "Rows": "unsigned",
    "Columns": "unsigned",
    "PixelSpacing": "decimals",
    "BitsAllocated": "unsigned",
    "BitsStored": "unsigned",
    "HighBit": "unsigned",
    "PixelRepresentation": "unsigned",
    "PixelPaddingValue": "unsigned",
    "PixelPaddingRangeLimit": "unsigned",
    "LossyImageCompression": "text",
    "WindowCenter": "decimals",
    "WindowWidth": "decimals",
    "RescaleIntercept": "decimal",
    "RescaleSlope": "decimal",
    "RescaleType": "text",
    "AcquisitionDate": "date",
    "AcquisitionTime": "text",
}
#: Patient, study, series and equipment: kept once, on the rows of study and series.
_ABOVE: Final = {
    "PatientName": "name",
    "PatientID": "text",
    "IssuerOfPatientID": "text",
    "PatientBirthDate": "date",
    "PatientSex": "text",
    "PatientAge": "text",
    "AccessionNumber": "text",
    "StudyDate": "date",
    "StudyTime": "text",
    "StudyDescription": "text",
    "ReferringPhysicianName": "name",
    "Manufacturer": "text",
    "BodyPartExamined": "text",
}
_UIDS: Final = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_CHARSET: Final = 0x00080005
# Code Value in the first item of Procedure Code Sequence, then of Requested Procedure Code Sequence
_PROCEDURE_CODES: Final = ((0x00081032, 0x00080100), (0x00321064, 0x00080100))
#: Longer values of these would have to be cut, and a cut identity is another identity.
_MAX_IDENTITY: Final = {"PatientID": 64, "IssuerOfPatientID": 64, "AccessionNumber": 64}


def _tag(keyword: str) -> int:
    return int(keyword_dict[keyword])


_KINDS: Final = {_tag(keyword): (keyword, kind) for keyword, kind in (_INSTANCE | _ABOVE).items()}
_WANTED: Final[frozenset[Place]] = frozenset(
    {*_KINDS, *(_tag(u) for u in _UIDS), _CHARSET, *_PROCEDURE_CODES}
)


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of one object after its header was read.

    Attributes
    ----------
    sop_class, sop_uid, study_uid, series_uid : str
        Valid UIDs.
    transfer_syntax : str
    values : mapping of str to JsonValue
        Decoded values by DICOM keyword (PS3.6); a missing or unreadable one is not there.
    procedure_code : str
        Code of the performed, else of the requested procedure; "" when there is none.
    pixel_data : Value or None
        Where the pixel data lies in the (inflated) data set.
    """

    sop_class: str
    sop_uid: str
    study_uid: str
    series_uid: str
    transfer_syntax: str
    values: Mapping[str, JsonValue]
    procedure_code: str
    pixel_data: Value | None

    @property
    def is_read(self) -> bool:
        """Whether its class is one that the product reads; localisers are among them."""
        return self.sop_class in classes.READ_CLASSES

    def text(self, keyword: str, limit: int = 64) -> str:
        """A value as text, cut to what the column of its row holds; "" when missing."""
        value = self.values.get(keyword)
        parts = value if isinstance(value, list) else [] if value is None else [value]
        return "\\".join(str(part) for part in parts)[:limit]

    def number(self, keyword: str) -> int | None:
        """A whole number, or None."""
        value = self.values.get(keyword)
        return value if isinstance(value, int) else None

    def instance_json(self) -> dict[str, JsonValue]:
        """Instance-level values by lower-snake keyword, without any of the patient's."""
        return {_SNAKE[k]: v for k, v in self.values.items() if k in _SNAKE}


def snake(keyword: str) -> str:
    """A DICOM keyword in lower snake case: ``PatientID`` → ``patient_id``."""
    out = []
    for i, letter in enumerate(keyword):
        after_lower = i > 0 and keyword[i - 1].islower()
        before_lower = i > 0 and i + 1 < len(keyword) and keyword[i + 1].islower()
        if letter.isupper() and (after_lower or before_lower):
            out.append("_")
        out.append(letter.lower())
    return "".join(out)


_SNAKE: Final = {keyword: snake(keyword) for keyword in _INSTANCE}


def read_header(data_set: bytes | memoryview, transfer_syntax: str) -> Header:
    """Read and check the header of one encoded data set.

    Parameters
    ----------
    data_set : bytes-like
        Encoded data set, without file meta information.
    transfer_syntax : str
        UID of its encoding.

    Returns
    -------
    Header

    Raises
    ------
    CannotUnderstand, ClassNotSupported
        The message names the tag; the code is stable.
    """
    if transfer_syntax not in classes.SYNTAXES:
        raise CannotUnderstand(_refused_syntax(transfer_syntax), code="transfer_syntax")
    data = memoryview(data_set)
    if transfer_syntax == classes.DEFLATED:
        data = memoryview(inflate(data))
    implicit = transfer_syntax == classes.IMPLICIT_VR_LITTLE_ENDIAN
    found = walk(data, implicit=implicit, wanted=_WANTED)
    uids = {keyword: _uid(data, found, keyword) for keyword in _UIDS}
    header = Header(
        sop_class=uids["SOPClassUID"],
        sop_uid=uids["SOPInstanceUID"],
        study_uid=uids["StudyInstanceUID"],
        series_uid=uids["SeriesInstanceUID"],
        transfer_syntax=transfer_syntax,
        values=_decode(data, found),
        procedure_code=_procedure_code(data, found),
        pixel_data=next((found[tag] for tag in sorted(PIXEL_DATA) if tag in found), None),
    )
    _check(header)
    return header


def study_uid_of(data_set: bytes | memoryview, transfer_syntax: str) -> str:
    """Study that a refused object says it belongs to; "" when it does not tell.

    An image that was set aside is missing from its study, and whoever reads the study must know.
    """
    if transfer_syntax not in classes.SYNTAXES or transfer_syntax == classes.DEFLATED:
        return ""
    data, found, tag = memoryview(data_set), dict[Place, Value](), _tag("StudyInstanceUID")
    implicit = transfer_syntax == classes.IMPLICIT_VR_LITTLE_ENDIAN
    with suppress(IntakeError):
        walk(data, implicit=implicit, wanted=_WANTED, found=found)
    with suppress(IntakeError):
        return _uid(data, found, "StudyInstanceUID") if tag in found else ""
    return ""


def check_identity(header: Header, sop_class: str, sop_uid: str) -> None:
    """Compare a data set with the message or file meta information that carried it.

    Raises
    ------
    IdentityMismatch
        PS3.4 B.2.3: status 0xA900.
    """
    for said, is_, what in (
        (sop_class, header.sop_class, "SOP Class UID"),
        (sop_uid, header.sop_uid, "SOP Instance UID"),
    ):
        if said.rstrip("\x00 ") != is_:
            raise IdentityMismatch(
                f"{what} of the message differs from that of the data set: {said[:64]!r}, {is_}"
            )


def _check(header: Header) -> None:
    if header.sop_class not in classes.CLASSES:
        modality = header.text("Modality", 16) or "unknown modality"
        raise ClassNotSupported(f"SOP Class {header.sop_class} ({modality}) is not taken in here")
    for keyword, limit in _MAX_IDENTITY.items():
        if len(header.text(keyword, limit + 1)) > limit:
            raise CannotUnderstand(
                f"{name_of(_tag(keyword))} is longer than {limit} characters", code="bad_identity"
            )
    if header.is_read:
        pixels.check(header.values, header.pixel_data, header.transfer_syntax)
    if header.sop_class == CT_IMAGE_STORAGE and not _is_localiser(header):
        _check_place(header)


def _is_localiser(header: Header) -> bool:
    """Localisers and screen saves are CT Images (PS3.3 C.8.2.1.1.1): stored, never read."""
    kinds = header.values.get("ImageType")
    return isinstance(kinds, list) and not {"LOCALIZER", "SCREEN SAVE"}.isdisjoint(map(str, kinds))


#: Without these a CT slice has no size or no place: keyword, how many numbers, what is impossible.
_PLACE: Final = (
    ("PixelSpacing", 2, "no_pixel_spacing", "sizes in mm are not possible"),
    ("ImagePositionPatient", 3, "no_position", "its place in the patient is unknown"),
    ("ImageOrientationPatient", 6, "no_orientation", "its place in the patient is unknown"),
)


def _check_place(header: Header) -> None:
    for keyword, count, code, impossible in _PLACE:
        numbers = header.values.get(keyword)
        name = name_of(_tag(keyword))
        if not isinstance(numbers, list):
            raise CannotUnderstand(f"{name} is missing; {impossible}", code=code)
        if len(numbers) != count:
            raise CannotUnderstand(
                f"{name} has {len(numbers)} numbers, not {count}; {impossible}", code=code
            )
        if keyword == "PixelSpacing" and not all(isinstance(n, float) and n > 0 for n in numbers):
            raise CannotUnderstand(f"{name} is not above zero; {impossible}", code=code)


def _uid(data: memoryview, found: Mapping[Place, Value], keyword: str) -> str:
    tag = _tag(keyword)
    if tag not in found:
        raise CannotUnderstand(f"{name_of(tag)} is missing", code="bad_uid")
    return values.uid(_bytes(data, found[tag], tag), name_of(tag))


def _decode(data: memoryview, found: Mapping[Place, Value]) -> dict[str, JsonValue]:
    encodings = values.charset(_raw(data, found, _CHARSET))
    decoded: dict[str, JsonValue] = {}
    for tag, (keyword, kind) in _KINDS.items():
        raw = _raw(data, found, tag)
        # An empty value is a missing one; two zero bytes are the number zero.
        if not raw.rstrip(b"\x00 ") and (kind != "unsigned" or len(raw) != 2):
            continue
        value = values.DECODERS[kind](raw, encodings)
        if value is not None:
            decoded[keyword] = value
    if decoded.get("PixelRepresentation") == 1:
        # US or SS by the pixels' own sign (PS3.6): 63536 is -2000.
        for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
            padding = decoded.get(keyword)
            if isinstance(padding, int) and padding >= 1 << 15:
                decoded[keyword] = padding - (1 << 16)
    return decoded


def _procedure_code(data: memoryview, found: Mapping[Place, Value]) -> str:
    for place in _PROCEDURE_CODES:
        if place in found:
            return values.text(_bytes(data, found[place], place[1]), ("ascii",))[:64]
    return ""


def _raw(data: memoryview, found: Mapping[Place, Value], tag: int) -> bytes:
    return _bytes(data, found[tag], tag) if tag in found else b""


def _bytes(data: memoryview, value: Value, tag: int) -> bytes:
    if value.length > values.MAX_VALUE_BYTES:
        raise CannotUnderstand(
            f"{name_of(tag)} is {value.length} bytes long; that is no such value",
            code="value_too_long",
        )
    return bytes(data[value.start : value.start + value.length])


def _refused_syntax(uid: str) -> str:
    if uid == classes.EXPLICIT_VR_BIG_ENDIAN:
        return "Explicit VR Big Endian (retired) is not taken in; send little endian"
    return f"transfer syntax {uid[:64]!r} is not taken in"
