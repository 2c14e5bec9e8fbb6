"""Linear layers, laid out for a device and a precision, with the operation that follows them. Knows no model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch.nn.functional import linear, silu

from workers.engines.adapters import Factors, Spans
from workers.engines.precision import Precision

#: The number of tokens for which oneDNN lays a weight out. Any other number works too, and is fastest near this one.
PACKED_FOR = 128

#: How many units an activation has on either side of its zero: eight bits, or seven where the processor has no VNNI and
#: sums two products in sixteen bits, which eight bits would overflow.
HALF_RANGE = 127 if torch.cpu.get_capabilities().get("avx512_vnni") else 63


class Linear(Protocol):
    """`x` is (N, in) as `ready` returns it. Results are (N, out) in the precision's dtype.

    `swish` and `times` also do what follows the product, in the same pass if the device can.
    """

    def ready(self, x: torch.Tensor) -> Any:
        """The activations of a step, in the form that this layer and others like it take."""

    def product(self, x: Any) -> torch.Tensor: ...

    def swish(self, x: Any) -> torch.Tensor: ...

    def times(self, x: Any, other: torch.Tensor) -> torch.Tensor: ...


class PlainLinear:
    """A layer as torch computes it: for CUDA, and for processors without oneDNN."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, precision: Precision) -> None:
        self._weight = weight.to(precision.dtype)
        self._bias = None if bias is None else bias.to(precision.dtype)

    def ready(self, x: torch.Tensor) -> torch.Tensor:
        return x.to(self._weight.dtype)

    def product(self, x: torch.Tensor) -> torch.Tensor:
        return linear(x, self._weight, self._bias)

    def swish(self, x: torch.Tensor) -> torch.Tensor:
        return silu(self.product(x))

    def times(self, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return self.product(x).mul_(other)


class PackedLinear:
    """A weight in oneDNN's own layout. Nothing is rearranged in a step, and a row's result depends on no other row
    (bit for bit in fp32; in bf16 a step of up to 32 tokens sums in another order than a longer one)."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, precision: Precision) -> None:
        self._dtype = precision.dtype
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.to(self._dtype).contiguous(), PACKED_FOR)
        self._bias = None if bias is None else bias.to(self._dtype)

    def ready(self, x: torch.Tensor) -> torch.Tensor:
        return x.to(self._dtype)

    def product(self, x: torch.Tensor) -> torch.Tensor:
        return self._then(x, "none")

    def swish(self, x: torch.Tensor) -> torch.Tensor:
        return self._then(x, "swish")

    def times(self, x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return self.product(x).mul_(other)  # oneDNN would do both at once, but up to ten times as slowly

    def _then(self, x: torch.Tensor, what: str) -> torch.Tensor:
        found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, what, [], "")
        return found


class Int8Linear:
    """Weights of eight bits with a scale for each row, activations with a scale for each token; exact integer sums."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, precision: Precision) -> None:
        self._scales = weight.abs().amax(1).clamp_(min=1e-8).div_(127)  # (out,)
        whole = torch.round(weight / self._scales[:, None]).to(torch.int8)
        self._weight = torch.ops.onednn.qlinear_prepack(whole, None)
        self._zeros = torch.zeros(len(weight), dtype=torch.int64)
        self._bias = bias

    def ready(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns (N, in) uint8 around HALF_RANGE + 1, and (N, 1), the value of one unit."""
        unit = torch.linalg.vector_norm(x, float("inf"), 1, True).clamp_(min=1e-8).div_(HALF_RANGE)
        return (x / unit).round_().add_(HALF_RANGE + 1).to(torch.uint8), unit

    def product(self, x: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        whole, unit = x
        found: torch.Tensor = torch.ops.onednn.qlinear_pointwise(
            *(whole, 1.0, HALF_RANGE + 1, self._weight, self._scales, self._zeros, None),
            *(1.0, 0, torch.float32, "none", [], ""),
        )
        found.mul_(unit)
        return found if self._bias is None else found.add_(self._bias)

    def swish(self, x: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return silu(self.product(x), inplace=True)

    def times(self, x: tuple[torch.Tensor, torch.Tensor], other: torch.Tensor) -> torch.Tensor:
        return self.product(x).mul_(other)


class AdaptedLinear:
    """A layer with one product for all tokens. Each specialist's change is added to its own span of tokens."""

    def __init__(self, shared: Linear, changes: Mapping[str, Factors], spans: Spans) -> None:
        self._shared = shared
        self._changes = changes
        self._spans = spans

    def ready(self, x: torch.Tensor) -> tuple[torch.Tensor, Any]:
        return x, self._shared.ready(x)

    def product(self, x: tuple[torch.Tensor, Any]) -> torch.Tensor:
        plain, ready = x
        y = self._shared.product(ready)
        for specialist, start, end in self._spans.now:
            if change := self._changes.get(specialist):
                part = plain[start:end].to(change.down.dtype)
                y[start:end] += (part @ change.down.T) @ change.up.T
        return y

    def swish(self, x: tuple[torch.Tensor, Any]) -> torch.Tensor:
        return silu(self.product(x), inplace=True)

    def times(self, x: tuple[torch.Tensor, Any], other: torch.Tensor) -> torch.Tensor:
        return self.product(x).mul_(other)


def has_onednn() -> bool:
    return bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]  # torch's


def can_pack(precision: Precision) -> bool:
    """Whether this processor can multiply what `PackedLinear` lays out. bf16 needs AVX-512 or AMX."""
    return precision is not Precision.BF16 or not has_onednn() or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def lay_out(weight: torch.Tensor, bias: torch.Tensor | None, precision: Precision) -> Linear:
    """Lay out `weight` (out, in), given in fp32, for `precision` and the weight's device."""
    if weight.device.type != "cpu" or not has_onednn():
        return PlainLinear(weight, bias, precision)
    kind = Int8Linear if precision is Precision.INT8 else PackedLinear
    return kind(weight, bias, precision)
