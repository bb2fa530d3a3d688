"""Volumes that are no good chest: each is refused or flagged, with its reason, never just empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.detect import small_chest, small_model
from triage.core.finding import Detection, ResultStatus, SeriesVerdict
from triage.core.volume import Volume, axial_affine
from triage.detect import nodule, runtimes
from triage.detect.model_folder import open_model
from triage.detect.nodule import Detector
from triage.detect.series import SeriesAssessment
from triage.settings import RuntimeChoice

ASSESSED, PARTLY, NOT = (
    ResultStatus.ASSESSED,
    ResultStatus.PARTLY_ASSESSED,
    ResultStatus.NOT_ASSESSED,
)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    model = open_model(small_model.write(tmp_path_factory.mktemp("models") / "small"))
    return Detector(model, runtimes.choose(RuntimeChoice.ONNX, model, 1))


def look(volume: Volume, detector: Detector) -> Detection:
    uids = tuple(f"1.2.{z}" for z in range(volume.shape_zyx[0]))
    series = SeriesAssessment(
        "1.2", SeriesVerdict.RUN, (), uids, 3.0, 99.0, "STANDARD", derived=False
    )
    return nodule.detect(volume, series, detector)


def shifted(hu: int) -> Volume:
    whole = small_chest.chest()
    return replace(whole, hu=(whole.hu.astype(np.int32) + hu).clip(-32768, 32767).astype(np.int16))


def metal() -> Volume:
    """A rod of 19 ml between the lungs, with dark and bright streaks across them."""
    whole = small_chest.chest()
    whole.hu[5:29, 58:63, 45:51] = 3071
    whole.hu[5:29:2, 56:58] += 200
    whole.hu[5:29:2, 63:65] -= 200
    return whole


def thin() -> Volume:
    """1,500 slices of one chest: more than most scanners send."""
    whole = small_chest.chest()
    at = np.linspace(0, small_chest.SLICES - 1, 1500).round().astype(int)
    step = 3.0 * (small_chest.SLICES - 1) / 1499
    return Volume(whole.hu[at], axial_affine(small_chest.ORIGIN_LPS_MM, (step, 3.0, 3.0)))


def turned() -> Volume:
    """A patient who lies turned by 20 degrees: the pictures are as ever, the axes are not."""
    whole = small_chest.chest()
    a = np.radians(20.0)
    affine = whole.affine.copy()
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    affine[:3, :3] = turn @ affine[:3, :3]
    return Volume(whole.hu, affine)


@dataclass(frozen=True)
class Row:
    """What is looked at, and what must be answered."""

    volume: Callable[[], Volume]
    status: ResultStatus
    codes: tuple[str, ...] = ()
    says: str = ""


# fmt: off
ROWS = {
    "all air": Row(lambda: replace(small_chest.chest(), hu=np.full((34, 96, 96), -1000, np.int16)),
                   NOT, ("no_lung_found",), "nothing was looked at"),
    "no numbers": Row(lambda: replace(small_chest.chest(), hu=np.zeros((34, 96, 96), np.int16)),
                      NOT, ("no_lung_found",)),
    "1024 HU too high": Row(lambda: shifted(1024), NOT, ("no_lung_found",), "1024 HU too high"),
    "1024 HU too low": Row(lambda: shifted(-1024), NOT, ("no_lung_found",), "1024 HU too low"),
    "200 HU too high, so that the room looks like lung": Row(
        lambda: shifted(200), PARTLY, ("lung_not_covered",) * 3 + ("implausible_hu",), "230 HU"),
    "metal": Row(metal, ASSESSED, ("metal",), "ml are denser than 2500 HU"),
    "1,500 slices": Row(thin, ASSESSED),
    "turned about the long axis": Row(turned, ASSESSED),
    "smaller than the receptive field":
        Row(lambda: small_chest.chest().crop((12, 0, 0), (20, 96, 96)), PARTLY,
            ("lung_not_covered",) * 2, "ends within the lung"),
}
# fmt: on


@pytest.mark.parametrize("name", ROWS)
def test_odd_volumes_are_answered_with_their_reason(name: str, detector: Detector) -> None:
    row = ROWS[name]
    found = look(row.volume(), detector)
    assert (found.status, tuple(r.code for r in found.reasons)) == (row.status, row.codes)
    assert row.says in "; ".join(r.message for r in found.reasons)
    assert found.findings == () or found.status is not NOT


@pytest.mark.parametrize("name", ["1,500 slices", "turned about the long axis", "metal"])
def test_the_nodule_is_still_found_where_it_lies(name: str, detector: Detector) -> None:
    volume = ROWS[name].volume()
    found = look(volume, detector)
    place = volume.affine[:3, 3] + volume.affine[:3, :3] @ _index_of_the_ball(volume)
    away = [float(np.linalg.norm(np.subtract(f.center_lps_mm, place))) for f in found.findings]
    assert min(away) < 5.0


def _index_of_the_ball(volume: Volume) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """By its place in millimetres from the first voxel, which no row changes."""
    x, y, z = np.subtract(small_chest.BALL.center_lps_mm, small_chest.ORIGIN_LPS_MM)
    index: np.ndarray[tuple[int], np.dtype[np.float64]]
    index = np.array([z, y, x]) / np.array(volume.spacing_zyx_mm)
    return index


def test_more_lung_than_a_chest_holds_is_refused(detector: Detector) -> None:
    whole = small_chest.chest()
    wide = Volume(whole.hu, axial_affine(small_chest.ORIGIN_LPS_MM, (9.0, 9.0, 9.0)))
    found = look(wide, detector)
    assert found.status is NOT and [r.code for r in found.reasons] == ["implausible_lung"]
    assert "litres" in found.reasons[0].message
