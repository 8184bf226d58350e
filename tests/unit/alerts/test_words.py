"""The words that staff read: complete in both languages, and written the way people write."""

from datetime import UTC, datetime, timedelta
from string import Formatter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerts.replies import Figures, Share, Speed
from services.alerts.words import TEXTS, Language, Words
from services.alerts.words.cleaning import clean, shorten, web_link
from services.messages.records import ReasonCode
from services.messages.vocabulary import Channel, Sentiment, StormState, Theme

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 10, 7, 12, 5, tzinfo=UTC)
LANGUAGES: tuple[Language, ...] = ("nl", "en")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def figures(
    *, answered: int = 14, of: int = 37, p50: float | None = 5.2, oldest: datetime | None = None
) -> Figures:
    share = Share(0, 0)
    return Figures(
        since=NOW - timedelta(days=7),
        until=NOW,
        actionable=of,
        answered=answered,
        rate=Share(answered, of).value,
        rate_low=None,
        rate_high=None,
        always=Speed(share, share, p50, None),
        business=Speed(share, share, p50 and 2.1, None),
        within_1_working_day=share,
        oldest_open=oldest,
        direct_mentions=share,
        not_measurable=3 if oldest else 0,
    )


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    assert TEXTS["nl"].keys() == TEXTS["en"].keys()
    for key in TEXTS["nl"]:
        assert placeholders(TEXTS["nl"][key]) == placeholders(TEXTS["en"][key]), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_calls_a_storm_by_its_rude_name(language: Language) -> None:
    for key, text in TEXTS[language].items():
        assert text.strip(), key
        assert "shitstorm" not in text.lower(), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_closed_lists_has_a_text(language: Language) -> None:
    wanted = (
        [f"channel.{channel}" for channel in Channel]
        + [f"theme.{theme}" for theme in Theme]
        + [f"kind.{label}" for label in Sentiment]
        + [
            f"{part}.{state}"
            for state in StormState
            for part in ("state", "storm.title", "storm.lead", "advice")
        ]
        + [f"{part}.{code}" for code in ReasonCode for part in ("reason", "fact.reason")]
    )

    assert [key for key in wanted if key not in TEXTS[language]] == []


@pytest.mark.parametrize(
    ("value", "dutch", "english"),
    [(0, "0", "0"), (5.25, "5,2", "5.2"), (4.0, "4", "4"), (12400, "12.400", "12,400")],
)
def test_numbers_are_written_as_in_the_language(value: float, dutch: str, english: str) -> None:
    assert Words("nl").number(value) == dutch
    assert Words("en").number(value) == english


def test_short_spans_are_minutes_and_long_ones_hours() -> None:
    assert [Words("nl").span(hours) for hours in (1 / 60, 0.8, 1, 5.24)] == [
        "1 minuut",
        "48 minuten",
        "1 uur",
        "5,2 uur",
    ]


def test_a_span_just_below_an_hour_does_not_read_as_sixty_minutes() -> None:
    assert Words("nl").span(0.9999) == "1 uur"


def test_the_past_hour_is_not_counted() -> None:
    assert Words("nl").past(1) == "in het afgelopen uur"
    assert Words("nl").past(0.25) == "in de afgelopen 15 minuten"


def test_moments_are_local_time() -> None:
    assert Words("nl").moment(NOW, AMSTERDAM) == "wo 7 oktober, 14.05 uur"
    assert Words("nl").spoken(NOW, AMSTERDAM) == "woensdag 7 oktober om 14.05 uur"
    assert Words("en").spoken(NOW, AMSTERDAM) == "Wednesday 7 October at 14:05"


def test_figures_fit_in_one_line() -> None:
    assert Words("nl").figures(figures(), AMSTERDAM) == (
        "Afgelopen 7 dagen beantwoord: 14 van 37 (38 %), helft binnen 5,2 uur (2,1 uur binnen openingstijd)."
    )


def test_figures_say_when_half_is_not_reached_and_what_is_open() -> None:
    line = Words("nl").figures(figures(answered=2, p50=None, oldest=NOW - timedelta(days=1)), AMSTERDAM)

    assert line == (
        "Afgelopen 7 dagen beantwoord: 2 van 37 (5 %), helft binnen: niet bereikt. "
        "Oudste open bericht: di 6 oktober, 14.05 uur. 3 berichten zijn niet te meten."
    )


def test_figures_without_anything_to_answer_do_not_show_a_rate() -> None:
    line = Words("nl").figures(figures(answered=0, of=0, p50=None), AMSTERDAM)

    assert line == "Afgelopen 7 dagen: geen berichten die om antwoord vragen."


def test_a_value_is_never_read_as_a_template() -> None:
    assert "{posts.__class__}" in Words("nl").text("negative.title", posts="{posts.__class__}", name="x")


@given(st.text())
@settings(deadline=None)
def test_cleaned_text_has_no_control_or_direction_characters(text: str) -> None:
    cleaned = clean(text)

    assert cleaned == clean(cleaned)
    assert not any(char in cleaned for char in "\x1b\r\n\0\u202e\u2066\u200b\ud800")


@given(st.text(), st.integers(min_value=1, max_value=300))
@settings(deadline=None)
def test_shortened_text_fits(text: str, most: int) -> None:
    assert len(shorten(text, most)) <= most


def test_text_is_cut_after_a_word() -> None:
    assert shorten("een lange zin over de wachttijd", 20) == "een lange zin over…"


@pytest.mark.parametrize(
    "link",
    [
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https://a.nl/\r\nBcc: x",
        "https://a.nl/a b",
        "ftp://a.nl",
        "https://[a.nl/",
    ],
)
def test_only_links_to_the_web_are_shown(link: str) -> None:
    assert web_link(link) == ""


def test_a_link_cannot_end_the_markup_around_it() -> None:
    assert web_link("https://a.nl/?q=a|b>c\"d'e<f") == "https://a.nl/?q=a%7Cb%3Ec%22d%27e%3Cf"
    assert web_link("https://a.nl/%C3%A9?x=1&y=2#z") == "https://a.nl/%C3%A9?x=1&y=2#z"
