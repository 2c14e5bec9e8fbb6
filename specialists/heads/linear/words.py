"""A text as the linear base counts it: its tokens are its words. Knows no gram and no specialist."""

from __future__ import annotations

import re
import zlib

from specialists.fitting import fit
from specialists.heads.tokens import Reading, Span

_WORD = re.compile(r"\w+|[^\w\s]")


class Words:
    """Stands where a base's tokenizer would: a limit of tokens is one of words and signs."""

    def read(self, prompt: str, limit: int, cut: Span | None = None) -> Reading:
        """`cut`: the characters that may be cut at their end. It raises `fitting.Unfit`."""
        ids, left_out = fit(self.ids, prompt, cut, limit)
        text = prompt if not left_out or cut is None else prompt[: cut[1] - left_out] + prompt[cut[1] :]
        return Reading(ids, [each.span() for each in _WORD.finditer(text)], text, left_out)

    def ids(self, text: str) -> list[int]:
        return [zlib.crc32(each.encode("utf-8", "surrogatepass")) for each in _WORD.findall(text)]
