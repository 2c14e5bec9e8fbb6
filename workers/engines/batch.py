"""The batch: the requests being decoded, one a slot, and what each is fed in the next step. Runs no model."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from itertools import count

import torch

from workers.engines import Completion, Finish, Request
from workers.engines.grammar import Guide
from workers.engines.slots import Piece


class Row:
    """One request on its way: what is left to feed, what was answered, and how it ended, if it has."""

    def __init__(self, request: Request, prompt: list[int], guide: Guide) -> None:
        self.request = request
        self.future: Future[Completion] = Future()
        self.future.set_running_or_notify_cancel()  # from here on only the engine ends it
        self.finish: Finish | None = None
        self.cancelled = False
        self.guide = guide
        self.answer: list[int] = []
        self._prompt_tokens = len(prompt)
        self._forced = 0
        self._fed = 0  #: tokens whose keys and values are in the slot
        self._pending = prompt

    def start(self) -> None:
        """Append what the grammar forces before anything is chosen. Raises GrammarError."""
        if self.finish is None:
            self._append(self.guide.forced(), forced=True)

    def choose(self, scores: torch.Tensor, end: int) -> None:
        """Append the allowed token that `scores` (V,) prefer and all that it forces; `end` is the end of sequence.

        Raises GrammarError.
        """
        token = int(scores.masked_fill(~self.guide.allowed(), float("-inf")).argmax())
        if token == end:
            self.finish = Finish.STOP
            return
        self.guide.take(token)
        self._append([token], forced=False)
        if self.finish is None:
            self._append(self.guide.forced(), forced=True)

    def _append(self, tokens: list[int], forced: bool) -> None:
        kept = tokens[: self.request.max_tokens - len(self.answer)]
        self.answer += kept
        self._pending += kept
        self._forced += len(kept) if forced else 0
        if len(kept) == len(tokens) and self.guide.ended:
            self.finish = Finish.STOP
        elif len(self.answer) >= self.request.max_tokens:
            self.finish = Finish.LENGTH

    def look_up(self, now: float) -> None:
        """End the row if it was cancelled or is past its deadline at monotonic time `now`."""
        if self.finish:
            return
        if self.cancelled:
            self.finish = Finish.CANCELLED
        elif self.request.deadline is not None and now >= self.request.deadline:
            self.finish = Finish.DEADLINE

    @property
    def pending(self) -> int:
        """Tokens to feed before the next one can be chosen."""
        return len(self._pending)

    def feed(self, slot: int, most: int) -> Piece:
        """Up to `most` of the pending tokens, from now on counted as fed."""
        tokens, self._pending = self._pending[:most], self._pending[most:]
        self._fed += len(tokens)
        return Piece(slot, self._fed - len(tokens), tokens, self.request.specialist)

    def completion(self, text: str) -> Completion:
        assert self.finish, "a row has no completion before it ended"
        return Completion(text, self.finish, self._prompt_tokens, len(self.answer), self._forced)


class Batch:
    """At most `slots` rows. A row keeps its slot until it leaves; the lowest free slots are given out first."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._rows: dict[int, Row] = {}

    def __iter__(self) -> Iterator[Row]:
        return iter(list(self._rows.values()))

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def full(self) -> bool:
        return len(self._rows) >= self._slots

    def join(self, row: Row) -> None:
        self._rows[next(slot for slot in count() if slot not in self._rows)] = row

    def leave(self, row: Row) -> None:
        self._rows = {slot: other for slot, other in self._rows.items() if other is not row}

    def feed(self, most: int) -> list[tuple[Row, Piece]]:
        """The next step: at most `most` tokens, those with least to feed first, so that no long prompt stops the rest.

        Returned with the rows of one specialist side by side.
        """
        fed = []
        for slot, row in sorted(self._rows.items(), key=lambda item: item[1].pending):
            if most > 0:
                piece = row.feed(slot, most)
                most -= len(piece.tokens)
                fed.append((row, piece))
        return sorted(fed, key=lambda pair: (pair[1].specialist, pair[1].slot))
