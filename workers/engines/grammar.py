"""Grammars: which tokens may come next, and which must. Uses llguidance; knows nothing of models or schemas."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import llguidance.hf
import numpy as np
from llguidance import LLMatcher

from workers.engines import EngineError
from workers.engines.mask import Mask

#: The grammar of a request that has none: any text, but no control token.
ANYTHING = "start: /(?s:.*)/"

#: How many compiled grammars are kept. A specialist with fixed answers has one; the others have one for each input.
KEPT = 64


class GrammarError(EngineError):
    """llguidance refuses the grammar, or gave up on it during decoding."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the answer's grammar is not usable: {reason}", retryable=False)


class Guide:
    """One request's place in its grammar."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher

    @property
    def ended(self) -> bool:
        """Whether nothing may follow, so that the end-of-sequence token need not be decoded."""
        return bool(self._matcher.is_stopped())

    @property
    def may_end(self) -> bool:
        """Whether the answer may be whole as it is."""
        return bool(self._matcher.is_accepting())

    def forced(self) -> list[int]:
        """Step over the tokens that must come next, and return them in the tokenizer's own spelling."""
        tokens: list[int] = self._matcher.compute_ff_tokens()
        self._step(tokens)
        return tokens

    def allowed(self) -> Mask:
        """The tokens that may come next, with the end of sequence if the answer may be whole.

        Raises GrammarError.
        """
        mask = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        return mask

    def take(self, token: int) -> None:
        self._step([token])

    def _step(self, tokens: list[int]) -> None:
        if tokens:
            self._matcher.consume_tokens(tokens)
        self._check()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise GrammarError(self._matcher.get_error())


class Grammars:
    """Compiles grammars for one tokenizer, and each of them once. May be called from any thread."""

    def __init__(self, tokenizer: Any, vocabulary: int) -> None:
        self._tokens = llguidance.hf.from_tokenizer(tokenizer, n_vocab=vocabulary)
        self._compiled: OrderedDict[str, LLMatcher] = OrderedDict()
        self._lock = threading.Lock()

    def guide(self, grammar: str | None) -> Guide:
        """A guide at the grammar's start. Raises GrammarError with llguidance's reason."""
        with self._lock:
            source = grammar or ANYTHING
            if source not in self._compiled:
                self._compiled[source] = self._compile(source)
                if len(self._compiled) > KEPT:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(source)
            return Guide(self._compiled[source].deep_copy())

    def _compile(self, source: str) -> LLMatcher:
        matcher = LLMatcher(self._tokens, source, log_level=0)
        if matcher.is_error():
            raise GrammarError(matcher.get_error())
        return matcher

    def text(self, tokens: list[int]) -> str:
        """The text of an answer's tokens; a character cut off at the end becomes U+FFFD."""
        decoded: bytes = self._tokens.decode_bytes(tokens)
        return decoded.decode(errors="replace")
