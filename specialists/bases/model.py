"""Base models on disk and in memory, by transformers. Knows nothing of specialists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def load_base(folder: Path, device: str = "cpu", dtype: torch.dtype = torch.float32) -> tuple[Any, Any]:
    """Load (model, tokenizer) from a converted folder."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return model.to(device), tokenizer


def dtype_on(device: str) -> torch.dtype:
    """The dtype that is fast on the device: bf16 on CUDA and on processors that multiply it (AMX, AVX-512 BF16), fp32
    elsewhere. If bf16 has to be widened first, it may be 500 times as slow.
    """
    can = torch.cpu.get_capabilities()
    is_fast = device.startswith("cuda") or can.get("amx_bf16") or can.get("avx512_bf16")
    return torch.bfloat16 if is_fast else torch.float32


def convert_gguf(gguf: Path, folder: Path) -> None:
    """De-quantise `gguf` once into plain safetensors at `folder`; the logits are the same.

    transformers refuses to save a model that it loaded from a GGUF, so the weights move into a fresh one.
    """
    quantised = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    config = quantised.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = AutoModelForCausalLM.from_config(config)
    plain.load_state_dict(quantised.state_dict())
    plain.tie_weights()
    plain.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)


def copy_from_hub(name: str, folder: Path) -> None:
    """Fetch hub model `name` and keep it at `folder` as plain safetensors."""
    AutoModelForCausalLM.from_pretrained(name).save_pretrained(folder)
    AutoTokenizer.from_pretrained(name).save_pretrained(folder)


def encode(tokenizer: Any, text: str) -> list[int]:
    """The token ids of `text` as plain text: a spelt-out control token stays text, so input cannot forge a turn."""
    ids: list[int] = tokenizer(text, add_special_tokens=False, split_special_tokens=True).input_ids
    return ids
