"""The door takes exactly what the contract says; the names are checked against PS3.6."""

from __future__ import annotations

import pytest
from pydicom.uid import UID

from triage.receive import classes

# contract.md, section DICOM.
READ = ["CT Image", "Enhanced CT Image", "Legacy Converted Enhanced CT Image"]
STORED = [
    "Secondary Capture Image",
    "Basic Text SR",
    "Enhanced SR",
    "Comprehensive SR",
    "Comprehensive 3D SR",
    "X-Ray Radiation Dose SR",
    "Key Object Selection Document",
    "Grayscale Softcopy Presentation State",
    "Segmentation",
    "Encapsulated PDF",
]
SYNTAXES = {
    "Implicit VR Little Endian",
    "Explicit VR Little Endian",
    "Deflated Explicit VR Little Endian",
    "RLE Lossless",
    "JPEG-LS Lossless Image Compression",
    "JPEG 2000 Image Compression (Lossless Only)",
    "JPEG 2000 Image Compression",
    "High-Throughput JPEG 2000 Image Compression",
}


def test_read_classes_are_the_contracts() -> None:
    assert list(classes.READ_CLASSES.values()) == READ


@pytest.mark.parametrize("name", STORED)
def test_stored_classes_are_there(name: str) -> None:
    assert name in {
        *classes.STORED_IMAGE_CLASSES.values(),
        *classes.STORED_DOCUMENT_CLASSES.values(),
    }


@pytest.mark.parametrize(("uid", "name"), classes.CLASSES.items())
def test_names_and_uids_belong_together(uid: str, name: str) -> None:
    assert UID(uid).name.startswith(name)
    assert UID(uid).name.endswith("Storage")


def test_syntaxes_of_the_contract_are_negotiated_for_ct() -> None:
    for_ct = dict(classes.contexts())[next(iter(classes.READ_CLASSES))]
    names = {UID(uid).name for uid in for_ct}
    assert names >= SYNTAXES
    assert sum("JPEG Lossless" in name for name in names) == 2
    assert classes.EXPLICIT_VR_BIG_ENDIAN not in for_ct


def test_documents_are_not_negotiated_compressed() -> None:
    by_class = dict(classes.contexts())
    for uid in classes.STORED_DOCUMENT_CLASSES:
        assert not set(by_class[uid]) & set(classes.ENCAPSULATED_SYNTAXES)


def test_one_context_per_class_and_few_of_them() -> None:
    # Every class x syntax costs time in every association.
    abstract = [uid for uid, _ in classes.contexts()]
    assert len(abstract) == len(set(abstract)) <= 20
