"""An organisation and its parts: a storm over several is one incident, and no part drowns in the others."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from services.messages.records import Incident, ReasonCode, ScoredMention
from services.messages.vocabulary import Sentiment, Size, StormState
from services.sentiment.storm.detector import Detector, dump, load
from tests.support import records

START = datetime(2026, 10, 5, 0, 0, tzinfo=UTC)
STORM_AT = START + timedelta(days=3, hours=15)
END = 1 << 40
MINUTE = timedelta(minutes=1)
PARTS = ("noord", "oost", "zuid", "west", "midden")


def about(part: str, number: int, at: datetime, label: Sentiment = Sentiment.NEGATIVE) -> ScoredMention:
    found = records.scored(records.mention(number, at, institutions=(part,)), label, part)
    return replace(found, organisation="" if part == "anker" else "anker")


def usual(days: int = 3) -> list[ScoredMention]:
    """Return a few mentions a day about each part, one of them negative on every second day."""
    return [
        about(
            part,
            10_000 + 1000 * day + 100 * place + hour,
            START + timedelta(days=day, hours=hour, minutes=7 * place),
            Sentiment.NEGATIVE if hour == 10 and (day + place) % 2 else Sentiment.NEUTRAL,
        )
        for day in range(days)
        for place, part in enumerate(PARTS)
        for hour in (8, 10, 12, 16)
    ]


def wave(part: str, count: int, minutes: float, first: int, at: datetime = STORM_AT) -> list[ScoredMention]:
    return [about(part, first + n, at + n * minutes / count * MINUTE) for n in range(count)]


def take(detector: Detector, offset: int, mention: ScoredMention) -> None:
    if mention.institution != "anker" and mention.institution not in detector.parts:
        detector.join(Detector.fresh(mention.institution, Size.SMALL))
    detector.apply(offset, mention)


def restarted(detector: Detector) -> Detector:
    whole = load(dump(detector))
    for part in detector.parts.values():
        whole.join(load(dump(part)))
    return whole


def replay(mentions: list[ScoredMention], *, restart: bool = False, every: int = 5) -> list[Incident]:
    detector = Detector.fresh("anker", Size.MEDIUM)
    for offset, mention in enumerate(sorted(mentions, key=lambda m: m.mention.event_time)):
        take(detector, offset, mention)
    steps: list[Incident] = []
    now = START
    while now < START + timedelta(days=5):
        now += every * MINUTE
        steps += detector.tick(now, END)
        if restart:
            detector = restarted(detector)
    return steps


def test_a_storm_over_several_parts_is_one_incident_of_the_organisation() -> None:
    steps = replay(usual() + wave("noord", 30, 60, 1) + wave("oost", 20, 60, 101))

    assert {(step.id, step.institution) for step in steps} == {("anker/p00001", "anker")}
    assert StormState.STORM in {step.state for step in steps}
    assert [step.state for step in steps][-2:] == [StormState.EASING, StormState.CLOSED]
    assert steps[-1].n == 50
    assert steps[-1].locations == {"anker": 50, "noord": 30, "oost": 20}
    assert steps[-1].concerns == ("anker", "noord", "oost")


def test_a_storm_too_thin_for_each_part_is_seen_for_the_whole() -> None:
    thin = [m for place, part in enumerate(PARTS) for m in wave(part, 3, 40, 1 + 100 * place)]

    for part in PARTS:
        alone = [replace(m, institution="anker", organisation="") for m in thin if m.institution == part]
        assert replay(alone) == []
    steps = replay(usual() + thin)
    assert {step.id.partition("/")[0] for step in steps} == {"anker"}
    assert StormState.STORM in {step.state for step in steps}
    assert steps[-1].locations.keys() == {"anker", *PARTS}


def test_a_post_about_two_parts_counts_once() -> None:
    noord = wave("noord", 30, 60, 1)
    steps = replay(usual() + noord + [replace(m, institution="oost") for m in noord])

    assert steps[-1].n == 30
    assert steps[-1].authors == 30
    assert steps[-1].locations == {"anker": 30, "noord": 30, "oost": 30}


def test_a_storm_at_one_small_part_does_not_drown_in_the_others() -> None:
    busy = [
        about("noord", 20_000 + n, START + n * timedelta(minutes=6), Sentiment.NEGATIVE)
        for n in range(5 * 240)
    ]
    oost = wave("oost", 9, 45, 1)
    alone = replay(busy)
    steps = [step for step in replay(busy + oost) if step not in alone and "p00001" in step.id]

    assert StormState.STORM in {step.state for step in steps}
    assert {name for step in steps for name in step.locations} == {"oost"}
    assert steps[-1].state is StormState.CLOSED


def test_what_spreads_to_another_part_is_told_there() -> None:
    noord = wave("noord", 100, 150, 1)
    oost = wave("oost", 30, 60, 1001, STORM_AT + timedelta(hours=1))
    steps = replay(usual() + noord + oost)

    spread = next(step for step in steps if "oost" in step.locations)
    assert [reason.code for reason in spread.reasons] == [ReasonCode.SPREAD]
    assert spread.state is StormState.STORM
    assert spread.at - STORM_AT < timedelta(hours=1, minutes=30)
    assert len({step.id for step in steps}) == 1
    assert all("oost" in step.locations for step in steps[spread.seq :])


def test_a_restart_at_any_tick_takes_the_same_decisions() -> None:
    mentions = usual() + wave("noord", 30, 60, 1) + wave("oost", 20, 90, 101)

    assert replay(mentions, restart=True) == replay(mentions)


def test_a_tick_that_was_half_stored_is_made_whole() -> None:
    """The program was cut off between writing the records of one organisation."""
    mentions = sorted(
        usual() + wave("noord", 30, 60, 1) + wave("oost", 20, 90, 101), key=lambda m: m.mention.event_time
    )
    want = replay(mentions)
    for moment in (STORM_AT + 20 * MINUTE, STORM_AT + timedelta(hours=3)):
        for whole_first in (True, False):
            detector = Detector.fresh("anker", Size.MEDIUM)
            for offset, mention in enumerate(mentions):
                take(detector, offset, mention)
            steps: list[Incident] = []
            now = START
            while now < START + timedelta(days=5):
                now += 5 * MINUTE
                before = restarted(detector)
                found = detector.tick(now, END)
                if now == moment:
                    new, old = (detector, before) if whole_first else (before, detector)
                    detector = load(dump(new))
                    for part in old.parts.values():
                        detector.join(load(dump(part)))
                    again = detector.tick(now, END)
                    assert again in ([], found)
                steps += found
            assert steps == want


def test_an_erased_post_leaves_the_whole_and_the_part() -> None:
    detector = Detector.fresh("anker", Size.MEDIUM)
    for offset, mention in enumerate(wave("noord", 20, 20, 1)):
        take(detector, offset, mention)
    detector.tick(STORM_AT + 20 * MINUTE, END)
    detector.forget(20, "p00003", "noord")
    detector.tick(STORM_AT + 21 * MINUTE, END)

    for found in (detector, detector.parts["noord"]):
        assert len(found.state.memory.voices) == 19
        assert "p00003" not in found.state.memory.named.values()


def test_an_institution_that_gets_parts_is_not_sure_of_what_it_learned_alone() -> None:
    detector = Detector.fresh("anker", Size.MEDIUM)
    alone = [replace(m, institution="anker", organisation="") for m in usual(9)]
    for offset, mention in enumerate(alone):
        take(detector, offset, mention)
    detector.tick(START + timedelta(days=10), END)
    learned = detector.state.volume
    rate = learned.expected(1)
    take(detector, 10_000, about("noord", 1, STORM_AT))

    assert detector.state.volume.expected(1) == pytest.approx(rate)
    assert detector.state.volume.shape == 1
