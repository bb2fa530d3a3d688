"""What the detector is punished for: heat at the wrong place, size and offset at the right one."""

from __future__ import annotations

import torch
from torch.nn import functional

TAUGHT_HEAT = 0.3
SIZE_WEIGHT = 0.3
OFFSET_WEIGHT = 0.3


def focal_heat(logit: torch.Tensor, heat: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Penalty-reduced focal loss (Zhou et al., Objects as Points, 2019, eq. 1), per positive cell.

    Parameters
    ----------
    logit, heat, weight : Tensor, float32, shape (B, z, y, x)
        Answer; target with 1 at centres; 0 where nothing is taught.

    Returns
    -------
    Tensor, scalar
    """
    positive = (heat > 0.999).float() * weight
    chance = torch.sigmoid(logit)
    hit = functional.logsigmoid(logit) * (1 - chance) ** 2 * positive
    quiet = functional.logsigmoid(-logit) * chance**2 * (1 - heat) ** 4 * (1 - positive) * weight
    return -(hit.sum() + quiet.sum()) / positive.sum().clamp(min=1.0)


def shape_error(
    answer: torch.Tensor, target: torch.Tensor, heat: torch.Tensor, weight: torch.Tensor
) -> torch.Tensor:
    """Smooth L1 of log diameter and offset near nodule centres, weighted by the heat there.

    Parameters
    ----------
    answer, target : Tensor, float32, shape (B, 4, z, y, x)
    heat, weight : Tensor, float32, shape (B, z, y, x)

    Returns
    -------
    Tensor, scalar
    """
    share = torch.where(heat > TAUGHT_HEAT, heat * weight, torch.zeros_like(heat))
    error = functional.smooth_l1_loss(answer, target, reduction="none", beta=0.2)
    scaled = SIZE_WEIGHT * error[:, 0] + OFFSET_WEIGHT * error[:, 1:].sum(1)
    return (scaled * share).sum() / share.sum().clamp(min=1.0)


def detection_loss(
    answer: torch.Tensor, heat: torch.Tensor, weight: torch.Tensor, shape: torch.Tensor
) -> torch.Tensor:
    """Sum of both, for an answer of shape (B, 5, z, y, x)."""
    return focal_heat(answer[:, 0], heat, weight) + shape_error(answer[:, 1:], shape, heat, weight)
