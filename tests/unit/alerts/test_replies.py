"""The reply figures: what asks for an answer, what counts as one, and the figures of a week."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.alerts.replies import (
    Fact,
    Figures,
    How,
    OwnPosts,
    Share,
    Why,
    actionable,
    answered,
    conversations,
    fact_of,
    summary,
)
from services.alerts.replies.conversations import points_to_private
from services.messages.calendar import Calendar, office_hours
from services.messages.fingerprint import fingerprint
from services.messages.records import Mention, ScoredMention
from services.messages.vocabulary import Channel, Kind, Mark, Region, Sentiment

CALENDAR = office_hours(Region.NL)
MONDAY = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)  # 10.00 in Amsterdam
NOW = MONDAY + timedelta(days=4)
HOUR = timedelta(hours=1)


def post(name: str, *, at: float = 0, author: str = "ann", **more: Any) -> Fact:
    thread = more.pop("thread", None)
    fact = Fact(
        conversation=f"{author}/{thread or name}/1",
        institution="duin",
        post=name,
        channel=Channel.BLUESKY,
        kind=Kind.MENTION,
        event_time=MONDAY + at * HOUR,
        author=author,
        thread=thread,
        complaint=True,
    )
    return replace(fact, **more)


def reply(name: str, to: str | None, *, at: float = 1, **more: Any) -> Fact:
    return post(name, at=at, author="duin", kind=Kind.OWN_REPLY, in_reply_to=to, complaint=False, **more)


def figures(*facts: Fact, now: datetime = NOW, calendar: Calendar = CALENDAR) -> Figures:
    return summary(facts, now, calendar)


def how(*facts: Fact) -> How:
    (talk,) = [talk for talk in conversations(facts) if talk.author == "ann"]
    return answered(talk, OwnPosts(facts, NOW)).how


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, Why.COMPLAINT),
        ({"question": True}, Why.QUESTION),
        ({"complaint": False}, Why.NO_NEED),
        ({"complaint": False, "marks": (Mark.ADDRESSED,)}, Why.ADDRESSED),
        ({"complaint": False, "kind": Kind.REVIEW, "stars": 3.0}, Why.LOW_REVIEW),
        ({"complaint": False, "kind": Kind.REVIEW, "stars": 3.5}, Why.NO_NEED),
        ({"complaint": False, "kind": Kind.MENTION, "stars": 1.0}, Why.NO_NEED),
        ({"marks": (Mark.RESHARE,)}, Why.RESHARE),
        ({"marks": (Mark.VACANCY,)}, Why.VACANCY),
        ({"marks": (Mark.NEWSWIRE, Mark.ADDRESSED)}, Why.NEWSWIRE),
        ({"kind": Kind.OWN_POST}, Why.NOT_PUBLIC),
        ({"kind": Kind.OWN_REPLY}, Why.NOT_PUBLIC),
        ({"kind": Kind.DELETION}, Why.NOT_PUBLIC),
        ({"channel": Channel.NEWS}, Why.NOT_MEASURABLE),
        ({"channel": Channel.NEWS, "complaint": False}, Why.NO_NEED),
    ],
)
def test_what_asks_for_an_answer_and_why(changes: dict[str, Any], reason: Why) -> None:
    verdict = actionable(post("p", **changes))

    assert verdict.reason is reason
    assert bool(verdict) is (reason in {Why.QUESTION, Why.COMPLAINT, Why.LOW_REVIEW, Why.ADDRESSED})


def test_one_author_in_one_thread_on_one_day_is_one_conversation() -> None:
    facts = (
        post("a", thread="t"),
        post("b", at=1, thread="t"),
        post("c", at=2, thread="t", author="bob"),
        post("d", at=3, thread="u"),
    )

    assert [[fact.post for fact in talk.posts] for talk in conversations(facts)] == [["a", "b"], ["c"], ["d"]]
    assert figures(*facts).actionable == 3


def test_a_conversation_opens_with_the_first_post_that_asks_for_an_answer() -> None:
    facts = (post("a", thread="t", complaint=False), post("b", at=5, thread="t"))

    assert conversations(facts)[0].opening == facts[1]
    assert figures(*facts).oldest_open == facts[1].event_time


def test_a_copied_text_asks_for_an_answer_once() -> None:
    text = fingerprint("Zij laten ouderen uren wachten en niemand die er iets aan doet, schande!")
    copies = [post(f"p{n}", at=n, author=f"a{n}", fingerprint=text) for n in range(5)]

    assert figures(*copies).actionable == 1


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (reply("r", "p"), How.ANSWERED),
        (reply("r", "p", at=-1), How.NOT),
        (reply("r", "p", marks=(Mark.AUTOMATIC,)), How.AUTOMATIC),
        (reply("r", "p", moved=True), How.MOVED),
        (reply("r", "p", deleted=NOW - HOUR), How.NOT),
        (reply("r", "p", deleted=NOW + HOUR), How.ANSWERED),
        (reply("r", None, thread="p"), How.GENERAL),
        (reply("r", "unknown", thread="p"), How.GENERAL),
        (reply("r", "q", thread="p"), How.NOT),
        (reply("r", None), How.NOT),
    ],
)
def test_what_counts_as_an_answer(own: Fact, expected: How) -> None:
    other = post("q", author="bob", thread="p", complaint=False)

    assert how(post("p"), other, own) is expected


def test_a_reply_to_another_post_of_the_author_in_the_thread_is_an_answer() -> None:
    facts = (post("p"), post("q", at=1, thread="p", complaint=False), reply("r", "q", at=2))

    assert how(facts[0], replace(facts[1], conversation=facts[0].conversation), facts[2]) is How.ANSWERED


def test_a_real_answer_counts_even_after_an_automatic_one() -> None:
    result = figures(post("p"), reply("r", "p", marks=(Mark.AUTOMATIC,)), reply("s", "p", at=3))

    assert (result.answered, result.automatic, result.always.p50_hours) == (1, 0, 3.0)


def test_the_same_reply_to_everybody_counts_once() -> None:
    text = fingerprint("Wat vervelend om te lezen, wij gaan het intern bespreken met de afdeling.")
    posts = [post(f"p{n}", author=f"a{n}") for n in range(3)]
    replies = [reply(f"r{n}", f"p{n}", at=n + 1, fingerprint=text) for n in range(3)]

    result = figures(*posts, *replies)

    assert (result.answered, result.copied, result.oldest_open) == (1, 2, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wat vervelend! Stuur je ons even een DM met je gegevens?", True),
        ("Stuur ons een privébericht, dan kijken we mee.", True),
        ("We hebben de wachttijd nagekeken: die is nu twee weken.", False),
        ("Je kunt parkeren in de garage. " * 10 + "Stuur anders een DM.", False),
    ],
)
def test_a_reply_that_only_points_to_private_messages_is_recognised(text: str, expected: bool) -> None:  # noqa: FBT001
    assert points_to_private(text) is expected


def test_the_figures_of_a_week() -> None:
    result = figures(
        post("p1"),
        reply("r1", "p1", at=0.5),
        post("p2", author="bob", marks=(Mark.ADDRESSED,)),
        reply("r2", "p2", at=3),
        post("p3", author="cas", at=2, marks=(Mark.ADDRESSED,)),
        post("p4", author="dee", channel=Channel.NEWS),
    )

    assert (result.actionable, result.answered, result.not_measurable) == (3, 2, 1)
    assert result.rate == pytest.approx(2 / 3)
    assert (result.always.within_1h, result.always.within_4h) == (Share(1, 3), Share(2, 3))
    assert (result.always.p50_hours, result.always.p90_hours) == (3.0, None)
    assert result.within_1_working_day == Share(2, 3)
    assert result.oldest_open == MONDAY + 2 * HOUR
    assert result.direct_mentions == Share(1, 2)


def test_nothing_gives_no_rate() -> None:
    result = figures()

    assert (result.actionable, result.rate, result.rate_low, result.always.p50_hours) == (0, None, None, None)


def test_only_facts_up_to_now_count() -> None:
    facts = (post("p"), reply("r", "p", at=2), post("later", author="bob", at=50))

    before, after = figures(*facts, now=MONDAY + HOUR), figures(*facts, now=MONDAY + 3 * HOUR)

    assert (before.actionable, before.answered) == (1, 0)
    assert (after.actionable, after.answered) == (1, 1)


def test_what_was_said_before_the_period_does_not_count_but_can_be_pointed_to() -> None:
    old = post("old", at=-24 * 30, thread="t")
    new = post("new", thread="t", at=0, conversation="ann/t/2")

    result = figures(old, new, reply("r", "old", at=1))

    assert (result.actionable, result.answered) == (1, 1)


def test_a_withdrawn_post_leaves_the_rate_and_competes_in_the_curve() -> None:
    gone = post("p", deleted=MONDAY + HOUR)
    result = figures(gone, post("q", author="bob"), reply("r", "q", at=2))

    assert (result.actionable, result.answered, result.withdrawn) == (1, 1, 1)
    assert (result.always.p50_hours, result.always.p90_hours) == (2.0, None)


def test_an_answer_before_the_withdrawal_stands() -> None:
    result = figures(post("p", deleted=MONDAY + 5 * HOUR), reply("r", "p"))

    assert (result.answered, result.withdrawn) == (1, 0)


def test_the_business_clock_stands_still_at_night_and_on_holidays() -> None:
    friday = datetime(2026, 4, 24, 14, 0, tzinfo=UTC)  # 16.00; Monday is King's Day
    facts = (
        replace(post("p"), event_time=friday),
        replace(reply("r", "p"), event_time=datetime(2026, 4, 28, 8, 0, tzinfo=UTC)),  # Tuesday 10.00
    )

    result = figures(*facts, now=datetime(2026, 4, 28, 12, tzinfo=UTC))

    assert result.always.p50_hours == 90.0
    assert result.business.p50_hours == 2.0
    assert result.within_1_working_day == Share(0, 0)  # until Tuesday 16.00 nobody can tell


def test_a_share_waits_until_a_conversation_is_old_enough_to_tell() -> None:
    result = figures(post("p"), reply("r", "p", at=0.1), now=MONDAY + 0.5 * HOUR)

    assert result.always.within_1h == Share(0, 0)
    assert result.answered == 1


def test_an_institution_that_never_opens_has_no_working_day() -> None:
    closed = Calendar(Region.NL, {})

    assert figures(post("p"), calendar=closed).within_1_working_day == Share(0, 0)


def scored(text: str, kind: Kind, at: datetime) -> ScoredMention:
    mention = Mention(
        post="p", institutions=("duin",), channel=Channel.FACEBOOK, source="s", kind=kind, author="ann",
        text=text, created_at=at, received_at=at, event_time=at, thread="t",
    )  # fmt: skip
    return ScoredMention(
        institution="duin", mention=mention, negative=0.1, neutral=0.8, positive=0.1, label=Sentiment.NEUTRAL
    )


def test_a_fact_keeps_no_text_and_knows_the_local_day() -> None:
    late = datetime(2026, 10, 5, 22, 30, tzinfo=UTC)
    fact = fact_of(scored("Geheim verhaal", Kind.COMMENT, late), CALENDAR)

    assert fact.conversation == "ann/t/2026-10-06"
    assert "Geheim" not in repr(fact)


def test_only_an_own_reply_can_point_to_private_messages() -> None:
    assert fact_of(scored("Stuur een DM", Kind.OWN_REPLY, NOW), CALENDAR).moved
    assert not fact_of(scored("Ik stuurde een DM", Kind.COMMENT, NOW), CALENDAR).moved
