"""An incident over several parts of an organisation: told once to each who answers for one of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace as replace_fields

from services.alerts.routing.plan import plan
from services.alerts.routing.planned import Item, Plan, Snapshot, State, Waiting
from services.config.schema import Config, NoticeKind
from services.messages.records import Incident, Reason, ReasonCode
from services.messages.vocabulary import StormState

T = datetime(2026, 10, 7, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def config(*routes: dict[str, object]) -> Config:
    person = {"addresses": [{"receiver": "chat"}]}
    parts = [{"id": name, "name": f"Locatie {name}"} for name in ("noord", "oost", "zuid")]
    return Config.model_validate(
        {
            "version": 1,
            "receivers": [{"id": "chat", "type": "console"}],
            "people": [{"id": name, "name": name, **person} for name in ("ans", "bo", "cor", "top")],
            "institutions": [{"id": "anker", "name": "Het Anker", "sector": "ggz", "parts": parts}],
            "routes": list(routes),
        }
    )


CONFIG = config(
    {"institution": "noord", "to": ["person:ans", "person:cor"]},
    {"institution": "oost", "to": ["person:bo", "person:cor"]},
    {"institution": "anker", "to": ["person:top"]},
)


def step(seq: int, state: StormState, *codes: ReasonCode, **locations: int) -> Incident:
    return Incident(
        id="anker/p0", seq=seq, institution="anker", state=state, at=T, event_time=T, onset=T, n=9, authors=9,
        reasons=tuple(map(Reason, codes)), locations=locations,
    )  # fmt: skip


def known(*steps: Incident, told: dict[str, int] | None = None) -> Snapshot:
    """Return an incident of which each recipient was told its first so many steps."""
    items = [Item(incident=s.id, seq=s.seq) for s in steps]
    settled = {
        ("anker", f"person:{name}", item): State.SENT
        for name, n in (told or {}).items()
        for item in items[:n]
    }
    open_ = steps[-1:] if steps[-1].state is not StormState.CLOSED else ()
    return Snapshot(steps={"anker/p0": steps}, pending=frozenset(items), open=open_, settled=settled)


def recipients(found: Plan) -> list[str]:
    return [str(planned.recipient).removeprefix("person:") for planned in found.notifications]


def test_the_people_of_each_part_are_told_once() -> None:
    found = plan(CONFIG, known(step(0, StormState.STORM, noord=5, oost=7)), T)

    assert recipients(found) == ["bo", "cor", "ans"]
    assert {planned.institution for planned in found.notifications} == {"anker"}
    assert len({planned.thread for planned in found.notifications}) == 1


def test_the_people_of_the_whole_are_told_where_the_whole_is_concerned() -> None:
    found = plan(CONFIG, known(step(0, StormState.STORM, anker=12, noord=5, oost=7)), T)

    assert recipients(found) == ["top", "bo", "cor", "ans"]


def test_who_is_reached_later_is_told_and_hears_of_the_end() -> None:
    first = step(0, StormState.STORM, noord=5)
    spread = step(1, StormState.STORM, ReasonCode.SPREAD, noord=6, oost=7)
    told = {"ans": 1, "cor": 1}
    assert set(recipients(plan(CONFIG, known(first, spread, told=told), T))) == {"ans", "bo", "cor"}

    over = step(2, StormState.CLOSED, noord=6, oost=7)
    told = {"ans": 2, "cor": 2, "bo": 2}
    assert set(recipients(plan(CONFIG, known(first, spread, over, told=told), T))) == {"ans", "bo", "cor"}


def test_a_storm_mutes_the_reactions_of_the_parts_that_it_concerns() -> None:
    storm = known(step(0, StormState.STORM, noord=5), told={"ans": 1, "cor": 1})
    waiting = tuple(Waiting(name, f"p-{name}", T, 0.9) for name in ("noord", "oost"))
    found = plan(CONFIG, replace(storm, waiting=waiting), T + 5 * MINUTE)

    states = {
        (planned.institution, planned.state)
        for planned in found.notifications
        if planned.kind is NoticeKind.NEGATIVE
    }
    assert states == {("noord", State.MUTED), ("oost", State.PLANNED)}


def test_news_of_the_whole_that_expired_is_caught_up_with_by_who_answers_for_a_part() -> None:
    storm = known(step(0, StormState.STORM, noord=5))
    expired = plan(CONFIG, storm, T + 40 * MINUTE)

    assert {planned.state for planned in expired.notifications} == {State.EXPIRED}
    assert expired.abandoned == ()


def test_a_part_that_nobody_answers_for_is_named() -> None:
    found = plan(
        config({"institution": "noord", "to": ["person:ans"]}),
        known(step(0, StormState.STORM, noord=5, oost=2)),
        T,
    )

    assert recipients(found) == ["ans"]
    assert found.unrouted == {("oost", NoticeKind.STORM)}


def silence(state: StormState) -> Incident:
    code = ReasonCode.HEARD_AGAIN if state is StormState.CLOSED else ReasonCode.FELL_SILENT
    return replace_fields(
        step(int(state is StormState.CLOSED), state, code), id="noord/silence-1", institution="noord"
    )


def silent(*steps: Incident, told: int = 0) -> Snapshot:
    items = [Item(incident=s.id, seq=s.seq) for s in steps]
    settled = {
        ("noord", f"person:{name}", item): State.SENT for name in ("ans", "cor") for item in items[:told]
    }
    return Snapshot(steps={"noord/silence-1": steps}, pending=frozenset(items[told:]), settled=settled)


def test_silence_is_told_to_who_hears_of_reactions_or_to_its_own_route() -> None:
    began = silence(StormState.WATCH)
    found = plan(CONFIG, silent(began), T)
    assert recipients(found) == ["ans", "cor"]
    assert {planned.kind for planned in found.notifications} == {NoticeKind.SILENCE}

    reactions: dict[str, object] = {"institution": "*", "kinds": ["negative"], "to": ["person:ans"]}
    assert recipients(plan(config(reactions), silent(began), T)) == ["ans"]
    own: dict[str, object] = {"institution": "*", "kinds": ["silence"], "to": ["person:top"]}
    assert recipients(plan(config(reactions, own), silent(began), T)) == ["top"]


def test_silence_waits_for_the_office_and_its_end_is_told_to_who_heard_of_it() -> None:
    night = T + timedelta(hours=12)
    began = replace_fields(silence(StormState.WATCH), at=night)
    assert plan(CONFIG, silent(began), night).notifications == ()

    began, over = silence(StormState.WATCH), silence(StormState.CLOSED)
    assert recipients(plan(CONFIG, silent(began, over, told=1), T)) == ["ans", "cor"]


def test_an_organisation_that_is_no_longer_in_the_file_is_named_and_breaks_nothing() -> None:
    gone = replace_fields(step(0, StormState.STORM, noord=5), institution="weg")
    found = plan(CONFIG, known(gone), T)

    assert found.notifications == ()
    assert found.unrouted == {("weg", NoticeKind.STORM)}
