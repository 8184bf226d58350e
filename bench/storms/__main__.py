"""Run the benchmark: ``--part train`` sets the rivals' thresholds, ``--part test`` judges all by them."""

import argparse
import json
import os
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.storms import plot
from bench.storms.detectors import OURS, RIVALS, START, above, alarms_of, negatives, replay
from bench.storms.generate import BANDS, BENIGN, HOUR, TEST, TRAIN, Episode, Kind, Year, year_of
from bench.storms.measure import Result, assess, intervals, summary
from services.messages.records import Incident, ReasonCode
from services.messages.vocabulary import StormState
from services.sentiment.storm import ladder

HERE = Path(__file__).parent
THRESHOLDS = HERE / "thresholds.json"
ALLOWED = 0.1  # false storm alarms per institution-month that a threshold may cost on the train seeds
YEARS = {band: 200 if band <= 2 else 20 for band in BANDS}
POINTS = 14
RANGES = {  # of each rival's statistic, from ever to hardly ever
    "fixed number an hour": (0.5, 2000.0),
    "mean + k sd": (1.0, 100.0),
    "1 h v 12 h, day and week": (1.0, 100.0),
    "same weekday of 4 weeks": (0.5, 500.0),
    "weekly z-score": (0.5, 100.0),
    "EARS C2": (0.5, 500.0),
    "plain CUSUM": (1.0, 5000.0),
    "random": (4.0, 14.0),
}
SHIPPED = ladder.EVIDENCE[StormState.STORM]
CURVE = (SHIPPED - 2, SHIPPED, SHIPPED + 3, SHIPPED + 8)
Key = tuple[str, float]
Points = dict[str, dict[float, dict[str, float]]]


def main() -> None:
    """Run, print the tables, write JSON and plots."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--part", choices=["train", "test"], default="test")
    options.add_argument("--bands", type=float, nargs="+", default=list(BANDS))
    options.add_argument("--scale", type=float, default=1.0, help="share of the years, for a quick look")
    options.add_argument("--curve", action="store_true", help="ours at several thresholds, for the plot")
    options.add_argument("--processes", type=int, default=os.cpu_count())
    options.add_argument("--out", type=Path, default=HERE / "results")
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    thresholds = json.loads(THRESHOLDS.read_text()) if THRESHOLDS.exists() else {}
    report: dict[str, Any] = {}
    for band in given.bands:
        count = max(2, round(YEARS[band] * given.scale))
        outcomes, named = run(TRAIN if given.part == "train" else TEST, band, count, given)
        points: Points = {name: {} for name in (OURS, *RIVALS)}
        for (name, threshold), results in outcomes.items():
            points[name][threshold] = summary(results)
        if given.part == "train":
            thresholds[f"{band:g}"] = {name: best(points[name]) for name in RIVALS}
            THRESHOLDS.write_text(json.dumps(thresholds, indent=1, sort_keys=True) + "\n")
        if f"{band:g}" not in thresholds:
            raise SystemExit(f"no thresholds for {band:g} mentions an hour yet; run --part train first")
        at = {OURS: SHIPPED, **thresholds[f"{band:g}"]}
        report[f"{band:g}"] = {
            "named": named,
            "at": at,
            "intervals": {name: intervals(outcomes[name, threshold]) for name, threshold in at.items()},
            "detectors": points,
        }
        (given.out / f"{given.part}.json").write_text(json.dumps(report, indent=1))
    show(report)
    plot.draw(report, given.out / f"{given.part}.svg")


def run(
    part: int, band: float, count: int, given: argparse.Namespace
) -> tuple[dict[Key, list[Result]], dict[str, float]]:
    """All years of a band, in processes."""
    outcomes: dict[Key, list[Result]] = defaultdict(list)
    named: dict[str, list[bool]] = defaultdict(list)
    console = Console(stderr=True)
    with ProcessPoolExecutor(given.processes) as pool, Progress(console=console) as bar:
        task = bar.add_task(f"{band:g} mentions an hour", total=count)
        jobs = [pool.submit(one, part, band, number, curve=given.curve) for number in range(count)]
        for job in jobs:
            results, names = job.result()
            for key, result in results.items():
                outcomes[key].append(result)
            for kind, yes in names:
                named[kind].append(yes)
            bar.advance(task)
    return outcomes, {kind: float(np.mean(yes)) for kind, yes in named.items()}


def one(
    part: int, band: float, number: int, *, curve: bool
) -> tuple[dict[Key, Result], list[tuple[str, bool]]]:
    """One year under every detector and threshold."""
    year = year_of(part, band, number)
    results: dict[Key, Result] = {}
    names: list[tuple[str, bool]] = []
    for threshold in CURVE if curve else (SHIPPED,):
        ladder.EVIDENCE[StormState.STORM] = threshold
        ladder.EVIDENCE[StormState.RISING] = min(threshold, 5.5)
        steps = replay(year)
        results[OURS, threshold] = assess(year, alarms_of(steps))
        if threshold == SHIPPED:
            names = named(year, steps)
    counts = negatives(year)
    for name, statistic in RIVALS.items():
        values = statistic(counts)
        for threshold in grid(name):
            results[name, threshold] = assess(year, above(values, threshold))
    return results, names


def grid(rival: str) -> list[float]:
    """The thresholds that a rival is tried at; four digits, so that a file names them exactly."""
    return [float(f"{value:.4g}") for value in np.geomspace(*RANGES[rival], POINTS)]


def named(year: Year, steps: list[Incident]) -> list[tuple[str, bool]]:
    """Whether an angry man and a copied text were named as such."""
    codes = {Kind.ANGRY_MAN: ReasonCode.ONE_AUTHOR, Kind.BOT: ReasonCode.ONE_TEXT}
    return [
        (episode.kind.value, any(_says(step, episode, codes[episode.kind]) for step in steps))
        for episode in year.episodes
        if episode.kind in codes
    ]


def _says(step: Incident, episode: Episode, code: ReasonCode) -> bool:
    at = (step.at - START).total_seconds()
    during = episode.onset <= at <= float(episode.times[-1]) + HOUR
    return during and any(reason.code is code for reason in step.reasons)


def best(points: dict[float, dict[str, float]]) -> float:
    """The threshold that finds most storms within the allowed false alarms, or else the highest."""
    fair = [threshold for threshold, f in points.items() if f["false_per_month"] <= ALLOWED]
    return max(fair, key=lambda t: (points[t]["recall"], t)) if fair else max(points)


def show(report: dict[str, Any]) -> None:
    """A table for each band."""
    for band, found in report.items():
        table = Table(title=f"{band} mentions an hour")
        columns = ("detector", "recall", "precision", "false/month", "p50 min", "p90 min", "flash p50")
        for column in (*columns, "before 10 %", "25 %", "50 %", "bursts called", "small"):
            table.add_column(column, justify="left" if column == "detector" else "right")
        for name, threshold in found["at"].items():
            f = found["detectors"][name][threshold]
            low, high = found["intervals"][name]["recall"]
            least, most = found["intervals"][name]["false_per_month"]
            table.add_row(
                name,
                f"{f['recall']:.2f} ({low:.2f}-{high:.2f})",
                f"{f['precision']:.2f}",
                f"{f['false_per_month']:.3f} ({least:.2f}-{most:.2f})",
                *(f"{f[key]:.0f}" for key in ("delay_p50", "delay_p90", "flash_p50")),
                *(f"{f[f'before_{share}']:.0%}" for share in (10, 25, 50)),
                f"{f['bursts_called']:.1%}",
                f"{f['small_recall']:.2f}",
            )
        console = Console(width=150)
        console.print(table)
        console.print(f"named as such: {found['named']}; benign kinds: {', '.join(BENIGN)}")


if __name__ == "__main__":
    main()
