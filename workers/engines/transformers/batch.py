"""The batch: the requests that are decoded, one in each slot, and what each is fed in the next step. Runs no model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from math import exp

from workers.engines import Completion, Finish, Request
from workers.engines.grammar import Guide
from workers.engines.in_flight import Ticket
from workers.engines.mask import Choice
from workers.engines.transformers.grouping import Piece


class Row(Ticket):
    """One request on its way: what is left to feed, what was answered, and how it ended if it has."""

    def __init__(self, request: Request, prompt: list[int], guide: Guide, jump: bool = True, cut: int = 0) -> None:
        """`jump`: what the grammar forces is appended at once, and not chosen one token at a time.

        `cut`: characters of the prompt that are not in its tokens.
        """
        super().__init__(request)
        self.finish: Finish | None = None
        self.guide = guide
        self.answer: list[int] = []
        self.prompt = prompt
        self.reused = 0  #: tokens of the prompt whose keys and values were there before
        self._jump = jump
        self._cut = cut
        self._forced = 0
        self._log = 0.0  #: log of the probability of what was chosen so far
        self._fed = 0  #: tokens whose keys and values are in the slot
        self._pending = list(prompt)

    def start(self) -> None:
        """Append what the grammar forces before anything is chosen. Raises GrammarError."""
        if self.finish is None and self._jump:
            self._append(self.guide.forced(), forced=True)

    def take(self, choice: Choice, end: int) -> None:
        """Append an allowed token, and all that it forces; `end` is the end of sequence.

        Raises GrammarError.
        """
        token = choice.token
        self._log += choice.log
        if token == end:
            self.finish = Finish.STOP
            return
        if len(self.answer) >= self.request.max_tokens:  # the answer could have ended here, but goes on
            self.finish = Finish.LENGTH
            return
        self.guide.take(token)
        self._append([token], forced=False)
        self.start()

    def begin(self, tokens: int) -> None:
        """Record that the first `tokens` of the prompt are in the slot already."""
        self.reused = self._fed = tokens
        self._pending = self._pending[tokens:]

    def restart(self) -> None:
        """Feed the prompt and the answer so far again, because the row has lost its slot."""
        self.reused = self._fed = 0
        self._pending = [*self.prompt, *self.answer]

    def unfeed(self, piece: Piece) -> None:
        """Take `piece` back, because the step that was to feed it failed."""
        self._pending = [*piece.tokens, *self._pending]
        self._fed -= len(piece.tokens)

    def _append(self, tokens: list[int], forced: bool) -> None:
        kept = tokens[: self.request.max_tokens - len(self.answer)]
        self.answer += kept
        self._pending += kept
        self._forced += len(kept) if forced else 0
        if len(kept) == len(tokens) and self.guide.ended:
            self.finish = Finish.STOP
        elif len(self.answer) >= self.request.max_tokens and not (len(kept) == len(tokens) and self.guide.may_end):
            self.finish = Finish.LENGTH

    def look_up(self, now: float) -> None:
        """End the row if it was cancelled or is past its deadline at monotonic time `now`."""
        self.finish = self.finish or self.ended(now)

    @property
    def pending(self) -> int:
        """The number of tokens to feed before the next one can be chosen."""
        return len(self._pending)

    def feed(self, slot: int, most: int) -> Piece:
        """Up to `most` of the pending tokens, which count as fed from now on."""
        tokens, self._pending = self._pending[:most], self._pending[most:]
        self._fed += len(tokens)
        return Piece(slot, self._fed - len(tokens), tokens, self.request.specialist)

    @property
    def fed(self) -> int:
        return self._fed

    def completion(self, text: str) -> Completion:
        assert self.finish, "a row has no completion before it ended"
        tokens = len(self.prompt), len(self.answer), self._forced
        return Completion(text, self.finish, *tokens, self.reused, self._cut, exp(self._log))


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

    def join(self, row: Row) -> int:
        """Returns the slot that the row has from now on."""
        slot = next(slot for slot in count() if slot not in self._rows)
        self._rows[slot] = row
        return slot

    def leave(self, row: Row) -> bool:
        """Returns False if the row was not in the batch."""
        slot = next((slot for slot, other in self._rows.items() if other is row), None)
        return slot is not None and self._rows.pop(slot) is row

    def feed(self, most: int) -> list[tuple[Row, Piece]]:
        """The next step, of at most `most` tokens. Running answers come first, so that no prompt stops them. Then come
        the prompts in the order in which they joined, so that none waits for ever behind shorter ones.

        In the result, the rows of one specialist are side by side.
        """
        fed = []
        for slot, row in sorted(self._rows.items(), key=lambda item: item[1].fed < len(item[1].prompt)):
            if most > 0:
                piece = row.feed(slot, most)
                most -= len(piece.tokens)
                fed.append((row, piece))
        return sorted(fed, key=lambda pair: (pair[1].specialist, pair[1].slot))
