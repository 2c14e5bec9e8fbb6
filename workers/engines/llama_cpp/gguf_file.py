"""A GGUF file: a base with one adapter merged, as llama.cpp loads it. Knows no engine and no requests."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
import torch

from specialists.bases.model import load_base
from specialists.bases.weights import READY, Progress, make_once
from workers.engines import EngineError
from workers.engines.adapters import AdapterSource, load_adapter, merge

#: A part of the key: a file that an earlier layout wrote is made anew, and not loaded.
LAYOUT = "2"

_SHA256 = re.compile(r"[0-9a-f]{64}")

Floats = npt.NDArray[np.float32]


class Quantisation(StrEnum):
    """The quantisation of the matrices; vectors stay fp32."""

    F16 = "f16"
    Q8_0 = "q8_0"  #: 8.5 bits a number
    Q4_0 = "q4_0"  #: 4.5 bits a number

    @property
    def type(self) -> gguf.GGMLQuantizationType:
        return gguf.GGMLQuantizationType[self.name]


@dataclass(frozen=True)
class Architecture:
    tensors: gguf.MODEL_ARCH
    permuted: bool  #: llama.cpp rotates neighbouring pairs, so the rows of query and key need another order


#: Architectures by transformers' `model_type`.
ARCHITECTURES = {
    "llama": Architecture(gguf.MODEL_ARCH.LLAMA, permuted=True),
    "qwen2": Architecture(gguf.MODEL_ARCH.QWEN2, permuted=False),
}


def ensure_gguf(
    base: Path,
    adapter: AdapterSource | None,
    quantisation: Quantisation,
    cache: Path,
    say: Progress = lambda _: None,
) -> Path:
    """The file of the weights in `base` with `adapter` merged. If it is not in `cache`, it is made and kept there."""
    key = digest_of(base, adapter, quantisation)
    folder = cache / f"{base.name}-{key[:16]}"

    def make(folder: Path) -> None:
        say(f"writing {base.name} with its adapter as {quantisation} for llama.cpp (once; about half a minute)")
        folder.mkdir(parents=True, exist_ok=True)
        write_gguf(base, adapter, quantisation, folder / "model.gguf")

    try:
        return make_once(folder, key, make) / "model.gguf"
    except OSError as error:
        raise EngineError(
            f"llama.cpp's weights cannot be written to {folder.parent}: {error.strerror}; "
            "start this worker once where it may write there",
            retryable=False,
        ) from error


def digest_of(base: Path, adapter: AdapterSource | None, quantisation: Quantisation) -> str:
    """The sha256 of everything that the contents of the file depend on."""
    change = f"{_digest(adapter.path)} {adapter.rank} {adapter.alpha}" if adapter else ""
    return hashlib.sha256("\0".join((LAYOUT, quantisation, _base_digest(base), change)).encode()).hexdigest()


def _base_digest(base: Path) -> str:
    """A base that was fetched by name has its digest on file. A hub's model, or any other folder, is hashed."""
    mark = base / READY
    said = mark.read_text("utf-8") if mark.exists() else ""
    return said if _SHA256.fullmatch(said) else " ".join(map(_digest, sorted(base.glob("*.safetensors"))))


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_gguf(base: Path, adapter: AdapterSource | None, quantisation: Quantisation, file: Path) -> None:
    """Raises EngineError if the base has a shape that cannot be written here."""
    model, _ = load_base(base, "cpu", torch.float32)
    architecture = _architecture(model.config)
    if adapter:
        merge(model, load_adapter(adapter, model))
    writer = gguf.GGUFWriter(file, gguf.MODEL_ARCH_NAMES[architecture.tensors])
    writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{quantisation.name}"])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    _add_shape(writer, model.config)
    _add_vocabulary(writer, base, model.config)
    _add_tensors(writer, model, architecture, quantisation.type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _architecture(config: Any) -> Architecture:
    if config.model_type not in ARCHITECTURES:
        raise EngineError(
            f"engine 'llama.cpp' does not write a base of type {config.model_type!r}; "
            f"known: {', '.join(ARCHITECTURES)}. Serve it by engine 'transformers'",
            retryable=False,
        )
    rope = config.rope_parameters["rope_type"]
    if rope != "default" or getattr(config, "use_sliding_window", False) or getattr(config, "mlp_bias", False):
        raise EngineError(
            "engine 'llama.cpp' writes plain rotary positions, full attention and layers without a bias in the MLP; "
            "serve this base by engine 'transformers'",
            retryable=False,
        )
    return ARCHITECTURES[config.model_type]


def _head_size(config: Any) -> int:
    size: int = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return size


def _add_shape(writer: gguf.GGUFWriter, config: Any) -> None:
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(_head_size(config))
    writer.add_value_length(_head_size(config))
    writer.add_rope_dimension_count(_head_size(config))
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)


def _add_vocabulary(writer: gguf.GGUFWriter, base: Path, config: Any) -> None:
    """Add the tokens by their ids, so that answers become text and a grammar can be kept. Prompts are ids already."""
    tokenizer = json.loads((base / "tokenizer.json").read_text("utf-8"))
    if tokenizer["model"]["type"] != "BPE" or (tokenizer["decoder"] or {}).get("type") != "ByteLevel":
        raise EngineError(
            "engine 'llama.cpp' needs a base with byte-level BPE; serve it by engine 'transformers'", retryable=False
        )
    tokens, kinds = _tokens(tokenizer, config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")  # this says how text is cut up, which llama.cpp is never asked to do
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    merges = tokenizer["model"]["merges"]
    writer.add_token_merges([pair if isinstance(pair, str) else " ".join(pair) for pair in merges])
    ends = config.eos_token_id
    end = ends[0] if isinstance(ends, list) else ends
    writer.add_eos_token_id(end)
    writer.add_eot_token_id(end)  # a grammar ends with this one; otherwise llama.cpp picks one that looks like it
    writer.add_add_bos_token(False)


def _tokens(tokenizer: Mapping[str, Any], size: int) -> tuple[list[str], list[gguf.TokenType]]:
    """`size` tokens: embeddings are often padded beyond the tokens that exist."""
    tokens = [f"[unused {number}]" for number in range(size)]
    kinds = [gguf.TokenType.UNUSED] * size
    for text, number in tokenizer["model"]["vocab"].items():
        tokens[number], kinds[number] = text, gguf.TokenType.NORMAL
    for added in tokenizer["added_tokens"]:
        kind = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
        tokens[added["id"]], kinds[added["id"]] = added["content"], kind
    return tokens, kinds


def _add_tensors(
    writer: gguf.GGUFWriter, model: Any, architecture: Architecture, kind: gguf.GGMLQuantizationType
) -> None:
    config, state = model.config, model.state_dict()
    if config.tie_word_embeddings:
        state.pop("lm_head.weight")
    names = gguf.get_tensor_name_map(architecture.tensors, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, tensor in state.items():
        written = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if written is None:
            raise EngineError(f"engine 'llama.cpp' has no place for the base's tensor {name!r}", retryable=False)
        numbers: Floats = tensor.numpy()
        part = re.search(r"self_attn\.(q_proj|k_proj)\.", name)
        if part and architecture.permuted:
            numbers = interleaved(numbers, heads[part[1]])
        if numbers.ndim < 2:
            writer.add_tensor(written, numbers)
        else:
            writer.add_tensor(written, gguf.quants.quantize(numbers, kind), raw_dtype=kind)


def interleaved(rows: Floats, heads: int) -> Floats:
    """The rows of each head, by turns from its first half and its second half: (H * D, …) -> (H * D, …)."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)
