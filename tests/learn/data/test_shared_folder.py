"""A made data folder, and everything that can be wrong with one."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.detect import small_chest
from tests.learn.data import lidc_shaped
from triage import cli
from triage.errors import DataRefused
from triage.learn.data import shared
from triage.learn.data.cases import Role
from triage.learn.data.sums import SUMS

NODULE = {"center_mm": [-55.0, 0.0, 0.0], "diameter_mm": 14.0, "label": "positive", "readers": 4}
ROW = {
    "case": "one",
    "patient": "P-1",
    "all_nodules_marked": True,
    "truth_kind": "lidc_readers",
    "nodules": [NODULE],
    "licence": "CC BY 3.0",
    "spacing_mm": [3.0, 3.0, 3.0],
}


def make(top: Path, *, sums: bool = True) -> Path:
    """Two series, one of them by a patient nobody ruled on, and four cubes."""
    for number, name in ((1, "one"), (2, "LUNGx-CT003")):
        files = lidc_shaped.write_series(top.parent / "files", number=number)
        (top / "series").mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(top / "series" / f"{name}.zip", "w") as archive:
            for path in files.iterdir():
                archive.write(path, path.name)
    rows = {"1.1": ROW, "1.2": ROW | {"case": "LUNGx-CT003", "patient": "P-2"}}
    write_truth(top, rows)
    (top / "cubes").mkdir()
    write_cubes(top, 4)
    if sums:
        write_sums(top)
    return top


def write_truth(top: Path, rows: dict[str, Any]) -> None:
    (top / "truth.json").write_text(json.dumps({"format": 1, "series": rows}))


def write_cubes(top: Path, count: int, described: int | None = None) -> None:
    facts = [
        {
            "patient": f"C-{i}", "suggested_role": "train" if i else "val", "readers": 4,
            "diameter_mm": 6.0 + i, "series_uid": f"2.{i}", "scan_slice_thickness_mm": 1.25,
            "ratings": {"texture": 5}, "match_cost": 0.1,
        }
        for i in range(count if described is None else described)
    ]  # fmt: skip
    (top / "cubes" / "lidc_cubes.json").write_text(json.dumps({"cubes": facts}))
    empty = np.zeros((count, 51, 51, 51), np.int16)
    np.savez_compressed(top / "cubes" / "lidc_cubes.npz", hu=empty, mask=empty.astype(np.uint8))


def write_sums(top: Path) -> None:
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(top)}"
        for path in sorted(top.rglob("*"))
        if path.is_file() and path.name != SUMS
    ]
    (top / SUMS).write_text("\n".join(lines) + "\n")


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return make(tmp_path / "data")


def test_a_folder_is_described(top: Path) -> None:
    data = shared.read(str(top))
    assert [c.name for c in data.cases] == ["one", "LUNGx-CT003"]
    assert (data.licence, len(data.cubes), data.windows) == ("CC BY 3.0", 4, ())
    assert np.array_equal(data.cases[0].volume().hu.shape, (small_chest.SLICES, 96, 96))


def test_a_series_nobody_ruled_on_is_for_testing(top: Path) -> None:
    roles = shared.read(str(top)).roles
    assert (roles["P-1"], roles["P-2"]) == (Role.TEST, Role.TRAIN)
    assert roles["C-0"] is Role.TEST


def test_without_cubes_there_are_only_series(top: Path) -> None:
    for path in (top / "cubes").iterdir():
        path.unlink()
    (top / SUMS).unlink()
    assert shared.read(str(top)).cubes == ()


def test_the_digest_is_the_same_without_a_list_of_sums(top: Path) -> None:
    listed = shared.read(str(top)).digest
    (top / SUMS).unlink()
    (top / "README.md").write_text("whatever")
    assert shared.read(str(top)).digest == listed
    write_truth(top, {"1.1": ROW})
    assert shared.read(str(top)).digest != listed


# ---------------------------------------------------------------- what can be wrong


def _without(name: str) -> Callable[[Path], None]:
    return lambda top: (top / name).unlink()


def _row(**changes: Any) -> Callable[[Path], None]:
    def change(top: Path) -> None:
        (top / SUMS).unlink()
        row = {k: v for k, v in (ROW | changes).items() if v is not None}
        write_truth(top, {"1.1": row})

    return change


def _nodule(**changes: Any) -> Callable[[Path], None]:
    return _row(nodules=[NODULE | changes])


def _text(name: str, text: str) -> Callable[[Path], None]:
    def change(top: Path) -> None:
        (top / SUMS).unlink()
        (top / name).write_text(text)

    return change


def _changed(top: Path) -> None:
    path = top / "series" / "one.zip"
    path.write_bytes(path.read_bytes()[:-1])


def _unlisted(top: Path) -> None:
    (top / "series" / "more.zip").write_bytes(b"")


def _twice(top: Path) -> None:
    (top / SUMS).unlink()
    write_truth(top, {"1.1": ROW, "1.2": ROW})


def _fewer_cubes(top: Path) -> None:
    (top / SUMS).unlink()
    write_cubes(top, 2, described=3)


def _half_windows(top: Path) -> None:
    (top / SUMS).unlink()
    (top / "patches").mkdir()
    (top / "patches" / "lidc_nodule_slices.json").write_text('{"nodules": []}')


def _bad_sums(top: Path) -> None:
    (top / SUMS).write_text("hello\n")


def _other_windows(top: Path) -> None:
    _half_windows(top)
    for name in ("lidc_nodule_slices.zip", "lidc_nodule_readers.npz"):
        (top / "patches" / name).write_bytes(b"")
    (top / "patches" / "lidc_nodule_slices.json").write_text('{"nodules": [{"name": "n"}]}')


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "no truth": (_without("truth.json"), r"truth\.json is missing: expected in the development"),
    "truth is no JSON": (_text("truth.json", "{"), r"truth\.json cannot be read"),
    "truth is a list": (_text("truth.json", "[]"), "lists no series"),
    "truth without series": (_text("truth.json", '{"series": {}}'), "lists no series"),
    "a series without patient": (_row(patient=None), "lacks or misstates 'patient'"),
    "a series without truth": (_row(nodules=None), "lacks or misstates 'nodules'"),
    "another kind of series": (_row(kind="half"), "lacks or misstates 'half'"),
    "NaN spacing": (_row(spacing_mm=[0.7, float("nan"), 1.0]), "misstates a size: nan"),
    "no spacing": (_row(spacing_mm=[0.7, 0.0, 1.0]), "misstates a size: 0.0"),
    "a nodule at infinity": (_nodule(center_mm=[0, 0, float("inf")]), "misstates a place"),
    "a flat place": (_nodule(center_mm=[0, 0]), "lacks or misstates not enough values"),
    "a nodule of no size": (_nodule(diameter_mm=0.0), "misstates a size"),
    "a series is missing": (_without("series/one.zip"), r"one\.zip is missing; truth\.json names"),
    "one case twice": (_twice, "names a case twice"),
    "another content": (_changed, "is not the file that SHA256SUMS lists"),
    "a file is missing": (_without("cubes/lidc_cubes.npz"), "is missing; SHA256SUMS lists it"),
    "a file nobody listed": (_unlisted, "is not in SHA256SUMS"),
    "sums that are none": (_bad_sums, "is no list of SHA-256 sums"),
    "cubes that end early": (_text("cubes/lidc_cubes.npz", "PK"), "npz cannot be read"),
    "cubes without facts": (_text("cubes/lidc_cubes.json", "{}"), "lists no cubes"),
    "cubes with other facts": (
        _text("cubes/lidc_cubes.json", json.dumps({"cubes": [{"patient": "P"}] * 4})),
        "a cube lacks or misstates 'suggested_role'",
    ),
    "fewer cubes than facts": (_fewer_cubes, "holds 2 cubes, cubes/lidc_cubes.json describes 3"),
    "windows with other facts": (_other_windows, "a nodule lacks or misstates 'patient'"),
    "windows without pictures": (_half_windows, r"slices\.zip is missing"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_folder_is_refused_by_name(top: Path, name: str) -> None:
    change, why = BAD[name]
    change(top)
    with pytest.raises(DataRefused, match=why):
        shared.read(str(top))


@pytest.mark.parametrize("bytes_kept", [0, 100, 5000])
def test_a_zip_that_ends_early_is_refused_when_read(top: Path, bytes_kept: int) -> None:
    (top / SUMS).unlink()
    path = top / "series" / "one.zip"
    path.write_bytes(path.read_bytes()[:bytes_kept])
    case = shared.read(str(top)).cases[0]
    with pytest.raises(DataRefused, match=r"one\.zip cannot be read"):
        case.volume()


# ---------------------------------------------------------------- by command


def test_the_command_prints_counts_and_digests(top: Path) -> None:
    said = CliRunner().invoke(cli.app, ["data", "describe", f"shared:{top}", "--json"])
    assert said.exit_code == 0, said.output
    answer = json.loads(said.stdout)
    assert answer["licence"] == "CC BY 3.0"
    assert answer["roles"]["test"]["series"]["nodules"] == 1
    assert answer["roles"]["test"]["series"]["size_mm"] == {"8 to 15": 1}
    assert len(answer["split"]) == len(answer["data"]) == 64
    plain = CliRunner().invoke(cli.app, ["data", "describe", f"shared:{top}"])
    assert f"split: {answer['split']}" in plain.stdout


@pytest.mark.parametrize("source", ["shared:nowhere", "tape:x"])
def test_the_command_refuses_by_name(source: str) -> None:
    said = CliRunner().invoke(cli.app, ["data", "describe", source])
    assert isinstance(said.exception, DataRefused)
