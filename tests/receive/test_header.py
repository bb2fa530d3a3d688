"""The bounded header parser: what it reads, and what it refuses without being harmed."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from tests.receive import objects
from tests.receive.doors import peak_memory
from tests.receive.objects import ct, data_set, element
from triage.errors import IntakeError
from triage.receive.header import check_identity, read_header, snake
from triage.receive.inflate import inflate
from triage.receive.part10 import take_apart, write_file


@pytest.mark.parametrize("syntax", [objects.IMPLICIT, objects.EXPLICIT, objects.DEFLATED])
def test_reads_identity_and_geometry_in_every_native_syntax(syntax: str) -> None:
    header = read_header(data_set(ct(7), syntax), syntax)
    assert (header.sop_class, header.sop_uid) == (objects.CT, objects.uid(1, 7))
    assert (header.study_uid, header.series_uid) == (objects.STUDY, objects.uid(1))
    assert header.values["PatientName"] == "Wang^XiaoDong=王^小东"
    assert header.values["ImagePositionPatient"] == [-10.0, -10.0, 7.0]
    assert header.values["PixelSpacing"] == [0.7, 0.7]
    assert header.values["Rows"] == objects.SIZE
    assert header.pixel_data is not None
    assert header.pixel_data.length == objects.SIZE**2 * 2
    assert header.is_read


def test_pixel_place_is_true() -> None:
    raw = data_set(ct(3))
    place = read_header(raw, objects.EXPLICIT).pixel_data
    assert place is not None
    assert raw[place.start : place.start + place.length] == bytes([3, 0]) * objects.SIZE**2


def test_reads_compressed_to_its_delimiter() -> None:
    header = read_header(data_set(objects.compressed(ct()), objects.JPEG_LS), objects.JPEG_LS)
    assert header.pixel_data is not None
    assert header.pixel_data.encapsulated
    assert header.pixel_data.fragments == 1


def test_instance_json_names_no_patient() -> None:
    kept = read_header(data_set(ct()), objects.EXPLICIT).instance_json()
    assert kept["image_orientation_patient"] == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    assert kept["convolution_kernel"] == "B60f"
    assert not [name for name in kept if "name" in name or "patient_id" in name or "birth" in name]


@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        ("ImagePositionPatient", "image_position_patient"),
        ("FrameOfReferenceUID", "frame_of_reference_uid"),
        ("KVP", "kvp"),
        ("SOPInstanceUID", "sop_instance_uid"),
    ],
)
def test_snake(keyword: str, expected: str) -> None:
    assert snake(keyword) == expected


@pytest.mark.parametrize(
    ("term", "raw", "expected"),
    [
        ("ISO_IR 100", "Müller^Jörg".encode("latin-1"), "Müller^Jörg"),
        ("GB18030", "王^小东".encode("gb18030"), "王^小东"),
        # PS3.5 H.3.2: "^" stands inside the two-byte codes of the third group.
        (
            "\\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        ("\\ISO 2022 IR 149", b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7", "洪^吉洞"),
        # No character set told: bytes beyond ASCII stay visible as bytes, never as another name.
        ("", b"M\xfcller^Jorg", "M\\xfcller^Jorg"),
        ("KLINGON 1", b"M\xfcller", "M\\xfcller"),
    ],
)
def test_names_are_decoded_or_shown_as_damaged(term: str, raw: bytes, expected: str) -> None:
    whole = element(0x00080005, b"CS", term.encode() + b" " * (len(term) % 2))
    ds = ct(SpecificCharacterSet=None, PatientName=None)
    raw += b" " * (len(raw) % 2)
    name = element(0x00100010, b"PN", raw)
    # Order does not matter to the parser; a header may come in any.
    header = read_header(whole + name + data_set(ds), objects.EXPLICIT)
    assert str(header.values["PatientName"]).endswith(expected)


def test_two_undecodable_patient_ids_stay_different() -> None:
    ids = []
    for raw in ("张1".encode("gbk"), "李1".encode("gbk")):
        body = element(0x00100020, b"LO", raw + b" " * (len(raw) % 2))
        ds = ct(PatientID=None, SpecificCharacterSet=None)
        ids.append(read_header(body + data_set(ds), objects.EXPLICIT).values["PatientID"])
    assert ids[0] != ids[1]


def test_padding_value_follows_the_sign_of_the_pixels() -> None:
    padding = element(0x00280120, b"US", (63536).to_bytes(2, "little"))
    signed = read_header(padding + data_set(ct()), objects.EXPLICIT)
    unsigned = read_header(padding + data_set(ct(PixelRepresentation=0)), objects.EXPLICIT)
    assert signed.values["PixelPaddingValue"] == -2000
    assert unsigned.values["PixelPaddingValue"] == 63536


def test_procedure_code_is_read_from_its_sequence() -> None:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = "CTLDS", "99SITE"
    header = read_header(data_set(ct(ProcedureCodeSequence=[item])), objects.EXPLICIT)
    assert header.procedure_code == "CTLDS"


# What stops an object by itself: bytes, code, a word the administrator reads.
_SOUND = data_set(ct())
_PIXELS = element(0x7FE00010, b"OW", b"\x01\x00" * objects.SIZE**2)
_UNPIXELED = _SOUND[: -len(_PIXELS)]
REFUSED: list[tuple[str, bytes, str, str]] = [
    ("nothing", b"", "bad_uid", "SOP Class UID is missing"),
    ("random", bytes(range(256)) * 4, "bad_encoding", ""),
    ("ends early", _SOUND[:-100], "truncated_pixels", "ends early"),
    ("ends in header", _SOUND[:300], "truncated", "ends early"),
    ("length bomb", element(0x00091001, b"OB", b"x", 0xFFFFFFF0) + _SOUND, "truncated", "claims"),
    (
        "pixel length bomb",
        _UNPIXELED + element(0x7FE00010, b"OW", b"", 0xFFFFFFFE),
        "truncated_pixels",
        "4294967294",
    ),
    ("500 deep", objects.deep_bytes(500) + _SOUND, "too_deep", "nested"),
    ("100000 deep", objects.deep_bytes(100_000), "too_deep", "nested"),
    (
        "fewer pixels",
        _UNPIXELED + element(0x7FE00010, b"OW", b"\0" * 20),
        "truncated_pixels",
        "512",
    ),
    ("more pixels", _UNPIXELED + element(0x7FE00010, b"OW", b"\0" * 600), "pixel_length", "600"),
    ("no pixels", _UNPIXELED, "no_pixel_data", "missing"),
    ("no spacing", data_set(ct(PixelSpacing=None)), "no_pixel_spacing", "(0028,0030)"),
    ("zero spacing", data_set(ct(PixelSpacing=[0, 0.7])), "no_pixel_spacing", "above zero"),
    ("one spacing", data_set(ct(PixelSpacing="0.7")), "no_pixel_spacing", "1 numbers, not 2"),
    ("no position", data_set(ct(ImagePositionPatient=None)), "no_position", "(0020,0032)"),
    ("no direction", data_set(ct(ImageOrientationPatient=None)), "no_orientation", "(0020,0037)"),
    ("no rows", data_set(ct(Rows=None)), "no_rows", "Rows"),
    ("zero columns", data_set(ct(Columns=0)), "no_rows", "Columns"),
    ("huge image", data_set(ct(Rows=60000, Columns=60000)), "truncated_pixels", "7200000000"),
    ("0 frames", data_set(ct(NumberOfFrames="0")), "bad_pixel_format", "Frames"),
    ("1 bit", data_set(ct(BitsAllocated=1)), "bad_pixel_format", "1 bits"),
    ("no study", data_set(ct(StudyInstanceUID=None)), "bad_uid", "(0020,000D)"),
    (
        "two patients in one",
        element(0x00100020, b"LO", b"P2") + _SOUND,
        "duplicate_element",
        "(0010,0020) Patient ID occurs twice",
    ),
    (
        "long identity",
        element(0x00100020, b"LO", b"P" * 66) + data_set(ct(PatientID=None)),
        "bad_identity",
        "longer than 64",
    ),
    (
        "page of spacing",
        element(0x00280030, b"UT", b"0.7\\" * 4000) + data_set(ct(PixelSpacing=None)),
        "value_too_long",
        "16000 bytes",
    ),
    ("message group", element(0x00000100, b"US", b"\1\0") + _SOUND, "bad_encoding", "0000"),
    (
        "fragments in native",
        data_set(objects.compressed(ct()), objects.JPEG_LS),
        "encapsulation",
        "",
    ),
    ("item outside", b"\xfe\xff\x00\xe0\0\0\0\0" + _SOUND, "bad_encoding", "outside"),
    ("implicit, not explicit", data_set(ct(), objects.IMPLICIT), "bad_encoding", "transfer syntax"),
]


@pytest.mark.parametrize(
    ("raw", "code", "words"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_refuses(raw: bytes, code: str, words: str) -> None:
    with pytest.raises(IntakeError) as refusal:
        read_header(raw, objects.EXPLICIT)
    assert refusal.value.detail_code == code
    assert words in refusal.value.message


@pytest.mark.parametrize(
    "bad",
    ["", ".", "1..2", "1.", ".1", "1.02.3", "1.2.x", "../../etc/passwd", "1.2/3", "1" * 65, "5"],
)
def test_refuses_what_is_no_uid(bad: str) -> None:
    raw = bad.encode() + b"\0" * (len(bad) % 2)
    whole = element(0x00080018, b"UI", raw) + data_set(ct(SOPInstanceUID="1.2"))[0:0]
    rest = data_set(ct())
    sop = rest.index(b"\x08\x00\x18\x00UI")
    length = int.from_bytes(rest[sop + 6 : sop + 8], "little")
    with pytest.raises(IntakeError) as refusal:
        read_header(whole + rest[:sop] + rest[sop + 8 + length :], objects.EXPLICIT)
    assert refusal.value.detail_code == "bad_uid"


def test_truncated_fragments_are_refused() -> None:
    raw = data_set(objects.compressed(ct()), objects.JPEG_LS)
    with pytest.raises(IntakeError, match="ends early") as refusal:
        read_header(raw[:-8], objects.JPEG_LS)
    assert refusal.value.detail_code == "truncated_pixels"


def test_fewer_fragments_than_frames_are_refused() -> None:
    ds = objects.compressed(ct(NumberOfFrames="3"))
    with pytest.raises(IntakeError, match="1 fragments for 3 frames"):
        read_header(data_set(ds, objects.JPEG_LS), objects.JPEG_LS)


@pytest.mark.parametrize("kind", ["LOCALIZER", "SCREEN SAVE"])
def test_a_localiser_needs_no_place(kind: str) -> None:
    ds = ct(ImageType=["ORIGINAL", "PRIMARY", kind], PixelSpacing=None, ImagePositionPatient=None)
    assert read_header(data_set(ds), objects.EXPLICIT).sop_class == objects.CT


@pytest.mark.parametrize("syntax", [objects.BIG_ENDIAN, "1.2.840.10008.1.2.4.50", "1.2.3", ""])
def test_other_transfer_syntaxes_are_refused_by_name(syntax: str) -> None:
    with pytest.raises(IntakeError) as refusal:
        read_header(_SOUND, syntax)
    assert refusal.value.detail_code == "transfer_syntax"


def test_other_modality_is_told() -> None:
    with pytest.raises(IntakeError, match="MR") as refusal:
        read_header(data_set(ct(SOPClassUID=objects.MR, Modality="MR")), objects.EXPLICIT)
    assert (refusal.value.detail_code, refusal.value.dimse_status) == (
        "class_not_supported",
        0x0122,
    )


def test_identity_of_message_and_data_set_must_agree() -> None:
    header = read_header(_SOUND, objects.EXPLICIT)
    check_identity(header, objects.CT, objects.uid(1, 1))
    for sop_class, sop_uid in ((objects.MR, objects.uid(1, 1)), (objects.CT, objects.uid(1, 2))):
        with pytest.raises(IntakeError) as refusal:
            check_identity(header, sop_class, sop_uid)
        assert refusal.value.dimse_status == 0xA900


def test_a_bomb_is_not_unpacked() -> None:
    bomb = objects.deflate_bomb(128)
    assert len(bomb) < 1 << 20
    with peak_memory() as peak, pytest.raises(IntakeError) as refusal:
        read_header(bomb, objects.DEFLATED)
    assert refusal.value.detail_code == "deflate_bomb"
    assert peak[0] < 32 << 20


def test_a_well_compressed_slice_is_no_bomb() -> None:
    raw = data_set(ct(Rows=512, Columns=512, PixelData=bytes(512 * 512 * 2)), objects.DEFLATED)
    assert len(inflate(memoryview(raw))) > 100 * len(raw)
    assert read_header(raw, objects.DEFLATED).values["Rows"] == 512


@pytest.mark.parametrize("cut", [1, 5, 200])
def test_a_broken_deflate_stream_is_refused(cut: int) -> None:
    raw = data_set(ct(), objects.DEFLATED)
    with pytest.raises(IntakeError):
        read_header(raw[:-cut] if cut < 200 else b"\xff" * 50 + raw, objects.DEFLATED)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_mutated_objects_are_read_or_refused_never_worse(data: st.DataObject) -> None:
    syntax = data.draw(st.sampled_from([objects.IMPLICIT, objects.EXPLICIT, objects.JPEG_LS]))
    raw = bytearray(_MUTABLE[syntax])
    for _ in range(data.draw(st.integers(1, 12))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    del raw[data.draw(st.integers(len(raw) // 2, len(raw))) :]
    began = time.thread_time()  # of this thread's own work: a busy machine does not count
    try:
        header = read_header(bytes(raw), syntax)
    except IntakeError as refusal:
        assert refusal.message
    else:
        assert header.study_uid
    assert time.thread_time() - began < 5


_MUTABLE = {
    objects.IMPLICIT: data_set(objects.nested(ct(), 3), objects.IMPLICIT),
    objects.EXPLICIT: data_set(objects.nested(ct(), 3), objects.EXPLICIT),
    objects.JPEG_LS: data_set(objects.compressed(ct()), objects.JPEG_LS),
}


# ---------------------------------------------------------------- files


def test_file_is_taken_apart_and_written_with_an_empty_preamble() -> None:
    whole = objects.file_bytes(ct(), preamble=b"MZ" + b"\x90" * 126)
    parts = take_apart(whole)
    assert (parts.transfer_syntax, parts.sop_class) == (objects.EXPLICIT, objects.CT)
    assert parts.sop_uid is not None
    head, body = write_file(parts.data_set, objects.EXPLICIT, objects.CT, parts.sop_uid)
    again = take_apart(head + bytes(body))
    assert head[:128] == b"\0" * 128
    assert bytes(again.data_set) == bytes(parts.data_set) == _SOUND
    assert (again.sop_class, again.sop_uid) == (parts.sop_class, parts.sop_uid)


@pytest.mark.parametrize("syntax", [objects.IMPLICIT, objects.EXPLICIT])
def test_a_bare_data_set_is_understood(syntax: str) -> None:
    parts = take_apart(data_set(ct(), syntax))
    assert (parts.transfer_syntax, parts.sop_uid) == (syntax, None)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty"),
        (b"hello world" * 40, "not_dicom"),
        (b"\0" * 1000, "not_dicom"),
        (b"\0" * 128 + b"DICM", "bad_uid"),
        (b"\0" * 128 + b"DICM\x02\x00\x10\x00UI\xff\xff1.2", "truncated"),
    ],
)
def test_files_that_are_none(raw: bytes, code: str) -> None:
    with pytest.raises(IntakeError) as refusal:
        take_apart(raw)
    assert refusal.value.detail_code == code
