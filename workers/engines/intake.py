"""The intake of an engine that another library runs: a request's tokens, or why it can have no completion."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from llguidance import LLMatcher
from transformers import AutoTokenizer

from specialists.bases.model import encode
from workers.engines import Completion, Finish, Request
from workers.engines.grammar import ANYTHING, KEPT, GrammarError
from workers.engines.in_flight import Ticket
from workers.engines.limits import Hosted, host_of


@dataclass(eq=False)
class TextTicket(Ticket):
    """A request whose answer comes in pieces of text."""

    prompt: list[int]
    grammar: str
    cut: int  #: characters of the prompt that are not in its tokens
    pieces: list[str] = field(default_factory=list)  #: pieces of its answer, as they came
    chosen: int = 0  #: tokens of its answer, with the end of sequence
    reused: int = 0  #: tokens of its prompt that were computed earlier

    @property
    def most(self) -> int:
        """Tokens to ask the library for: one more than allowed, because it counts the end of sequence as a token."""
        return self.request.max_tokens + 1

    def completion(self, finish: Finish) -> Completion:
        whole = finish is Finish.STOP
        tokens = self.chosen - 1 if whole else min(self.chosen, self.request.max_tokens)
        text = "".join(self.pieces if whole else self.pieces[: self.request.max_tokens])
        return Completion(text, finish, len(self.prompt), tokens, reused=self.reused, cut=self.cut)


class Intake:
    """May be used from any thread."""

    def __init__(self, base: Path, hosted: Mapping[str, Hosted]) -> None:
        """`base`: the folder that has the tokenizer."""
        self._hosted = dict(hosted)
        self._tokenizer: Any = AutoTokenizer.from_pretrained(base, local_files_only=True)
        self._encoding = threading.Lock()  # a tokenizer refuses two callers at once

    def take(self, request: Request) -> TextTicket:
        """Raises EngineError if no completion could come of the request."""
        hosted = host_of(request, self._hosted)
        with self._encoding:
            prompt, cut = hosted.fit(partial(encode, self._tokenizer), request)
        grammar = request.grammar or ANYTHING
        if fault := grammar_fault(grammar):
            raise GrammarError(fault)
        return TextTicket(request, prompt, grammar, cut)


@lru_cache(KEPT)
def grammar_fault(grammar: str) -> str:
    """Why llguidance refuses it, or "". Neither library says so: llama.cpp goes on without a grammar."""
    fault: str = LLMatcher.validate_grammar(grammar)
    return fault
