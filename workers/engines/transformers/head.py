"""The head: which of the tokens that may come next the model likes best, and how much. Knows no grammar, no request."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from workers.engines.mask import Choice, Mask, count, flags, tokens
from workers.engines.precision import Precision
from workers.engines.transformers.linear import lay_out

#: Where so few tokens may come next, only their rows of the head are multiplied: a thousand rows cost 40 microseconds,
#: all 49,152 of smollm2-135m a millisecond or more.
FEW = 4096

#: Of all tokens, those that are best in the precision of the weights are compared once more in fp32: bf16 has eight
#: bits, and its best two are often equal.
FINALISTS = 8


class Head:
    """On `weight` (V, E). Greedy: the best allowed token, of equal ones that with the lowest number."""

    def __init__(self, weight: torch.Tensor, precision: Precision, picked: bool) -> None:
        self._weight = weight.to(precision.dtype)
        self._all = lay_out(weight.float(), None, precision)
        self._few = FEW if picked and weight.device.type == "cpu" else 0

    def best(self, hidden: torch.Tensor, allowed: Sequence[Mask]) -> list[Choice]:
        """One a row of `hidden` (R, E) in fp32, out of the row's own `allowed` ones."""
        among = {row: tokens(mask) for row, mask in enumerate(allowed) if count(mask) <= self._few}
        wide = [row for row in range(len(allowed)) if row not in among]
        found = {row: self._first(hidden[row], torch.from_numpy(few)) for row, few in among.items()}
        if wide:
            found |= zip(wide, self._out_of_many(hidden[wide], [allowed[row] for row in wide]), strict=True)
        return [found[row] for row in range(len(allowed))]

    def _out_of_many(self, hidden: torch.Tensor, allowed: list[Mask]) -> list[Choice]:
        """The best of each row: out of FINALISTS that the weights' own precision finds, compared in fp32."""
        scores = self._all.product(self._all.ready(hidden))  # (R, V)
        may = torch.from_numpy(flags(allowed, len(self._weight))).to(scores.device)
        best = scores.masked_fill_(~may, float("-inf")).topk(FINALISTS)
        few = best.indices.sort().values  # (R, F); of equal ones the lowest number is to be first
        exact = torch.einsum("rfe,re->rf", self._weight[few].float(), hidden)
        exact.masked_fill_(~may.gather(1, few), float("-inf"))
        tops = exact.max(1)
        logs = tops.values - exact.logsumexp(1)
        chosen = few.gather(1, tops.indices[:, None]).flatten()
        return [Choice(*pair) for pair in zip(chosen.tolist(), logs.tolist(), strict=True)]

    def _first(self, hidden: torch.Tensor, among: torch.Tensor) -> Choice:
        """The best of tokens that are ascending, for hidden (E,)."""
        among = among.to(hidden.device)
        scores = self._weight[among].float() @ hidden
        best = scores.argmax()
        return Choice(int(among[best]), float(scores[best] - scores.logsumexp(0)))
