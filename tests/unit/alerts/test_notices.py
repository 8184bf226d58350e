"""What people are told: the right words at every step, and never more than the payload allows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace as replace_fields

from services.alerts.notices import (
    EXCERPT,
    MOST_QUOTES,
    Notice,
    Reaction,
    catch_up_notice,
    negative_notice,
    silence_notice,
    storm_notice,
)
from services.alerts.replies import summary
from services.alerts.stormcard import Card
from services.alerts.stormcard.card import (
    Comparison,
    EarlierStorm,
    Forecast,
    Growth,
    OwnTrigger,
    Term,
    Unseen,
)
from services.alerts.words import TEXTS, Language
from services.config.schema import NoticeKind, Payload
from services.messages.calendar import office_hours
from services.messages.records import Incident, Reason, ReasonCode
from services.messages.vocabulary import Channel, Kind, Region, Sentiment, StormState, Theme

NOW = datetime(2026, 10, 7, 12, 42, tzinfo=UTC)  # Wednesday 14.42 in Amsterdam
ONSET = NOW - timedelta(minutes=37)
CALENDAR = office_hours(Region.NL)
FIGURES = summary([], NOW, CALENDAR)
SECRET = "Drie weken gewacht op een geheim telefoontje"
BURST = Reason(ReasonCode.BURST, {"authors": 31, "hours": 1, "expected": 0.4, "evidence": 22.1})
LANGUAGES: tuple[Language, ...] = ("nl", "en")
CARD = Card(
    incident="duin/p0",
    at=NOW,
    first=None,
    most_shared=None,
    terms=(
        Term(term="gesloten deur", authors=7, usual=0, score=3.1, posts=("p0",)),
        Term(term="nacht", authors=4, usual=1, score=2.2, posts=("p1",)),
    ),
    themes=(),
    channels=(),
    authors=None,
    copies=None,
    growth=Growth(hours=(), span=0.3, last=12, before=6, factor=1.75, posts=("p0",)),
    forecast=Forecast(expected=73, low=23, high=133, posts=("p0",)),
    comparison=Comparison(
        hours=0.6,
        authors=31,
        peak=31,
        earlier=(
            EarlierStorm(
                incident="duin/p9", onset=NOW - timedelta(days=30), hours=26.5, authors=80, peak=20,
                authors_then=9, posts=("p9",),
            ),
        ),
        posts=("p0",),
    ),
    trigger=OwnTrigger(
        post="o1", kind=Kind.OWN_POST, at=ONSET - timedelta(hours=1), under=8, of=10, posts=("o1", "p0")
    ),
    press=None,
    questions=(),
    unseen=Unseen(sources=("google", "zorgkaart"), deleted=2, posts=("p3", "p4")),
)  # fmt: skip


def reaction(n: int = 0, **changes: object) -> Reaction:
    base = Reaction(
        post=f"p{n}",
        revision=0,
        channel=Channel.BLUESKY,
        event_time=ONSET + timedelta(minutes=n),
        link=f"https://bsky.app/post/{n}",
        text=SECRET,
        themes=(Theme.WACHTTIJD,),
        label=Sentiment.NEGATIVE,
        question=False,
        complaint=True,
        negative=0.9,
        reach=None,
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # fields by name


def incident(state: StormState, *reasons: Reason, at: datetime = NOW) -> Incident:
    return Incident(
        id="duin/p0", seq=0, institution="duin", state=state, at=at, event_time=at, onset=ONSET, n=43,
        authors=31, reasons=reasons, evidence=("p0",),
    )  # fmt: skip


def storm(
    step: Incident,
    *reactions: Reaction,
    card: Card | None = None,
    muted: int = 0,
    payload: Payload = Payload.SUMMARY,
    language: Language = "nl",
) -> Notice:
    return storm_notice(
        "Huis ter Duin", "duin", step, reactions, card, muted, FIGURES,
        calendar=CALENDAR, language=language, payload=payload,
    )  # fmt: skip


def negative(*reactions: Reaction, payload: Payload = Payload.SUMMARY, language: Language = "nl") -> Notice:
    return negative_notice(
        "Huis ter Duin", "duin", reactions, FIGURES, calendar=CALENDAR, language=language, payload=payload
    )


def catch_up(*reactions: Reaction, steps: tuple[Incident, ...] = (), language: Language = "nl") -> Notice:
    return catch_up_notice(
        "Huis ter Duin", "duin", reactions, steps, FIGURES, NOW,
        calendar=CALENDAR, language=language, payload=Payload.SUMMARY,
    )  # fmt: skip


def test_a_storm_card_opens_with_a_sentence_to_read_aloud() -> None:
    card = storm(incident(StormState.STORM, BURST), reaction())

    assert card.title == "Storm rond Huis ter Duin: 43 negatieve berichten van 31 mensen"
    assert card.lead == (
        "Er is een storm rond Huis ter Duin: sinds woensdag 7 oktober om 14.05 uur telden we 43 negatieve "
        "berichten van 31 mensen, vooral over wachttijd, en dat is veel meer dan normaal."
    )


def test_a_storm_card_says_what_is_known_and_what_is_not() -> None:
    growth = Reason(ReasonCode.GROWTH, {"per_hour_now": 60, "last_hour": 31})
    facts = dict(storm(incident(StormState.STORM, BURST, growth), reaction(reach=12400), muted=12).facts)

    assert facts == {
        "Stand": "storm",
        "Negatieve berichten": "43",
        "Verschillende mensen": "31",
        "Sinds": "wo 7 oktober, 14.05 uur (37 minuten geleden)",
        "Ongewoon veel": "31 mensen in 1 uur; normaal zijn dat er minder dan 1",
        "Groei": "het tempo is nu 60 mensen per uur; in het afgelopen uur waren het er 31",
        "Bekeken": "1 van de 43 berichten",
        "Thema's": "wachttijd (1)",
        "Kanalen": "Bluesky (1)",
        "Vraagt om antwoord": "1 klacht",
        "Grootste bereik": "12.400 volgers of weergaven",
        "Niet apart gemeld": "12 losse reacties, omdat ze hierbij horen",
        "Wat we niet weten": TEXTS["nl"]["unknown"],
    }


def test_a_storm_card_explains_in_five_facts_at_most() -> None:
    step = incident(StormState.STORM)
    plain = storm(step, reaction()).facts
    explained = storm(step, reaction(), card=CARD, payload=Payload.EXCERPT).facts

    assert {label: text for label, text in explained if (label, text) not in plain} == {
        "Onder eigen bericht": (
            "8 van de eerste 10 negatieve berichten, bij het bericht van wo 7 oktober, 13.05 uur"
        ),
        "Woorden die opvallen": "“gesloten deur” (7 mensen), “nacht” (4 mensen)",
        "Komend uur": (
            "als het zo doorgaat ongeveer 73 negatieve berichten (waarschijnlijk tussen 23 en 133); in de "
            "afgelopen 18 minuten waren het er 12"
        ),
        "De vorige storm": (
            "ma 7 september, 14.42 uur: 80 mensen in 26,5 uur; na evenveel tijd als nu waren dat er "
            "minstens 9"
        ),
        "Wat we niet zien": (
            "2 berichten die intussen zijn verwijderd; van google en zorgkaart krijgen we niets binnen"
        ),
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("payload", [Payload.LINK, Payload.SUMMARY])
def test_words_from_posts_go_only_where_excerpts_may_go(payload: Payload, language: Language) -> None:
    notice = storm(incident(StormState.STORM), reaction(), card=CARD, payload=payload, language=language)

    assert "gesloten" not in repr(notice)
    assert "13" in dict(notice.facts)[TEXTS[language]["fact.card.forecast"]]


def test_a_card_that_says_little_adds_nothing() -> None:
    empty = replace_fields(
        CARD, terms=(), growth=None, forecast=None, comparison=None, trigger=None,
        unseen=Unseen(sources=(), deleted=0, posts=()),
    )  # fmt: skip
    step = incident(StormState.STORM)

    assert storm(step, reaction(), card=empty) == storm(step, reaction())


def test_a_storm_card_says_what_to_do_first() -> None:
    advice = storm(incident(StormState.STORM, BURST), reaction()).advice

    assert len(advice) == 3
    assert "campagnes" in advice[0]
    assert "woordvoerder" in advice[1]
    assert "één verklaring" in advice[2]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", list(StormState))
def test_every_state_has_its_own_words(state: StormState, language: Language) -> None:
    cards = {s: storm(incident(s), language=language) for s in StormState}

    others = [card for s, card in cards.items() if s is not state]
    assert cards[state].title not in [card.title for card in others]
    assert cards[state].advice not in [card.advice for card in others]
    assert "Huis ter Duin" in cards[state].lead


@pytest.mark.parametrize(
    ("code", "values", "title", "lead"),
    [
        (
            ReasonCode.ONE_AUTHOR,
            {"hours": 4, "negative": 41, "top_author": 38, "authors": 4},
            "Eén persoon, 38 berichten: geen storm",
            "Eén persoon schreef in de afgelopen 4 uur 38 van de 41 negatieve berichten over {name}",
        ),
        (
            ReasonCode.ONE_TEXT,
            {"hours": 1, "negative": 9, "texts": 1, "authors": 8},
            "Steeds dezelfde tekst, 9 berichten: geen storm",
            "Dezelfde tekst over {name} verscheen {past} steeds opnieuw, 9 keer en van 8 mensen",
        ),
        (
            ReasonCode.HAPPY_CROWD,
            {"hours": 4, "mentions": 62, "positive": 50, "negative": 4},
            "Veel reacties, vooral positief: geen storm",
            "We telden in de afgelopen 4 uur 62 berichten over {name}, waarvan 50 positief en 4 negatief",
        ),
    ],
)
def test_what_is_no_storm_is_said_as_such(
    code: ReasonCode, values: dict[str, float], title: str, lead: str
) -> None:
    card = storm(incident(StormState.WATCH, Reason(code, values)))

    assert (card.title, card.lead) == (
        title,
        lead.format(name="Huis ter Duin", past="in het afgelopen uur") + "; dit is geen storm.",
    )
    assert "Geen storm" in dict(card.facts)


def test_a_reason_without_its_numbers_is_left_out_rather_than_shown_half() -> None:
    card = storm(incident(StormState.WATCH, Reason(ReasonCode.ONE_AUTHOR)))

    assert card.lead == "Er is veel te doen over Huis ter Duin, maar dit is geen storm."
    assert "Geen storm" not in dict(card.facts)


def test_one_negative_reaction_is_told_as_one() -> None:
    notice = negative(reaction())

    assert notice.title == "1 negatieve reactie over Huis ter Duin"
    assert notice.lead == (
        "Op woensdag 7 oktober om 14.05 uur verscheen op Bluesky een negatieve reactie over wachttijd."
    )


def test_more_negative_reactions_are_told_together_and_those_that_ask_come_first() -> None:
    notice = negative(reaction(0, complaint=False), reaction(1), reaction(2, complaint=False, negative=0.99))

    assert notice.title == "3 negatieve reacties over Huis ter Duin"
    assert [quote.link for quote in notice.quotes] == [f"https://bsky.app/post/{n}" for n in (1, 2, 0)]


def test_the_hours_of_one_day_name_that_day_once() -> None:
    one_day, more_days = negative(reaction(0), reaction(8)), negative(reaction(0), reaction(24 * 60))

    assert one_day.lead.startswith(
        "Tussen woensdag 7 oktober om 14.05 uur en 14.13 uur verschenen 2 negatieve"
    )
    assert more_days.lead.startswith(
        "Tussen woensdag 7 oktober om 14.05 uur en donderdag 8 oktober om 14.05 uur"
    )


def test_link_tells_counts_and_links_only() -> None:
    notices = [
        negative(reaction(), payload=Payload.LINK),
        storm(incident(StormState.STORM, BURST), reaction(), payload=Payload.LINK),
    ]

    for notice in notices:
        assert "wachttijd" not in repr(notice)
        assert SECRET not in repr(notice)
        assert [(quote.text, quote.link) for quote in notice.quotes] == [("", "https://bsky.app/post/0")]


def test_summary_tells_themes_but_no_post_text() -> None:
    notice = negative(reaction())

    assert notice.quotes[0].text == "Klacht over wachttijd"
    assert SECRET not in repr(notice)


def test_excerpt_quotes_at_most_two_hundred_characters() -> None:
    short, long = (
        negative(reaction(), payload=Payload.EXCERPT),
        negative(reaction(text="woord " * 200), payload=Payload.EXCERPT),
    )

    assert short.quotes[0].text == f"“{SECRET}”"
    assert len(long.quotes[0].text.strip("“”")) <= EXCERPT
    assert long.quotes[0].text.endswith("…”")


def test_an_excerpt_cannot_steer_what_shows_it() -> None:
    notice = negative(reaction(text="a\r\nBcc: x\x1b[2J\u202eb"), payload=Payload.EXCERPT)

    assert notice.quotes[0].text == "“a Bcc: x[2Jb”"


def test_only_links_to_the_web_are_told() -> None:
    notice = negative(reaction(link="javascript:alert(1)"))

    assert notice.quotes[0].link == ""
    assert notice.hint == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_can_go_and_answer_is_warned_never_to_confirm_a_patient(language: Language) -> None:
    for notice in (
        negative(reaction(), language=language),
        storm(incident(StormState.STORM), reaction(), language=language),
        catch_up(reaction(), language=language),
    ):
        assert "patiënt" in notice.hint or "patient" in notice.hint


def test_every_notice_ends_with_the_figures_and_no_false_comfort() -> None:
    for notice in (negative(reaction()), storm(incident(StormState.CLOSED)), catch_up(reaction())):
        assert notice.figures == "Afgelopen 7 dagen: geen berichten die om antwoord vragen."
        assert notice.footer == "Geen melding betekent niet dat er geen risico is."


def test_what_is_not_quoted_is_counted() -> None:
    notice = negative(*(reaction(n) for n in range(25)))

    assert len(notice.quotes) == MOST_QUOTES[NoticeKind.NEGATIVE]
    assert dict(notice.facts)["Niet getoond"] == "nog 15 reacties"


def test_a_catch_up_tells_expired_reactions_and_steps_together() -> None:
    steps = (
        incident(StormState.EASING),
        incident(StormState.STORM, at=NOW - timedelta(hours=1)),
    )
    notice = catch_up(reaction(), reaction(1), steps=steps)

    assert notice.title == "Alsnog gemeld over Huis ter Duin: 2 negatieve reacties en 2 stappen van een storm"
    assert notice.facts[:2] == (
        ("wo 7 oktober, 13.42 uur", "storm, 43 negatieve berichten van 31 mensen"),
        ("wo 7 oktober, 14.42 uur", "neemt af, 43 negatieve berichten van 31 mensen"),
    )


def test_a_catch_up_of_steps_alone_asks_for_no_answers() -> None:
    notice = catch_up(steps=(incident(StormState.STORM),))

    assert notice.title == "Alsnog gemeld over Huis ter Duin: 1 stap van een storm"
    assert notice.advice == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_rude_name_of_a_storm_never_reaches_staff(language: Language) -> None:
    every = [Reason(code, {"hours": 1.0}) for code in ReasonCode]
    for state in StormState:
        assert "shitstorm" not in repr(storm(incident(state, *every), reaction(), language=language)).lower()


@pytest.mark.parametrize(
    ("code", "mentions", "title"),
    [
        (ReasonCode.FELL_SILENT, 0.0, "Wij zien niets over Duinrust sinds woensdag 7 oktober om 14.05 uur"),
        (
            ReasonCode.FELL_SILENT,
            3.0,
            "Wij zien bijna niets over Duinrust sinds woensdag 7 oktober om 14.05 uur",
        ),
        (ReasonCode.HEARD_AGAIN, 9.0, "Wij zien weer berichten over Duinrust"),
    ],
)
def test_silence_says_since_when_and_what_was_usual(code: ReasonCode, mentions: float, title: str) -> None:
    state = StormState.CLOSED if code is ReasonCode.HEARD_AGAIN else StormState.WATCH
    step = Incident(
        id="duin/silence-1", seq=0, institution="duin", state=state, at=NOW, event_time=NOW, onset=ONSET, n=0,
        authors=0, reasons=(Reason(code, {"hours": 30.0, "mentions": mentions, "expected": 41.5}),),
    )  # fmt: skip
    notice = silence_notice("Duinrust", "duin", step, calendar=CALENDAR, language="nl")

    assert (notice.kind, notice.title) == (NoticeKind.SILENCE, title)
    assert "41,5" in notice.facts[0][1]
    assert notice.advice


def test_a_catch_up_tells_of_silence_apart_from_storms() -> None:
    step = Incident(
        id="duin/silence-1", seq=0, institution="duin", state=StormState.WATCH, at=NOW, event_time=NOW,
        onset=ONSET, n=0, authors=0,
        reasons=(Reason(ReasonCode.FELL_SILENT, {"hours": 30.0, "mentions": 0.0, "expected": 41.5}),),
    )  # fmt: skip
    notice = catch_up_notice(
        "Duinrust",
        "duin",
        [],
        [step],
        FIGURES,
        NOW,
        calendar=CALENDAR,
        language="nl",
        payload=Payload.SUMMARY,
    )

    assert notice.title == "Alsnog gemeld over Duinrust: 1 melding van stilte"
    assert notice.facts[0][1].startswith("0 berichten in 30 uur")


def test_what_a_colleague_said_is_told_as_such() -> None:
    def told(state: StormState, code: ReasonCode) -> Notice:
        step = Incident(
            id="duin/p0", seq=3, institution="duin", state=state, at=NOW, event_time=NOW, onset=ONSET, n=12,
            authors=9, reasons=(Reason(code),),
        )  # fmt: skip
        return storm_notice(
            "Duinrust", "duin", step, [], None, 0, FIGURES, calendar=CALENDAR, language="nl",
            payload=Payload.SUMMARY,
        )  # fmt: skip

    none = told(StormState.CLOSED, ReasonCode.SAID_NO_STORM)
    assert none.title == "Geen storm rond Duinrust"
    assert ("Correctie", "een collega gaf aan dat dit geen storm is") in none.facts
    assert "Bespreek binnen een week" not in " ".join(none.advice)
    assert told(StormState.STORM, ReasonCode.SAID_STORM).lead.startswith("Een collega noemt de drukte")
