"""Writing `models/shipped`: the eight-bit ONNX graph, packed weights for torch, labels and the manifest."""

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from safetensors.torch import save_file

from services.sentiment.models.labels import Labels
from services.sentiment.models.loading import MANIFEST, file_sha256
from services.sentiment.models.torch import Network, pack_weights

SHIPPED = ("model.onnx", "model.safetensors", "tokenizer.json", "labels.json")


def write_onnx(network: Network, target: Path, work: Path) -> None:
    """Export in 32 bits, then quantise the matrices; the word table is already packed and stays as it is."""
    plain, prepared = work / "plain.onnx", work / "prepared.onnx"
    ids = torch.randint(5, 1000, (3, 17))
    axes = {0: torch.export.Dim("texts"), 1: torch.export.Dim("tokens", max=network.positions.num_embeddings)}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (ids, torch.ones_like(ids)),
            str(plain),
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes={"input_ids": axes, "attention_mask": axes},
            opset_version=20,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
    # Seven-bit weights, because eight-bit products overflow on CPUs without VNNI.
    quantize_dynamic(
        prepared,
        target,
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
    )
    model = onnx.load(target)
    model.doc_string = ""
    for node in model.graph.node:
        # The exporter notes source lines of this machine.
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.value_info[:]
    onnx.save(model, target)


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
