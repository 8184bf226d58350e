"""Planning as a whole: snapshots in, notifications out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.alerts.routing.group import FlushReason, group_key
from services.alerts.routing.plan import plan
from services.alerts.routing.planned import Expired, GroupLog, Item, Plan, Snapshot, State, Waiting
from services.config.schema import Config, NoticeKind
from services.messages.records import Incident
from services.messages.vocabulary import StormState

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
T = datetime(2026, 10, 7, 10, 0, tzinfo=UTC)  # a Wednesday, 12:00 in Amsterdam
NIGHT = datetime(2026, 10, 7, 23, 0, tzinfo=UTC)
MORNING = datetime(2026, 10, 8, 7, 0, tzinfo=UTC)


def config(**route: object) -> Config:
    return Config.model_validate(
        {
            "version": 1,
            "receivers": [{"id": "chat", "type": "console"}],
            "people": [{"id": "ans", "name": "Ans", "addresses": [{"receiver": "chat"}]}],
            "institutions": [{"id": "huis", "name": "Het Huis", "sector": "ggz"}],
            "routes": [{"institution": "*", "to": ["person:ans"], **route}],
        }
    )


CONFIG = config()


def waiting(*numbers: int, at: datetime = T, negative: float = 0.9) -> tuple[Waiting, ...]:
    return tuple(Waiting("huis", f"p{n}", at + n * MINUTE, negative) for n in numbers)


def step(seq: int, state: StormState, at: datetime = T) -> Incident:
    return Incident(
        id="huis/p0", seq=seq, institution="huis", state=state, at=at, event_time=at, onset=T, n=9, authors=9
    )


def storm(*states: StormState, at: datetime = T, told: int = 0) -> Snapshot:
    """Return an incident whose first `told` steps have been told to Ans."""
    found = tuple(step(seq, state, at) for seq, state in enumerate(states))
    items = [Item(incident=s.id, seq=s.seq) for s in found]
    return Snapshot(
        steps={"huis/p0": found},
        pending=frozenset(items[told:]),
        open=found[-1:] if found[-1].state is not StormState.CLOSED else (),
        settled={("huis", "person:ans", item): State.SENT for item in items[:told]},
    )


def posts(found: Plan, state: State = State.PLANNED) -> list[list[str]]:
    return [[i.post for i in n.items] for n in found.notifications if n.state is state]


def seqs(found: Plan, state: State = State.PLANNED) -> list[list[int]]:
    return [[i.seq for i in n.items] for n in found.notifications if n.state is state]


def test_reactions_wait_for_company_and_go_together() -> None:
    known = Snapshot(waiting=waiting(0, 1, 2))

    early = plan(CONFIG, known, T + 4 * MINUTE)
    assert early.notifications == ()
    assert early.settled == frozenset()
    assert early.next_due == T + 5 * MINUTE

    due = plan(CONFIG, known, T + 5 * MINUTE)
    assert posts(due) == [["p0", "p1", "p2"]]
    assert due.notifications[0].reason is FlushReason.FIRST
    assert due.settled == {("huis", Item(f"p{n}")) for n in range(3)}


def test_planning_again_plans_the_same() -> None:
    known = Snapshot(waiting=waiting(2, 0, 1))
    other_order = Snapshot(waiting=waiting(1, 2, 0))
    now = T + 5 * MINUTE

    first, second = plan(CONFIG, known, now), plan(CONFIG, other_order, now)
    assert [n.key for n in first.notifications] == [n.key for n in second.notifications]


def test_a_reaction_that_is_not_sure_enough_is_settled_and_not_told() -> None:
    found = plan(config(min_negative=0.95), Snapshot(waiting=waiting(0)), T + HOUR)

    assert found.notifications == ()
    assert found.settled == {("huis", Item("p0"))}


def test_what_nobody_is_told_is_settled_and_named() -> None:
    known = replace(storm(StormState.RISING), waiting=waiting(0))
    found = plan(config(institution="huis", kinds=["catch_up"]), known, T)

    assert found.notifications == ()
    assert found.unrouted == {("huis", NoticeKind.NEGATIVE), ("huis", NoticeKind.STORM)}
    assert found.settled == {("huis", Item("p0")), ("huis", Item(incident="huis/p0"))}


def test_reactions_of_the_night_wait_for_the_morning_and_do_not_expire() -> None:
    known = Snapshot(waiting=waiting(0, at=NIGHT))

    assert plan(CONFIG, known, NIGHT + 3 * HOUR).notifications == ()
    assert plan(CONFIG, known, NIGHT + 3 * HOUR).next_due == MORNING
    assert posts(plan(CONFIG, known, MORNING)) == [["p0"]]
    assert posts(plan(config(hours="always"), known, NIGHT + 5 * MINUTE)) == [["p0"]]


def test_a_reaction_older_than_two_hours_expires() -> None:
    known = Snapshot(waiting=waiting(0, 119))
    found = plan(CONFIG, known, T + 2 * HOUR)

    assert posts(found, State.EXPIRED) == [["p0"]]
    assert found.settled == {("huis", Item("p0"))}


def test_a_reaction_does_not_age_while_the_groups_interval_holds_it_back() -> None:
    key = group_key("huis", NoticeKind.NEGATIVE, "person:ans")
    rare = config(group_interval="4h", hours="always")
    known = Snapshot(waiting=waiting(1), groups={key: GroupLog(T, in_flight=False)})

    assert plan(rare, known, T + 3 * HOUR).notifications == ()
    assert posts(plan(rare, known, T + 4 * HOUR)) == [["p1"]]
    assert posts(plan(rare, known, T + 6 * HOUR), State.EXPIRED) == [["p1"]]


def test_a_storm_mutes_what_expired_too() -> None:
    known = replace(storm(StormState.RISING, told=1), waiting=waiting(0))

    assert posts(plan(CONFIG, known, T + 3 * HOUR), State.MUTED) == [["p0"]]


def test_a_storm_mutes_reactions_at_flush() -> None:
    known = replace(storm(StormState.RISING, told=1), waiting=waiting(0))

    assert plan(CONFIG, known, T + 4 * MINUTE).notifications == ()
    assert posts(plan(CONFIG, known, T + 5 * MINUTE), State.MUTED) == [["p0"]]
    over = replace(known, open=())
    assert posts(plan(CONFIG, over, T + 5 * MINUTE)) == [["p0"]]


def test_a_storm_does_not_mute_who_only_gets_reactions() -> None:
    known = replace(storm(StormState.RISING, told=1), waiting=waiting(0))

    assert posts(plan(config(kinds=["negative"]), known, T + 5 * MINUTE)) == [["p0"]]


def test_a_group_waits_while_its_message_is_on_the_way() -> None:
    key = group_key("huis", NoticeKind.NEGATIVE, "person:ans")
    known = Snapshot(waiting=waiting(0), groups={key: GroupLog(T, in_flight=True)})

    assert plan(CONFIG, known, T + HOUR).notifications == ()


def test_a_storm_is_told_at_once_at_any_hour() -> None:
    found = plan(CONFIG, storm(StormState.RISING, at=NIGHT), NIGHT)

    assert seqs(found) == [[0]]
    assert found.notifications[0].thread == "huis/p0"


def test_of_several_steps_the_newest_is_told_and_all_are_settled() -> None:
    found = plan(CONFIG, storm(StormState.WATCH, StormState.RISING, StormState.STORM), T)

    assert seqs(found) == [[1, 2]]
    assert len(found.settled) == 3


def test_the_end_is_told_to_those_who_heard_of_the_storm() -> None:
    assert seqs(plan(CONFIG, storm(StormState.STORM, StormState.CLOSED, told=1), T)) == [[1]]


def test_the_end_of_a_storm_that_nobody_heard_of_goes_into_the_catch_up() -> None:
    known = storm(StormState.STORM, StormState.CLOSED)
    late = {"huis/p0": (step(0, StormState.STORM, T), step(1, StormState.CLOSED, T + HOUR))}
    found = plan(CONFIG, replace(known, steps=late), T + HOUR)

    assert seqs(found) == []
    assert seqs(found, State.EXPIRED) == [[0, 1]]


def test_a_storm_that_lasts_is_repeated() -> None:
    key = group_key("huis", NoticeKind.STORM, "person:ans")
    known = replace(storm(StormState.STORM, told=1), groups={key: GroupLog(T, in_flight=False)})

    assert plan(CONFIG, known, T + 23 * HOUR).notifications == ()
    assert plan(CONFIG, known, T + 23 * HOUR).next_due == T + 24 * HOUR
    again = plan(CONFIG, known, T + 24 * HOUR)
    assert [n.reason for n in again.notifications] == [FlushReason.REPEAT]
    assert again.notifications[0].key != plan(CONFIG, storm(StormState.STORM), T).notifications[0].key


def expired(key: str, number: int, at: datetime = T) -> Expired:
    return Expired(key, "huis", "person:ans", at, (Item(f"p{number}"),))


def test_the_expired_go_into_one_catch_up() -> None:
    known = Snapshot(expired=(expired("k1", 1), expired("k2", 2, T + MINUTE)))

    assert plan(CONFIG, known, T + MINUTE).notifications == ()
    found = plan(CONFIG, known, T + 5 * MINUTE)
    assert [n.kind for n in found.notifications] == [NoticeKind.CATCH_UP]
    assert found.notifications[0].catches_up == ("k1", "k2")
    assert posts(found) == [["p1", "p2"]]


def test_who_has_no_route_for_a_catch_up_gets_none() -> None:
    found = plan(config(kinds=["negative"]), Snapshot(expired=(expired("k1", 1),)), T + HOUR)

    assert found.notifications == ()
    assert found.abandoned == ("k1",)
