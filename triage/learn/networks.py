"""The detector networks. Plain 3D convolutions only: they are what CPUs run fastest (INT8 too)."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import torch
from torch import nn
from torch.nn import functional

#: Channels of the answer: heat logit, log of the diameter in mm, offset z y x in cells.
CHANNELS = ("heat_logit", "log_diameter_mm", "offset_z", "offset_y", "offset_x")
#: Chance of a nodule centre in a cell before anything is learned (focal loss start).
PRIOR = 0.01
TYPICAL_DIAMETER_MM = 9.0


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3 x 3 x 3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm3d(outputs),
        nn.ReLU(inplace=True),
    )


class ResidualBlock(nn.Module):
    """Two 3 x 3 x 3 convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _conv(channels, channels)
        self.second = nn.Sequential(
            nn.Conv3d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm3d(channels)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, Z, Y, X) to the same shape."""
        return torch.relu(x + self.second(self.first(x)))


NetworkT = TypeVar("NetworkT", bound=nn.Module)


def laid_out(network: NetworkT, memory_format: torch.memory_format) -> NetworkT:
    """The same network, its weights laid out otherwise; what it answers stays the same."""
    # The library's types do not know this form of `to`.
    network.to(memory_format=memory_format)  # type: ignore[call-overload]
    return network


class Answer(NamedTuple):
    """What a network says, and what it saw on the way.

    Attributes
    ----------
    maps : Tensor, shape (B, 5, Z / 4, Y / 4, X / 4)
        `CHANNELS`.
    fine : Tensor, shape (B, C, Z / 4, Y / 4, X / 4)
    deep : Tensor, shape (B, D, Z / 8, Y / 8, X / 8)
    """

    maps: torch.Tensor
    fine: torch.Tensor
    deep: torch.Tensor


class Detector(nn.Module, ABC):
    """What student and teacher have in common: the grid of the answer and where they look."""

    fine_channels: int
    deep_channels: int

    @abstractmethod
    def see(self, x: torch.Tensor) -> Answer:
        """Answer and features; see `forward` for `x`."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Answer a normalised volume.

        Parameters
        ----------
        x : Tensor, float32, shape (B, 1, Z, Y, X)
            Sides multiples of 8.

        Returns
        -------
        Tensor, shape (B, 5, Z / 4, Y / 4, X / 4)
            `CHANNELS`.
        """
        return self.see(x).maps


class NoduleNet(Detector):
    """``a_k3s2``: centre heat map, size and offset at stride 4; about 0.65 M parameters.

    An answer depends on voxels up to 63 away, so answers of a tile with a halo of 64 equal those
    of the whole volume.

    Parameters
    ----------
    width : int
        Channels at stride 4; half of it after the first convolution, twice of it at stride 8.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        half = width // 2
        self.fine_channels, self.deep_channels = width, 2 * width
        self.stem = nn.Sequential(_conv(1, half, stride=2), _conv(half, width, stride=2))
        self.fine = nn.Sequential(ResidualBlock(width), ResidualBlock(width))
        self.down = _conv(width, 2 * width, stride=2)
        self.deep = nn.Sequential(ResidualBlock(2 * width), ResidualBlock(2 * width))
        self.lateral = nn.Conv3d(2 * width, width, 1)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.head = _conv(width, width)
        self.answer = nn.Conv3d(width, len(CHANNELS), 1)
        _start(self, self.answer)

    def see(self, x: torch.Tensor) -> Answer:
        """See `Detector.see`."""
        fine = self.fine(self.stem(x))
        deep = self.deep(self.down(fine))
        maps = self.answer(self.head(fine + self.up(self.lateral(deep))))
        return Answer(maps, fine, deep)


class TeacherNet(Detector):
    """The student's grid and strides, wider and one level deeper; about 8 M parameters.

    Parameters
    ----------
    width : int
        Channels at stride 4; half of it after the first convolution, 2 and 3 times at strides 8
        and 16.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        half, double, triple = width // 2, 2 * width, 3 * width
        self.fine_channels, self.deep_channels = width, double
        self.stem = nn.Sequential(_conv(1, half, stride=2), _conv(half, width, stride=2))
        self.fine = nn.Sequential(ResidualBlock(width), ResidualBlock(width))
        self.down = _conv(width, double, stride=2)
        self.deep = nn.Sequential(ResidualBlock(double), ResidualBlock(double))
        self.far_down = _conv(double, triple, stride=2)
        self.far = nn.Sequential(ResidualBlock(triple), ResidualBlock(triple))
        self.far_lateral = nn.Conv3d(triple, double, 1)
        self.lateral = nn.Conv3d(double, width, 1)
        self.merge = _conv(double, double)
        self.head = _conv(width, width)
        self.answer = nn.Conv3d(width, len(CHANNELS), 1)
        _start(self, self.answer)

    def see(self, x: torch.Tensor) -> Answer:
        """See `Detector.see`; a side that is no multiple of 16 loses half a cell at its end."""
        fine = self.fine(self.stem(x))
        deep = self.deep(self.down(fine))
        far = self.far_lateral(self.far(self.far_down(deep)))
        deep = self.merge(deep + _grown(far, deep))
        maps = self.answer(self.head(fine + _grown(self.lateral(deep), fine)))
        return Answer(maps, fine, deep)


def _grown(coarse: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Every cell twice along each axis, cut to the shape of another."""
    grown = functional.interpolate(coarse, scale_factor=2, mode="nearest")
    z, y, x = like.shape[2:]
    return grown[:, :, :z, :y, :x]


def _start(network: nn.Module, answer: nn.Conv3d) -> None:
    """Weights for ReLU, and an answer that calls nothing a nodule yet."""
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    nn.init.normal_(answer.weight, std=0.01)
    assert answer.bias is not None
    typical = [-math.log((1 - PRIOR) / PRIOR), math.log(TYPICAL_DIAMETER_MM), 0.0, 0.0, 0.0]
    with torch.no_grad():
        answer.bias.copy_(torch.tensor(typical))


#: Networks by the name that runs and model folders carry.
NETWORKS: dict[str, Callable[[], Detector]] = {
    "student": NoduleNet,
    "student-wide": lambda: NoduleNet(48),
    "student-narrow": lambda: NoduleNet(16),
    "teacher": TeacherNet,
}
