"""The clock of the demo follows, and never runs ahead of what was scored."""

from dataclasses import dataclass
from datetime import timedelta

from services.demo.clockwork import AFTERMATH, Clockwork
from services.messages.records import Cursor, Stage, Tick
from tests.support.records import NOW, mention, scored


@dataclass
class Week:
    """A clockwork that sees mentions come in, a minute apart."""

    clockwork: Clockwork
    count: int = 0

    def publish(self, count: int, *, minutes: float = 1, finished: bool = False) -> None:
        for n in range(self.count, self.count + count):
            self.clockwork.see_mention(
                mention(n, NOW + n * timedelta(minutes=minutes)), published_ms=1000 * n
            )
        self.count += count
        last = NOW + (self.count - 1) * timedelta(minutes=minutes)
        self.clockwork.cursor = Cursor(
            source="week",
            position=str(self.count),
            published=self.count,
            last_item=last,
            since=NOW,
            finished=finished,
        )

    def score(self, numbers: range, *, minutes: float = 1) -> None:
        for n in numbers:
            found = scored(mention(n, NOW + n * timedelta(minutes=minutes)))
            self.clockwork.see_scored(found, partition=0, offset=n, published_ms=1000 * n + 7)


def test_no_tick_is_due_until_all_that_was_published_is_scored() -> None:
    week = Week(Clockwork(1))
    week.publish(60)
    week.score(range(59))
    assert list(week.clockwork.due()) == []

    week.score(range(59, 60))
    ticks = list(week.clockwork.due())

    assert ticks
    assert max(tick.now for tick in ticks) < NOW + timedelta(minutes=59)
    assert {tick.scored_offset for tick in ticks} == {60}
    assert week.clockwork.latencies_ms == [7] * 60


def test_a_cursor_that_overtook_its_mentions_is_waited_for() -> None:
    week = Week(Clockwork(1))
    week.publish(10)
    week.score(range(10))
    cursor = week.clockwork.cursor
    assert cursor is not None
    week.clockwork.cursor = Cursor(
        source="week", position="11", published=11, last_item=NOW + timedelta(hours=3), since=NOW
    )

    assert list(week.clockwork.due()) == []


def test_the_moments_are_the_same_in_one_go_and_in_pieces() -> None:
    whole, pieces = Week(Clockwork(2)), Week(Clockwork(2))
    whole.publish(300, minutes=3, finished=True)
    whole.score(range(300), minutes=3)
    at_once = [tick.now for tick in whole.clockwork.due()]

    by_piece = []
    for start in range(0, 300, 25):
        pieces.publish(25, minutes=3, finished=start == 275)
        pieces.score(range(start, start + 25), minutes=3)
        by_piece += [tick.now for tick in pieces.clockwork.due()]

    assert by_piece == at_once
    assert at_once[-1] < NOW + 299 * timedelta(minutes=3) + AFTERMATH


def test_a_busy_hour_is_ticked_every_minute_and_a_quiet_one_every_ten() -> None:
    busy, quiet = Week(Clockwork(1)), Week(Clockwork(1))
    busy.publish(120)
    busy.score(range(120))
    quiet.publish(12, minutes=10)
    quiet.score(range(12), minutes=10)

    assert len(list(busy.clockwork.due())) > 100
    assert len(list(quiet.clockwork.due())) <= 12


def test_it_is_finished_when_the_last_tick_was_told() -> None:
    week = Week(Clockwork(1))
    week.publish(5, finished=True)
    week.score(range(5))
    last = list(week.clockwork.due())[-1]
    week.clockwork.see_tick(
        Tick(stage=Stage.TOLD, partition=0, now=last.now - timedelta(minutes=9), scored_offset=5)
    )
    assert not week.clockwork.finished

    week.clockwork.see_tick(Tick(stage=Stage.TOLD, partition=0, now=last.now, scored_offset=5))
    assert week.clockwork.finished


def test_a_record_that_is_sent_again_counts_once() -> None:
    week = Week(Clockwork(1))
    week.publish(5)
    week.score(range(5))
    week.score(range(5))
    week.clockwork.see_mention(mention(1, NOW + timedelta(minutes=1)), published_ms=99)

    assert len(week.clockwork.mentions) == len(week.clockwork.scored) == 5
    assert week.clockwork.unscored == 0
