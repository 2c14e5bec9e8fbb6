"""A Llama-shaped model as a few large operations on weights that are laid out once. Knows no requests and no grammars.

It computes the same numbers as transformers' own modules in another order: the weights of the norms are part of the
layers that follow them, query, key and value are one product, and pairs of rotated dimensions lie side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn.functional import rms_norm

from workers.engines.adapters import Factors, Spans
from workers.engines.precision import Precision
from workers.engines.transformers.linear import AdaptedLinear, Linear, lay_out
from workers.engines.transformers.slots import Layout, attend

#: Transformers' names of the models that have this shape: Llama's, and those with biases on query, key and value.
SHAPED = ("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM")

#: Specialist -> layer name -> its change.
Changes = Mapping[str, Mapping[str, Factors]]


def fits(model: Any) -> bool:
    """Whether `model` has the shape that is written out here. Other models run as transformers' modules."""
    config = model.config
    sliding = getattr(config, "use_sliding_window", getattr(config, "sliding_window", None))
    rope = config.rope_parameters["rope_type"] if config.rope_parameters else None
    return (
        type(model).__name__ in SHAPED and config.hidden_act == "silu" and not sliding and rope in ("default", "llama3")
    )


class Fused:
    """Takes over the weights of `model` (fp32, its own adapters already merged), which must not be used afterwards.

    `changes` are adapters that stay apart: each is added to its specialist's tokens, as `spans` says.
    """

    def __init__(self, model: Any, precision: Precision, length: int, changes: Changes, spans: Spans) -> None:
        config, inner = model.config, model.model
        self._epsilon: float = config.rms_norm_eps
        self._width: int = config.hidden_size
        self._turns = _turns(inner.rotary_emb, length, next(model.parameters()).device)
        self._layers = [
            _Layer(index, layer, config, precision, _Laying(f"model.layers.{index}", precision, changes, spans))
            for index, layer in enumerate(inner.layers)
        ]
        self._embedding = inner.embed_tokens.weight.detach()
        self._norm = inner.norm.weight.detach().float().clone()  # a view would keep the whole file of weights mapped

    def __call__(self, tokens: torch.Tensor, layout: Layout) -> torch.Tensor:
        """Map the tokens (N,) of one step to what the head sees of them, (N, E) in fp32."""
        x = self._embedding[tokens].float()  # (N, E): the sum over the layers stays fp32
        turns = self._turns[layout.positions][:, None]  # (N, 1, D / 2)
        for layer in self._layers:
            layer(x, turns, layout)
        return rms_norm(x, (self._width,), self._norm, self._epsilon)


class _Laying:
    """Lays out the linear layers of one of the model's layers, each with the changes that adapters make to it."""

    def __init__(self, prefix: str, precision: Precision, changes: Changes, spans: Spans) -> None:
        self._prefix = prefix
        self._precision = precision
        self._changes = changes
        self._spans = spans

    def __call__(
        self, modules: Mapping[str, Any], norm: torch.Tensor | None, order: Callable[[str, torch.Tensor], torch.Tensor]
    ) -> Linear:
        """Join `modules` (name within the layer -> linear layer), which follow `norm`, into one product.

        `order` puts the rows of a module's weight, bias or change into the order in which they are used.
        """
        fold = norm.float() if norm is not None else 1.0
        weight = torch.cat([order(name, module.weight.detach().float()) for name, module in modules.items()]) * fold
        biases = [
            order(name, module.bias.detach().float()) for name, module in modules.items() if module.bias is not None
        ]
        shared = lay_out(weight, torch.cat(biases) if biases else None, self._precision)
        joined = {name: self._joined(factors, modules, fold, order) for name, factors in self._changes.items()}
        own = {name: change for name, change in joined.items() if change}
        return AdaptedLinear(shared, own, self._spans) if self._changes else shared  # alike, as some share an input

    def _joined(
        self,
        factors: Mapping[str, Factors],
        modules: Mapping[str, Any],
        fold: torch.Tensor | float,
        order: Callable[[str, torch.Tensor], torch.Tensor],
    ) -> Factors | None:
        """The changes of several layers as one change of their joint product; None if the adapter changes none."""
        found = {name: factors.get(f"{self._prefix}.{name}") for name in modules}
        if not any(found.values()):
            return None
        downs, ups = [], []
        for name, module in modules.items():
            change = found[name]
            down = change.down.float() * fold if change else torch.zeros(0, module.in_features)
            up = order(name, change.up.float()) if change else torch.zeros(module.out_features, 0)
            downs.append(down.to(module.weight.device))
            ups.append(up.to(module.weight.device))
        dtype = self._precision.dtype
        return Factors(torch.cat(downs).to(dtype), torch.block_diag(*ups).to(dtype))  # type: ignore[no-untyped-call]  # torch has it so


class _Layer:
    def __init__(self, index: int, layer: Any, config: Any, precision: Precision, lay: _Laying) -> None:
        self._index = index
        self._dtype = precision.dtype
        self._epsilon: float = config.rms_norm_eps
        self._width: int = config.hidden_size
        self._heads: int = config.num_attention_heads
        self._key_heads: int = config.num_key_value_heads
        self._head: int = getattr(config, "head_dim", None) or config.hidden_size // self._heads
        attention, mlp = layer.self_attn, layer.mlp
        before, between = layer.input_layernorm.weight.detach(), layer.post_attention_layernorm.weight.detach()
        asked = {f"self_attn.{name}": getattr(attention, name) for name in ("q_proj", "k_proj", "v_proj")}
        self._ask = lay(asked, before, self._paired)
        self._tell = lay({"self_attn.o_proj": attention.o_proj}, None, _as_is)
        self._gate = lay({"mlp.gate_proj": mlp.gate_proj}, between, _as_is)
        self._up = lay({"mlp.up_proj": mlp.up_proj}, between, _as_is)
        self._down = lay({"mlp.down_proj": mlp.down_proj}, None, _as_is)

    def __call__(self, x: torch.Tensor, turns: torch.Tensor, layout: Layout) -> None:
        """Add the output of this layer to `x` (N, E), in place."""
        h = self._ask.ready(rms_norm(x, (self._width,), None, self._epsilon))
        asked = self._ask.product(h).view(len(x), -1, self._head)  # (N, H + 2 KH, D)
        turned = asked[:, : self._heads + self._key_heads]
        pairs = torch.view_as_complex(turned.float().view(*turned.shape[:2], -1, 2))  # (N, H + KH, D / 2)
        turned = torch.view_as_real(pairs * turns).flatten(-2).to(self._dtype)
        query, key, value = turned[:, : self._heads], turned[:, self._heads :], asked[:, -self._key_heads :]
        found = attend(self._index, layout, query, key, value, self._head**-0.5)
        x += self._tell.product(self._tell.ready(found.flatten(1)))
        h = self._gate.ready(rms_norm(x, (self._width,), None, self._epsilon))
        h = self._up.times(h, self._gate.swish(h))
        x += self._down.product(self._down.ready(h))

    def _paired(self, name: str, rows: torch.Tensor) -> torch.Tensor:
        """Put the two dimensions of query and key that turn together side by side. This does not change the scores."""
        if name == "self_attn.v_proj":
            return rows
        heads = rows.view(-1, 2, self._head // 2, *rows.shape[1:])  # (heads, 2, D / 2, …)
        return heads.transpose(1, 2).flatten(0, 2)


def _as_is(_: str, rows: torch.Tensor) -> torch.Tensor:
    return rows


def _turns(rotary: Any, length: int, device: torch.device) -> torch.Tensor:
    """(length, D / 2) complex: how far each pair of dimensions is turned at each position."""
    positions = torch.arange(length, device=device)[None]
    cos, sin = rotary(torch.zeros(1, device=device), positions)  # (1, length, D), both halves alike
    half = cos.shape[-1] // 2
    return torch.complex(cos[0, :, :half].float(), sin[0, :, :half].float())
