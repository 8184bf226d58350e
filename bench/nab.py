"""Volume mode on labelled counts of the Numenta Anomaly Benchmark: windows hit and false events.

python -m bench.nab FOLDER, with *.csv (timestamp,value) and windows.json. The constants of volume mode were
chosen on the series named in CHOSEN_ON; the others only check them.
"""

import argparse
import csv
import json
import random
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.messages.vocabulary import StormState
from services.sentiment.backtest.volume import Volume

CHOSEN_ON = ("Twitter_volume_AAPL", "Twitter_volume_CVS", "Twitter_volume_FB")  # the first three by name
PROBATION = 0.15  # of each series, not judged
MERGED = timedelta(hours=6)
MONTH = timedelta(days=365.25 / 12)
DRAWS = 100

Window = tuple[datetime, datetime]


@dataclass
class Result:
    windows: int = 0
    hit: int = 0
    false: int = 0
    months: float = 0.0

    def __add__(self, other: "Result") -> "Result":
        return Result(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def __str__(self) -> str:
        return (
            f"windows {self.hit} of {self.windows}, false events {self.false} in {self.months:.1f} months: "
            f"{self.false / self.months:.2f} a month"
        )


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def read(path: Path) -> list[tuple[datetime, float]]:
    with path.open(encoding="utf-8") as stream:
        return [(moment(row["timestamp"]), float(row["value"])) for row in csv.DictReader(stream)]


def detect(counts: Sequence[tuple[datetime, float]]) -> list[datetime]:
    volume = Volume()
    findings = [volume.take(at, value) for at, value in counts]
    return [found.at for found in findings if found is not None and found.state is StormState.STORM]


def assess(
    counts: Sequence[tuple[datetime, float]], windows: Sequence[Window], found: Sequence[datetime]
) -> Result:
    """Count windows with a detection, and events outside all; both after the probation."""
    start, end = counts[int(len(counts) * PROBATION)][0], counts[-1][0]
    judged = [window for window in windows if window[0] >= start]
    result = Result(windows=len(judged), months=(end - start) / MONTH)
    result.hit = sum(any(first <= at <= last for at in found) for first, last in judged)
    previous: datetime | None = None
    for at in found:
        if at >= start and not any(first <= at <= last for first, last in windows):
            result.false += previous is None or at - previous >= MERGED
            previous = at
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    labels = json.loads((folder / "windows.json").read_text(encoding="utf-8"))
    totals = {"chosen on": Result(), "check": Result(), "all": Result()}
    guessed = Result()
    for path in sorted(folder.glob("*.csv")):
        counts = read(path)
        windows = [(moment(first), moment(last)) for first, last in labels[path.name]]
        found = detect(counts)
        result = assess(counts, windows, found)
        part = "chosen on" if path.stem in CHOSEN_ON else "check"
        print(f"{path.stem:24} {part:10} {result}")
        totals[part] += result
        totals["all"] += result
        for draw in range(DRAWS):
            guesses = sorted(random.Random(draw).sample([at for at, _ in counts], len(found)))
            guessed += assess(counts, windows, guesses)
    for name, total in totals.items():
        print(f"{name:35} {total}")
    print(f"{'as many detections at random':35} windows {guessed.hit / DRAWS:.1f} of {totals['all'].windows}")


if __name__ == "__main__":
    main()
