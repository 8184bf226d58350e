"""Recorded counts: a row of a series to a moment and a value, and what volume mode finds to steps."""

from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

import msgspec
from msgspec import Struct

from services.messages.records import Reason, ReasonCode
from services.messages.vocabulary import StormState
from services.sentiment.backtest.posts import RowError
from services.sentiment.backtest.steps import Step
from services.sentiment.backtest.volume import QUIET_S, Finding, Volume
from services.sentiment.storm.window import HOUR_S

COLUMNS = {"timestamp", "value"}
WIDEST = timedelta(hours=1)  # between two counts; a rhythm of hours is learned from them


class _Row(Struct, frozen=True):
    timestamp: datetime
    value: float


class Series:
    """One series of counts, and its detector."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.volume = Volume()
        self.taken = 0
        self._last: datetime | None = None

    def take(self, row: Any) -> tuple[datetime, float, list[Step]]:
        """Take a row in; return its moment, its value and the step that it leads to, if any.

        Raises:
            RowError: the row is no count, or stands in the wrong place.

        """
        at, value = self._parsed(row)
        if self._last is not None and at <= self._last:
            raise RowError("timestamp: not later than the line before; sort the file, one line a moment")
        if self.taken == 1 and self._last is not None and at - self._last > WIDEST:
            raise RowError("timestamp: more than an hour after the line before; count at least every hour")
        self._last = at
        self.taken += 1
        found = self.volume.take(at, value)
        return at, value, [] if found is None else [self._step(found)]

    def _parsed(self, row: Any) -> tuple[datetime, float]:
        try:
            found = msgspec.convert(row, _Row, strict=False)
        except msgspec.ValidationError as error:
            if "value" in str(error).rpartition("`$")[2] or "`value`" in str(error):
                raise RowError("value: missing or no number; give how many there were") from None
            raise RowError(
                "timestamp: missing or no time; write it such as 2026-10-07 16:55:00, in UTC or with a zone"
            ) from None
        if not isfinite(found.value) or found.value < 0:
            raise RowError("value: not right; a count is 0 or more")
        at = found.timestamp
        return (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)), found.value

    def _step(self, found: Finding) -> Step:
        begins = found.state is StormState.STORM
        burst = {
            "n": found.n,
            "hours": round(found.hours, 2),
            "expected": round(found.expected, 3),
            "evidence": round(found.evidence, 1),
        }
        quiet = {"hours": QUIET_S / HOUR_S}
        return Step(
            id=f"{self.name}/{found.onset:%Y-%m-%dT%H:%M:%SZ}",
            seq=int(not begins),
            institution=self.name,
            state=found.state,
            at=found.at,
            event_time=found.at,
            onset=found.onset,
            n=round(found.n),
            authors=None,
            reasons=(Reason(ReasonCode.BURST, burst) if begins else Reason(ReasonCode.QUIET, quiet),),
            score=round(found.score, 2) if begins else msgspec.UNSET,
        )
