"""What an engine must know of its specialists, and which requests it refuses because of that. Runs no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from specialists.fitting import Unfit, fit
from specialists.specialist import Specialist
from workers.engines import EngineError, PromptTooLong, Request
from workers.engines.adapters import AdapterSource


@dataclass(frozen=True)
class Hosted:
    """One specialist as an engine hosts it."""

    adapter: AdapterSource | None  #: None: it is not trained yet, and answers with the plain base
    input_tokens: int  #: a longer prompt is refused
    answer_tokens: int  #: the most that a request may ask for

    @property
    def tokens(self) -> int:
        """The longest that a prompt and its answer may be together."""
        return self.input_tokens + self.answer_tokens

    def fit(self, encode: Callable[[str], list[int]], request: Request) -> tuple[list[int], int]:
        """The tokens of the prompt, and how many characters were cut. Raises EngineError: too many tokens, or none."""
        try:
            prompt, cut = fit(encode, request.prompt, request.cut, self.input_tokens)
        except Unfit as error:
            raise PromptTooLong(error.tokens, error.limit, error.uncut) from None
        if not prompt:
            raise EngineError("the prompt is empty", retryable=False)
        return prompt, cut


def hosted_of(specialist: Specialist) -> Hosted:
    manifest = specialist.manifest
    source = None
    if manifest.adapter and specialist.adapter_path:
        source = AdapterSource(specialist.adapter_path, manifest.adapter.rank, manifest.adapter.alpha)
    return Hosted(source, manifest.limits.input_tokens, specialist.answer_tokens)


def host_of(request: Request, hosted: Mapping[str, Hosted]) -> Hosted:
    """The host of the request. Raises EngineError if there is none, or if the request asks for too many tokens."""
    found = hosted.get(request.specialist)
    if found is None:
        raise EngineError(
            f"specialist {request.specialist!r} is not hosted here; hosted: {', '.join(sorted(hosted))}",
            retryable=False,
        )
    if not 0 < request.max_tokens <= found.answer_tokens:
        raise EngineError(
            f"max_tokens is {request.max_tokens}, the manifest allows 1 to {found.answer_tokens}", retryable=False
        )
    return found
