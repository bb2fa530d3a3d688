"""Figures are counts of what the clinic's own code says, and never of a scan trained on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("torch", reason="torch is not installed (extra train)")
from tests.learn.evaluation.test_inserted import data
from tests.learn.material import case_of, scan
from triage.detect.decode import DecodeSettings
from triage.learn import figures
from triage.learn.data.cases import Role as DataRole
from triage.learn.data.shared import read_cases
from triage.learn.evaluation.inserted import Ask, insertion_set
from triage.learn.evaluation.tables import TruthKind

Float32Array = npt.NDArray[np.float32]


class Bright:
    """A runtime that calls bright blocks nodules."""

    name = "bright"

    def infer(self, tensor: Float32Array) -> Float32Array:
        z, y, x = (n // 4 for n in tensor.shape[2:])
        blocks = tensor[0, 0].reshape(z, 4, y, 4, x, 4).mean(axis=(1, 3, 5))
        rest = np.full((4, z, y, x), 0.375, np.float32)
        rest[0] = 2.0
        return np.concatenate([(blocks * 20 - 8)[None], rest])[None].astype(np.float32)


def test_planted_figures_count_every_planted_nodule_and_every_twin() -> None:
    made = insertion_set(data(), Ask(DataRole.SELECT, placements=3))
    said = figures.planted_figures(Bright(), made)
    nodules = [t for m in made for t in m.table.of(TruthKind.NODULE)]
    twins = [t for m in made for t in m.table.of(TruthKind.TWIN)]
    assert said.planted_diameters_mm == [t.diameter_mm for t in nodules]
    assert len(said.planted_diameters_mm) == 6
    assert len(said.hit_logits) == len(said.hit_diameters_mm) == 6
    assert min(said.hit_logits) > 0.0
    assert len(said.twin_logits) == len(twins) > 0


def test_false_marks_are_counted_on_the_untouched_lung_and_on_it_alone() -> None:
    made = insertion_set(data(), Ask(DataRole.SELECT, placements=2))
    *planted, untouched = made
    alone = figures.planted_figures(Bright(), [untouched])
    both = figures.planted_figures(Bright(), made)
    assert alone.false_logits == both.false_logits
    assert not figures.planted_figures(Bright(), planted).false_logits
    assert not alone.planted_diameters_mm
    assert not alone.twin_logits


def test_candidates_are_cut_at_the_operating_point() -> None:
    made = scan()
    point = DecodeSettings(threshold=0.9)
    (found,) = figures.candidates(Bright(), made.prepared, point)
    assert np.allclose(found.center_lps_mm, case_of(made).nodules[0].center_lps_mm, atol=6.0)
    assert figures.candidates(Bright(), made.prepared, replace(point, threshold=1.0)) == []


@pytest.mark.real
@pytest.mark.parametrize("trained_on", ["scans", "cube_patients"])
def test_a_run_is_not_judged_on_what_it_learned(
    trained_on: str, shared_data: Path, tmp_path: Path
) -> None:
    case = read_cases(shared_data)["LIDC-IDRI-0001"]
    described = {"scans": ["LUNGx-CT003"], "cube_patients": ["LIDC-IDRI-0003"]}
    described[trained_on] = [case.name]
    (tmp_path / "run.json").write_text(json.dumps(described))
    with pytest.raises(SystemExit, match="no figure from it counts"):
        figures.series(tmp_path, case.name, data=shared_data)
