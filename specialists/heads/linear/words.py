"""A text as the linear base counts it: its tokens are its words. Knows no gram and no specialist."""

from __future__ import annotations

import re
import zlib

from specialists.fitting import fit, without
from specialists.heads.tokens import Reading, Span

_WORD = re.compile(r"\w+|[^\w\s]")


class Words:
    """Stands where a base's tokenizer would: a limit of tokens is one of words and signs."""

    def read(self, prompt: str, limit: int, cut: Span | None = None) -> Reading:
        """`cut`: the characters that may be cut at their end. It raises `fitting.Unfit`."""
        ids, left_out = fit(self.ids, prompt, cut, limit)
        text = without(prompt, cut, left_out)
        return Reading(ids, [each.span() for each in _WORD.finditer(text)], text, left_out)

    def ids(self, text: str) -> list[int]:
        return [zlib.crc32(each.encode("utf-8", "surrogatepass")) for each in _WORD.findall(text)]
