"""Writing `models/shipped`: the eight-bit ONNX graph, packed weights for torch, labels and the manifest."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file
from torch import nn

from services.sentiment.models.labels import Labels
from services.sentiment.models.loading import MANIFEST, file_sha256
from services.sentiment.models.torch import Network, pack_weights

SHIPPED = ("model.onnx", "model.safetensors", "tokenizer.json", "labels.json")
RUNTIME = "com.microsoft"  # the domain of ONNX Runtime's own operators
# Seven-bit weights, because eight-bit products overflow on CPUs without VNNI.
STEPS = 64
# An inner unit this many times as large as the largest but one percent is computed in 32 bits.
ODD = 2.0
BLOCK = 32  # word weights that share a scale

Array = NDArray[Any]


@dataclass(frozen=True)
class Range:
    """The least and the largest value of each column that enters a matrix."""

    low: Array
    high: Array

    @property
    def size(self) -> Array:
        """The largest absolute value of each column."""
        return np.maximum(-self.low, self.high)


def write_onnx(network: Network, target: Path, rows: Sequence[Sequence[int]]) -> None:
    """The network as a graph with eight-bit matrices; `rows` are token ids of some hundred training texts.

    The ranges of the activations are those seen in `rows`, fixed in the graph: what a text scores does not
    depend on its company, so texts of one length may share a pass.
    """
    model = Graph(network, measure(network, rows)).model()
    onnx.checker.check_model(model)
    onnx.save(model, target)


def measure(network: Network, rows: Sequence[Sequence[int]]) -> dict[str, Range]:
    """What enters each matrix of the layers while the network reads the texts, by the matrix' name."""
    seen: dict[str, Range] = {}

    def note(name: str) -> Any:
        def hook(_: nn.Module, inputs: tuple[torch.Tensor]) -> None:
            values = inputs[0].flatten(0, -2)
            low, high = values.amin(0).numpy(), values.amax(0).numpy()
            if old := seen.get(name):
                low, high = np.minimum(low, old.low), np.maximum(high, old.high)
            seen[name] = Range(low, high)

        return hook

    matrices = [(name, part) for name, part in network.layers.named_modules() if isinstance(part, nn.Linear)]
    hooks = [part.register_forward_pre_hook(note(name)) for name, part in matrices]
    network.eval()
    with torch.inference_mode():
        for row in rows:
            ids = torch.tensor([row])
            network(ids, torch.ones_like(ids))
    for hook in hooks:
        hook.remove()
    return seen


class Graph:
    """The graph of `Network.forward`, node by node; `tests/unit/sentiment/test_export.py` compares the two.

    By hand, because an exporter leaves no say in what decides speed and sameness: the tokens of all texts are
    rows of one matrix, words are unpacked by a table, and a text takes the same path alone as in company.
    Rows have two dimensions, or ONNX Runtime would merge Add and LayerNormalization into an operator that is
    five times as slow.
    """

    def __init__(self, network: Network, ranges: dict[str, Range], *, quantised: bool = True) -> None:
        self._state: dict[str, Array] = {
            name: tensor.numpy() for name, tensor in network.state_dict().items()
        }
        self._words = network.words
        self._ranges = ranges
        self._quantised = quantised
        self._layers = len(network.layers)
        self._heads = network.layers[0].heads
        self._width = len(self._state["norm.weight"])
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def model(self) -> onnx.ModelProto:
        """The whole graph: `input_ids` to `logits`."""
        parts, width = 3 * self._heads, self._width // self._heads
        size = self._add("Shape", "input_ids")
        apart = self._add("Concat", size, self._integers(parts, width), axis=0)
        length = self._add("Shape", "input_ids", start=1)
        every = self._add("Concat", self._integers(-1), length, self._integers(width), axis=0)
        texts = self._add("Shape", "input_ids", end=1)
        merged = self._add(
            "Concat", self._integers(self._heads), texts, length, self._integers(width), axis=0
        )
        states = self._embedded(length)
        for number in range(self._layers):
            states = self._layer(f"{number}.", states, (apart, every, merged))
        # The output layer before the mean, and the mean as a product: a single row, or ReduceMean, takes
        # another path in ONNX Runtime for one text than for two, with other rounding.
        outputs = len(self._state["output.bias"])
        weight, offset = (self._state[f"output.{kind}"] for kind in ("weight", "bias"))
        each = self._add("Gemm", states, self._constant(weight.T), self._constant(offset))
        each = self._add("Reshape", each, self._add("Concat", size, self._integers(outputs), axis=0))
        whole = self._add("ConstantOfShape", length, value=numpy_helper.from_array(np.ones(1, np.float32)))
        share = self._add("Div", whole, self._add("Cast", length, to=TensorProto.FLOAT))
        share = self._add("Unsqueeze", share, self._integers(0, 1))
        self._nodes.append(
            helper.make_node("Squeeze", [self._add("MatMul", share, each), self._integers(1)], ["logits"])
        )
        graph = helper.make_graph(
            self._nodes,
            "student",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["texts", "tokens"])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["texts", outputs])],
            self._constants,
        )
        versions = [helper.make_opsetid("", 21), helper.make_opsetid(RUNTIME, 1)]
        return helper.make_model(graph, opset_imports=versions, ir_version=10, producer_name="stormwacht")

    def _embedded(self, length: str) -> str:
        """Words and positions, one row a token."""
        codes = self._words.codes.numpy()
        whole = np.concatenate([codes & 15, codes >> 4], axis=-1).reshape(len(codes), self._width)
        pairs = self._constant(whole[:, 0::2] | whole[:, 1::2] << 4)
        byte = np.arange(256)
        table = self._constant((np.stack([byte & 15, byte >> 4], axis=-1) - 8).astype(np.float32))
        found = self._add("Cast", self._add("Gather", pairs, "input_ids"), to=TensorProto.INT32)
        blocks = self._integers(0, 0, self._width // BLOCK, BLOCK)
        found = self._add("Reshape", self._add("Gather", table, found), blocks)
        scales = self._add("Gather", self._constant(self._words.scales.numpy()), "input_ids")
        scales = self._add("Unsqueeze", self._add("Cast", scales, to=TensorProto.FLOAT), self._integers(3))
        vectors = self._add("Reshape", self._add("Mul", found, scales), self._integers(0, 0, self._width))
        places = self._constant(self._state["positions.weight"])
        places = self._add("Slice", places, self._integers(0), length)
        states = self._add("Add", vectors, places)
        return self._normed("norm", self._add("Reshape", states, self._integers(-1, self._width)))

    def _layer(self, name: str, states: str, shapes: tuple[str, str, str]) -> str:
        """One encoder layer; the three shapes bring the heads apart and together again."""
        apart, every, merged = shapes
        weight, offset = self._weight(f"{name}qkv"), self._offset(f"{name}qkv")
        weight[:, : self._width] *= (self._width // self._heads) ** -0.5
        offset[: self._width] *= (self._width // self._heads) ** -0.5
        mixed = self._add("Reshape", self._product(states, f"{name}qkv", weight, offset), apart)
        # Heads before texts, and both in one axis, so that the parts lie one after the other.
        mixed = self._add("Reshape", self._add("Transpose", mixed, perm=[2, 0, 1, 3]), every)
        query, key, value = self._split(mixed)
        scores = self._add("MatMul", query, self._add("Transpose", key, perm=[0, 2, 1]))
        mixed = self._add("MatMul", self._add("Softmax", scores, axis=-1), value)
        mixed = self._add("Transpose", self._add("Reshape", mixed, merged), perm=[1, 2, 0, 3])
        mixed = self._add("Reshape", mixed, self._integers(-1, self._width))
        mixed = self._product(mixed, f"{name}mix", self._weight(f"{name}mix"), self._offset(f"{name}mix"))
        states = self._normed(f"layers.{name}mix_norm", self._add("Add", states, mixed))
        return self._normed(f"layers.{name}norm", self._inner(name, states))

    def _inner(self, name: str, states: str) -> str:
        """Both matrices of the inner layer, and what goes around them.

        In the first token, and the last, one unit is ten times as large as all others, and so are a few
        columns of what comes before: in eight bits nothing would remain of the others. Such a unit goes
        through matrices of its own in 32 bits; such a column is made smaller, and its weights larger.
        """
        up, up_offset = self._weight(f"{name}up"), self._offset(f"{name}up")
        down, down_offset = self._weight(f"{name}down"), self._offset(f"{name}down")
        before, after = self._ranges[f"{name}up"], self._ranges[f"{name}down"]
        odd = after.size > ODD * np.quantile(after.size, 0.99)
        around = states
        if odd.any():
            few = self._add("Gemm", states, self._constant(up[:, odd]), self._constant(up_offset[odd]))
            around = self._add("Gemm", self._add("Gelu", few), self._constant(down[odd]), states)
            up[:, odd], up_offset[odd], down[odd] = 0, 0, 0
            after = Range(np.where(odd, 0, after.low), np.where(odd, 0, after.high))
        factor = np.maximum(1, before.size / np.quantile(before.size, 0.98)).astype(np.float32)
        before = Range(before.low / factor, before.high / factor)
        small = self._add("Mul", states, self._constant(1 / factor))
        inner = self._product(small, f"{name}up", up * factor[:, None], up_offset, before)
        inner = self._product(self._add("Gelu", inner), f"{name}down", down, down_offset, after)
        return self._add("Add", around, inner)

    def _product(self, rows: str, name: str, weight: Array, offset: Array, seen: Range | None = None) -> str:
        """Rows times a matrix of eight-bit integers, with a scale for each column, plus the offset."""
        if not self._quantised:
            return self._add("Gemm", rows, self._constant(weight), self._constant(offset))
        seen = seen or self._ranges[name]
        low, high = min(0.0, float(seen.low.min())), float(seen.high.max())
        step = np.float32((high - low) / 255)
        zero = self._constant(np.uint8(round(-low / step)))
        entered = self._constant(step)
        scales = np.maximum(np.abs(weight).max(axis=0), 1e-12) / STEPS
        return self._add(
            "MatMulIntegerToFloat",
            self._add("QuantizeLinear", rows, entered, zero),
            self._constant(np.round(weight / scales).astype(np.int8)),
            entered,
            self._constant(scales.astype(np.float32)),
            zero,
            "",
            self._constant(offset),
            domain=RUNTIME,
        )

    def _normed(self, name: str, rows: str) -> str:
        weight, offset = (self._constant(self._state[f"{name}.{kind}"]) for kind in ("weight", "bias"))
        return self._add("LayerNormalization", rows, weight, offset, axis=-1, epsilon=1e-12)

    def _split(self, mixed: str) -> list[str]:
        names = [f"{mixed}.{part}" for part in ("query", "key", "value")]
        self._nodes.append(helper.make_node("Split", [mixed], names, axis=0, num_outputs=3))
        return names

    def _add(self, kind: str, *inputs: str, **settings: Any) -> str:
        """One more node; the name of what it computes."""
        name = f"{kind}.{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], name=name, **settings))
        return name

    def _weight(self, name: str) -> Array:
        return self._state[f"layers.{name}.weight"].T.copy()

    def _offset(self, name: str) -> Array:
        return self._state[f"layers.{name}.bias"].copy()

    def _constant(self, values: Any) -> str:
        name = f"constant.{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _integers(self, *values: int) -> str:
        return self._constant(np.array(values, dtype=np.int64))


def write_weights(network: Network, target: Path) -> None:
    """The weights for the torch backend, and for whoever wants to train on."""
    save_file(pack_weights(network), target, metadata={"heads": str(network.layers[0].heads), "format": "pt"})


def write_labels(labels: Labels, target: Path) -> None:
    """What the outputs mean, for `read_labels`."""
    content = {
        "schema": 1,
        "prefix": labels.prefix,
        "max_length": labels.max_length,
        "decision": "the most probable sentiment; flags and themes by threshold",
        "heads": [
            {"name": "sentiment", "labels": labels.sentiment, "temperature": labels.temperature},
            {"name": "flags", "labels": labels.flags, "thresholds": labels.flag_thresholds},
            {"name": "themes", "labels": labels.themes, "thresholds": labels.theme_thresholds},
        ],
    }
    target.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_manifest(directory: Path, facts: dict[str, Any]) -> None:
    """What the files are and how they came to be; written last, so that it is never true too early."""
    files = {
        name: {"sha256": file_sha256(directory / name), "size": (directory / name).stat().st_size}
        for name in SHIPPED
    }
    text = json.dumps({"schema": 1, "files": files, **facts}, indent=2, ensure_ascii=False)
    part = directory / f"{MANIFEST}.part"
    part.write_text(text + "\n", encoding="utf-8")
    part.rename(directory / MANIFEST)
