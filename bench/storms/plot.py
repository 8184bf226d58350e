"""Recall against false alarms, a panel for each volume band."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

from bench.storms.detectors import OURS

mpl.use("svg")

from matplotlib import pyplot as plt

LEAST = 0.002  # false alarms a month that a logarithmic axis can still show


def draw(report: dict[str, Any], target: Path) -> None:
    """Write the picture; dots are the operating points, thresholds chosen on the train seeds."""
    figure, panels = plt.subplots(1, len(report), figsize=(4 * len(report), 4), sharey=True, squeeze=False)
    for panel, (band, found) in zip(panels[0], report.items(), strict=True):
        for name, points in found["detectors"].items():
            ours = name == OURS
            rows = [points[threshold] for threshold in sorted(points)]
            falses = [max(LEAST, row["false_per_month"]) for row in rows]
            (line,) = panel.plot(
                falses,
                [row["recall"] for row in rows],
                label=name,
                lw=2.5 if ours else 1,
                color="black" if ours else None,
            )
            chosen = points[found["at"][name]]
            panel.plot(max(LEAST, chosen["false_per_month"]), chosen["recall"], "o", color=line.get_color())
        panel.axvline(0.1, color="grey", ls=":", lw=1)
        panel.set(xscale="log", xlim=(LEAST, 100), ylim=(0, 1.02), title=f"{band} mentions an hour")
        panel.set_xlabel("false storm alarms per institution-month")
    panels[0][0].set_ylabel("recall")
    panels[0][0].legend(fontsize=7, loc="lower right")
    figure.tight_layout()
    figure.savefig(target)
