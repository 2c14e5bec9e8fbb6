"""The decoder: a base model with its adapters and slots; tokens in, logits out. Knows no requests and no grammars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from transformers.utils.logging import disable_progress_bar

from specialists.training.base_model import dtype_on, load_base
from workers.engines import EngineError
from workers.engines.adapters import AdapterSource, Spans, keep_apart, load_adapter, merge
from workers.engines.slots import ATTENTION, Piece, Slots
from workers.memory import available_here


class Decoder:
    """One specialist's adapter is merged into the weights; those of several are kept apart on one shared base."""

    def __init__(
        self, base: Path, adapters: Mapping[str, AdapterSource | None], slots: int, length: int, device: str
    ) -> None:
        disable_progress_bar()  # a worker's stderr is its log
        model, self.tokenizer = load_base(base, device)
        self._model = model.eval()
        self._model.set_attn_implementation(ATTENTION)
        self._device = device
        self._spans = Spans()
        self._adopt(adapters)
        config = self._model.config
        if length > config.max_position_embeddings:
            raise EngineError(
                f"prompt and answer may have {length} tokens, the base model's context is "
                f"{config.max_position_embeddings}: lower input_tokens or max_tokens in the manifest",
                retryable=False,
            )
        self.vocabulary: int = config.vocab_size
        self._slots = Slots(config, slots, length, self._model.dtype, device)

    def _adopt(self, adapters: Mapping[str, AdapterSource | None]) -> None:
        loaded = {name: load_adapter(source, self._model) for name, source in adapters.items() if source}
        if len(adapters) == 1:
            for factors in loaded.values():
                merge(self._model, factors)
        else:
            keep_apart(self._model, loaded, self._spans)

    @torch.inference_mode()
    def feed(self, pieces: Sequence[Piece], wanted: Sequence[bool]) -> torch.Tensor:
        """Run one step; returns the logits behind the last token of each wanted piece: (wanted, V), on the CPU.

        A specialist's pieces should be neighbours: each of its spans costs its own small products.
        """
        self._spans.lay([(piece.specialist, len(piece.tokens)) for piece in pieces])
        layout = self._slots.layout(pieces)
        tokens = torch.tensor([[token for piece in pieces for token in piece.tokens]], device=self._device)  # (1, N)
        hidden = self._model.base_model(
            input_ids=tokens, position_ids=layout.positions[None], use_cache=False, layout=layout
        ).last_hidden_state  # (1, N, E)
        ends = torch.tensor([len(piece.tokens) for piece in pieces]).cumsum(0) - 1
        picked = ends[torch.tensor(wanted, dtype=torch.bool)].to(self._device)
        # The head is a fifth of the base's arithmetic: only where a token is chosen.
        logits: torch.Tensor = self._model.get_output_embeddings()(hidden[0, picked])
        return logits.float().cpu()


def best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def number_bytes(device: str) -> int:
    """Of one weight, key or value there."""
    return dtype_on(device).itemsize


def free_bytes(device: str) -> int | None:
    """That this process may still take there; None where nobody says."""
    if device.startswith("cuda"):
        free: int = torch.cuda.mem_get_info(device)[0]
        return free
    return available_here()
