"""A head on disk: the change of its trunk and its readers, in one file of safetensors. Knows no manifest."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from specialists.heads.head import Head
from specialists.heads.trunks.trunk import Trunk

State = dict[str, torch.Tensor]

FINE = ".novelty."  #: a part of the names of tensors whose rounding would move a threshold


class HeadFileError(Exception):
    """A file does not fit the base or the output schema."""


def save_head(state: State, path: Path) -> None:
    """In fp16, as adapters are; what decides by a narrow margin in fp32, and what counts as it is."""
    save_file({name: _small(name, tensor).contiguous().cpu() for name, tensor in state.items()}, path)


def _small(name: str, tensor: torch.Tensor) -> torch.Tensor:
    return tensor.half() if tensor.is_floating_point() and FINE not in name else tensor


def load_head(path: Path, name: str, trunk: Trunk, head: Head) -> None:
    """Fill the change `name` of the trunk, which has it already, and the readers. It raises HeadFileError."""
    put_state(read_state(path), name, trunk, head, path.name)


def read_state(path: Path) -> State:
    """It raises HeadFileError."""
    try:
        read: State = load_file(path)
    except SafetensorError as error:
        raise HeadFileError(f"{path.name} is no file of safetensors: {error}") from None
    return read


def state_of(name: str, trunk: Trunk, head: Head) -> State:
    """All that was learnt, by the names that the file has."""
    return {where: parameter.detach() for where, parameter in _learnt(name, trunk, head).items()}


def put_state(state: State, name: str, trunk: Trunk, head: Head, whose: str = "state") -> None:
    """It raises HeadFileError where a tensor is missing, has another shape, or is one too many."""
    wanted = _learnt(name, trunk, head)
    if odd := sorted(state.keys() ^ wanted.keys()):
        kind = "lacks" if odd[0] in wanted else "has unknown"
        raise HeadFileError(
            f"{whose} {kind} tensor {odd[0]!r} ({len(odd)} differ): was it trained on this base, with these layers?"
        )
    for where, parameter in wanted.items():
        if state[where].shape != parameter.shape:
            shapes = f"{tuple(state[where].shape)}, expected {tuple(parameter.shape)}"
            raise HeadFileError(f"{whose}: tensor {where!r} has shape {shapes}; was it trained for this output schema?")
        with torch.no_grad():
            parameter.copy_(state[where])


def _learnt(name: str, trunk: Trunk, head: Head) -> dict[str, torch.nn.Parameter]:
    return dict((*trunk.learnt(name), *head.named_parameters()))
