"""The detector networks. Plain 3D convolutions only: they are what CPUs run fastest (INT8 too)."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import nn

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


class NoduleNet(nn.Module):
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
        self.stem = nn.Sequential(_conv(1, half, stride=2), _conv(half, width, stride=2))
        self.fine = nn.Sequential(ResidualBlock(width), ResidualBlock(width))
        self.down = _conv(width, 2 * width, stride=2)
        self.deep = nn.Sequential(ResidualBlock(2 * width), ResidualBlock(2 * width))
        self.lateral = nn.Conv3d(2 * width, width, 1)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.head = _conv(width, width)
        self.answer = nn.Conv3d(width, len(CHANNELS), 1)
        self._start()

    def _start(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.normal_(self.answer.weight, std=0.01)
        assert self.answer.bias is not None
        with torch.no_grad():
            self.answer.bias.copy_(
                torch.tensor(
                    [-math.log((1 - PRIOR) / PRIOR), math.log(TYPICAL_DIAMETER_MM), 0.0, 0.0, 0.0]
                )
            )

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
        fine = self.fine(self.stem(x))
        deep = self.up(self.lateral(self.deep(self.down(fine))))
        answer: torch.Tensor = self.answer(self.head(fine + deep))
        return answer
