"""A base's weights on disk, read tensor by tensor: a trunk of few layers reads no more than those."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open

from specialists.heads.trunks.shared import Rows, SharedLinear


class Weights:
    """The tensors of a folder, by name, in fp32."""

    def __init__(self, folder: Path, prefix: str = "") -> None:
        """`prefix`: what stands before each name in the files, if it does."""
        self._prefix = prefix
        self._files: dict[str, Path] = {}
        for path in folder.glob("*.safetensors"):
            with safe_open(path, framework="pt") as file:
                self._files |= dict.fromkeys(file.keys(), path)

    def __getitem__(self, name: str) -> torch.Tensor:
        whole = name if name in self._files else self._prefix + name
        with safe_open(self._files[whole], framework="pt") as file:
            found: torch.Tensor = file.get_tensor(whole)
        return found.float()

    def __contains__(self, name: str) -> bool:
        return name in self._files or self._prefix + name in self._files

    def linear(self, rows: Rows, *names: str) -> SharedLinear:
        """The layers of these names as one, whose output is theirs beside each other."""
        weight = torch.cat([self[f"{name}.weight"] for name in names])
        biases = [self[f"{name}.bias"] for name in names if f"{name}.bias" in self]
        return SharedLinear(weight, torch.cat(biases) if biases else None, rows)
