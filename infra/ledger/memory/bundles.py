"""Which ready jobs share a message, in this process's memory. Knows no rule of their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import ceil

from infra.ledger.memory.job_entry import Entry
from infra.ledger.memory.job_lines import Line
from infra.records import Message

BUNDLE_S = 0.1  #: how much work of one worker a bundle is
LARGEST_BUNDLE = 64


class Bundles:
    def __init__(self, workers: Mapping[str, int], lines: Mapping[str, Line], now_ms: int) -> None:
        """`workers`: how many workers each job type has that may be given bundles. `lines`: before jobs are taken."""
        self._most = {name: _most(line, workers.get(name.partition(".")[0]), now_ms) for name, line in lines.items()}
        self._messages: list[list[str]] = []
        self._open: dict[str, list[str]] = {}  # line -> its last message that may get more jobs
        self._tokens: Counter[str] = Counter()  # of these messages

    def add(self, entry: Entry) -> None:
        tokens, jobs = self._most.get(entry.line, (0, 1))
        last = self._open.get(entry.line)
        fits = self._tokens[entry.line] + entry.job.tokens <= tokens and not entry.goes_alone
        if last is None or not fits or len(last) > jobs:
            last = [entry.line]
            self._messages.append(last)
            if not entry.goes_alone:
                self._open[entry.line], self._tokens[entry.line] = last, 0
        if not entry.goes_alone:
            self._tokens[entry.line] += entry.job.tokens
        last.append(entry.id)

    def messages(self) -> list[Message]:
        return [tuple(message) for message in self._messages]


def _most(line: Line, workers: int | None, now_ms: int) -> tuple[float, int]:
    """The most tokens and the most jobs of one message."""
    tokens_per_s = line.pace.tokens_per_s(now_ms)
    if workers is None or tokens_per_s is None:
        return 0, 1
    return BUNDLE_S * tokens_per_s / workers, min(LARGEST_BUNDLE, ceil(line.ready / workers))
