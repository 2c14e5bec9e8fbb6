"""A request in flight in an engine that another library runs, and the intake that refuses what can be none."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from llguidance import LLMatcher
from transformers import AutoTokenizer

from specialists.bases.model import encode
from workers.engines import Completion, EngineError, Finish, Request
from workers.engines.grammar import ANYTHING, KEPT, GrammarError
from workers.engines.limits import Hosted, host_of


@dataclass(eq=False)
class Ticket:
    request: Request
    prompt: list[int]
    grammar: str
    future: Future[Completion] = field(default_factory=Future)
    cancelled: bool = False
    pieces: list[str] = field(default_factory=list)  #: of its answer, as they came
    chosen: int = 0  #: tokens of its answer, the end of sequence too
    reused: int = 0  #: of its prompt
    cut: int = 0  #: characters of the prompt that are not in its tokens

    def __post_init__(self) -> None:
        self.future.set_running_or_notify_cancel()  # from here on only the engine ends it

    @property
    def most(self) -> int:
        """Tokens to ask the library for: one more, for its end of sequence counts as one."""
        return self.request.max_tokens + 1

    def ended(self, now: float) -> Finish | None:
        """Why it is to be stopped at monotonic time `now`, if it is."""
        if self.cancelled:
            return Finish.CANCELLED
        late = self.request.deadline is not None and now >= self.request.deadline
        return Finish.DEADLINE if late else None

    def completion(self, finish: Finish) -> Completion:
        whole = finish is Finish.STOP
        tokens = self.chosen - 1 if whole else min(self.chosen, self.request.max_tokens)
        text = "".join(self.pieces if whole else self.pieces[: self.request.max_tokens])
        return Completion(text, finish, len(self.prompt), tokens, reused=self.reused, cut=self.cut)


class Intake:
    """May be used from any thread."""

    def __init__(self, base: Path, hosted: Mapping[str, Hosted]) -> None:
        """`base`: the folder with the tokenizer."""
        self._hosted = dict(hosted)
        self._tokenizer: Any = AutoTokenizer.from_pretrained(base, local_files_only=True)
        self._encoding = threading.Lock()  # one tokenizer refuses two callers at once

    def take(self, request: Request) -> Ticket:
        """Raises EngineError if no completion could come of it."""
        hosted = host_of(request, self._hosted)
        with self._encoding:
            prompt, cut = hosted.fit(partial(encode, self._tokenizer), request)
        grammar = request.grammar or ANYTHING
        if fault := grammar_fault(grammar):
            raise GrammarError(fault)
        return Ticket(request, prompt, grammar, cut=cut)


@lru_cache(KEPT)
def grammar_fault(grammar: str) -> str:
    """Why llguidance refuses it; "" if it does not. Neither library tells it: llama.cpp goes on without a grammar."""
    fault: str = LLMatcher.validate_grammar(grammar)
    return fault


def refused(error: EngineError) -> Future[Completion]:
    future: Future[Completion] = Future()
    future.set_exception(error)
    return future
