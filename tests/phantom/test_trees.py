"""Trees: connected, tapering, reaching every end point; thickest at the root."""

from __future__ import annotations

import numpy as np
import pytest

from triage.phantom.trees import Tree, grow

ENDS = np.random.default_rng(4).uniform((20, -40, -40), (100, 40, 40), (400, 3))


@pytest.fixture(scope="module")
def tree() -> Tree:
    rng = np.random.default_rng(7)
    return grow(np.zeros(3), np.array([1.0, 0.0, 0.0]), ENDS, 5.0, rng)


def test_every_branch_begins_where_its_parent_ends(tree: Tree) -> None:
    child = tree.parent >= 0
    assert (~child).sum() == 1
    assert tree.start[child] == pytest.approx(tree.end[tree.parent[child]])
    assert (tree.parent[child] < np.flatnonzero(child)).all()


def test_no_branch_is_thicker_than_its_parent(tree: Tree) -> None:
    child = tree.parent >= 0
    assert (tree.radius[child] <= tree.radius[tree.parent[child]] + 1e-9).all()
    assert tree.radius[0] == 5.0
    assert tree.radius.min() == pytest.approx(0.4, abs=0.12)


def test_each_end_point_gets_a_twig(tree: Tree) -> None:
    leaf = np.ones(len(tree.radius), bool)
    leaf[tree.parent[tree.parent >= 0]] = False
    assert leaf.sum() == len(ENDS)
    tips = tree.end[leaf]
    nearest = np.linalg.norm(ENDS[:, None] - tips[None], axis=2).min(1)
    assert np.median(nearest) < 2.5
    assert np.quantile(nearest, 0.95) < 10


def test_headings_are_unit_vectors(tree: Tree) -> None:
    assert np.linalg.norm(tree.heading, axis=1) == pytest.approx(1)


def test_thicker_than_keeps_a_connected_trunk(tree: Tree) -> None:
    trunk = tree.thicker_than(1.0)
    assert 1 < len(trunk.radius) < len(tree.radius)
    child = trunk.parent >= 0
    assert trunk.start[child] == pytest.approx(trunk.end[trunk.parent[child]])


def test_a_companion_runs_beside_without_breaks(tree: Tree) -> None:
    beside = tree.thicker_than(0.8).beside(1.9)
    child = beside.parent >= 0
    assert beside.start[child] == pytest.approx(beside.end[beside.parent[child]])
    apart = np.linalg.norm(beside.end - tree.thicker_than(0.8).end, axis=1)
    assert apart == pytest.approx(1.9 * beside.radius)


def test_strokes_of_a_tree_taper_outward(tree: Tree) -> None:
    strokes = tree.strokes(3.0)
    assert (strokes.end_radius <= strokes.start_radius + 1e-9).all()
    assert np.linalg.norm(strokes.end - strokes.start, axis=1).max() < 12


def test_one_end_point_is_one_branch() -> None:
    lone = grow(
        np.zeros(3), np.array([1.0, 0, 0]), np.array([[10.0, 0, 0]]), 1.0, np.random.default_rng(0)
    )
    assert len(lone.radius) == 1
    assert lone.end[0] == pytest.approx([8.5, 0, 0])
