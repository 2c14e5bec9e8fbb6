"""Bases of random weights and few layers, with the tokenizers of the real ones: quick to load, and to train."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

from infra.settings import Settings
from specialists.bases.weights import ensure

SMALL = {"hidden_size": 48, "intermediate_size": 96, "num_attention_heads": 4}


def tiny_llama(folder: Path, layers: int = 3) -> Path:
    real = ensure("smollm2-135m", Settings().weights)
    config = AutoConfig.from_pretrained(
        real, **SMALL, num_hidden_layers=layers, num_key_value_heads=2, head_dim=12, tie_word_embeddings=True
    )
    return _saved(AutoModelForCausalLM.from_config(config), real, folder)


def tiny_bert(folder: Path, layers: int = 2) -> Path:
    real = ensure("all-minilm-l6-v2", Settings().weights)
    config = AutoConfig.from_pretrained(real, **SMALL, num_hidden_layers=layers)
    return _saved(AutoModel.from_config(config, add_pooling_layer=False), real, folder)


def _saved(model: torch.nn.Module, real: Path, folder: Path) -> Path:
    model.save_pretrained(folder)  # type: ignore[operator]
    shutil.copyfile(real / "tokenizer.json", folder / "tokenizer.json")
    return folder
