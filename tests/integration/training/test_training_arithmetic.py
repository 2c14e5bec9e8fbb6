"""The arithmetic of training: what is done in fewer passes must come to the same."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from peft import get_peft_model
from torch.nn import functional
from torch.testing import assert_close
from transformers import LlamaConfig, LlamaForCausalLM

from specialists.training import attention
from specialists.training.attention import NAME, causal_attention
from specialists.training.course import Options
from specialists.training.lora import _with_adapter, lora_config

RANK, ALPHA = 4, 8
CONFIG = LlamaConfig(
    hidden_size=24,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    vocab_size=50,
    attention_bias=True,
)


def adapted(ours: bool, dtype: torch.dtype) -> Any:
    """A small model with biases and an adapter, the same each time; through peft's own layers, or through ours."""
    torch.manual_seed(3)
    base = LlamaForCausalLM(CONFIG).to(dtype)
    model = _with_adapter(base, Options(rank=RANK, alpha=ALPHA)) if ours else peft_model(base)
    for name, parameter in sorted(model.named_parameters()):
        if parameter.requires_grad:
            parameter.data = torch.randn(parameter.shape) / 10
        elif name.endswith("bias"):
            parameter.data.normal_()
    if ours:
        model.set_attn_implementation(NAME)
    return model


def peft_model(base: Any) -> Any:
    with pytest.warns(FutureWarning, match="is_gradient_checkpointing"):
        return get_peft_model(base, lora_config(RANK, ALPHA))


def gradients(model: Any) -> dict[str, torch.Tensor]:
    ids = torch.arange(30).view(3, 10)
    logits = model(input_ids=ids, use_cache=False).logits.float()
    functional.cross_entropy(logits.flatten(0, 1), ids.flatten()).backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
    return {name: each.grad for name, each in model.named_parameters() if each.requires_grad}


def test_an_adapted_layer_learns_what_pefts_own_learns() -> None:
    theirs, ours = gradients(adapted(False, torch.float32)), gradients(adapted(True, torch.float32))
    assert theirs.keys() == ours.keys()
    assert len(ours) == 2 * 7 * 2
    for name, gradient in theirs.items():
        assert gradient.abs().max() > 0, name
        assert_close(ours[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


def test_on_a_base_in_bf16_the_adapters_gradients_are_fp32_and_as_near_as_pefts() -> None:
    exact = flat(gradients(adapted(False, torch.float32)))
    theirs, ours = (flat(gradients(adapted(ours, torch.bfloat16))) for ours in (False, True))
    assert ours.dtype is torch.float32
    assert (ours - exact).norm() < 2 * (theirs - exact).norm()


def flat(found: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([found[name].flatten() for name in sorted(found)])


@pytest.mark.parametrize("longest", [1024, 8])
def test_attention_is_that_of_torch(monkeypatch: pytest.MonkeyPatch, longest: int) -> None:
    monkeypatch.setattr(attention, "LONGEST", longest)
    torch.manual_seed(5)
    query = torch.randn(2, 6, 9, 4, requires_grad=True)
    key, value = (torch.randn(2, 3, 9, 4, requires_grad=True) for _ in range(2))
    found, _ = causal_attention(None, query, key, value, None, scaling=0.3)
    expected = functional.scaled_dot_product_attention(
        query, key, value, is_causal=True, enable_gqa=True, scale=0.3
    ).transpose(1, 2)
    assert_close(found, expected)
    of = (query, key, value)
    weights = torch.randn_like(found)
    assert_close(
        torch.autograd.grad(found, of, weights), torch.autograd.grad(expected, of, weights), rtol=1e-4, atol=1e-6
    )
