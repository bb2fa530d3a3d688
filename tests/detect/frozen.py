"""What detection answered before its preparation was made faster, as numbers without pixels.

Sizes and textures are those of the measuring on a grid of its own, at the very same candidates.

``python -m tests.detect.frozen`` writes ``frozen.json`` anew; do that only with a change that is
meant to change results, and say so. The portable runtime is used: its answer is the same anywhere.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.conftest import find_shared_data
from tests.detect.chest import LEFT, RIGHT, Ball, Chest
from triage.core.finding import Finding, SeriesVerdict
from triage.core.volume import Volume
from triage.detect import folder, nodule, runtimes
from triage.detect.model_folder import locate, open_model
from triage.detect.nodule import Detector
from triage.detect.pixels import load_volume
from triage.detect.prepare import prepare
from triage.detect.series import SeriesAssessment, assess
from triage.phantom.chest import make_chest

FILE = Path(__file__).with_name("frozen.json")
REAL = (
    "LUNGx-CT003",
    "LIDC-IDRI-0001",
    "LIDC-IDRI-0050",
    "LIDC-IDRI-0009_lungs",
    "LIDC-IDRI-0745_lungs",
)
#: A nodule on the pleura and a vessel: what the closing of the lung is there for.
BALLS = (
    LEFT,
    RIGHT,
    Ball((90.0, 120.0, 250.0), (12.0, 12.0, 12.0), 40.0),
    Ball((90.0, 120.0, 85.0), (60.0, 4.0, 4.0), 60.0),
)
DRAWN: Mapping[str, Callable[[], Volume]] = {
    "phantom 1, 1.25 mm": lambda: make_chest(1, 5, 200, (1.25, 0.7, 0.7), matrix=256).volume,
    "phantom 2, 2.5 mm": lambda: make_chest(2, 5, 120, (2.5, 0.7, 0.7), matrix=256).volume,
    "phantom 3, cut": lambda: make_chest(3, 3, 120, matrix=192, cut_bottom_mm=60.0).volume,
    "drawn": lambda: Chest(balls=BALLS).volume(),
    "drawn, cut at both ends": lambda: Chest(cut=slice(20, 50)).volume(),
    "drawn, wider than the picture": lambda: Chest(
        balls=(LEFT, Ball((90.0, 120.0, 265.0), (70.0, 65.0, 45.0), -850.0)), room_hu=40.0
    ).volume(),
}


def detector() -> Detector:
    """The released model on the portable runtime."""
    model = open_model(locate())
    return Detector(model, runtimes.start("onnx-f32", model))


def real(shared: Path, case: str) -> tuple[Volume, SeriesAssessment]:
    """A real series, from its ZIP."""
    with tempfile.TemporaryDirectory() as scratch:
        found, _ = folder.read_files(
            folder.unpack(shared / "series" / f"{case}.zip", Path(scratch))
        )
        ((uid, slices),) = found.items()
        judged = assess(uid, slices)
        by_uid = {s.sop_uid: s for s in slices}
        return load_volume([by_uid[u] for u in judged.sop_uids], Path), judged


def drawn(name: str) -> tuple[Volume, SeriesAssessment]:
    """A phantom or drawn chest."""
    volume = DRAWN[name]()
    uids = tuple(f"1.2.{z}" for z in range(volume.shape_zyx[0]))
    spacing = volume.spacing_zyx_mm[0]
    length = spacing * (len(uids) - 1)
    return volume, SeriesAssessment(
        "1.2", SeriesVerdict.RUN, (), uids, spacing, length, "", derived=False
    )


def numbers(volume: Volume, judged: SeriesAssessment, looking: Detector) -> dict[str, Any]:
    """Everything about one chest that must stay as it was."""
    ready = prepare(volume)
    found = nodule.detect(volume, judged, looking)
    report = ready.report
    return {
        "hu_sha256": hashlib.sha256(volume.hu.tobytes()).hexdigest(),
        "result": {
            "status": found.status.value,
            "reasons": [r.code for r in found.reasons],
        },
        "report": {
            "volume_ml": report.volume_ml,
            "end_area_mm2": list(report.end_area_mm2),
            "covered_fraction": report.covered_fraction,
            "touches_side": report.touches_side,
        },
        "shape": list(ready.lung.shape),
        "affine": ready.affine.tolist(),
        "lung_by_slice": counts(ready.lung),
        "lung_sha256": hashlib.sha256(np.packbits(ready.lung).tobytes()).hexdigest(),
        "tensor_by_slice": [round(float(p.mean(dtype=np.float64)), 5) for p in ready.tensor[0, 0]],
        "findings": [_finding(f) for f in found.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    size = finding.measurement
    return {
        "center_lps_mm": list(finding.center_lps_mm),
        "diameter_mm": finding.diameter_mm,
        "probability": finding.probability,
        "key_sop_uid": finding.key_sop_uid,
        "size_mm": [size.long_mm, size.short_mm] if size else None,
        "solidity": finding.solidity.value if finding.solidity else None,
    }


def counts(mask: npt.NDArray[np.bool_]) -> list[int]:
    """Voxels per slice."""
    per_slice: list[int] = mask.sum(axis=(1, 2)).tolist()
    return per_slice


def main() -> None:
    """Write the file."""
    shared = find_shared_data()
    if shared is None:
        raise SystemExit("needs the real CTs")
    looking = detector()
    made = {case: numbers(*real(shared, case), looking) for case in REAL}
    made |= {name: numbers(*drawn(name), looking) for name in DRAWN}
    lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in made.items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
