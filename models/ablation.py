"""What each choice of the recipe is worth: one change at a time on a smaller model, three seeds each.

Run as ``python -m models.ablation --shared ../shared/data``; an interrupted run goes on where it was.
The judges are mentions of writers who are not trained on; the test part has no say here.
"""

import argparse
import json
import multiprocessing
import statistics
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from models import data, fit
from models.data import Example
from models.evaluate import sentiment
from models.train import Bench, load
from services.sentiment.models import Scores
from services.sentiment.models.batching import pad_id
from services.sentiment.models.labels import softmax

JUDGES = ("w16", "w17", "w20")  # the hardest kinds, and everyday posts
SEEDS = (1, 2, 3)
TEACHER_PREFIX = "query: "
PLAN = fit.Plan(seed=0, epochs=3, rate=2e-4, batch=32, theme_share=1.5)


@dataclass(frozen=True)
class Variant:
    """One way to train; the defaults are the recipe, in small."""

    layers: tuple[int, ...] = (1, 3, 5, 7, 9, 11)
    mentions: int = 2000
    reviews: int = 300
    plan: fit.Plan = PLAN
    reviewed: bool = True
    prefix: str = ""
    disguised: bool = True
    balanced: bool = True
    words_learn: bool = False
    taught: bool = False
    pseudo_labels: bool = False


RECIPE = Variant()
VARIANTS = {
    "the recipe": RECIPE,
    "straight from the base, no stage of reviews": replace(RECIPE, reviewed=False),
    "with the prefix of the base": replace(RECIPE, prefix=TEACHER_PREFIX),
    "five epochs": replace(RECIPE, plan=replace(PLAN, epochs=5)),
    "texts as written, no disguises": replace(RECIPE, disguised=False),
    "half of the loss from a teacher": replace(RECIPE, taught=True),
    "the same, 1,200 reviews, labels from the teacher": replace(
        RECIPE, taught=True, reviews=1200, pseudo_labels=True
    ),
    "labels not balanced": replace(RECIPE, balanced=False),
    "no reviews": replace(RECIPE, reviews=0),
    "four times the reviews": replace(RECIPE, reviews=1200),
    "eight layers": replace(RECIPE, layers=(1, 2, 4, 5, 7, 8, 10, 11)),
    "four layers": replace(RECIPE, layers=(2, 5, 8, 11)),
    "4,000 mentions": replace(RECIPE, mentions=4000),
    "cut at 32 tokens": replace(RECIPE, plan=replace(PLAN, max_length=32)),
    "word vectors learn too": replace(RECIPE, words_learn=True),
    "32 bits": replace(RECIPE, plan=replace(PLAN, half=False)),
}


def main() -> None:
    """Train what is not trained yet, two at a time, and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--shared", type=Path, required=True)
    options.add_argument("--work", type=Path, default=Path("models/work"))
    options.add_argument(
        "--teacher", type=Path, required=True, help="checkpoint of twelve layers that never saw the judges"
    )
    options.add_argument("--processes", type=int, default=2, help="each takes one thread")
    options.add_argument("--only", nargs="*", choices=VARIANTS, metavar="VARIANT", help="all when left out")
    given = options.parse_args()
    bench = Bench(given.shared, given.work, None)
    if not (given.work / "rows.npy").exists():
        bench.trim()
    path = given.work / "ablation.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    names = given.only or list(VARIANTS)
    wanted = [(name, seed) for seed in SEEDS for name in names if f"{name}, seed {seed}" not in found]
    say = Console(stderr=True).print
    with ProcessPoolExecutor(given.processes, multiprocessing.get_context("spawn")) as processes:
        running = {processes.submit(trained, bench, given.teacher, *job): job for job in wanted}
        for number, done in enumerate(as_completed(running), 1):
            name, seed = running[done]
            found[f"{name}, seed {seed}"] = done.result()
            path.write_text(json.dumps(found, indent=1))
            say(f"{number} of {len(wanted)}: {name}, seed {seed}: {done.result()['macro_f1']}")
    Console(width=110).print(table(found, names))


def trained(bench: Bench, teacher: Path, name: str, seed: int) -> dict[str, Any]:
    """The sentiment figures of one variant and seed among the judges' mentions."""
    torch.set_num_threads(1)
    variant = VARIANTS[name]
    known = data.load(bench.shared, seed=1)
    mentions = [example for example in known.care if example.writer not in JUDGES][: variant.mentions]
    judges = [e for e in known.care + known.held_out if e.writer in JUDGES]
    network = bench.network(variant.layers, seed)
    if variant.reviewed:
        network = fit.chosen_layers(load(bench, None), network, variant.layers)
    if variant.words_learn:
        everything = torch.arange(network.words.codes.shape[0])
        network.words = torch.nn.Embedding.from_pretrained(network.words(everything), freeze=False)
    plan = replace(variant.plan, seed=seed)
    number = list(VARIANTS).index(name)
    examples = mentions + known.reviews[: variant.reviews]
    taught = said_by(bench, teacher, examples) if variant.taught else None
    if variant.pseudo_labels and taught is not None:
        labels = [data.SENTIMENTS[number] for number in taught[:, :3].argmax(1)]
        examples = mentions + [
            replace(example, sentiment=label, weight=1.0)
            for example, label in zip(examples[len(mentions) :], labels[len(mentions) :], strict=True)
        ]
    targets = fit.Targets.of(examples)
    loss = fit.Loss(targets, plan.theme_share)
    if taught is not None:
        loss = fit.Distillation(targets, plan.theme_share, taught)
    if not variant.balanced:
        loss.classes = torch.ones_like(loss.classes)
    checkpoint = bench.work / f"ablation-{number}-{seed}.pt"
    epochs = texts_of(bench, examples, variant, plan)
    fit.fit(network, epochs, loss, plan, pad_id=pad_id(bench.tokenizer, bench.work), checkpoint=checkpoint)
    checkpoint.unlink()
    logits = bench.predict(network, judges, plan.max_length, variant.prefix)
    scores = [Scores(*map(float, row)) for row in softmax(logits[:, :3])]
    return sentiment(judges, scores)


def said_by(bench: Bench, teacher: Path, examples: list[Example]) -> torch.Tensor:
    """The raw outputs of the teacher."""
    network = bench.network(range(12))
    network.load_state_dict(torch.load(teacher, weights_only=True)["network"])
    return torch.from_numpy(bench.predict(network, examples, PLAN.max_length, TEACHER_PREFIX))


def texts_of(
    bench: Bench, examples: list[Example], variant: Variant, plan: fit.Plan
) -> list[list[list[int]]]:
    """The token ids of all texts, once for each epoch."""
    texts = [example.text for example in examples]
    return [
        fit.encode(
            bench.tokenizer,
            variant.prefix,
            data.disguised(examples, plan.seed + epoch) if variant.disguised else texts,
            plan.max_length,
        )
        for epoch in range(plan.epochs)
    ]


def table(found: dict[str, Any], names: Iterable[str]) -> Table:
    """The mean over the seeds, and the difference with the recipe, seed by seed."""
    shown = Table(title=f"macro-F1 among mentions of {', '.join(JUDGES)}; {len(SEEDS)} seeds")
    for column in ("variant", "macro-F1", "negative F1", "difference", "range over the seeds"):
        shown.add_column(column)
    for name in names:
        runs = [found[f"{name}, seed {seed}"] for seed in SEEDS]
        plain = [found[f"the recipe, seed {seed}"]["macro_f1"] for seed in SEEDS]
        gains = [run["macro_f1"] - other for run, other in zip(runs, plain, strict=True)]
        shown.add_row(
            name,
            f"{statistics.mean(run['macro_f1'] for run in runs):.3f}",
            f"{statistics.mean(run['negative']['f1'] for run in runs):.3f}",
            f"{statistics.mean(gains):+.3f}",
            f"{min(gains):+.3f} to {max(gains):+.3f}",
        )
    return shown


if __name__ == "__main__":
    main()
