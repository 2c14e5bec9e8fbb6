"""Fitting: a prompt cut to as many tokens as its specialist allows. Knows no tokenizer and no specialist."""

from __future__ import annotations

from collections.abc import Callable


class Unfit(ValueError):
    """The prompt has more tokens than it may have, and there is not enough that may be cut."""

    def __init__(self, tokens: int, limit: int, uncut: bool = True) -> None:
        """`uncut`: those of the whole prompt; False: of what is left without the text that may be cut."""
        without = "" if uncut else ", without the text that may be cut,"
        super().__init__(f"the prompt{without} has {tokens} tokens, the manifest allows {limit}")
        self.tokens = tokens
        self.limit = limit
        self.uncut = uncut


def fit(
    encode: Callable[[str], list[int]], prompt: str, span: tuple[int, int] | None, limit: int
) -> tuple[list[int], int]:
    """The prompt's tokens, `limit` at most, and how many characters were cut for that at the end of `span`.

    No more than has to be, but for less than a token's worth. Raises Unfit where nothing may be cut, or not
    enough.
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
    beyond, many = end - start, len(tokens)  # so many characters of the span do not fit, and what they come to
    halve = False
    while beyond - kept > 1 and len(fitting) < limit:
        # Where the limit lies if all characters weigh the same, which finds it in two or three steps; but by turns the
        # middle, for a text that is half digits and half blanks.
        part = (beyond - kept) // 2 if halve else (beyond - kept) * (limit - len(fitting)) // (many - len(fitting))
        tried = kept + max(1, part)
        tokens = encode(prompt[: start + tried] + prompt[end:])
        if len(tokens) <= limit:
            kept, fitting = tried, tokens
        else:
            beyond, many = tried, len(tokens)
        halve = not halve
    return fitting, end - start - kept
