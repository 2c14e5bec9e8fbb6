"""An adapter as a folder in peft's form, which other libraries load. Knows no engine and no requests."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

from safetensors import safe_open

from specialists.bases.weights import make_once
from workers.engines import EngineError
from workers.engines.adapters import AdapterSource

_MODULE = re.compile(r"base_model\.model\.(?:.+\.)?(?P<last>\w+)\.lora_[AB]\.weight")


def ensure_peft(adapter: AdapterSource, cache: Path) -> Path:
    """The folder of `adapter`. If it is not in `cache`, it is made and kept there."""
    key = hashlib.sha256(f"{adapter.rank} {adapter.alpha} ".encode() + adapter.path.read_bytes()).hexdigest()

    def make(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(adapter.path, folder / "adapter_model.safetensors")
        (folder / "adapter_config.json").write_text(json.dumps(_config(adapter)), "utf-8")

    try:
        return make_once(cache / f"{adapter.path.parent.name}-{key[:16]}", key, make)
    except OSError as error:
        raise EngineError(
            f"the adapter of {adapter.path.parent.name!r} cannot be written to {cache}: {error.strerror}; "
            "start this worker once where it may write there",
            retryable=False,
        ) from error


def _config(adapter: AdapterSource) -> dict[str, object]:
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "target_modules": _modules(adapter),
        "bias": "none",
        "lora_dropout": 0.0,
        "inference_mode": True,
    }


def _modules(adapter: AdapterSource) -> list[str]:
    """The last parts of the changed layers' names, such as `q_proj`. Raises EngineError."""
    with safe_open(adapter.path, "pt") as tensors:
        found = {name: _MODULE.fullmatch(name) for name in tensors.keys()}  # noqa: SIM118 - no mapping
    if unknown := [name for name, match in found.items() if not match]:
        raise EngineError(f"adapter {adapter.path.parent.name}: unknown tensor {unknown[0]!r}", retryable=False)
    return sorted({match["last"] for match in found.values() if match})
