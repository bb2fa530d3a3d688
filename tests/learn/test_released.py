"""The released model on the one whole series no model is ever trained on: as the card says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from triage.core.finding import Candidate
from triage.detect import tiles
from triage.detect.decode import DecodeSettings, decode
from triage.detect.prepare import Prepared, prepare
from triage.learn.data.cases import Case
from triage.learn.data.dicom import read_volume
from triage.learn.data.shared import read_cases
from triage.learn.froc import Role, score

pytestmark = pytest.mark.real
FOLDER = Path(__file__).resolve().parents[2] / "models" / "nodule-s"
Float32Array = npt.NDArray[np.float32]


class OnnxRuntime:
    """The released file, single-threaded."""

    name = "onnx"

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(FOLDER / "model.onnx", options)

    def infer(self, tensor: Float32Array) -> Float32Array:
        answer: Float32Array = self._session.run(None, {"image": tensor})[0]
        return answer


@pytest.fixture(scope="module")
def case(shared_data: Path) -> Case:
    return read_cases(shared_data)["LIDC-IDRI-0050"]


@pytest.fixture(scope="module")
def prepared(case: Case) -> Prepared:
    return prepare(read_volume(case.path))


@pytest.fixture(scope="module")
def found(prepared: Prepared) -> list[Candidate]:
    facts = json.loads((FOLDER / "configs" / "metadata.json").read_text())
    settings = DecodeSettings.from_metadata(facts["decode"])
    return decode(tiles.run(OnnxRuntime(), prepared.tensor), prepared, settings)


def card_row() -> list[str]:
    """Cells of the series' row in the card's table."""
    card = (FOLDER / "docs" / "README.md").read_text()
    (row,) = [r for r in card.splitlines() if r.startswith("| LIDC-IDRI-0050")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_marked_nodule_is_the_most_probable_mark(case: Case, found: list[Candidate]) -> None:
    scored = score(case, found)
    assert scored.roles[0] is Role.HIT
    assert scored.nodules[0].false_above == 0
    # The readers' mean is 25.0 mm, theirs range from 23.5 to 26.4.
    assert found[0].diameter_mm == pytest.approx(25.0, rel=0.25)


def test_the_card_states_what_comes_out(case: Case, found: list[Candidate]) -> None:
    scored = score(case, found)
    _, model, nodule, above, luna, strict = card_row()
    assert model == "released"
    assert nodule.endswith(f"{found[0].probability:.2f}")
    assert int(above) == scored.nodules[0].false_above
    # Marks next to the operating point may change sides between torch and ONNX Runtime.
    assert scored.false_positives_luna == pytest.approx(int(luna), abs=1)
    assert scored.false_positives_strict == pytest.approx(int(strict), abs=1)


def test_every_mark_lies_in_the_scan_and_in_the_lung(
    prepared: Prepared, found: list[Candidate]
) -> None:
    zyx = np.rint(prepared.to_zyx([c.center_lps_mm for c in found])).astype(int)
    assert prepared.lung[tuple(zyx.T)].all()


def test_the_lung_report_of_a_whole_chest(prepared: Prepared) -> None:
    report = prepared.report
    assert report.covered_fraction == 1.0
    assert not (report.touches_first or report.touches_last or report.touches_side)
    assert 3000 < report.volume_ml < 6500
