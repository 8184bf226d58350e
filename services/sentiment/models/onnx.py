"""The default backend: ONNX Runtime on the CPU with eight-bit weights, without torch."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from services.sentiment.models import ModelError, Observer
from services.sentiment.models.batching import BatchedScorer, pad_id
from services.sentiment.models.labels import Labels, read_labels
from services.sentiment.models.loading import verify

WEIGHTS = "model.onnx"
FILES = (WEIGHTS, "tokenizer.json", "labels.json")


class OnnxScorer(BatchedScorer):
    """Scores texts with an ONNX graph that maps `input_ids` to `logits`.

    Several passes at once, one thread each: two lanes are nearly twice as fast as two threads on one pass
    (bench/scoring). A pass holds texts of one length only. Nothing is padded and the ranges of the integers
    are fixed in the graph, so a text scores the same to the last bit whichever texts go with it.
    """

    most_texts = 8  # so few that no lane waits long for the other

    def __init__(
        self,
        name: str,
        tokenizer: Tokenizer,
        pad_id: int,
        labels: Labels,
        *,
        session: onnxruntime.InferenceSession,
        lanes: int,
        observer: Observer | None = None,
    ) -> None:
        super().__init__(name, tokenizer, pad_id, labels, lanes=lanes, observer=observer)
        self._session = session

    def infer(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Run the graph on the rows of each length."""
        lengths = mask.sum(axis=1)
        logits = np.empty((len(ids), self._labels.width), dtype=np.float32)
        for length in np.unique(lengths):
            rows = lengths == length
            (logits[rows],) = self._session.run(["logits"], {"input_ids": ids[rows, :length]})
        return logits


def load_onnx(path: Path | None, threads: int, observer: Observer | None = None) -> OnnxScorer:
    """Load a verified model directory, by default the shipped one."""
    files = verify(path, FILES)
    labels = read_labels(files.path("labels.json"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        tokenizer = Tokenizer.from_file(str(files.path("tokenizer.json")))
        session = onnxruntime.InferenceSession(
            str(files.path(WEIGHTS)), options, providers=["CPUExecutionProvider"]
        )
    except Exception as fault:  # both libraries raise bare or private exception types
        raise ModelError(f"{files.directory}: cannot be loaded by ONNX Runtime ({fault})") from fault
    name = f"onnx:{files.sha256[WEIGHTS][:8]}"
    return OnnxScorer(
        name,
        tokenizer,
        pad_id(tokenizer, files.path("tokenizer.json")),
        labels,
        session=session,
        lanes=threads,
        observer=observer,
    )
