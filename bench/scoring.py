"""Texts per second and latency of our scorers, the bare network and `transformers.pipeline`, in one run.

Every contender runs in a process of its own, in turn, several rounds: what a noisy machine takes from one it
takes from all.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from services.sentiment.models import load_scorer
from services.sentiment.models.batching import pad, plan, prepare

TEXTS = Path(__file__).parents[1] / "models" / "data" / "test.jsonl"
CALL = 64  # texts in one call, as many as the score app takes
COPIES = (0, 30, 80)  # percent of the texts that are copies of an earlier one
Rate = dict[str, Any]


def main() -> None:
    """Run all contenders and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--texts", type=Path, default=TEXTS, help="NDJSON with a field text")
    options.add_argument("--count", type=int, default=600, help="texts per measurement")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", type=Path, help="where to write every number")
    options.add_argument("--one", nargs=3, metavar=("KIND", "THREADS", "COPIES"), help=argparse.SUPPRESS)
    given = options.parse_args()
    texts = [json.loads(line)["text"] for line in given.texts.read_text(encoding="utf-8").splitlines()]
    random.Random(1).shuffle(texts)
    texts = texts[: given.count]
    if given.one:
        kind, threads, copies = given.one
        rate = MEASURES[kind](with_copies(texts, int(copies)), int(threads))
        print(json.dumps({"rate": len(texts) / rate.pop("seconds"), **rate}))
        return
    results = run_rounds(given)
    if given.json:
        given.json.write_text(json.dumps(results, indent=2))
    show(results)


def contenders() -> list[tuple[str, int, int]]:
    """Kind, threads and share of copies of everything that is measured."""
    ours = [
        (f"{backend} scorer", threads, copies)
        for backend in ("onnx", "torch")
        for threads in (1, 2)
        for copies in COPIES
    ]
    bare = [(f"{backend} bare pass", threads, 0) for backend in ("onnx", "torch") for threads in (1, 2)]
    return [*ours, *bare, ("transformers.pipeline, fp32, batch 1", 2, 0)]


def run_rounds(given: argparse.Namespace) -> dict[str, list[Rate]]:
    """Every contender once a round, in a random order."""
    say = Console(stderr=True).print
    results: dict[str, list[Rate]] = {}
    for number in range(given.rounds):
        order = contenders()
        random.Random(number).shuffle(order)
        for kind, threads, copies in order:
            one = [*sys.argv[1:], "--one", kind, str(threads), str(copies)]
            answer = subprocess.run(
                [sys.executable, "-m", "bench.scoring", *one], check=True, capture_output=True, text=True
            )
            rate: Rate = json.loads(answer.stdout.splitlines()[-1])
            results.setdefault(f"{kind}|{threads}|{copies}", []).append(rate)
            say(f"round {number + 1}: {kind}, {threads} threads, {copies} % copies: {rate['rate']:.0f}/s")
    return results


def show(results: dict[str, list[Rate]]) -> None:
    """One line per contender: the median of the rounds, their spread, and the ratios."""
    rival = statistics.median(rate["rate"] for rate in results["transformers.pipeline, fp32, batch 1|2|0"])
    table = Table(title="texts per second, median of the rounds")
    columns = ("contender", "threads", "copies", "texts/s", "spread", "of bare pass", "x pipeline")
    for column in (*columns, "p50 ms", "p99 ms", "peak MB"):
        table.add_column(column, justify="left" if column == "contender" else "right")
    for kind, threads, copies in contenders():
        rates = results[f"{kind}|{threads}|{copies}"]
        middle = {name: statistics.median(rate[name] for rate in rates) for name in rates[0]}
        bare = results.get(f"{kind.split(' ', 1)[0]} bare pass|{threads}|0")
        share = middle["rate"] / statistics.median(rate["rate"] for rate in bare) if bare else None
        table.add_row(
            kind,
            str(threads),
            f"{copies} %",
            f"{middle['rate']:.0f}",
            f"{min(r['rate'] for r in rates):.0f}-{max(r['rate'] for r in rates):.0f}",
            "-" if share is None else f"{share:.0%}",
            f"{middle['rate'] / rival:.1f}",
            f"{middle['p50']:.1f}",
            f"{middle['p99']:.1f}",
            f"{middle['peak']:.0f}",
        )
    Console(width=140).print(table)


def with_copies(texts: list[str], percent: int) -> list[str]:
    """As many texts, of which a share are copies of others, spread at random as in a storm."""
    chance = random.Random(percent)
    distinct = texts[: max(1, round(len(texts) * (1 - percent / 100)))]
    mixed = distinct + chance.choices(distinct, k=len(texts) - len(distinct))
    chance.shuffle(mixed)
    return mixed


def scorer(backend: Any) -> Callable[[list[str], int], Rate]:
    """Measure a whole scorer, in calls as large as the score app's."""

    def measure(texts: list[str], threads: int) -> Rate:
        together, alone = (load_scorer(None, backend, threads) for _ in range(2))
        return measured(calls(texts), together.score, singles(texts), alone.score)

    return measure


def bare(backend: Any) -> Callable[[list[str], int], Rate]:
    """Measure the network alone, on padded arrays that are ready, in the scorer's own batches."""

    def measure(texts: list[str], threads: int) -> Rate:
        model: Any = load_scorer(None, backend, threads)
        lanes = ThreadPoolExecutor(threads if backend == "onnx" else 1)

        def ready(group: list[str]) -> list[Any]:
            rows = [model._tokenizer.encode(model._labels.prefix + prepare(text)).ids for text in group]
            batches = reversed(plan([len(row) for row in rows], most=model.most_texts))
            return [pad([rows[index] for index in batch], model._pad_id) for batch in batches]

        def run(arrays: list[Any]) -> None:
            list(lanes.map(lambda pair: model.infer(*pair), arrays))

        groups, alone = ([ready(group) for group in cut(texts)] for cut in (calls, singles))
        return measured(groups, run, alone, run)

    return measure


def pipeline(texts: list[str], threads: int) -> Rate:
    """Measure `transformers.pipeline` with the same weights in 32 bits."""
    import torch
    import transformers

    from services.sentiment.models.loading import shipped
    from services.sentiment.models.torch import read_weights

    torch.set_num_threads(threads)
    ours = read_weights(shipped() / "model.safetensors").eval()
    network = as_transformers(ours)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(shipped() / "tokenizer.json"),
        pad_token="<pad>",  # noqa: S106
    )
    ids = tokenizer("query: " + texts[0], return_tensors="pt")
    with torch.inference_mode():
        difference = network(ids.input_ids).logits - ours(ids.input_ids, ids.attention_mask)
    assert float(difference.abs().max()) < 1e-3, "the rival does not compute the same"
    rival = transformers.pipeline(
        "text-classification", model=network, tokenizer=tokenizer, function_to_apply="none", top_k=None
    )

    def run(group: Sequence[str]) -> None:
        for text in group:
            rival("query: " + text, truncation=True, max_length=192)

    return measured(calls(texts), run, singles(texts), run)


def as_transformers(ours: Any) -> Any:
    """The shipped network as a BertForSequenceClassification; right for one text at a time."""
    import torch
    import transformers

    class Mean(torch.nn.Module):  # type: ignore[misc]
        def forward(self, states: Any) -> Any:
            return states.mean(1)

    words = ours.words(torch.arange(ours.words.codes.shape[0]))
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=words.shape[1],
        num_hidden_layers=len(ours.layers),
        num_attention_heads=ours.layers[0].heads,
        intermediate_size=ours.layers[0].up.out_features,
        max_position_embeddings=ours.positions.num_embeddings,
        num_labels=ours.output.out_features,
        type_vocab_size=1,
    )
    network = transformers.BertForSequenceClassification(config).eval()
    network.bert.pooler = Mean()
    state = {
        "bert.embeddings.word_embeddings.weight": words,
        "bert.embeddings.position_embeddings.weight": ours.positions.weight,
        "bert.embeddings.token_type_embeddings.weight": torch.zeros(1, words.shape[1]),
        "bert.embeddings.LayerNorm.weight": ours.norm.weight,
        "bert.embeddings.LayerNorm.bias": ours.norm.bias,
        "classifier.weight": ours.output.weight,
        "classifier.bias": ours.output.bias,
    }
    pairs = {
        "mix": "attention.output.dense",
        "mix_norm": "attention.output.LayerNorm",
        "up": "intermediate.dense",
        "down": "output.dense",
        "norm": "output.LayerNorm",
    }
    for number, layer in enumerate(ours.layers):
        prefix = f"bert.encoder.layer.{number}."
        for kind in ("weight", "bias"):
            parts = getattr(layer.qkv, kind).chunk(3)
            for name, part in zip(("query", "key", "value"), parts, strict=True):
                state[f"{prefix}attention.self.{name}.{kind}"] = part
            for mine, theirs in pairs.items():
                state[f"{prefix}{theirs}.{kind}"] = getattr(getattr(layer, mine), kind)
    missing, unknown = network.load_state_dict(state, strict=False)
    assert not unknown
    assert all("position_ids" in name for name in missing)
    return network


def calls(texts: list[str]) -> list[list[str]]:
    """The texts in groups of a call's size."""
    return [texts[start : start + CALL] for start in range(0, len(texts), CALL)]


def singles(texts: list[str]) -> list[list[str]]:
    """Distinct texts, each a call of its own."""
    return [[text] for text in list(dict.fromkeys(texts))[:200]]


def measured(
    groups: Sequence[Any],
    run: Callable[[Any], object],
    alone: Sequence[Any],
    run_alone: Callable[[Any], object],
) -> Rate:
    """Texts per second in calls of `CALL`, and the latency of calls with one text each."""
    run_alone(alone[-1])
    run(alone[-1])
    started = time.perf_counter()
    for group in groups:
        run(group)
    seconds = time.perf_counter() - started
    took = []
    for one in alone[:-1]:
        before = time.perf_counter()
        run_alone(one)
        took.append(1000 * (time.perf_counter() - before))
    return {
        "seconds": seconds,
        "p50": float(np.percentile(took, 50)),
        "p99": float(np.percentile(took, 99)),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


MEASURES: dict[str, Callable[[list[str], int], Rate]] = {
    "onnx scorer": scorer("onnx"),
    "torch scorer": scorer("torch"),
    "onnx bare pass": bare("onnx"),
    "torch bare pass": bare("torch"),
    "transformers.pipeline, fp32, batch 1": pipeline,
}

if __name__ == "__main__":
    main()
