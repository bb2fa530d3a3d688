"""A data folder as the real one with chests small enough for a test, and a model that sees them."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from pydicom import dcmwrite

from tests.detect import small_chest, small_model
from tests.detect.small_chest import ORIGIN_LPS_MM, SIDE, SLICES, SPACING_ZYX_MM, Ball

BALLS = {
    "P-1": (Ball((-55.0, 0.0, 0.0), 14.0), Ball((60.0, 20.0, 6.0), 10.0)),
    "P-2": (Ball((55.0, -20.0, -6.0), 12.0),),
    "P-3": (),
}


def series_uid(patient: str) -> str:
    return f"{small_chest.STUDY_UID}.{patient[-1]}"


def row(patient: str, **changes: Any) -> dict[str, Any]:
    """What truth.json says of one patient's series."""
    return {
        "case": patient, "patient": patient, "file": f"series/{patient}.zip",
        "spacing_mm": list(SPACING_ZYX_MM[::-1]), "slice_thickness_mm": 3.0,
        "first_slice_position_mm": list(ORIGIN_LPS_MM), "shape_zyx": [SLICES, SIDE, SIDE],
        "truth_kind": "lidc_readers", "all_nodules_marked": True,
        "nodules": [
            {
                "id": f"n{number}", "center_mm": list(ball.center_lps_mm), "readers": 4,
                "diameter_mm": ball.diameter_mm, "label": "positive", "mean_texture": 5.0,
            }
            for number, ball in enumerate(BALLS[patient], start=1)
        ],
        "small_findings": [{"center_mm": [60.0, -30.0, 0.0], "kinds": ["non_nodule"]}],
        **changes,
    }  # fmt: skip


def write_data(folder: Path, **changes: dict[str, Any]) -> Path:
    """The three patients; keyword arguments (P_1 ...) change a patient's row."""
    (folder / "series").mkdir(parents=True)
    rows = {series_uid(p): row(p, **changes.get(p.replace("-", "_"), {})) for p in BALLS}
    (folder / "truth.json").write_text(json.dumps({"series": rows}))
    for patient, balls in BALLS.items():
        volume = small_chest.chest(balls, seed=int(patient[-1]))
        with zipfile.ZipFile(folder / "series" / f"{patient}.zip", "w") as archive:
            for z, plane in enumerate(volume.hu):
                one = small_chest.slice_dataset(
                    plane, z, SeriesInstanceUID=series_uid(patient), PatientID=patient
                )
                held = io.BytesIO()
                dcmwrite(held, one, enforce_file_format=True)
                archive.writestr(zipfile.ZipInfo(f"{z + 1:04d}.dcm"), held.getvalue())
    return folder


def write_model(folder: Path, **training: list[str]) -> Path:
    """A model that calls bright blocks nodules and says what it learned from."""
    small_model.write(folder)
    path = folder / "configs" / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"training": training}))
    return folder
