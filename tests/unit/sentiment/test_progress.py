"""The watchdog looks at each partition that an agent reads, and at no other."""

from services.messages.topics import Topics
from services.sentiment.worker import STALLED_S, Progress

TOPICS = Topics()
SCORED, TICKS, CHANGELOG = TOPICS.scored.name, TOPICS.ticks.name, TOPICS.detectors.name
LATER = STALLED_S + 1


def progress() -> Progress:
    return Progress((TOPICS.scored, TOPICS.ticks))


def test_a_partition_with_records_that_nobody_reads_has_stalled() -> None:
    watched = progress()

    assert watched.stalled([(SCORED, 0, 10, 4)], now=0) == []
    assert watched.stalled([(SCORED, 0, 10, 4)], now=STALLED_S - 1) == []
    assert watched.stalled([(SCORED, 0, 10, 4)], now=LATER) == [(SCORED, 0)]


def test_ticks_that_keep_coming_do_not_hide_it() -> None:
    watched = progress()
    watched.stalled([(SCORED, 0, 10, 4), (TICKS, 0, 5, 0)], now=0)
    watched.read(TICKS, 0, 4, now=LATER)

    assert watched.stalled([(SCORED, 0, 10, 4), (TICKS, 0, 5, 0)], now=LATER) == [(SCORED, 0)]


def test_what_was_read_but_waits_for_the_clock_is_no_stall() -> None:
    watched = progress()
    watched.read(SCORED, 0, 9, now=0)

    assert watched.stalled([(SCORED, 0, 10, 4)], now=10 * LATER) == []


def test_a_changelog_is_nobodys_to_read() -> None:
    watched = progress()
    watched.stalled([(CHANGELOG, 1, 99, 0)], now=0)

    assert watched.stalled([(CHANGELOG, 1, 99, 0)], now=LATER) == []
