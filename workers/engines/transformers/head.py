"""The head: which of the allowed tokens the model likes best, and how much. Knows no grammar and no request."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from workers.engines.mask import Choice, Mask, count, flags, tokens
from workers.engines.precision import Precision
from workers.engines.transformers.linear import lay_out

#: If at most this many tokens may come next, only their rows of the head are multiplied: a thousand rows take 40
#: microseconds, while all 49,152 of smollm2-135m take a millisecond or more.
FEW = 4096

#: This many tokens, the best in the precision of the weights, are compared once more in fp32. bf16 has eight bits, and
#: its best two are often equal.
FINALISTS = 8


class Head:
    """A head with `weight` (V, E). It is greedy: it takes the best allowed token, or the lowest of equal ones."""

    def __init__(self, weight: torch.Tensor, precision: Precision, picked: bool) -> None:
        self._weight = weight.to(precision.dtype)
        self._all = lay_out(weight.float(), None, precision)
        self._few = FEW if picked and weight.device.type == "cpu" else 0

    def best(self, hidden: torch.Tensor, allowed: Sequence[Mask]) -> list[Choice]:
        """One choice for each row of `hidden` (R, E) in fp32, among the row's own `allowed` tokens."""
        among = {row: tokens(mask) for row, mask in enumerate(allowed) if count(mask) <= self._few}
        wide = [row for row in range(len(allowed)) if row not in among]
        found = {row: self._first(hidden[row], torch.from_numpy(few)) for row, few in among.items()}
        if wide:
            found |= zip(wide, self._out_of_many(hidden[wide], [allowed[row] for row in wide]), strict=True)
        return [found[row] for row in range(len(allowed))]

    def _out_of_many(self, hidden: torch.Tensor, allowed: list[Mask]) -> list[Choice]:
        """The best of each row, among FINALISTS that the precision of the weights finds, compared in fp32."""
        scores = self._all.product(self._all.ready(hidden))  # (R, V)
        may = torch.from_numpy(flags(allowed, len(self._weight))).to(scores.device)
        best = scores.masked_fill_(~may, float("-inf")).topk(FINALISTS)
        few = best.indices.sort().values  # (R, F); sorted, because of equal ones the lowest number must come first
        exact = torch.einsum("rfe,re->rf", self._weight[few].float(), hidden)
        exact.masked_fill_(~may.gather(1, few), float("-inf"))
        tops = exact.max(1)
        logs = tops.values - exact.logsumexp(1)
        chosen = few.gather(1, tops.indices[:, None]).flatten()
        return [Choice(*pair) for pair in zip(chosen.tolist(), logs.tolist(), strict=True)]

    def _first(self, hidden: torch.Tensor, among: torch.Tensor) -> Choice:
        """The best of ascending tokens, for hidden (E,)."""
        among = among.to(hidden.device)
        scores = self._weight[among].float() @ hidden
        best = scores.argmax()
        return Choice(int(among[best]), float(scores[best] - scores.logsumexp(0)))
