"""Pictures of `triage bench measure`: numbers only, no pixels of anybody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.detect.readers import Agreement, Floats

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
_NAMES = {
    "long_mm": "long axis, mm",
    "equivalent_mm": "diameter of the sphere of equal volume, mm",
    "volume_mm3": "volume, % of the mean",
}
_KINDS = (("solid", "o"), ("ground_glass", "s"), ("part_solid", "^"))


def bland_altman(role: str, lines: Sequence[tuple[str, Floats, Floats, Agreement]]) -> None:
    """Difference to the readers' mean over size; dashed: the readers' own limits of agreement."""
    figure, axes = _figure(len(lines))
    for axis, (quantity, size, off, readers) in zip(axes, lines, strict=True):
        axis.scatter(size, off, s=12, color="black", alpha=0.6, linewidths=0)
        mean, spread = float(np.mean(off)), 1.96 * float(np.std(off, ddof=1))
        for value in (mean - spread, mean, mean + spread):
            axis.axhline(value, color="tab:blue", linewidth=1)
        for value in (readers.low, readers.high):
            axis.axhline(value, color="tab:red", linewidth=1, linestyle="--")
        axis.set_title(_NAMES[quantity], fontsize=9)
        axis.set_xlabel("mean of machine and readers", fontsize=8)
        axis.set_ylabel("machine minus readers' mean", fontsize=8)
        if quantity == "volume_mm3":
            axis.set_xscale("log")
    figure.suptitle(
        f"{role}: blue = machine (bias, 95 % limits), red = readers among themselves", fontsize=9
    )
    _save(figure, f"measure-readers-{role}.png")


def spheres(points: Sequence[tuple[float, str, float, float]]) -> None:
    """Volume error over true diameter, one panel a slice distance."""
    distances = sorted({distance for _, _, distance, _ in points})
    figure, axes = _figure(len(distances))
    for axis, distance in zip(axes, distances, strict=True):
        for kind, marker in _KINDS:
            own = [(d, 100 * (r - 1)) for d, k, s, r in points if k == kind and s == distance]
            if own:
                axis.scatter(*zip(*own, strict=True), s=12, marker=marker, alpha=0.5, label=kind)
        for value in (-10, 10):
            axis.axhline(value, color="black", linewidth=0.8, linestyle=":")
        axis.set_ylim(-80, 140)
        axis.set_xlabel("true diameter, mm", fontsize=8)
        axis.set_ylabel("volume error, %", fontsize=8)
        axis.set_title(f"slices {distance:g} mm apart", fontsize=9)
    axes[0].legend(fontsize=7)
    _save(figure, "measure-spheres.png")


def _figure(count: int) -> tuple[Any, Any]:
    # Only this benchmark draws: the extra `bench`.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4 * count, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, count, squeeze=False)[0]


def _save(figure: Any, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURES / name, dpi=90)
    print(f"drawn {name}")
