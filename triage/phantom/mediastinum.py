"""Heart, great vessels, oesophagus: what lies between the lungs and shapes them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from triage.phantom.build import Build
from triage.phantom.grid import FAR_MM, Box, Float32, Grid, blend_min
from triage.phantom.shapes import around, ellipsoid, lay, tube, turned

BLOOD_HU = 42.0
MUSCLE_HU = 55.0

# Axis points (x, y, z, radius) in mm.
VESSELS: dict[str, list[tuple[float, float, float, float]]] = {
    "ascending aorta and arch": [
        (2, -30, -42, 14),
        (-8, -34, -20, 15),
        (-12, -32, 2, 15),
        (-8, -25, 20, 14.5),
        (2, -12, 30, 14),
        (12, 4, 32, 13.5),
        (21, 20, 27, 13),
        (25, 33, 12, 12.5),
        (26, 38, -10, 12),
        (25, 39, -50, 11.5),
        (21, 37, -90, 11.5),
        (12, 33, -130, 11),
        (6, 28, -190, 10.5),
    ],
    "brachiocephalic artery": [
        (-4, -18, 36, 6.5),
        (-14, -10, 58, 6),
        (-24, 0, 84, 5),
        (-30, 4, 120, 4),
    ],
    "left carotid": [
        (8, -6, 42, 4),
        (14, -2, 66, 4),
        (20, 4, 120, 3.5),
    ],
    "left subclavian": [
        (18, 6, 42, 5),
        (24, 8, 66, 5),
        (34, 8, 88, 4.5),
        (60, 2, 98, 4.5),
        (100, -6, 90, 4),
    ],
    "superior vena cava": [
        (-28, -26, -34, 10),
        (-31, -24, -5, 9.5),
        (-30, -24, 30, 9),
        (-24, -26, 48, 8),
    ],
    "left innominate vein": [
        (-22, -28, 44, 7),
        (2, -34, 52, 6),
        (28, -24, 64, 6),
        (44, -10, 84, 6),
    ],
    "right subclavian vein": [
        (-24, -26, 48, 7),
        (-32, -18, 66, 6.5),
        (-52, -16, 90, 5.5),
        (-100, -14, 92, 5),
    ],
    "pulmonary trunk": [
        (22, -46, -50, 13),
        (22, -40, -28, 14),
        (22, -26, -14, 13),
        (30, -8, -8, 11.5),
    ],
    "right pulmonary artery": [
        (20, -24, -16, 11),
        (2, -10, -20, 11),
        (-20, -4, -20, 10.5),
        (-40, -2, -22, 9.5),
    ],
    "left pulmonary artery": [
        (28, -10, -8, 11),
        (36, 6, -5, 10),
        (42, 20, -10, 9.5),
        (45, 27, -24, 8.5),
    ],
    "azygos": [
        (-30, -10, 12, 4.5),
        (-24, 14, 16, 4),
        (-8, 28, 4, 4),
        (-5, 29, -60, 3.5),
        (-4, 27, -190, 3.5),
    ],
    "inferior vena cava": [
        (-24, -8, -80, 12),
        (-22, 2, -110, 12),
        (-18, 10, -190, 11),
    ],
    "oesophagus": [
        (3, 18, 120, 6.5),
        (5, 24, 30, 6.5),
        (6, 25, -40, 7),
        (12, 20, -95, 7.5),
        (20, 10, -112, 8),
    ],
}
# Centre (x, y, z), half axes, turns (axis, degrees).
CHAMBERS: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[tuple[str, float], ...]]] = {
    "ventricles": ((29, -34, -80), (62, 40, 37), (("z", -32), ("y", 18))),
    "right ventricle": ((8, -52, -72), (44, 26, 40), (("z", -18), ("y", 12))),
    "right atrium": ((-24, -26, -62), (27, 30, 36), ()),
    "left atrium": ((6, 6, -50), (38, 20, 26), ()),
    "appendage": ((38, -28, -40), (14, 16, 16), ()),
}


def bodies(grid: Grid, body: Build, margin_mm: float) -> Iterator[tuple[str, Box, Float32]]:
    """Each organ as name, box and signed distance in mm on `grid`."""
    for name, (center, axes, turns) in CHAMBERS.items():
        turn = np.eye(3)
        for about, degrees in turns:
            turn = turned(about, degrees) @ turn
        half = np.array(axes) * body.heart
        box = grid.box(*around(np.array([center]), float(half.max()) + margin_mm))
        yield name, box, ellipsoid(grid, box, center, half, turn)
    for name, rows in VESSELS.items():
        table = np.array(rows)
        box, distance = tube(grid, _smooth(table[:, :3]), _smooth(table[:, 3:])[:, 0], margin_mm)
        yield name, box, distance


def _smooth(
    table: np.ndarray[tuple[int, int], np.dtype[np.float64]], steps: int = 4
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Points of a curve through the rows, `steps` a row."""
    at = np.linspace(0, len(table) - 1, (len(table) - 1) * steps + 1)
    columns = [
        ndimage.map_coordinates(c, [at], order=3 if len(c) > 3 else 1, mode="nearest")
        for c in table.T
    ]
    return np.stack(columns, axis=1)


def middle_distance(grid: Grid, body: Build) -> Float32:
    """Distance to everything between the lungs at once, joined smoothly."""
    joined = np.full(grid.shape_zyx, FAR_MM, np.float32)
    for name, box, distance in bodies(grid, body, margin_mm=16):
        if name == "left innominate vein" or "subclavian" in name:
            continue  # above and before the lungs; they lie in the fat, they do not dent it
        joined[box] = blend_min(joined[box], distance, 14)  # fat fills the grooves
    return joined


def paint_mediastinum(hu: Float32, grid: Grid, body: Build, soft_mm: float) -> None:
    """Lay heart and vessels into the fat (changes `hu`)."""
    for name, box, distance in bodies(grid, body, margin_mm=2):
        if not distance.size:
            continue
        value = MUSCLE_HU - 15 if name == "oesophagus" else BLOOD_HU
        if name == "ventricles":
            value = BLOOD_HU + 6
        lay(hu, box, distance, value, soft_mm)
        if name == "oesophagus":
            lay(hu, box, distance + 5.5, -700.0, soft_mm)
