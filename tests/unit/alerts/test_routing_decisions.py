"""The small decisions of routing, each with its reason."""

from datetime import UTC, datetime, time, timedelta

import pytest

from services.alerts.routing.count import CountReason, count
from services.alerts.routing.expiry import ExpiryReason, expiry
from services.alerts.routing.group import FlushReason, Timing, flush
from services.alerts.routing.hours import HoursReason, after, gate
from services.alerts.routing.inhibit import InhibitReason, inhibit
from services.alerts.routing.route import RouteReason, reach, route
from services.alerts.routing.steps import StepReason, judge
from services.config.schema import Config, NoticeKind
from services.messages.calendar import Calendar, office_hours
from services.messages.records import Incident, Reason, ReasonCode
from services.messages.vocabulary import Kind, Mark, Region, Sentiment, StormState
from tests.support.records import mention, scored

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
WEDNESDAY = datetime(2026, 10, 7, 10, 0, tzinfo=UTC)  # 12:00 in Amsterdam
FRIDAY_EVENING = datetime(2026, 10, 9, 20, 0, tzinfo=UTC)
MONDAY_OPENING = datetime(2026, 10, 12, 7, 0, tzinfo=UTC)
OFFICE = office_hours(Region.NL)
NEVER = Calendar(Region.NL, {})

CONFIG = {
    "version": 1,
    "receivers": [{"id": "chat", "type": "console"}, {"id": "spare", "type": "console"}],
    "people": [
        {"id": "ans", "name": "Ans", "addresses": [{"receiver": "chat"}, {"receiver": "spare"}]},
        {"id": "bo", "name": "Bo", "language": "en", "addresses": [{"receiver": "spare"}]},
    ],
    "teams": [
        {"id": "webcare", "name": "Webcare", "members": ["ans", "bo"]},
        {"id": "crisis", "name": "Crisis", "members": ["bo", "ans"]},
    ],
    "institutions": [
        {"id": "huis", "name": "Het Huis", "sector": "ggz", "parts": [{"id": "oost", "name": "Huis Oost"}]},
        {"id": "elders", "name": "Elders", "sector": "ggz"},
    ],
}


def config(*routes: dict[str, object]) -> Config:
    return Config.model_validate({**CONFIG, "routes": routes})


def told(found: Config, institution: str, kind: NoticeKind) -> list[str]:
    return [recipient.target for recipient in route(found, institution, kind).recipients]


def test_the_first_route_that_matches_wins() -> None:
    found = config(
        {"institution": "huis", "kinds": ["storm"], "to": ["person:bo"]},
        {"institution": "*", "to": ["person:ans"]},
    )

    assert told(found, "huis", NoticeKind.STORM) == ["person:bo"]
    assert told(found, "huis", NoticeKind.NEGATIVE) == ["person:ans"]
    assert told(found, "elders", NoticeKind.STORM) == ["person:ans"]


def test_a_route_covers_the_parts_of_its_institution() -> None:
    assert told(config({"institution": "huis", "to": ["person:bo"]}), "oost", NoticeKind.STORM) == [
        "person:bo"
    ]


def test_a_person_in_two_teams_and_two_routes_is_told_once_on_the_first_terms() -> None:
    found = config(
        {"institution": "*", "to": ["team:webcare"], "min_negative": 0.9, "continue": True},
        {"institution": "*", "to": ["team:crisis", "receiver:chat"], "min_negative": 0.5},
    )
    recipients = route(found, "huis", NoticeKind.NEGATIVE).recipients

    assert [r.target for r in recipients] == ["person:ans", "person:bo", "receiver:chat"]
    assert [r.min_negative for r in recipients] == [0.9, 0.9, 0.5]
    assert [a.receiver for a in recipients[0].addresses] == ["chat", "spare"]
    assert recipients[1].language == "en"


@pytest.mark.parametrize(
    ("institution", "kind", "reason"),
    [
        ("huis", NoticeKind.STORM, RouteReason.ROUTED),
        ("huis", NoticeKind.NEGATIVE, RouteReason.NO_ROUTE),
        ("elders", NoticeKind.STORM, RouteReason.NO_ROUTE),
        ("gone", NoticeKind.STORM, RouteReason.UNKNOWN_INSTITUTION),
    ],
)
def test_it_says_why_nobody_is_told(institution: str, kind: NoticeKind, reason: RouteReason) -> None:
    found = config({"institution": "huis", "kinds": ["storm"], "to": ["person:bo"]})

    assert route(found, institution, kind).reason is reason


def test_who_is_no_longer_in_the_file_cannot_be_reached() -> None:
    found = config()

    assert reach(found, "person:gone") is None
    assert reach(found, "receiver:gone") is None
    shared = reach(found, "receiver:chat")
    assert shared is not None
    assert [a.receiver for a in shared.addresses] == ["chat"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (scored(mention(1)), CountReason.COUNTS),
        (scored(mention(1), Sentiment.NEUTRAL), CountReason.NOT_NEGATIVE),
        (scored(mention(1, kind=Kind.OWN_POST)), CountReason.OWN),
        (scored(mention(1, kind=Kind.OWN_REPLY)), CountReason.OWN),
        (scored(mention(1, kind=Kind.DELETION)), CountReason.DELETED),
        (scored(mention(1, marks=(Mark.RESHARE,))), CountReason.RESHARE),
        (scored(mention(1, marks=(Mark.VACANCY,))), CountReason.NOT_A_REACTION),
        (scored(mention(1, marks=(Mark.NEWSWIRE,))), CountReason.NOT_A_REACTION),
        (scored(mention(1, marks=(Mark.ADDRESSED,))), CountReason.COUNTS),
        (scored(mention(1, backfill=True)), CountReason.BACKFILL),
    ],
)
def test_what_counts(given: object, reason: CountReason) -> None:
    assert count(given, min_negative=0.6) is reason  # type: ignore[arg-type]


def test_what_the_model_is_unsure_of_does_not_count() -> None:
    assert count(scored(mention(1)), min_negative=1.01) is CountReason.UNSURE


T = WEDNESDAY
TIMING = Timing(wait=5 * MINUTE, interval=30 * MINUTE, repeat=4 * HOUR)


@pytest.mark.parametrize(
    ("minute", "oldest_new", "last", "reason", "due"),
    [
        (4, 0, None, FlushReason.WAITING, 5),
        (5, 0, None, FlushReason.FIRST, 5),
        (29, 1, 0, FlushReason.TOO_SOON, 30),
        (30, 1, 0, FlushReason.NEW_ITEMS, 30),
        (40, 38, 0, FlushReason.WAITING, 43),
        (43, 38, 0, FlushReason.FIRST, 43),
    ],
)
def test_when_news_goes_out(
    minute: int, oldest_new: int, last: int | None, reason: FlushReason, due: int
) -> None:
    told = None if last is None else T + last * MINUTE
    decision = flush(T + minute * MINUTE, TIMING, oldest_new=T + oldest_new * MINUTE, last=told)

    assert (decision.reason, decision.due) == (reason, T + due * MINUTE)
    assert decision.reason.goes is (minute >= due)


@pytest.mark.parametrize(
    ("hour", "last", "active", "reason"),
    [
        (3, T, True, FlushReason.NOTHING_NEW),
        (4, T, True, FlushReason.REPEAT),
        (4, T, False, FlushReason.NOTHING_NEW),
        (4, None, True, FlushReason.NOTHING_NEW),
    ],
)
def test_when_what_lasts_is_repeated(
    hour: int,
    last: datetime | None,
    active: bool,  # noqa: FBT001
    reason: FlushReason,
) -> None:
    assert flush(T + hour * HOUR, TIMING, oldest_new=None, last=last, active=active).reason is reason


def test_a_group_waits_for_its_own_message_on_the_way() -> None:
    decision = flush(T + HOUR, TIMING, oldest_new=T, last=T, in_flight=True)

    assert decision.reason is FlushReason.IN_FLIGHT


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        ([], InhibitReason.NO_INCIDENT),
        ([StormState.WATCH], InhibitReason.NO_INCIDENT),
        ([StormState.CLOSED], InhibitReason.NO_INCIDENT),
        ([StormState.RISING], InhibitReason.OPEN_INCIDENT),
        ([StormState.STORM], InhibitReason.OPEN_INCIDENT),
        ([StormState.CLOSED, StormState.EASING], InhibitReason.OPEN_INCIDENT),
    ],
)
def test_what_mutes(states: list[StormState], reason: InhibitReason) -> None:
    assert inhibit(states, told_of_storms=True) is reason


def test_a_storm_mutes_nobody_who_is_not_told_of_it() -> None:
    assert inhibit([StormState.STORM], told_of_storms=False) is InhibitReason.NOT_TOLD_OF_STORMS


def test_outside_business_hours_only_a_storm_goes() -> None:
    closed = gate(FRIDAY_EVENING, OFFICE, "business")

    assert (closed.reason, closed.opens) == (HoursReason.CLOSED, MONDAY_OPENING)
    assert gate(FRIDAY_EVENING, OFFICE, "business", storm=True).reason is HoursReason.STORM
    assert gate(FRIDAY_EVENING, OFFICE, "always").reason is HoursReason.ALWAYS
    assert gate(WEDNESDAY, OFFICE, "business").reason is HoursReason.OPEN


def test_an_office_that_never_opens_is_told_at_once() -> None:
    assert gate(FRIDAY_EVENING, NEVER, "business").reason is HoursReason.NEVER_OPENS
    assert after(WEDNESDAY, HOUR, NEVER) == WEDNESDAY + HOUR


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (WEDNESDAY, WEDNESDAY + 2 * HOUR),
        (FRIDAY_EVENING, MONDAY_OPENING + 2 * HOUR),
        (datetime(2026, 10, 7, 14, 30, tzinfo=UTC), datetime(2026, 10, 8, 8, 30, tzinfo=UTC)),
    ],
)
def test_a_reaction_expires_after_two_hours_of_opening_time(start: datetime, end: datetime) -> None:
    assert expiry(end - MINUTE, NoticeKind.NEGATIVE, start, OFFICE).reason is ExpiryReason.FRESH
    assert expiry(end, NoticeKind.NEGATIVE, start, OFFICE).reason is ExpiryReason.EXPIRED
    assert expiry(end, NoticeKind.NEGATIVE, start, OFFICE).at == end


def test_a_lunch_break_does_not_count() -> None:
    day = ((time(9), time(12)), (time(13), time(17)))
    office = Calendar(Region.NL, {"wed": day})

    assert after(datetime(2026, 10, 7, 9, 30, tzinfo=UTC), HOUR, office) == datetime(
        2026, 10, 7, 11, 30, tzinfo=UTC
    )


def test_a_storm_step_expires_after_half_an_hour_at_any_time() -> None:
    at = FRIDAY_EVENING

    assert expiry(at + 29 * MINUTE, NoticeKind.STORM, at, None).reason is ExpiryReason.FRESH
    assert expiry(at + 30 * MINUTE, NoticeKind.STORM, at, None).reason is ExpiryReason.EXPIRED


def steps(*states: StormState | tuple[StormState, ReasonCode]) -> list[Incident]:
    found = []
    for seq, given in enumerate(states):
        state, code = given if isinstance(given, tuple) else (given, ReasonCode.BURST)
        found.append(
            Incident(
                id="huis/p1",
                seq=seq,
                institution="huis",
                state=state,
                at=T + seq * MINUTE,
                event_time=T,
                onset=T,
                n=9,
                authors=9,
                reasons=(Reason(code),),
            )
        )
    return found


W, R, S, E, C = StormState
TOLD, OVER, EXPLAINED = StepReason.RAISED, StepReason.RECOVERED, StepReason.EXPLAINED
SAME, ONLY = StepReason.SAME_STATE, StepReason.ONLY_WATCHED


@pytest.mark.parametrize(
    ("given", "reasons"),
    [
        ([W, R, S, E, C], [ONLY, TOLD, TOLD, TOLD, OVER]),
        ([R, R, S, E, S, E, C], [TOLD, SAME, TOLD, TOLD, TOLD, TOLD, OVER]),
        ([W, C], [ONLY, ONLY]),
        ([(W, ReasonCode.ONE_AUTHOR), C], [EXPLAINED, ONLY]),
        ([(W, ReasonCode.ONE_TEXT), (W, ReasonCode.ONE_TEXT)], [EXPLAINED, SAME]),
        ([(W, ReasonCode.HAPPY_CROWD), R], [EXPLAINED, TOLD]),
    ],
)
def test_which_steps_are_told(given: list[StormState], reasons: list[StepReason]) -> None:
    judged = list(judge(steps(*given)))

    assert [step.reason for step in judged] == reasons
    assert {step.reason.route for step in judged if step.reason is EXPLAINED} <= {NoticeKind.NEGATIVE}
    assert {step.reason.route for step in judged if step.reason is TOLD} <= {NoticeKind.STORM}
