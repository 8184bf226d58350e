"""The exported graph computes what the network computes, and the same alone as in company."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.sentiment.models.labels import Labels
from services.sentiment.models.onnx import OnnxScorer

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")
pytest.importorskip("onnx", reason="the extra 'model' is not installed")

import onnxruntime  # noqa: E402

from models import export  # noqa: E402
from services.messages.vocabulary import Sentiment  # noqa: E402
from services.sentiment.models.batching import pad  # noqa: E402
from services.sentiment.models.torch import Network  # noqa: E402

pytestmark = pytest.mark.torch
ROWS = [[1, 2, 3, 4, 5], [9, 8, 7, 6, 5], [11, 12, 13], [14] * 9, [40, 41, 42], [2, 30, 4, 31, 5]]
BIG = 40.0


@pytest.fixture(scope="module")
def network() -> Any:
    """A small network with random weights; as in a trained one, a single inner unit is far above the rest."""
    torch.manual_seed(1)
    found = Network(rows=50, layers=2, outputs=3, width=64, heads=2, inner=256, positions=16).eval()
    found.words.codes.copy_(torch.randint(0, 256, found.words.codes.shape))
    found.words.scales.fill_(0.1)
    with torch.no_grad():
        found.layers[1].up.bias[7] = BIG
    return found


def run(model: Any, rows: list[list[int]]) -> Any:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(["logits"], {"input_ids": np.array([row])})[0] for row in rows])


def reference(network: Network, rows: list[list[int]]) -> Any:
    with torch.inference_mode():
        return np.concatenate([network(ids, torch.ones_like(ids)).numpy() for ids in map(tensor, rows)])


def tensor(row: list[int]) -> Any:
    return torch.tensor([row])


def test_the_graph_in_32_bits_computes_what_the_network_does(network: Network) -> None:
    graph = export.Graph(network, export.measure(network, ROWS), quantised=False).model()
    assert np.abs(run(graph, ROWS) - reference(network, ROWS)).max() < 1e-5


def test_eight_bits_change_little_although_one_unit_is_large(network: Network) -> None:
    ranges = export.measure(network, ROWS)
    assert ranges["1.down"].size.max() > 10 * np.median(ranges["1.down"].size)
    expected = reference(network, ROWS)
    error = np.abs(run(export.Graph(network, ranges).model(), ROWS) - expected).max()
    assert error < 0.03 * np.abs(expected).max()


def test_a_text_scores_the_same_alone_and_in_company(network: Network, tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    target = tmp_path / "model.onnx"
    export.write_onnx(network, target, ROWS)
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel({"<pad>": 0}, unk_token="<pad>"))
    labels = Labels("", 16, 1.0, tuple(Sentiment))
    scorer = OnnxScorer("onnx:test", tokenizer, 0, labels, session=session, lanes=1)
    together = scorer.infer(*pad(ROWS, 0))
    alone = np.concatenate([scorer.infer(*pad([row], 0)) for row in ROWS])
    assert np.array_equal(together, alone)
    assert np.array_equal(together[::-1], scorer.infer(*pad(ROWS[::-1], 0)))
