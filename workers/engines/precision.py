"""Precisions: the numbers in which weights are kept and multiplied, and which of them are fast on a machine.

Knows no model.
"""

from __future__ import annotations

from enum import StrEnum

import torch

from specialists.bases.model import dtype_on


class Precision(StrEnum):
    FP32 = "fp32"
    BF16 = "bf16"
    INT8 = "int8"  #: a scale for each row of weights and each token; exact products; fp32 between the layers

    @property
    def dtype(self) -> torch.dtype:
        """The type of what goes from layer to layer, and of keys and values."""
        return torch.bfloat16 if self is Precision.BF16 else torch.float32

    @property
    def weight_bytes(self) -> int:
        return _WEIGHT_BYTES[self]


_WEIGHT_BYTES = {Precision.FP32: 4, Precision.BF16: 2, Precision.INT8: 1}


def fastest(device: str) -> Precision:
    """The precision that `device` multiplies fastest without a loss that counts.

    It is never int8, which costs a point of accuracy (docs/log.md has the figures) and must be asked for.
    """
    return Precision.BF16 if dtype_on(device) is torch.bfloat16 else Precision.FP32
