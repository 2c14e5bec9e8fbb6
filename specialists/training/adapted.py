"""A linear layer with its LoRA adapter, whose forward and backward take few passes over memory. Knows no model.

peft's own forward goes to fp32 and back around the adapter, and it scales and adds tensors as wide as the layer's
output in extra passes. On two cores that was half of a training step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from peft.tuners.lora import Linear
from torch.nn import functional


class AdaptedLinear(Linear):  # type: ignore[misc]  # peft is untyped
    """A layer for training: it has one adapter, no dropout and a frozen base."""

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        (name,) = self.active_adapters
        down, up = self.lora_A[name].weight, self.lora_B[name].weight
        base = self.base_layer
        apply: Callable[..., torch.Tensor] = _Adapted.apply
        return apply(x, base.weight, base.bias, down, up, self.scaling[name])


class _Adapted(torch.autograd.Function):
    """x (…, I) times weight (O, I), plus bias (O,), plus scaling times x times down (R, I) times up (O, R).

    The result (…, O) has the dtype of x. The gradients of `down` and `up` are fp32, as these are.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        down: torch.Tensor,
        up: torch.Tensor,
        scaling: float,
    ) -> torch.Tensor:
        flat, small, large = x.reshape(-1, x.shape[-1]), down.to(x.dtype), (scaling * up).to(x.dtype)
        inner = flat @ small.T  # (N, R)
        ctx.save_for_backward(flat, weight, small, large, inner)
        ctx.scaling = scaling
        return functional.linear(flat, weight, bias).addmm_(inner, large.T).view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        flat, weight, small, large, inner = ctx.saved_tensors
        wide = gradient.reshape(-1, gradient.shape[-1])  # (N, O)
        narrow = wide @ large  # (N, R)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = (wide @ weight).addmm_(narrow, small).view(*gradient.shape[:-1], -1)
        of_up = (wide.T @ inner).float().mul_(ctx.scaling)
        return of_x, None, None, (narrow.T @ flat).float(), of_up, None
