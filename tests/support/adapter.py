"""Adapters of random numbers for a tiny base: large enough to change what it says."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file

from specialists.bases.model import load_base
from specialists.training.lora import lora_config
from workers.engines.adapters import AdapterSource

RANK, ALPHA = 4, 8


def make_adapter(base: Path, folder: Path, seed: int) -> AdapterSource:
    torch.manual_seed(seed)
    shapes = get_peft_model_state_dict(peft_model(base))
    state = {key: (torch.randn_like(tensor) * 0.4).half() for key, tensor in shapes.items()}
    path = folder / "adapter.safetensors"
    save_file(state, path)
    return AdapterSource(path, RANK, ALPHA)


def peft_model(base: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 reads a name that transformers 5.23 renamed
        return get_peft_model(load_base(base)[0], lora_config(RANK, ALPHA))
