"""Precisions: in which numbers a model's weights are kept and multiplied, and which of them a machine is fast in.

Knows no model.
"""

from __future__ import annotations

from enum import StrEnum

import torch

from specialists.bases.model import dtype_on


class Precision(StrEnum):
    FP32 = "fp32"
    BF16 = "bf16"
    INT8 = "int8"  #: weights a row, activations a token, products exact; what is between the layers stays fp32

    @property
    def dtype(self) -> torch.dtype:
        """Of what goes from layer to layer, and of keys and values."""
        return torch.bfloat16 if self is Precision.BF16 else torch.float32

    @property
    def weight_bytes(self) -> int:
        return _WEIGHT_BYTES[self]


_WEIGHT_BYTES = {Precision.FP32: 4, Precision.BF16: 2, Precision.INT8: 1}


def fastest(device: str) -> Precision:
    """What `device` multiplies fastest without a loss that counts.

    Never int8, which costs a point of accuracy (docs/log.md has the figures): it is there to be asked for.
    """
    return Precision.BF16 if dtype_on(device) is torch.bfloat16 else Precision.FP32
