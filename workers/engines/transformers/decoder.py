"""The decoder: a base model with its adapters and slots; tokens in, the next tokens out. Knows no request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers.utils.logging import disable_progress_bar

from infra.process.allocator import keep_freed_memory
from specialists.bases.model import load_base
from workers.engines import EngineError
from workers.engines.adapters import AdapterSource, Spans, keep_apart, load_adapter, merge
from workers.engines.mask import Choice, Mask
from workers.engines.memory import available_here
from workers.engines.precision import Precision
from workers.engines.transformers.fused import Fused, fits
from workers.engines.transformers.grouping import Piece
from workers.engines.transformers.head import Head
from workers.engines.transformers.linear import can_pack, has_onednn
from workers.engines.transformers.prefixes import Kept, Prefixes
from workers.engines.transformers.slots import ATTENTION, Layout, Slots
from workers.engines.transformers.techniques import Techniques


class Decoder:
    """The adapter of a single specialist is merged into the weights. Several adapters stay apart on one shared base."""

    def __init__(
        self,
        base: Path,
        adapters: Mapping[str, AdapterSource | None],
        slots: int,
        length: int,
        device: str,
        precision: Precision,
        techniques: Techniques,
    ) -> None:
        disable_progress_bar()  # a worker's stderr is its log
        model, self.tokenizer = load_base(base, device, torch.float32)
        config = model.config
        if length > config.max_position_embeddings:
            raise EngineError(
                f"prompt and answer may have {length} tokens, the base model's context is "
                f"{config.max_position_embeddings}: lower input_tokens or max_tokens in the manifest",
                retryable=False,
            )
        if precision is Precision.INT8 and not (device == "cpu" and has_onednn() and fits(model)):
            raise EngineError(
                "precision int8 needs a CPU, oneDNN in torch, and a base of Llama's shape; this is "
                f"{type(model).__name__} on {device}: take bf16 or fp32",
                retryable=False,
            )
        if precision is Precision.BF16 and device == "cpu" and not can_pack(precision):
            raise EngineError(
                "precision bf16 needs a processor with AVX-512 or AMX, and this one has neither: take fp32 "
                "(MANYHANDS_PRECISION=fp32, or nothing, which takes what is fastest here)",
                retryable=False,
            )
        self.vocabulary: int = config.vocab_size
        self._device = device
        self._spans = Spans()
        with torch.inference_mode():
            self._model = _adopted(model.eval(), adapters, precision, length, self._spans)
            self._head = Head(model.get_output_embeddings().weight.detach(), precision, techniques.picked)
        self._slots = Slots(config, slots, length, precision.dtype, device)
        self._prefixes = Prefixes(techniques.prefix_bytes)
        del model  # its weights were laid out anew
        keep_freed_memory()

    @torch.inference_mode()
    def begin(self, slot: int, specialist: str, prompt: Sequence[int]) -> int:
        """Begin `slot` with what is kept of a prompt that begins alike. Returns how many tokens need not be fed."""
        kept, tokens = self._prefixes.find(specialist, prompt)
        if kept:
            self._slots.put(slot, kept.pairs, tokens)
        return tokens

    @torch.inference_mode()
    def keep(self, slot: int, specialist: str, prompt: Sequence[int]) -> None:
        """Keep the keys and values of `prompt`, which `slot` begins with, for other prompts that begin alike."""
        self._prefixes.keep(Kept(specialist, prompt, self._slots.copy(slot, len(prompt))))

    def forget(self) -> None:
        """Give back the memory of what is kept."""
        self._prefixes.clear()

    @torch.inference_mode()
    def feed(self, pieces: Sequence[Piece], wanted: Sequence[bool]) -> torch.Tensor:
        """Run one step. Returns what the head sees behind the last token of each wanted piece: (wanted, E) in fp32.

        The pieces of a specialist should be neighbours, because each of its spans costs small products of its own.
        """
        self._spans.lay([(piece.specialist, len(piece.tokens)) for piece in pieces])
        layout = self._slots.layout(pieces)
        tokens = torch.tensor([token for piece in pieces for token in piece.tokens], device=self._device)  # (N,)
        hidden = self._model(tokens, layout)  # (N, E)
        ends = torch.tensor([len(piece.tokens) for piece in pieces]).cumsum(0) - 1
        picked: torch.Tensor = hidden[ends[torch.tensor(wanted, dtype=torch.bool)].to(self._device)]
        return picked

    @torch.inference_mode()
    def choose(self, hidden: torch.Tensor, allowed: Sequence[Mask]) -> list[Choice]:
        """The best allowed token of each row, for rows as `feed` returns them."""
        return self._head.best(hidden, allowed) if len(allowed) else []


class _Modules:
    """A model of another shape than Fused supports, run by transformers."""

    def __init__(self, model: Any) -> None:
        model.set_attn_implementation(ATTENTION)
        self._model = model

    def __call__(self, tokens: torch.Tensor, layout: Layout) -> torch.Tensor:
        found: torch.Tensor = self._model.base_model(
            input_ids=tokens[None], position_ids=layout.positions[None], use_cache=False, layout=layout
        ).last_hidden_state
        return found[0].float()


def _adopted(
    model: Any, adapters: Mapping[str, AdapterSource | None], precision: Precision, length: int, spans: Spans
) -> Fused | _Modules:
    loaded = {name: load_adapter(source, model) for name, source in adapters.items() if source}
    if len(adapters) == 1:
        for factors in loaded.values():
            merge(model, factors)
        loaded = {}
    weights = [each.weight for each in (model.get_input_embeddings(), model.get_output_embeddings())]
    for weight in {id(each): each for each in weights}.values():  # most models have one for both
        # Fused lays all other weights out anew; with a view of this one the whole file of weights would stay mapped.
        weight.data = weight.data.to(precision.dtype, copy=fits(model))
    if fits(model):
        return Fused(model, precision, length, loaded, spans)
    if loaded:
        keep_apart(model, loaded, spans)
    return _Modules(model.to(precision.dtype))


def best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def free_bytes(device: str) -> int | None:
    """Bytes that this process may still take on `device`; None if they are not known."""
    if device.startswith("cuda"):
        free: int = torch.cuda.mem_get_info(device)[0]
        return free
    return available_here()
