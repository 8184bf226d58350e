"""The demo's clockwork: follows the records through Kafka and sends the ticks that move its clock.

It never leads: the file source does, and the clock follows once everything up to a moment has been
scored. So the incidents are the same at any speed and on any machine.
"""

from bisect import bisect_right, insort
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from services.messages.records import Cursor, Incident, Mention, ScoredMention, Stage, Tick

MINUTE = timedelta(minutes=1)
QUIET_STEP = 10  # minutes between ticks while little is said
BUSY = 10  # mentions in the last hour from which the clock ticks every minute
AFTERMATH = timedelta(hours=12)  # after the last mention, so that every incident can close


class Clockwork:
    """Counts what each stage has seen, and says which ticks are due."""

    def __init__(self, partitions: int) -> None:
        self.mentions: dict[tuple[str, int], Mention] = {}
        self.scored: set[tuple[str, str, int]] = set()
        self.expected: set[tuple[str, str, int]] = set()
        self.incidents: dict[tuple[str, int], Incident] = {}
        self.dead_letters = 0
        self.cursor: Cursor | None = None
        self.latencies_ms: list[int] = []
        self.ticked: datetime | None = None
        self.last_tick: datetime | None = None  # the one after which nothing comes
        self.told: datetime | None = None
        self._times: list[datetime] = []
        self._published_ms: dict[tuple[str, int], int] = {}
        self._scored_offsets = [0] * partitions

    def see_mention(self, mention: Mention, published_ms: int) -> None:
        """Note a mention and when Kafka got it."""
        key = (mention.post, mention.revision)
        if key in self.mentions:
            return  # sent again after a crash
        self.mentions[key] = mention
        self._published_ms[key] = published_ms
        insort(self._times, mention.event_time)
        self.expected |= {(institution, *key) for institution in mention.institutions}

    def see_scored(self, scored: ScoredMention, partition: int, offset: int, published_ms: int) -> None:
        """Note a scored mention, where it stands, and how long its mention took to get there."""
        self._scored_offsets[partition] = max(self._scored_offsets[partition], offset + 1)
        post = (scored.mention.post, scored.mention.revision)
        key = (scored.institution, *post)
        if key in self.scored:
            return
        self.scored.add(key)
        if post in self._published_ms:
            self.latencies_ms.append(max(0, published_ms - self._published_ms[post]))

    def see_incident(self, step: Incident) -> None:
        """Note an incident step; a repeated one changes nothing."""
        self.incidents[step.id, step.seq] = step

    def see_dead_letter(self) -> None:
        """Note a dead letter."""
        self.dead_letters += 1

    def see_tick(self, tick: Tick) -> None:
        """Note how far the alerts have come."""
        if tick.stage is Stage.TOLD:
            self.told = max(self.told or tick.now, tick.now)

    @property
    def unscored(self) -> int:
        """Scored mentions that are still to come."""
        return len(self.expected - self.scored)

    @property
    def finished(self) -> bool:
        """Whether the last tick has gone all the way."""
        return self.last_tick is not None and self.told is not None and self.told >= self.last_tick

    def due(self) -> Iterator[Tick]:
        """Yield the ticks that may be sent now, a moment at a time, one per partition.

        Nothing is due until every mention that the source has published is scored.
        """
        cursor = self.cursor
        if cursor is None or cursor.last_item is None or self.last_tick is not None:
            return
        if len(self.mentions) < cursor.published or self.unscored or not self._times:
            return
        until = cursor.last_item + AFTERMATH if cursor.finished else cursor.last_item
        for moment in self._moments(until):
            self.ticked = moment
            for partition, offset in enumerate(self._scored_offsets):
                yield Tick(stage=Stage.SCORED, partition=partition, now=moment, scored_offset=offset)
        if cursor.finished:
            self.last_tick = self.ticked

    def _moments(self, until: datetime) -> Iterator[datetime]:
        """Yield whole minutes before `until`: every tenth, and each one in a busy hour."""
        start = self._times[0].astimezone(UTC).replace(second=0, microsecond=0)
        moment = (self.ticked or start) + MINUTE
        while moment < until:
            hour = bisect_right(self._times, moment) - bisect_right(self._times, moment - 60 * MINUTE)
            if moment.minute % QUIET_STEP == 0 or hour >= BUSY:
                yield moment
            moment += MINUTE
