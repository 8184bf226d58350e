"""Silence is an alarm, once, when it cannot be chance; and what is usual is known before."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from services.messages.records import Incident, ReasonCode
from services.messages.vocabulary import Size, StormState
from services.sentiment.storm.detector import Detector, dump, load
from services.sentiment.storm.evidence import shortfall
from services.sentiment.storm.silence import Change, Silence
from services.sentiment.storm.window import Sighting
from tests.support import records

START = datetime(2026, 9, 7, 0, 0, tzinfo=UTC)
END = 1 << 40
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def life(a_day: float, days: int, silent: tuple[float, float] = (0, 0), seed: int = 1) -> list[Sighting]:
    """Return neutral mentions at random moments, more by day than by night, except between two days."""
    chance = random.Random(seed)
    found = []
    for day in range(days):
        for _ in range(round(chance.gauss(a_day, a_day**0.5))):
            at = START + day * DAY + chance.triangular(5, 23, 17) * HOUR
            if not silent[0] <= (at - START) / DAY < silent[1]:
                found.append(at)
    return [
        Sighting(
            int(at.timestamp()),
            f"p{seed}-{n}",
            0,
            n,
            voice=True,
            negative=False,
            positive=False,
            reshare=False,
        )
        for n, at in enumerate(sorted(found))
    ]


def heard(
    sightings: list[Sighting], days: float, *, every: timedelta = HOUR, restart: bool = False
) -> tuple[list[Incident], Detector]:
    """Tick through the time as the watch app does; it stores a state when something came in or happened."""
    detector = Detector.fresh("vennehart", Size.MEDIUM)
    stored = dump(detector)
    steps: list[Incident] = []
    now, offset = START, 0
    while now < START + days * DAY:
        now += every
        before = offset
        while offset < len(sightings) and sightings[offset].at <= now.timestamp():
            detector.take(offset, sightings[offset])
            offset += 1
        detector.tick(now, END)
        found = detector.listen()
        steps += found
        if restart:
            stored = dump(detector) if found or offset > before else stored
            detector = load(stored)
    return steps, detector


def test_a_silence_is_told_once_with_its_reason_and_so_is_its_end() -> None:
    steps, _ = heard(life(60, 40, (30, 33)), 40)

    assert [step.state for step in steps] == [StormState.WATCH, StormState.CLOSED]
    assert [step.seq for step in steps] == [0, 1]
    assert len({step.id for step in steps}) == 1
    began, over = steps
    assert began.silence
    assert began.reasons[0].code is ReasonCode.FELL_SILENT
    assert began.reasons[0].values["mentions"] <= 3
    assert began.reasons[0].values["expected"] > 15
    assert timedelta() <= began.at - (START + 30 * DAY) < 1.5 * DAY
    assert abs(began.onset - (START + 30 * DAY)) < 12 * HOUR
    assert over.reasons[0].code is ReasonCode.HEARD_AGAIN
    assert timedelta() < over.at - (START + 33 * DAY) < DAY


def test_far_fewer_than_usual_is_told_too() -> None:
    few = [
        seen
        for n, seen in enumerate(life(200, 40))
        if not 30 <= (seen.at - START.timestamp()) / 86400 < 33 or n % 12 == 0
    ]
    steps, _ = heard(few, 40)

    assert [step.state for step in steps] == [StormState.WATCH, StormState.CLOSED]
    assert steps[0].reasons[0].values["mentions"] > 0


@pytest.mark.parametrize("a_day", [0.1, 1, 5, 60, 400])
def test_nights_and_chance_are_no_silence(a_day: float) -> None:
    assert heard(life(a_day, 60, seed=3), 60)[0] == []


def test_a_quiet_institution_is_not_alarmed_by_nothing() -> None:
    assert heard(life(0.5, 40, (30, 37)), 37)[0] == []


def test_the_first_fortnight_is_for_learning() -> None:
    assert heard(life(100, 14, (5, 14)), 13.9)[0] == []


def test_a_silence_does_not_become_what_is_usual() -> None:
    _, before = heard(life(60, 30), 30)
    _, after = heard(life(60, 34, (30, 33)), 34)

    assert after.state.volume.expected(24) == pytest.approx(before.state.volume.expected(24), rel=0.1)


def test_a_silence_that_lasts_becomes_what_is_usual() -> None:
    steps, _ = heard([*life(60, 150, (30, 150))], 150)

    assert [step.state for step in steps][:1] == [StormState.WATCH]
    assert len(steps) <= 2


def test_it_does_not_matter_when_ticks_come_or_states_are_stored() -> None:
    sightings = life(60, 40, (30, 33))
    want = [(step.id, step.seq, step.reasons) for step in heard(sightings, 40)[0]]

    stored = heard(sightings, 40, restart=True)[0]
    assert [(step.id, step.seq, step.reasons) for step in stored] == want
    assert [(s.id, s.seq) for s in heard(sightings, 40, every=HOUR / 4)[0]] == [w[:2] for w in want]


def test_where_the_whole_is_silent_its_parts_say_nothing() -> None:
    whole = Detector.fresh("anker", Size.MEDIUM)
    parts = {name: Detector.fresh(name, Size.SMALL) for name in ("noord", "oost")}
    for part in parts.values():
        whole.join(part)
    queue = life(400, 34, (30, 40))
    steps: list[Incident] = []
    now, offset = START, 0
    while now < START + 34 * DAY:
        now += HOUR
        while offset < len(queue) and queue[offset].at <= now.timestamp():
            whole.take(offset, queue[offset], ("noord", "oost")[offset % 2])
            offset += 1
        whole.tick(now, END)
        steps += whole.listen()

    assert {step.institution for step in steps} == {"anker"}


def test_a_part_that_falls_silent_alone_says_so_itself() -> None:
    whole = Detector.fresh("anker", Size.MEDIUM)
    for name in ("noord", "oost"):
        whole.join(Detector.fresh(name, Size.SMALL))
    queue = sorted(
        [(seen, "noord") for seen in life(60, 34, (30, 40))]
        + [(seen, "oost") for seen in life(60, 34, seed=2)],
        key=lambda pair: pair[0].at,
    )
    steps: list[Incident] = []
    now, offset = START, 0
    while now < START + 34 * DAY:
        now += HOUR
        while offset < len(queue) and queue[offset][0].at <= now.timestamp():
            whole.take(offset, *queue[offset])
            offset += 1
        whole.tick(now, END)
        steps += whole.listen()

    assert [(step.institution, step.state) for step in steps] == [("noord", StormState.WATCH)]


def test_the_probability_of_nothing_is_exact_and_of_few_is_bounded() -> None:
    assert shortfall(0, 10, 4) == pytest.approx(4 * 1.252763, rel=1e-5)
    assert shortfall(10, 10, 4) == 0
    assert 0 < shortfall(1, 10, 4) < shortfall(0, 10, 4)


def test_the_pure_count_alarms_once_and_ends_once() -> None:
    silence = Silence(begun=1)
    found = []
    for hour in range(1000, 1100):
        silence.count(hour, 10 if hour < 1020 or hour >= 1060 else 0, 10)
        if change := silence.change(hour + 1, 0.02, 0.2):
            found.append((hour, change))

    assert [change for _, change in found] == [Change.FELL_SILENT, Change.HEARD_AGAIN]
    assert 1020 < found[0][0] < 1060 <= found[1][0]
    assert silence.over == (1020, 1061)
    assert not silence.teaches(1030)
    assert silence.teaches(1061)


def test_the_state_stays_small() -> None:
    _, detector = heard(life(60, 40, (30, 33)), 40)

    assert len(dump(detector)) < 20_000
    assert records.NOW.tzinfo is UTC
