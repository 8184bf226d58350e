"""The simulated clock of the alert service: which moment may be acted upon, and which ticks are done with."""

import heapq
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from services.messages.records import Tick

Place = tuple[str, int]  # topic, partition


class Ticks:
    """Holds the ticks that were read and not yet acted upon.

    A partition's ticks come in order, so a moment is complete once every partition has reached it. After a
    restart a partition may begin beyond a moment that others still have to repeat; that completes it too.
    """

    def __init__(self, scored: str, incidents: str, partitions: int) -> None:
        self._scored = scored
        self._incidents = incidents
        self._partitions = partitions
        self._latest: dict[int, datetime] = {}
        self._needs: dict[datetime, dict[Place, int]] = {}
        self._moments: list[datetime] = []
        self._open: dict[int, dict[int, datetime]] = defaultdict(dict)
        self._read_to: dict[int, int] = {}
        self._handled: datetime | None = None

    def skip(self, partition: int, offset: int) -> None:
        """Note a record of the ticks topic that needs nothing done."""
        self._read_to[partition] = offset + 1

    def take(self, partition: int, offset: int, tick: Tick) -> None:
        """Note a tick; of a moment that was acted upon already it needs nothing done."""
        self.skip(partition, offset)
        number, now = tick.partition, tick.now
        self._latest[number] = max(self._latest.get(number, now), now)
        if self._handled is not None and now <= self._handled:
            return
        if now not in self._needs:
            self._needs[now] = {}
            heapq.heappush(self._moments, now)
        needs = self._needs[now]
        for place, least in (
            ((self._scored, number), tick.scored_offset),
            ((self._incidents, number), tick.incidents_offset),
        ):
            needs[place] = max(needs.get(place, 0), least)
        self._open[partition][offset] = now

    def ready(self, applied: Mapping[Place, int]) -> datetime | None:
        """Return the next moment to act upon, once everything it counts on has been applied."""
        if not self._moments or len(self._latest) < self._partitions:
            return None
        moment = self._moments[0]
        if moment > min(self._latest.values()):
            return None
        counted_on = self._needs[moment].items()
        return moment if all(applied.get(place, 0) >= least for place, least in counted_on) else None

    def handled(self, moment: datetime) -> dict[Place, int]:
        """Note that a moment was acted upon; return what it counted on."""
        heapq.heappop(self._moments)
        self._handled = moment
        for waiting in self._open.values():
            for offset in [offset for offset, now in waiting.items() if now <= moment]:
                del waiting[offset]
        return self._needs.pop(moment)

    def done_to(self) -> dict[int, int]:
        """Return by partition of the ticks topic the offset below which nothing is left to do."""
        return {
            partition: min(self._open[partition], default=read_to)
            for partition, read_to in self._read_to.items()
        }
