"""One specialist as the head engine hosts it: its tokens, its head, and its view of the trunk. Runs nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from specialists.fitting import Unfit
from specialists.heads.files import HeadFileError, load_head
from specialists.heads.head import Asked, Head, view_of
from specialists.heads.linear.files import load_linear
from specialists.heads.linear.trunk import LinearTrunk
from specialists.heads.linear.words import Words
from specialists.heads.readers.reader import Read, Seen
from specialists.heads.tokens import Tokens
from specialists.heads.trunks.layered import LayeredTrunk
from specialists.heads.trunks.trunk import View
from specialists.specialist import Specialist
from workers.engines import EngineError, PromptTooLong, Request


class Reads(Protocol):
    """What reads the answers of one specialist."""

    def read(self, seen: Seen) -> list[Read]: ...


@dataclass(frozen=True)
class Hosted:
    head: Reads
    view: View
    input_tokens: int  #: a longer prompt is refused

    def asked(self, tokens: Tokens | Words, request: Request) -> Asked:
        """Raises EngineError: too many tokens, or none."""
        try:
            reading = tokens.read(request.prompt, self.input_tokens, request.cut)
        except Unfit as error:
            raise PromptTooLong(error.tokens, error.limit, error.uncut) from None
        if not reading.ids:
            raise EngineError("the prompt is empty", retryable=False)
        return Asked(reading, request.source or (0, 0))


def hosted_of(specialist: Specialist, trunk: LayeredTrunk) -> Hosted:
    """Also gives the trunk the specialist's change. Raises EngineError."""
    manifest = specialist.manifest
    view = view_of(specialist, len(trunk.blocks))
    head = Head(specialist, trunk.width).eval().requires_grad_(False)
    if manifest.adapter and specialist.adapter_path:
        trunk.adapt(specialist.name, view.layers, manifest.adapter.rank, manifest.adapter.alpha)
        try:
            load_head(specialist.adapter_path, specialist.name, trunk, head)
        except HeadFileError as error:
            raise EngineError(f"adapter of {specialist.name!r}: {error}", retryable=False) from None
    return Hosted(head, view, min(manifest.limits.input_tokens, trunk.longest))


def linear_of(specialist: Specialist, trunk: LinearTrunk) -> Hosted:
    """Also gives the trunk the specialist's table. Raises EngineError."""
    path = specialist.adapter_path
    if path is None:
        raise EngineError(f"{specialist.name!r} has the linear base, which answers nothing untrained", retryable=False)
    try:
        head = load_linear(specialist, path, trunk).eval().requires_grad_(False)
    except HeadFileError as error:
        raise EngineError(f"adapter of {specialist.name!r}: {error}", retryable=False) from None
    return Hosted(head, view_of(specialist, 0), specialist.manifest.limits.input_tokens)


def written(reads: Sequence[Read]) -> list[str]:
    """Outputs as the JSON format writes them."""
    return [json.dumps(read.values, ensure_ascii=False, separators=(",", ":")) for read in reads]
