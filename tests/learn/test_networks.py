"""The network's promises: size, stride, receptive field, a quiet start."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed (extra train)")
import torch

from triage.learn.losses import detection_loss, focal_heat, shape_error
from triage.learn.networks import CHANNELS, PRIOR, NoduleNet


def test_it_has_about_0_65_million_parameters() -> None:
    assert sum(p.numel() for p in NoduleNet().parameters()) == 653_461


@pytest.mark.parametrize("shape", [(64, 64, 64), (8, 16, 24), (72, 40, 48)])
def test_answers_have_stride_four(shape: tuple[int, int, int]) -> None:
    with torch.inference_mode():
        answer = NoduleNet().eval()(torch.zeros(1, 1, *shape))
    assert tuple(answer.shape) == (1, len(CHANNELS), *(n // 4 for n in shape))


def test_before_learning_nothing_is_called_a_nodule() -> None:
    with torch.inference_mode():
        answer = NoduleNet().eval()(torch.rand(1, 1, 32, 32, 32))
    assert float(torch.sigmoid(answer[:, 0]).max()) < 5 * PRIOR


@pytest.mark.parametrize(("cell", "below", "above"), [(24, 63, 55), (25, 59, 59)])
def test_no_voxel_farther_than_63_reaches_an_answer(cell: int, below: int, above: int) -> None:
    """The halo of the tiles (64) rests on it; cells between the deep ones reach to both sides."""
    network = NoduleNet().eval()
    for parameter in network.parameters():
        torch.nn.init.constant_(parameter, 0.01)
    x = torch.ones(1, 1, 192, 8, 8, requires_grad=True)
    network(x)[0, 0, cell].sum().backward()
    assert x.grad is not None
    touched = np.flatnonzero(x.grad[0, 0].abs().sum((1, 2)).numpy())
    assert 4 * cell - int(touched.min()) == below
    assert int(touched.max()) - 4 * cell == above


def heat_of(*cells: tuple[int, int, int]) -> torch.Tensor:
    heat = torch.zeros(1, 8, 8, 8)
    for cell in cells:
        heat[0][cell] = 1.0
    return heat


def test_the_right_heat_costs_less_than_the_wrong_one() -> None:
    heat, weight = heat_of((4, 4, 4)), torch.ones(1, 8, 8, 8)
    right, wrong = torch.full((1, 8, 8, 8), -6.0), torch.full((1, 8, 8, 8), -6.0)
    right[0, 4, 4, 4], wrong[0, 2, 2, 2] = 6.0, 6.0
    assert float(focal_heat(right, heat, weight)) < 0.01
    assert float(focal_heat(wrong, heat, weight)) > 5.0


def test_ignored_cells_cost_nothing() -> None:
    heat, weight = heat_of(), torch.ones(1, 8, 8, 8)
    weight[0, 2, 2, 2] = 0.0
    logit = torch.full((1, 8, 8, 8), -20.0)
    logit[0, 2, 2, 2] = 20.0
    assert float(focal_heat(logit, heat, weight)) == pytest.approx(0.0, abs=1e-6)


def test_size_and_offset_count_only_where_a_nodule_is() -> None:
    heat, weight = heat_of((4, 4, 4)), torch.ones(1, 8, 8, 8)
    target, answer = torch.zeros(1, 4, 8, 8, 8), torch.zeros(1, 4, 8, 8, 8)
    answer[:, :, 1, 1, 1] = 9.0
    assert float(shape_error(answer, target, heat, weight)) == 0.0
    answer[:, 0, 4, 4, 4] = 1.0
    assert float(shape_error(answer, target, heat, weight)) > 0.1


def test_a_patch_without_nodules_gives_a_finite_loss() -> None:
    answer = torch.randn(2, 5, 8, 8, 8, requires_grad=True)
    zeros = torch.zeros(2, 8, 8, 8)
    loss = detection_loss(answer, zeros, torch.ones_like(zeros), torch.zeros(2, 4, 8, 8, 8))
    torch.autograd.backward(loss)
    assert torch.isfinite(loss)
    assert answer.grad is not None
    assert bool(torch.isfinite(answer.grad).all())
