"""Trunks: what turns tokens into hidden states in one pass, with each specialist's own change. Know no head."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from specialists.heads.trunks.layered import LayeredTrunk

_TRUNKS = {
    "bert": "specialists.heads.trunks.bert:load_bert",
    "llama": "specialists.heads.trunks.llama:load_llama",
    "qwen2": "specialists.heads.trunks.llama:load_llama",
}


class TrunkError(Exception):
    """A base cannot be a trunk: its architecture is unknown here, or it has fewer layers than asked for."""


def load_trunk(folder: Path, layers: int | None = None) -> LayeredTrunk:
    """The base in `folder` with its first `layers` layers; None keeps all of them. It raises TrunkError."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    kind, held = config["model_type"], config["num_hidden_layers"]
    if kind not in _TRUNKS:
        raise TrunkError(f"a head cannot read base {folder.name!r}, a {kind} model; it reads: {', '.join(_TRUNKS)}")
    if layers is not None and layers > held:
        raise TrunkError(f"[head] layers is {layers}, and base {folder.name!r} has {held}")
    module, load = _TRUNKS[kind].split(":")
    found = cast(Callable[[Path, dict[str, Any], int], LayeredTrunk], getattr(import_module(module), load))
    return found(folder, config, layers or held)
