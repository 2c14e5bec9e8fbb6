"""A base model that loads in a moment: random weights, and the commonest tokens of a real tokenizer.

For tests of what an engine does with any model. What a model says, and what fewer bits do to it, needs a real one.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoTokenizer

from infra.settings import Settings
from specialists.bases.weights import ensure

TOKENS = 8192
INNER = 96  #: width between the two products of a layer that widen and narrow
#: Of the weights: so far apart are two tokens' numbers then that no rounding changes which one is chosen.
SPREAD = 0.5


def make_tiny(folder: Path, spread: float = SPREAD, layers: int = 2) -> Path:
    """Write it into `folder`, the same each time: of the shape of smollm2-135m, in few layers of 64 numbers."""
    real = ensure("smollm2-135m", Settings().weights)
    _write_tokenizer(real, folder)
    config = AutoConfig.from_pretrained(
        real, vocab_size=TOKENS, hidden_size=64, intermediate_size=INNER, num_hidden_layers=layers,
        num_attention_heads=4, num_key_value_heads=2, head_dim=16, initializer_range=spread,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


def make_tiny_encoder(folder: Path) -> Path:
    """Write it into `folder`, the same each time: of the shape of all-minilm-l6-v2, in two layers of 48 numbers."""
    real = ensure("all-minilm-l6-v2", Settings().weights)
    config = AutoConfig.from_pretrained(
        real, hidden_size=48, intermediate_size=INNER, num_attention_heads=4, num_hidden_layers=2, initializer_range=0.1
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModel.from_config(config, add_pooling_layer=False).save_pretrained(folder)
    shutil.copyfile(real / "tokenizer.json", folder / "tokenizer.json")
    return folder


def _write_tokenizer(real: Path, folder: Path) -> None:
    """Each merge of two tokens makes the next id, so the first ids are a tokenizer too."""
    AutoTokenizer.from_pretrained(real, local_files_only=True).save_pretrained(folder)
    path = folder / "tokenizer.json"
    said = json.loads(path.read_text("utf-8"))
    model = said["model"]
    model["vocab"] = {token: number for token, number in model["vocab"].items() if number < TOKENS}
    model["merges"] = [pair for pair in model["merges"] if "".join(pair) in model["vocab"]]
    path.write_text(json.dumps(said), "utf-8")
