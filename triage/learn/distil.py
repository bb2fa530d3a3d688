"""What a student is told beside the truth: the teacher's answer, and where the teacher looks.

Attention at three grains, after "multi-granularity attention distillation": which channels, which
cells, and which cells within each small region. Each map is brought to unit length, and the
squared distance between student and teacher is summed, so that no term grows with the volume.
Attention of a cell is the sum of squares over channels, and of a channel the mean of squares over
cells (Zagoruyko and Komodakis, Paying More Attention to Attention, ICLR 2017, eq. 1-2).

Cells and regions need no projection. Channels do: student and teacher have different ones, so a
1 x 1 x 1 convolution takes the student's to the teacher's while training, and is dropped after.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import torch
from torch import nn
from torch.nn import functional

from triage.learn.networks import Answer, Detector

#: Side of a region, cells.
REGION = 4
#: A map of zeros has no direction; with plain division its gradient is not a number.
EPS = 1e-6
#: Teacher heat from which its size and offset are believed.
BELIEVED_HEAT = 0.3


class Term(StrEnum):
    """One thing a student can be taught by a teacher."""

    OUTPUT = "output"
    CHANNEL = "channel"
    SPATIAL = "spatial"
    LOCAL = "local"


#: Set so that on a fresh student each term weighs about as much as the loss against the truth.
WEIGHTS: dict[Term, float] = {
    Term.OUTPUT: 1.0, Term.CHANNEL: 1.0, Term.SPATIAL: 1.0, Term.LOCAL: 1.0,
}  # fmt: skip


class Distiller(nn.Module):
    """The chosen terms, and the projections that channel attention needs.

    Parameters
    ----------
    student, teacher : Detector
        Only their channel counts are used.
    terms : iterable of Term
    """

    def __init__(self, student: Detector, teacher: Detector, terms: Iterable[Term]) -> None:
        super().__init__()
        self.terms = tuple(sorted(set(terms)))
        self.fine = nn.Conv3d(student.fine_channels, teacher.fine_channels, 1)
        self.deep = nn.Conv3d(student.deep_channels, teacher.deep_channels, 1)

    def forward(self, student: Answer, teacher: Answer) -> dict[Term, torch.Tensor]:
        """Each chosen term, weighted; the sum is added to the loss.

        Parameters
        ----------
        student, teacher : Answer
            Of the same patches; the teacher's without gradient.

        Returns
        -------
        dict of Term to Tensor, scalar
        """
        levels = (
            (student.fine, teacher.fine, self.fine), (student.deep, teacher.deep, self.deep),
        )  # fmt: skip
        found: dict[Term, torch.Tensor] = {}
        for term in self.terms:
            if term is Term.OUTPUT:
                loss = output_gap(student.maps.float(), teacher.maps.float())
            elif term is Term.CHANNEL:
                loss = sum_of(gap(channel(p(s.float())), channel(t)) for s, t, p in levels)
            else:
                seen = spatial if term is Term.SPATIAL else local
                loss = sum_of(gap(seen(s), seen(t)) for s, t, _ in levels)
            found[term] = WEIGHTS[term] * loss
        return found


def channel(features: torch.Tensor) -> torch.Tensor:
    """(B, C, z, y, x) to (B, C), unit length: how much each channel answers."""
    return functional.normalize(features.float().pow(2).mean((2, 3, 4)), dim=1, eps=EPS)


def spatial(features: torch.Tensor) -> torch.Tensor:
    """(B, C, z, y, x) to (B, cells), unit length: where in the patch."""
    return functional.normalize(features.float().pow(2).sum(1).flatten(1), dim=1, eps=EPS)


def local(features: torch.Tensor) -> torch.Tensor:
    """(B, C, z, y, x) to (B, regions, cells of a region), unit length each: where in a region.

    Sides must be multiples of `REGION`. Regions weigh by what is in them: a region in which the
    network sees nothing has no direction worth copying.
    """
    energy = features.float().pow(2).sum(1)
    batch, z, y, x = energy.shape
    cut = energy.reshape(batch, z // REGION, REGION, y // REGION, REGION, x // REGION, REGION)
    regions = cut.permute(0, 1, 3, 5, 2, 4, 6).reshape(batch, -1, REGION**3)
    strength = functional.normalize(regions.sum(2, keepdim=True), dim=1, eps=EPS)
    return functional.normalize(regions, dim=2, eps=EPS) * strength


def gap(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Squared distance, summed over everything but the batch, mean over the batch."""
    return (student - teacher).pow(2).flatten(1).sum(1).mean()


def output_gap(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Cross-entropy to the teacher's heat, and distance to its size and offset where it is sure.

    Parameters
    ----------
    student, teacher : Tensor, float32, shape (B, 5, z, y, x)

    Returns
    -------
    Tensor, scalar
        Per unit of the teacher's heat; 0 where both say the same.
    """
    heat = torch.sigmoid(teacher[:, 0])
    entropy = functional.binary_cross_entropy(heat, heat, reduction="none")
    cross = functional.binary_cross_entropy_with_logits(student[:, 0], heat, reduction="none")
    sure = torch.where(heat > BELIEVED_HEAT, heat, torch.zeros_like(heat))
    shape = functional.smooth_l1_loss(student[:, 1:], teacher[:, 1:], reduction="none", beta=0.2)
    total = (cross - entropy).sum() + BELIEVED_HEAT * (shape.sum(1) * sure).sum()
    return total / heat.sum().clamp(min=1.0)


def sum_of(terms: Iterable[torch.Tensor]) -> torch.Tensor:
    """Sum of scalars."""
    return torch.stack(list(terms)).sum()
