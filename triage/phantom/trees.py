"""Trees that fill a lobe: each branch grows to the middle of what it supplies, then divides.

The idea is that of Tawhai et al. (J Appl Physiol 2004; 97: 2310): a cloud of end points in the
lobe is split in two at each division, and the branch heads for the middle of its half. Radii
follow the number of end points behind a branch (Murray's law, with an exponent near 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triage.phantom.grid import Float64
from triage.phantom.strokes import Strokes, bent

Ints = np.ndarray[tuple[int], np.dtype[np.int_]]


@dataclass(frozen=True, slots=True)
class Tree:
    """Branches, parents before children.

    Attributes
    ----------
    start, end, heading : ndarray, float64, shape (n, 3)
        Ends in LPS mm; unit vector along which the branch leaves.
    radius : ndarray, float64, shape (n,)
        mm, at the end.
    parent : ndarray, int, shape (n,)
        -1 for the first.
    """

    start: Float64
    end: Float64
    heading: Float64
    radius: Float64
    parent: Ints

    def strokes(self, step_mm: float) -> Strokes:
        """The tree as bent tapering strokes."""
        before = np.where(self.parent < 0, self.radius, self.radius[self.parent])
        first = np.minimum(before, 1.18 * self.radius)
        return bent(self.start, self.end, self.heading, (first, self.radius), step_mm)

    def beside(self, gap: float) -> Tree:
        """A companion that runs next to this tree at `gap` times the local radius."""
        along = self.end - self.start
        along = along / np.maximum(np.linalg.norm(along, axis=1), 1e-6)[:, None]
        side = np.array([float(np.sign(self.end[:, 0].mean())), -0.5, 0.9])
        away = side - along * (along @ side)[:, None]
        away /= np.maximum(np.linalg.norm(away, axis=1), 1e-6)[:, None]
        shift = away * (gap * self.radius)[:, None]
        end = self.end + shift
        start = np.where(self.parent[:, None] < 0, self.start + shift, end[self.parent])
        return Tree(start, end, self.heading, self.radius, self.parent)

    def thicker_than(self, radius_mm: float) -> Tree:
        """The trunk down to a radius (parents are never thinner than their children)."""
        keep = self.radius >= radius_mm
        place = np.cumsum(keep) - 1
        parent = np.where(self.parent[keep] < 0, -1, place[self.parent[keep]])
        return Tree(self.start[keep], self.end[keep], self.heading[keep], self.radius[keep], parent)


def grow(
    root_lps_mm: Float64,
    heading: Float64,
    ends_lps_mm: Float64,
    root_radius_mm: float,
    rng: np.random.Generator,
    *,
    least_radius_mm: float = 0.28,
    exponent: float = 2.45,
    reach: float = 0.42,
) -> Tree:
    """Grow one tree.

    Parameters
    ----------
    root_lps_mm, heading : ndarray, shape (3,)
        Where it enters, and the unit vector it arrives with.
    ends_lps_mm : ndarray, shape (n, 3)
        End points to be supplied; n >= 1.
    root_radius_mm : float
        Radius where it enters.
    least_radius_mm, exponent : float
        Thinnest twig; r = root (ends / all ends)^(1 / exponent).
    reach : float
        Share of the way to the middle of its end points that a branch goes before it divides.
    """
    rows: list[tuple[Float64, Float64, Float64, float, int]] = []
    waiting = [(np.asarray(root_lps_mm, float), np.asarray(heading, float), ends_lps_mm, -1)]
    total = len(ends_lps_mm)
    while waiting:
        start, leaving, ends, parent = waiting.pop()
        aim = ends.mean(0) - start
        far = float(np.linalg.norm(aim)) + 1e-6
        way = _at_most(aim / far, leaving, cosine=0.3)
        alone = len(ends) == 1
        part = reach * rng.uniform(0.8, 1.2) * (0.65 if len(ends) > 0.2 * total else 1.0)
        end = start + way * far * (0.85 if alone else part)
        radius = max(least_radius_mm, root_radius_mm * (len(ends) / total) ** (1 / exponent))
        rows.append((start, end, leaving, radius, parent))
        if alone:
            continue
        here = len(rows) - 1
        near, far_half = _split(ends, way, rng)
        waiting += [(end, way, half, here) for half in (near, far_half) if len(half)]
    start_, end_, heading_, radius_, parent_ = zip(*rows, strict=True)
    return Tree(
        np.array(start_), np.array(end_), np.array(heading_), np.array(radius_), np.array(parent_)
    )


def _at_most(way: Float64, leaving: Float64, cosine: float) -> Float64:
    """Turn `way` towards `leaving` until the angle between them is not too sharp."""
    dot = float(way @ leaving)
    if dot >= cosine:
        return way
    mixed = way + leaving * (cosine - dot)
    turned: Float64 = mixed / (np.linalg.norm(mixed) + 1e-9)
    return turned


def _split(ends: Float64, way: Float64, rng: np.random.Generator) -> tuple[Float64, Float64]:
    """Two groups of end points, cut across their longest spread beside `way`."""
    off = ends - ends.mean(0)
    flat = off - np.outer(off @ way, way) * 0.6
    if len(ends) == 2:
        return ends[:1], ends[1:]
    along = off @ np.linalg.eigh(flat.T @ flat)[1][:, 2]
    near = np.clip(round(rng.uniform(0.22, 0.78) * len(ends)), 1, len(ends) - 1)
    order = np.argpartition(along, near)
    return ends[order[:near]], ends[order[near:]]
