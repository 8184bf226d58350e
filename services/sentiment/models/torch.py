"""The torch backend: the shipped encoder on CUDA or the CPU, or any Hugging Face sentiment classifier."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer
from torch import Tensor, nn

from services.messages.vocabulary import Sentiment
from services.sentiment.models import ModelError, Observer
from services.sentiment.models.batching import BatchedScorer, pad_id
from services.sentiment.models.labels import Labels, read_labels
from services.sentiment.models.loading import MANIFEST, shipped, verify

WEIGHTS = "model.safetensors"
FILES = (WEIGHTS, "tokenizer.json", "labels.json")
HUB_MAX_LENGTH = 192
SCALE = ".scale"
MATRIX = 2


class PackedEmbedding(nn.Module):  # type: ignore[misc]
    """Word vectors in four bits: blocks of 32 weights share one scale, exactly as the base delivers them."""

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.codes: Tensor
        self.scales: Tensor
        self.register_buffer("codes", torch.zeros(rows, width // 32, 16, dtype=torch.uint8))
        self.register_buffer("scales", torch.zeros(rows, width // 32, dtype=torch.float16))

    def forward(self, ids: Tensor) -> Tensor:
        """The vectors of word ids."""
        codes = self.codes[ids].float()
        high = torch.floor(codes / 16)
        low = codes - 16 * high
        values = (torch.cat([low, high], dim=-1) - 8) * self.scales[ids].float().unsqueeze(-1)
        return values.flatten(-2)


class Layer(nn.Module):  # type: ignore[misc]
    """One BERT encoder layer with query, key and value in one matrix."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.mix_norm = nn.LayerNorm(width, eps=1e-12)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        """One step; `bias` is far below zero at padding."""
        rows, length, width = states.shape
        shape = (rows, length, self.heads, width // self.heads)
        query, key, value = (part.view(shape).transpose(1, 2) for part in self.qkv(states).chunk(3, -1))
        weights = query @ key.transpose(-1, -2) * (width // self.heads) ** -0.5 + bias
        attended = self.dropout(weights.softmax(-1)) @ value
        merged = attended.transpose(1, 2).reshape(rows, length, width)
        states = self.mix_norm(states + self.dropout(self.mix(merged)))
        inner = nn.functional.gelu(self.up(states))
        return cast(Tensor, self.norm(states + self.dropout(self.down(inner))))


class Network(nn.Module):  # type: ignore[misc]
    """Encoder, mean pooling and one linear layer for all heads; also what `models/` trains and exports."""

    def __init__(
        self,
        rows: int,
        layers: int,
        outputs: int,
        *,
        width: int = 384,
        heads: int = 12,
        inner: int = 1536,
        positions: int = 512,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.words = PackedEmbedding(rows, width)
        self.positions = nn.Embedding(positions, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(Layer(width, heads, inner, dropout) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(width, outputs)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The raw outputs of all heads."""
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        states = self.norm(self.words(input_ids) + self.positions(places))
        kept = attention_mask.to(states.dtype)
        bias = (kept[:, None, None, :] - 1) * 1e4
        for layer in self.layers:
            states = layer(states, bias)
        pooled = (states * kept.unsqueeze(-1)).sum(1) / kept.sum(1, keepdim=True)
        return cast(Tensor, self.output(self.dropout(pooled)))


class TorchScorer(BatchedScorer):
    """Scores texts with a torch module that is called with `input_ids` and `attention_mask`."""

    def __init__(
        self,
        name: str,
        tokenizer: Tokenizer,
        pad: int,
        labels: Labels,
        *,
        network: nn.Module,
        observer: Observer | None = None,
    ) -> None:
        super().__init__(name, tokenizer, pad, labels, observer=observer)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._half = self._device.type == "cuda" and torch.cuda.is_bf16_supported()
        self._network = network.to(self._device).eval()

    def infer(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Run the network on one padded batch, in bf16 where the GPU has it."""
        with torch.inference_mode(), torch.autocast(self._device.type, torch.bfloat16, enabled=self._half):
            output = self._network(
                input_ids=torch.from_numpy(ids).to(self._device),
                attention_mask=torch.from_numpy(mask).to(self._device),
            )
        logits = output if isinstance(output, Tensor) else output.logits
        return cast("NDArray[np.float32]", logits.float().cpu().numpy())


def load_torch(
    path: Path | None,
    threads: int,
    *,
    names: Mapping[str, Sentiment] | None = None,
    observer: Observer | None = None,
) -> TorchScorer:
    """Load a model directory of our own (it has a manifest), else a Hugging Face directory or name."""
    torch.set_num_threads(threads)
    if path is not None and not (path / MANIFEST).exists():
        return _load_hub(str(path), names, observer)
    files = verify(shipped() if path is None else path, FILES)
    labels = read_labels(files.path("labels.json"))
    tokenizer_path = files.path("tokenizer.json")
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    network = read_weights(files.path(WEIGHTS))
    if network.output.out_features != labels.width:
        raise ModelError(
            f"{files.path(WEIGHTS)}: has {network.output.out_features} outputs, "
            f"labels.json describes {labels.width}"
        )
    name = f"torch:{files.sha256[WEIGHTS][:8]}"
    return TorchScorer(
        name, tokenizer, pad_id(tokenizer, tokenizer_path), labels, network=network, observer=observer
    )


def pack_weights(network: Network) -> dict[str, Tensor]:
    """The network for shipping: matrices as eight-bit integers with one scale per row, the rest as it is."""
    packed: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        if tensor.ndim == MATRIX and tensor.is_floating_point() and not name.startswith("words."):
            scale = tensor.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 127
            packed[name] = torch.round(tensor / scale).to(torch.int8)
            packed[name + SCALE] = scale.squeeze(1).float()
        else:
            packed[name] = tensor.contiguous()
    return packed


def read_weights(path: Path) -> Network:
    """Rebuild a network from what `pack_weights` wrote; its shape follows from the tensors."""
    try:
        with safe_open(path, framework="pt") as stream:
            packed = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
            heads = int((stream.metadata() or {})["heads"])
        state: dict[str, Tensor] = {}
        for name, tensor in packed.items():
            if not name.endswith(SCALE):
                scale = packed.get(name + SCALE)
                state[name] = tensor if scale is None else tensor.float() * scale.unsqueeze(1)
        network = Network(
            rows=state["words.codes"].shape[0],
            layers=1 + max(int(name.split(".")[1]) for name in state if name.startswith("layers.")),
            outputs=state["output.bias"].shape[0],
            width=state["norm.weight"].shape[0],
            heads=heads,
            inner=state["layers.0.up.bias"].shape[0],
            positions=state["positions.weight"].shape[0],
        )
        network.load_state_dict(state)
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as fault:
        raise ModelError(f"{path}: is not a network of this program ({fault})") from fault
    return network


def _load_hub(source: str, names: Mapping[str, Sentiment] | None, observer: Observer | None) -> TorchScorer:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer  # noqa: PLC0415

    try:
        wrapped: Any = AutoTokenizer.from_pretrained(source)
        network: Any = AutoModelForSequenceClassification.from_pretrained(source)
    except (OSError, ValueError) as fault:
        raise ModelError(
            f"{source}: neither a model directory with {MANIFEST} nor a Hugging Face model ({fault})"
        ) from fault
    if not wrapped.is_fast:
        raise ModelError(f"{source}: has no tokenizer.json; save it once with a fast tokenizer")
    longest = min(HUB_MAX_LENGTH, int(wrapped.model_max_length))
    labels = Labels("", longest, 1.0, _meanings(source, network.config, names))
    name = f"torch:{Path(source).name}"
    padding = wrapped.pad_token_id or 0
    return TorchScorer(name, wrapped.backend_tokenizer, padding, labels, network=network, observer=observer)


def _meanings(source: str, config: Any, names: Mapping[str, Sentiment] | None) -> tuple[Sentiment, ...]:
    """The sentiment of each output; several outputs may share one, as stars do."""
    found = [str(config.id2label[index]) for index in range(config.num_labels)]
    known = {sentiment.value: sentiment for sentiment in Sentiment}
    known |= {name.lower(): sentiment for name, sentiment in (names or {}).items()}
    if unknown := [name for name in found if name.lower() not in known]:
        raise ModelError(
            f"{source}: id2label in config.json holds {found}, and {unknown} mean nothing here; "
            "say what they mean in STORMWACHT_MODEL_LABELS, e.g. "
            + ",".join(f"{name}=neutral" for name in unknown)
        )
    meanings = tuple(known[name.lower()] for name in found)
    if missing := [sentiment.value for sentiment in Sentiment if sentiment not in meanings]:
        raise ModelError(
            f"{source}: none of its labels {found} means {' or '.join(missing)}; "
            "a model without one of the three would call every post one of the others"
        )
    return meanings
