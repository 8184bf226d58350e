"""What explains a storm: each claim says the right thing, and names the posts that it rests on."""

import random
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.alerts.stormcard import Card, Source, explain
from services.alerts.stormcard.card import MOST_POSTS, Claim, EarlierStorm, Trouble
from services.alerts.stormcard.explaining import MOST_CHANNELS, MOST_QUESTIONS, MOST_THEMES
from services.alerts.stormcard.terms import MOST_TERMS, terms_of
from services.messages.records import Cursor, Incident, Reason, ReasonCode, ScoredMention
from services.messages.vocabulary import Channel, Kind, Mark, Sentiment, StormState, Theme
from tests.support.records import NOW, mention, scored

ONSET = NOW - timedelta(hours=3)
MINUTE = timedelta(minutes=1)
OPENING = [
    "{} de voordeur dicht en mijn moeder bleef buiten staan",
    "mijn vader stond {} voor een voordeur die dicht bleef",
    "drie kwartier gewacht {} bij jullie voordeur en geen mens te zien",
    "zo'n voordeur {} dichtgooien voor bezoek is echt te erg",
]

ASKS = [
    "Wie betaalt straks de taxi naar huis als de bus niet meer rijdt?",
    "Mag je nog bellen met de apotheek of is alles voortaan digitaal?",
    "Klopt het dat er 's avonds helemaal niemand meer aan de telefoon zit?",
]
ORDINARY = [
    "koffie",
    "zuster",
    "dokter",
    "bloemen",
    "kamer",
    "gang",
    "balie",
    "lift",
    "trap",
    "tuin",
    "soep",
    "brood",
    "thee",
    "raam",
    "stoel",
    "tafel",
    "fiets",
    "bushalte",
    "folder",
    "wachtrij",
    "uitslag",
    "prik",
    "verband",
    "lamp",
    "zondag",
    "muziek",
    "kapper",
    "winkel",
    "jas",
    "bril",
]


def said(
    number: int,
    minutes: float = 0,
    *,
    text: str | None = None,
    author: str | None = None,
    kind: Kind = Kind.MENTION,
    marks: tuple[Mark, ...] = (),
    label: Sentiment = Sentiment.NEGATIVE,
    themes: tuple[Theme, ...] = (),
    question: bool = False,
    model: str = "",
    **changes: object,
) -> ScoredMention:
    """Return a negative post, so many minutes after the onset."""
    post = mention(number, ONSET + minutes * MINUTE, text=text, author=author, kind=kind, marks=marks)
    return replace(scored(replace(post, **changes), label), themes=themes, question=question, model=model)


def step(**changes: object) -> Incident:
    base = Incident(
        id="vennehart/p00001", seq=0, institution="vennehart", state=StormState.STORM, at=NOW,
        event_time=NOW, onset=ONSET, n=10, authors=10,
    )  # fmt: skip
    return replace(base, **changes)


def card(
    *mentions: ScoredMention,
    usual: Iterable[ScoredMention] = (),
    earlier: Iterable[Incident] = (),
    incident: Incident | None = None,
    now: datetime = NOW,
    blind: tuple[str, ...] = (),
    deleted: tuple[str, ...] = (),
    sources: Collection[Source] = (),
) -> Card:
    return explain(
        incident or step(), mentions, usual, earlier, now, blind=blind, deleted=deleted, sources=sources
    )


def ordinary(number: int) -> ScoredMention:
    """Return what is said on other days, every time in words of its own but for a few."""
    chance = random.Random(number)
    text = f"gewone dag op de afdeling met {' '.join(chance.sample(ORDINARY, 8))}"
    return said(1000 + number, -60 * 24 * 3 + number, text=text)


def every_claim(of: Card) -> list[Claim]:
    """Return the claims of a card, and those within claims."""
    found: list[Claim] = []
    inside: list[object] = [of]
    while inside:
        one = inside.pop()
        if isinstance(one, Claim):
            found.append(one)
        if isinstance(one, tuple):
            inside += one
        elif isinstance(one, msgspec.Struct):
            inside += [getattr(one, name) for name in one.__struct_fields__]
    return found


def test_nothing_known_is_a_card_that_says_nothing() -> None:
    empty = card()

    assert [claim for claim in every_claim(empty) if claim is not empty.unseen and claim.posts] == []
    assert (empty.first, empty.most_shared, empty.authors, empty.forecast and empty.forecast.low) == (
        None, None, None, 0,
    )  # fmt: skip
    assert (empty.terms, empty.themes, empty.channels, empty.questions) == ((), (), (), ())


def test_a_storm_of_one_post_a_second_old_is_no_error() -> None:
    one = card(said(1), now=ONSET + timedelta(seconds=1))

    assert one.first is not None
    assert one.first.posts == ("p00001",)
    assert (one.growth, one.forecast) == (None, None)


def test_the_first_post_is_the_first_negative_one_since_the_onset() -> None:
    found = card(
        said(5, 7),
        said(4, 2, channel=Channel.MASTODON),
        said(3, 1, label=Sentiment.NEUTRAL),
        said(2, -5),
    ).first

    assert found is not None
    assert (found.posts, found.at, found.channel) == (("p00004",), ONSET + 2 * MINUTE, Channel.MASTODON)


def test_the_most_shared_post_counts_copies_reshares_and_replies() -> None:
    text = "Vannacht stond de voordeur weer dicht en niemand deed open voor ons"
    found = card(
        said(1, 1, text=text),
        said(2, 2, text=text + "!"),
        said(3, 3, text=text, marks=(Mark.RESHARE,)),
        said(4, 4, in_reply_to="p00001"),
        said(5, 5, thread="p00001", in_reply_to="p00004"),
        said(6, 6),
        said(7, 7, in_reply_to="p00006"),
    )

    assert found.most_shared is not None
    shared = found.most_shared
    assert (shared.post, shared.copies, shared.reshares, shared.replies) == ("p00001", 1, 1, 2)
    assert shared.posts == ("p00001", "p00002", "p00003", "p00004", "p00005")
    assert found.copies is not None
    assert (found.copies.copies, found.copies.reshares) == (1, 1)
    assert found.copies.posts == ("p00002", "p00003")


def test_where_nothing_is_passed_on_no_post_is_the_most_shared() -> None:
    found = card(said(1), said(2, 1), said(3, 2, in_reply_to="unknown"))

    assert (found.most_shared, found.copies) == (None, None)


def test_a_term_is_lifted_against_what_people_usually_say() -> None:
    usual = [ordinary(n) for n in range(60)]
    posts = [said(n, n, text=text.format("op de afdeling")) for n, text in enumerate(OPENING, 1)]
    found = card(*posts, usual=usual).terms

    assert found[0].term == "voordeur"
    assert (found[0].authors, found[0].usual) == (4, 0)
    assert found[0].posts == ("p00001", "p00002", "p00003", "p00004")
    assert found[0].score >= 2
    assert not {"afdeling", "gewone", "koffie"} & {word for term in found for word in term.term.split()}


def test_what_was_imported_tells_what_is_usual_but_not_what_is_going_on() -> None:
    usual = [ordinary(n) for n in range(60)]
    imported = [replace(one, mention=replace(one.mention, backfill=True)) for one in usual]
    posts = [said(n, n, text=text.format("nu")) for n, text in enumerate(OPENING, 1)]

    assert card(*posts, usual=imported) == card(*posts, usual=usual)
    assert card(said(1, backfill=True)).authors is None


def test_without_a_past_no_term_is_called_unusual() -> None:
    assert card(*(said(n, n, text=text.format("nu")) for n, text in enumerate(OPENING, 1))).terms == ()


def test_what_one_person_tells_becomes_no_term_however_often_it_is_copied() -> None:
    usual = [ordinary(n) for n in range(60)]
    detail = "Mevrouw Jansema van kamer twaalf viel vannacht uit haar bed en lag daar uren"
    often = [said(n, n, text=f"{n} keer gezegd: jansema viel {n * n}", author="a1") for n in range(1, 9)]
    copied = [said(n, n, text=detail) for n in range(11, 30)]

    assert card(*often, *copied, usual=usual).terms == ()


def test_terms_leave_out_masks_small_words_and_figures() -> None:
    assert terms_of("[gebruiker] de wachtkamer van [link] 23 is VOL, echt vol water [e-mail]") == {
        "wachtkamer", "vol", "water", "vol water",
    }  # fmt: skip


def test_themes_have_the_share_of_the_negative_posts() -> None:
    found = card(
        said(1, themes=(Theme.WACHTTIJD, Theme.KOSTEN)),
        said(2, 1, themes=(Theme.WACHTTIJD,)),
        said(3, 2),
        said(4, 3, themes=(Theme.PARKEREN,), label=Sentiment.POSITIVE),
    ).themes

    assert [(one.theme, one.n, round(one.share, 2), one.posts) for one in found] == [
        (Theme.WACHTTIJD, 2, 0.67, ("p00001", "p00002")),
        (Theme.KOSTEN, 1, 0.33, ("p00001",)),
    ]


def test_channels_have_counts_and_the_first_time_on_each() -> None:
    found = card(said(1, 1), said(2, 9, channel=Channel.REDDIT), said(3, 4, channel=Channel.REDDIT)).channels

    assert [(one.channel, one.n, one.first, one.posts) for one in found] == [
        (Channel.REDDIT, 2, ONSET + 4 * MINUTE, ("p00003", "p00002")),
        (Channel.BLUESKY, 1, ONSET + MINUTE, ("p00001",)),
    ]


def test_an_author_counts_once() -> None:
    found = card(said(1, author="anna"), said(2, 1, author="anna"), said(3, 2, author="bram")).authors

    assert found is not None
    assert (found.n, found.of, found.posts) == (2, 3, ("p00001", "p00003"))


def test_growth_is_told_by_the_hour_and_beside_the_hour_before() -> None:
    first, second, third = (
        [said(100 * hour + n, 60 * hour + n + 1) for n in range(count)]
        for hour, count in enumerate((2, 4, 10))
    )
    found = card(*first, *second, *third).growth

    assert found is not None
    assert [(hour.start, hour.posts, hour.authors) for hour in found.hours] == [
        (ONSET, 2, 2),
        (ONSET + 60 * MINUTE, 4, 4),
        (ONSET + 120 * MINUTE, 10, 10),
        (NOW, 0, 0),
    ]
    assert (found.last, found.before, found.span, found.factor) == (10, 4, 1.0, 2.0)
    assert found.posts == tuple(one.mention.post for one in third)


def test_a_young_storm_is_compared_by_halves() -> None:
    found = card(*(said(n, n) for n in (0, 5, 16, 17, 18, 20)), now=ONSET + 30 * MINUTE).growth

    assert found is not None
    assert (found.span, found.before, found.last, found.factor) == (0.25, 2, 4, 1.5)


def test_the_forecast_carries_the_pace_on_and_says_how_sure_it_is() -> None:
    steady = card(*(said(n, n * 3) for n in range(60))).forecast
    quiet = card(said(1)).forecast

    assert steady is not None
    assert quiet is not None
    # 19 in the last hour, after 20 in the one before
    assert (steady.low, steady.expected, steady.high) == (4, 16, 39)
    assert len(steady.posts) == 19
    assert (quiet.low, quiet.posts) == (0, ())
    assert quiet.high <= 2


def test_growth_is_not_carried_on_without_bound() -> None:
    found = card(*(said(n, 121 + n / 10) for n in range(100))).forecast

    assert found is not None
    assert (found.low, found.expected, found.high) == (36, 119, 279)


def test_nothing_is_forecast_of_what_is_over() -> None:
    found = card(said(1), said(2, 170), incident=step(state=StormState.CLOSED))

    assert (found.growth, found.forecast) == (None, None)


def earlier_storm(number: int, days: int, *states: StormState) -> list[Incident]:
    onset = ONSET - timedelta(days=days)
    reasons = (
        Reason(ReasonCode.BURST, {"hours": 1.0, "authors": 17.0}),
        Reason(ReasonCode.SLOWING, {"last_hour": 3.0, "peak_hour": 21.0}),
    )
    return [
        step(
            id=f"vennehart/e{number}", seq=seq, state=state, onset=onset, at=onset + timedelta(hours=2 * seq),
            authors=10 * seq + 5, reasons=reasons, evidence=(f"e{number}", f"e{number}x{seq}"),
        )
        for seq, state in enumerate(states)
    ]  # fmt: skip


def test_a_storm_is_compared_with_earlier_ones_at_the_same_age() -> None:
    ladder = (StormState.RISING, StormState.STORM, StormState.EASING, StormState.CLOSED)
    found = card(
        *(said(n, n * 30) for n in range(6)),
        earlier=[
            *earlier_storm(1, 90, *ladder),
            *earlier_storm(2, 30, *ladder[1:]),
            *earlier_storm(3, 20, StormState.WATCH, StormState.CLOSED),
            *earlier_storm(4, 10, *ladder[:2]),
            step(state=StormState.CLOSED),
        ],
    ).comparison

    assert found is not None
    assert (found.hours, found.authors, found.peak) == (3.0, 6, 2)
    assert found.posts == ("p00000", "p00001")
    assert [one.incident for one in found.earlier] == ["vennehart/e2", "vennehart/e1"]
    storm = found.earlier[1]
    assert (storm.hours, storm.authors, storm.peak, storm.authors_then) == (6.0, 35, 21, 15)
    assert storm.posts == ("e1", "e1x0", "e1x1", "e1x2", "e1x3")


def test_a_storm_that_began_under_an_own_post_says_so() -> None:
    own = said(90, -20, kind=Kind.OWN_POST, label=Sentiment.NEUTRAL)
    found = card(
        own,
        said(1, 0, in_reply_to="p00090"),
        said(2, 1, in_reply_to="p00001"),
        said(3, 2, thread="p00090"),
        said(4, 3),
    ).trigger

    assert found is not None
    assert (found.post, found.kind, found.at) == ("p00090", Kind.OWN_POST, ONSET - 20 * MINUTE)
    assert (found.under, found.of) == (3, 4)
    assert found.posts == ("p00090", "p00001", "p00002", "p00003")


def test_an_older_own_post_is_found_in_what_is_usual() -> None:
    own = said(90, -60 * 24 * 2, kind=Kind.OWN_POST)

    found = card(said(1, thread="p00090"), usual=[own]).trigger

    assert found is not None
    assert found.posts == ("p00090", "p00001")


@pytest.mark.parametrize(
    "posts",
    [
        [said(90, 1, kind=Kind.OWN_POST), said(1, 2, in_reply_to="p00090")],  # after the onset
        [said(90, -1, kind=Kind.OWN_POST), said(1), said(2), said(3, 1, in_reply_to="p00090")],
        [said(90, -1), said(1, in_reply_to="p00090")],  # not ours
        [said(90, -60 * 24 * 4, kind=Kind.OWN_POST), said(1, in_reply_to="p00090")],  # too old
        [said(1, in_reply_to="p00002"), said(2, in_reply_to="p00001")],  # answers that go round
    ],
)
def test_a_storm_that_began_elsewhere_has_no_own_trigger(posts: list[ScoredMention]) -> None:
    assert card(*posts).trigger is None


def test_press_is_news_and_the_theme_and_may_come_first() -> None:
    found = card(
        said(1, -30, marks=(Mark.NEWSWIRE,), label=Sentiment.NEUTRAL),
        said(2, 1, themes=(Theme.PERS_POLITIEK,)),
        said(3, 2, channel=Channel.NEWS, themes=(Theme.PERS_POLITIEK,)),
        said(4, 3),
    ).press

    assert found is not None
    assert (found.news, found.theme, found.first) == (2, 2, ONSET - 30 * MINUTE)
    assert found.posts == ("p00001", "p00003", "p00002")
    assert card(said(4)).press is None


def test_questions_are_put_together_by_lifted_term_or_text() -> None:
    usual = [ordinary(n) for n in range(60)]
    about_door = [
        said(n, n, text=text.format("weer") + "?", question=True) for n, text in enumerate(OPENING, 1)
    ]
    same = "Wat kost een nacht op die kamer eigenlijk nu de prijzen omhoog zijn gegaan?"
    found = card(
        *about_door,
        said(11, 11, text=same, question=True, label=Sentiment.NEUTRAL),
        said(12, 12, text=same, question=True, label=Sentiment.NEUTRAL),
        said(13, 13, text=same, question=True, marks=(Mark.RESHARE,)),
        said(14, 14),
        usual=usual,
    ).questions

    assert [(one.term, one.n, one.authors, one.posts) for one in found] == [
        ("voordeur", 4, 4, ("p00001", "p00002", "p00003", "p00004")),
        ("", 2, 2, ("p00011", "p00012")),
    ]


def test_what_cannot_be_seen_is_stated() -> None:
    gone = said(3, 3, kind=Kind.DELETION)
    found = card(
        said(1), said(2, 1), gone, said(4, -9), blind=("zorgkaart", "google"), deleted=("p00002", "p00004")
    )

    assert (found.unseen.sources, found.unseen.deleted) == (("google", "zorgkaart"), 2)
    assert found.unseen.posts == ("p00002", "p00003")
    assert all("p00002" not in claim.posts for claim in every_claim(found) if claim is not found.unseen)


def reading(name: str, minutes: float | None = 179, **changes: Any) -> Source:
    """Return a source whose newest post was written so many minutes after the onset."""
    last = None if minutes is None else ONSET + minutes * MINUTE
    cursor = Cursor(source=name, position="9", last_item=last, since=ONSET - timedelta(days=9))
    return Source(id=name, cursor=replace(cursor, **changes))


def test_sources_that_fail_or_are_behind_are_told_the_worst_first() -> None:
    failed = reading("f", last_error="/secret/path: no such file", since=NOW - 5 * MINUTE)
    found = card(
        said(1, source="busy"),
        said(2, 1, source="busy"),
        said(3, 2, source="a"),
        sources=[
            reading("fine"),
            reading("a", 60),
            reading("busy", 70),
            reading("done", 0, finished=True),
            reading("empty", None),
            Source(id="new"),
            failed,
        ],
    )

    assert [(one.source, one.trouble, one.since) for one in found.unseen.troubled] == [
        ("f", Trouble.FAILING, NOW - 5 * MINUTE),
        ("empty", Trouble.NEVER, ONSET - timedelta(days=9)),
        ("new", Trouble.NEVER, None),
        ("busy", Trouble.BEHIND, ONSET + 70 * MINUTE),
        ("a", Trouble.BEHIND, ONSET + 60 * MINUTE),
    ]
    assert b"secret" not in msgspec.json.encode(found)


def test_an_hour_without_posts_is_not_behind_yet() -> None:
    assert card(sources=[reading("a", 120)]).unseen.troubled == ()
    assert len(card(sources=[reading("a", 119)]).unseen.troubled) == 1


def test_channels_that_no_source_reads_are_named() -> None:
    sources = [
        Source(id="a", channels=frozenset(Channel) - {Channel.TIKTOK, Channel.INSTAGRAM, Channel.OTHER})
    ]

    assert card(said(1), sources=sources).unseen.channels == (Channel.INSTAGRAM, Channel.TIKTOK)
    assert card(said(1, channel=Channel.TIKTOK), sources=sources).unseen.channels == (Channel.INSTAGRAM,)
    assert card(said(1)).unseen.channels == ()  # nothing is known of the sources


def test_posts_without_words_are_counted_whatever_the_model_made_of_them() -> None:
    found = card(
        said(1),
        said(2, 1, text=" ", label=Sentiment.NEUTRAL),
        said(3, 2, text="[handle] [link] 2/3 \u2764"),
        said(4, 3, text="", marks=(Mark.RESHARE,)),
        said(5, 4, text="", kind=Kind.DELETION),
        said(6, -5, text="\u2764"),
    ).unseen.wordless

    assert found is not None
    assert (found.n, found.posts) == (2, ("p00002", "p00003"))
    assert card(said(1)).unseen.wordless is None


def test_a_post_that_was_scored_twice_counts_by_the_same_score_in_any_order() -> None:
    twice = [said(1, model="a"), said(1, label=Sentiment.NEUTRAL, model="b")]

    assert card(*twice) == card(*reversed(twice))


def test_only_the_newest_revision_of_an_own_post_counts_and_nothing_from_later() -> None:
    found = card(
        said(1, revision=1),
        said(1, label=Sentiment.NEUTRAL),
        said(2, 1),
        said(2, 1, label=Sentiment.NEUTRAL, revision=1),
        said(3, 181),
        replace(said(4, 2), institution="elders"),
    ).authors

    assert found is not None
    assert (found.n, found.posts) == (1, ("p00001",))


def a_full_storm() -> tuple[list[ScoredMention], list[ScoredMention], list[Incident]]:
    chance = random.Random(7)
    themes, channels = list(Theme), list(Channel)
    posts = [said(900, -30, kind=Kind.OWN_POST)]
    posts += [
        said(
            n,
            chance.randrange(180),
            text=chance.choice(OPENING).format(f"zaal {chance.choice('abcdefgh')}") + f" woord{n}" * 3,
            author=f"a{chance.randrange(120)}",
            marks=(Mark.RESHARE,) if n % 9 == 0 else (),
            themes=tuple(chance.sample(themes, 2)),
            question=n % 4 == 0,
            channel=chance.choice(channels),
            in_reply_to="p00900" if n % 2 else None,
        )
        for n in range(200)
    ]
    posts += [said(300 + n, 10 * n, text=ASKS[n % 3], question=True) for n in range(15)]
    ladder = (StormState.RISING, StormState.STORM, StormState.CLOSED)
    earlier = [one for n in range(6) for one in earlier_storm(n, 20 * n + 20, *ladder)]
    return posts, [ordinary(n) for n in range(60)], earlier


def test_the_order_in_which_posts_come_in_changes_nothing() -> None:
    posts, usual, earlier = a_full_storm()
    straight = card(*posts, usual=usual, earlier=earlier, blind=("x", "y"))
    chance = random.Random(1)
    for some in (posts, usual, earlier):
        chance.shuffle(some)

    assert card(*posts, *posts[:50], usual=usual, earlier=earlier, blind=("y", "x")) == straight


def test_a_card_is_bounded_and_holds_no_text() -> None:
    posts, usual, earlier = a_full_storm()
    found = card(*posts, usual=usual, earlier=earlier, blind=tuple(f"s{n}" for n in range(50)))

    assert max(len(claim.posts) for claim in every_claim(found)) == MOST_POSTS
    assert 0 < len(found.terms) <= MOST_TERMS
    assert len(found.themes) == MOST_THEMES
    assert len(found.channels) == MOST_CHANNELS
    assert len(found.questions) == MOST_QUESTIONS
    assert found.comparison is not None
    assert len(found.comparison.earlier) == 3
    assert len(found.unseen.sources) == 10
    assert all(len(term.term.split()) <= 2 for term in found.terms)
    assert b"kwartier gewacht" not in msgspec.json.encode(replace(found, terms=(), questions=()))


def test_every_claim_but_silence_names_a_post() -> None:
    posts, usual, earlier = a_full_storm()
    found = card(*posts, usual=usual, earlier=earlier)
    known = {one.mention.post for one in posts}

    for claim in every_claim(found):
        assert claim is found.unseen or claim.posts
        assert isinstance(claim, EarlierStorm) or set(claim.posts) <= known


def test_times_are_those_of_the_clock_that_is_given() -> None:
    assert card(now=NOW).at == datetime(2026, 10, 7, 15, tzinfo=UTC)


MOST_BYTES = 40_000  # of a card, whatever happens; ids have 24 letters
CHANCE = [Channel.X, Channel.NEWS, Channel.FACEBOOK]
TEXTS = ["", "[handle]", *ASKS, *(opening.format("nu") for opening in OPENING), "de voordeur is dicht"]


@st.composite
def anything(draw: st.DrawFn) -> ScoredMention:
    """Return a post of any kind, often one that others answer, copy, edit or delete."""
    one = said(
        draw(st.integers(0, 30)),
        draw(st.integers(-400, 200)),
        text=draw(st.sampled_from(TEXTS)),
        author=draw(st.sampled_from("abcdefgh")),
        kind=draw(st.sampled_from(list(Kind))),
        marks=tuple(draw(st.sets(st.sampled_from(list(Mark)), max_size=2))),
        label=draw(st.sampled_from([Sentiment.NEGATIVE, Sentiment.NEGATIVE, *Sentiment])),
        themes=tuple(draw(st.lists(st.sampled_from(list(Theme)), max_size=2))),
        question=draw(st.booleans()),
        revision=draw(st.integers(0, 2)),
        channel=draw(st.sampled_from(CHANCE)),
        backfill=draw(st.booleans()),
        in_reply_to=draw(st.none() | st.integers(0, 30).map("p{:05}".format)),
        thread=draw(st.none() | st.integers(0, 30).map("p{:05}".format)),
    )
    return replace(one, institution=draw(st.sampled_from(["vennehart"] * 5 + ["elders"])))


@st.composite
def around(draw: st.DrawFn) -> dict[str, Any]:
    """Return what else a card is made of."""
    ladder = (StormState.RISING, StormState.STORM, StormState.CLOSED)
    return {
        "usual": draw(st.lists(anything(), max_size=15)),
        "earlier": [*earlier_storm(1, 20, *ladder), *earlier_storm(2, 90, *ladder)],
        "sources": [reading("a", 20), reading("b", None), reading("c")],
        "incident": step(state=draw(st.sampled_from(StormState))),
        "now": ONSET + draw(st.integers(0, 400)) * MINUTE,
        "deleted": tuple(draw(st.sets(st.integers(0, 30).map("p{:05}".format), max_size=4))),
    }


@settings(deadline=None, max_examples=60)
@given(st.lists(anything(), max_size=40), around(), st.randoms(use_true_random=False))
def test_any_posts_in_any_order_give_one_bounded_card_that_names_only_them(
    posts: list[ScoredMention], rest: dict[str, Any], chance: random.Random
) -> None:
    found = card(*posts, **rest)

    known = {one.mention.post for one in (*posts, *rest["usual"]) if one.institution == "vennehart"}
    told = {post for step in rest["earlier"] for post in step.evidence}
    for claim in every_claim(found):
        assert set(claim.posts) <= (told if isinstance(claim, EarlierStorm) else known)
        assert len(claim.posts) <= MOST_POSTS
    assert len(msgspec.json.encode(found)) < MOST_BYTES
    for some in (posts, rest["usual"], rest["earlier"], rest["sources"]):
        chance.shuffle(some)
    assert card(*posts, **rest) == found
