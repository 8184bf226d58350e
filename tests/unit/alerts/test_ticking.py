"""Which moment of a simulated clock may be acted upon, and which ticks are done with."""

from datetime import timedelta

from services.alerts.ticking import Ticks
from services.messages.records import Stage, Tick
from tests.support.records import NOW

MINUTE = timedelta(minutes=1)
EVERYTHING = {(topic, partition): 99 for topic in ("s", "i") for partition in range(2)}


def tick(partition: int, minute: int, scored: int = 0, incidents: int = 0) -> Tick:
    return Tick(
        stage=Stage.WATCHED,
        partition=partition,
        now=NOW + minute * MINUTE,
        scored_offset=scored,
        incidents_offset=incidents,
    )


def ticks() -> Ticks:
    return Ticks("s", "i", 2)


def test_a_moment_waits_for_every_partition() -> None:
    found = ticks()
    found.take(0, 0, tick(0, 1))
    assert found.ready(EVERYTHING) is None
    found.take(1, 0, tick(1, 1))
    assert found.ready(EVERYTHING) == NOW + MINUTE


def test_a_moment_waits_for_what_it_counts_on() -> None:
    found = ticks()
    found.take(0, 0, tick(0, 1, scored=5))
    found.take(1, 0, tick(1, 1, incidents=2))

    assert found.ready({("s", 0): 4, ("i", 1): 2}) is None
    assert found.ready({("s", 0): 5, ("i", 1): 1}) is None
    assert found.ready({("s", 0): 5, ("i", 1): 2}) == NOW + MINUTE


def test_queued_moments_are_acted_upon_in_order_and_all_of_them() -> None:
    found = ticks()
    for minute in (1, 2, 3):
        found.take(0, minute, tick(0, minute))
    for minute in (1, 2):
        found.take(1, minute, tick(1, minute))
    acted = []
    while (moment := found.ready(EVERYTHING)) is not None:
        acted.append(moment)
        found.handled(moment)

    assert acted == [NOW + MINUTE, NOW + 2 * MINUTE]


def test_only_ticks_that_were_acted_upon_are_done_with() -> None:
    found = ticks()
    for partition in (0, 1):
        found.take(partition, 10, tick(partition, 1))
        found.skip(partition, 11)
        found.take(partition, 12, tick(partition, 2))
        found.skip(partition, 13)
    assert found.done_to() == {0: 10, 1: 10}

    found.handled(NOW + MINUTE)
    assert found.done_to() == {0: 12, 1: 12}
    found.handled(NOW + 2 * MINUTE)
    assert found.done_to() == {0: 14, 1: 14}


def test_a_repeated_moment_changes_nothing() -> None:
    found = ticks()
    for partition in (0, 1):
        found.take(partition, 0, tick(partition, 1))
    found.handled(NOW + MINUTE)
    found.take(0, 1, tick(0, 1))

    assert found.ready(EVERYTHING) is None
    assert found.done_to() == {0: 2, 1: 1}


def test_after_a_restart_a_partition_beyond_a_moment_completes_it() -> None:
    found = ticks()
    found.take(0, 7, tick(0, 1))
    found.take(1, 9, tick(1, 2))

    assert found.ready(EVERYTHING) == NOW + MINUTE
