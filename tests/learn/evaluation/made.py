"""Made tables, large enough for every figure: nodules of 22 patients put into six lungs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.learn.evaluation.worked import NODULE, at, truth
from triage.learn.evaluation.assemble import Asked
from triage.learn.evaluation.report import ModelFacts
from triage.learn.evaluation.tables import Mark, ModelMarks, ScanKind, ScanTable, TruthKind

DONORS, HOSTS = 22, 6
APART_MM = 100.0
TWIN_AT, REST_AT, FALSE_AT = 3000.0, 6000.0, 9000.0
_ON = ("vessel", "wall", "nothing")


def scans() -> list[ScanTable]:
    """Six hosts; each donor's nodule in two of them, with a twin and an untouched place each."""
    rng = np.random.default_rng(21)
    rows: list[list] = [[] for _ in range(HOSTS)]  # type: ignore[type-arg]
    for donor in range(DONORS):
        size, texture = float(rng.uniform(4, 20)), float(rng.integers(1, 6))
        for host in (donor % HOSTS, (donor + 1) % HOSTS):
            x = APART_MM * donor
            nodule = truth(f"n{donor}", NODULE, x, size, patient=f"donor {donor:02d}")
            rows[host] += [
                replace(nodule, texture=texture, hangs_on=_ON[donor % 3]),
                truth(f"t{donor}", TruthKind.TWIN, TWIN_AT + x, size),
                truth(f"b{donor}", TruthKind.BACKGROUND, REST_AT + x, size),
            ]
    return [
        ScanTable(
            f"uid {h}", f"host {h} with nodules", f"host {h}", ScanKind.INSERTED, True,
            tuple(rows[h]), slice_mm=(1.0, 2.5)[h % 2], noise_hu=10.0 + h, lung=f"host {h}",
        )
        for h in range(HOSTS)
    ]  # fmt: skip


def marks(label: str, skill: float, seed: int = 1, twin_share: float = 0.0) -> ModelMarks:
    """A model that finds large nodules sooner; models of one seed differ by their skill alone."""
    rng = np.random.default_rng([seed, 3])
    found: dict[str, tuple[Mark, ...]] = {}
    for scan in scans():
        row = []
        for one in scan.truths:
            drawn, chance = rng.normal(), rng.random()
            x, size = one.center_lps_mm[0], one.diameter_mm or 0.0
            if one.kind is NODULE and chance < 0.92:
                row.append(at(x + 1.0, _p(skill + 0.15 * (size - 8.0) + drawn)))
            elif chance < (twin_share if one.kind is TruthKind.TWIN else 0.12):
                row.append(at(x, _p(drawn)))
        row += [at(FALSE_AT + APART_MM * i, _p(v)) for i, v in enumerate(rng.normal(-1.5, 1.2, 14))]
        found[scan.scan] = tuple(row)
    return ModelMarks(label, 0.3, found)


def _p(logit: float) -> float:
    return float(1.0 / (1.0 + np.exp(-logit)))


def facts(label: str, runtime: str = "onnx-f32") -> ModelFacts:
    return ModelFacts(label, label, "1.0", "ab" * 32, runtime, 0.3, True)


def asked(*models: ModelMarks, resamples: int = 200) -> Asked:
    """A question about made models; by default a student in two precisions and a teacher."""
    models = models or (
        marks("student fp32", 1.0), marks("student INT8", 0.97), marks("teacher", 2.0, seed=2),
    )  # fmt: skip
    return Asked(
        scans(), models, [facts(m.label) for m in models], "made", "cd" * 32,
        "triage evaluate …", split_hash="ef" * 32, looks=3, resamples=resamples,
    )  # fmt: skip
