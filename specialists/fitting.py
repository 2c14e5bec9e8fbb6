"""Fitting: cuts a prompt to the number of tokens that its specialist allows. Knows no tokenizer and no specialist."""

from __future__ import annotations

from collections.abc import Callable


class Unfit(ValueError):
    """The prompt has too many tokens, and too little of its text may be cut."""

    def __init__(self, tokens: int, limit: int, uncut: bool = True) -> None:
        """`uncut`: whether `tokens` counts the whole prompt, or only what is left without the text that may be cut."""
        without = "" if uncut else ", without the text that may be cut,"
        super().__init__(f"the prompt{without} has {tokens} tokens, the manifest allows {limit}")
        self.tokens = tokens
        self.limit = limit
        self.uncut = uncut


def fit(
    encode: Callable[[str], list[int]], prompt: str, span: tuple[int, int] | None, limit: int
) -> tuple[list[int], int]:
    """Return the prompt's tokens, at most `limit`, and the number of characters that were cut from the end of `span`.

    It cuts no more than necessary, to within one token. It raises Unfit if nothing may be cut, or if cutting all of
    `span` is not enough.
    """
    tokens = encode(prompt)
    if len(tokens) <= limit:
        return tokens, 0
    if span is None:
        raise Unfit(len(tokens), limit)
    start, end = span
    kept, fitting = 0, encode(prompt[:start] + prompt[end:])
    if len(fitting) > limit:
        raise Unfit(len(fitting), limit, uncut=False)
    # That many characters of the span do not fit, and that is their number of tokens.
    beyond, many = end - start, len(tokens)
    halve = False
    while beyond - kept > 1 and len(fitting) < limit:
        # This estimates the limit as if all characters weighed the same, which finds it in two or three steps. Every
        # other step takes the middle, for a text that is half digits and half blanks.
        part = (beyond - kept) // 2 if halve else (beyond - kept) * (limit - len(fitting)) // (many - len(fitting))
        tried = kept + max(1, part)
        tokens = encode(prompt[: start + tried] + prompt[end:])
        if len(tokens) <= limit:
            kept, fitting = tried, tokens
        else:
            beyond, many = tried, len(tokens)
        halve = not halve
    return fitting, end - start - kept


def without(prompt: str, span: tuple[int, int] | None, cut: int) -> str:
    """The prompt as it is read when `cut` characters are left out at the end of `span`."""
    return prompt if span is None or not cut else prompt[: span[1] - cut] + prompt[span[1] :]
