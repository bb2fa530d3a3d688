"""What the DICOM door takes: SOP Classes and transfer syntaxes, as the conformance statement says.

Short on purpose: every class x syntax is negotiated once per association. Classes that are stored
and never read are here so that a scanner's job does not turn red for its dose report.
"""

from __future__ import annotations

from typing import Final

from triage.pathway import (
    CT_IMAGE_STORAGE,
    ENHANCED_CT_IMAGE_STORAGE,
    LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE,
)

VERIFICATION: Final = "1.2.840.10008.1.1"

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"

#: Pixel data lies as it is, its length follows from the header (PS3.5 A.1, A.2, A.5).
NATIVE_SYNTAXES: Final = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, DEFLATED)
#: Pixel data in fragments (PS3.5 A.4), with the names of PS3.6.
ENCAPSULATED_SYNTAXES: Final = {
    "1.2.840.10008.1.2.5": "RLE Lossless",
    "1.2.840.10008.1.2.4.57": "JPEG Lossless, Process 14",
    "1.2.840.10008.1.2.4.70": "JPEG Lossless, Process 14, Selection Value 1",
    "1.2.840.10008.1.2.4.80": "JPEG-LS Lossless",
    "1.2.840.10008.1.2.4.81": "JPEG-LS Near-Lossless",
    "1.2.840.10008.1.2.4.90": "JPEG 2000 Lossless",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
    "1.2.840.10008.1.2.4.201": "HTJ2K Lossless",
    "1.2.840.10008.1.2.4.202": "HTJ2K Lossless RPCL",
    "1.2.840.10008.1.2.4.203": "HTJ2K",
}
SYNTAXES: Final = (*NATIVE_SYNTAXES, *ENCAPSULATED_SYNTAXES)

#: Read by the product; a new instance of these is news for the engine.
READ_CLASSES: Final = {
    CT_IMAGE_STORAGE: "CT Image",
    ENHANCED_CT_IMAGE_STORAGE: "Enhanced CT Image",
    LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE: "Legacy Converted Enhanced CT Image",
}
#: Stored and never read; images among them may come compressed. Localisers are CT Images.
STORED_IMAGE_CLASSES: Final = {
    "1.2.840.10008.5.1.4.1.1.7": "Secondary Capture Image",
    "1.2.840.10008.5.1.4.1.1.7.2": "Multi-frame Grayscale Byte Secondary Capture Image",
    "1.2.840.10008.5.1.4.1.1.7.3": "Multi-frame Grayscale Word Secondary Capture Image",
    "1.2.840.10008.5.1.4.1.1.7.4": "Multi-frame True Color Secondary Capture Image",
    "1.2.840.10008.5.1.4.1.1.66.4": "Segmentation",
}
STORED_DOCUMENT_CLASSES: Final = {
    "1.2.840.10008.5.1.4.1.1.88.11": "Basic Text SR",
    "1.2.840.10008.5.1.4.1.1.88.22": "Enhanced SR",
    "1.2.840.10008.5.1.4.1.1.88.33": "Comprehensive SR",
    "1.2.840.10008.5.1.4.1.1.88.34": "Comprehensive 3D SR",
    "1.2.840.10008.5.1.4.1.1.88.67": "X-Ray Radiation Dose SR",
    "1.2.840.10008.5.1.4.1.1.88.59": "Key Object Selection Document",
    "1.2.840.10008.5.1.4.1.1.11.1": "Grayscale Softcopy Presentation State",
    "1.2.840.10008.5.1.4.1.1.104.1": "Encapsulated PDF",
}
CLASSES: Final = READ_CLASSES | STORED_IMAGE_CLASSES | STORED_DOCUMENT_CLASSES


def contexts() -> list[tuple[str, list[str]]]:
    """Presentation contexts of the door: abstract syntax, transfer syntaxes by preference."""
    images = [(uid, list(SYNTAXES)) for uid in (*READ_CLASSES, *STORED_IMAGE_CLASSES)]
    documents = [(uid, list(NATIVE_SYNTAXES)) for uid in STORED_DOCUMENT_CLASSES]
    return [(VERIFICATION, list(NATIVE_SYNTAXES[:2])), *images, *documents]
