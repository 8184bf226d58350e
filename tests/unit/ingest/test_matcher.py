"""Which institutions a text is about, and why."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.config.institutions import Account, Institution
from services.ingest.matching.folding import fold
from services.ingest.matching.matcher import Matcher, Why
from services.messages.vocabulary import Channel, Region, Sector, Size


def institution(name: str, title: str, **rest: Any) -> Institution:
    return Institution(
        id=name, name=title, sector=Sector.HOSPITAL, size=Size.MEDIUM, region=Region.NL, hours={}, **rest
    )


VITALIS = institution(
    "vitalis",
    "Vitalis",
    aliases=("Vitalis Zorggroep", "@vitalishelpt", "#vitaal040"),
    exclude=("Vitalis Voetbal", "apotheek"),
    accounts=(
        Account(channel=Channel.X, handle="@VitalisZorg"),
        Account(channel=Channel.MASTODON, handle="zorg@vitalis.social"),
    ),
)
PEPPEL = institution("peppel", "Peppelrode", aliases=("Vitalis Peppelrode",), ancestors=("vitalis",))
MST = institution("mst", "MST", context=("ziekenhuis", "Enschede"))
MST_FAN = institution("mst-kliniek", "MST Kliniek Oost")
JAN = institution("sint-jan", "Sint-Jans Gasthuis", aliases=("Café Zorg & Co",))
MATCHER = Matcher([VITALIS, PEPPEL, MST, MST_FAN, JAN])


def found(text: str, channel: Channel = Channel.X, author: str = "jan", bound: str | None = None) -> set[str]:
    return set(MATCHER.match(text, channel, author, bound).institutions)


@pytest.mark.parametrize(
    "text",
    [
        "Slecht geholpen bij Vitalis.",
        "VITALIS!!",
        "bij vitalis's balie",
        "Vitális",
        "de Vi\u00adtalis",
        "#vitalis",
        "#VitalisZorggroep doet niets",
        "#Vitaal040",
        "@vitaliszorg waarom?",
        "@VitalisHelpt waarom?",
        "zie www.vitalis.nl",
        "mail info@vitalis.nl",
    ],
)
def test_it_finds_names_hashtags_and_handles(text: str) -> None:
    assert {"vitalis"} == found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Vitalissen",
        "revitalis",
        "vitalis_fan",
        "@vitalisfan",
        "@vitalis-fan",
        "#vitalisme",
        "",
    ],
)
def test_it_finds_whole_words_only(text: str) -> None:
    assert set() == found(text)


@pytest.mark.parametrize(
    "text",
    [
        "sint jans gasthuis",
        "Sint\u2011Jans  Gasthuis",
        "SINT-JANS\nGASTHUIS",
        "#sintjansgasthuis",
        "cafe zorg & co",
    ],
)
def test_hyphens_spaces_and_accents_make_no_difference(text: str) -> None:
    assert {"sint-jan"} == found(text)


def test_a_handle_of_one_channel_says_nothing_on_another() -> None:
    assert set() == found("@vitaliszorg", Channel.BLUESKY)
    assert {"vitalis"} == found("@zorg@vitalis.social", Channel.MASTODON)


def test_an_exclusion_that_holds_the_name_cancels_that_occurrence_alone() -> None:
    assert set() == found("gewonnen van Vitalis Voetbal")
    assert {"vitalis"} == found("gewonnen van Vitalis Voetbal, maar Vitalis helpt niet")


def test_an_exclusion_without_the_name_cancels_the_institution() -> None:
    assert set() == found("apotheek Vitalis op de markt")
    assert {"peppel"} == found("de apotheek bij Peppelrode")


def test_a_name_that_needs_context_gets_it_from_anywhere_in_the_text() -> None:
    assert set() == found("MST is een afkorting")
    assert {"mst"} == found("In het ziekenhuis MST is het druk")
    assert {"mst"} == found("#MST #Enschede")


def test_the_longest_name_wins() -> None:
    assert {"mst-kliniek"} == found("MST Kliniek Oost in Enschede")
    assert {"mst-kliniek", "mst"} == found("MST Kliniek Oost en MST in Enschede")


def test_a_part_wins_over_its_whole_wherever_both_occur() -> None:
    assert {"peppel"} == found("Vitalis Peppelrode")
    assert {"peppel"} == found("Peppelrode, dat is toch van Vitalis?")


def test_several_institutions_can_be_meant() -> None:
    assert MATCHER.match("Sint-Jans Gasthuis of Vitalis?", Channel.X, "jan").institutions == (
        "vitalis",
        "sint-jan",
    )


def test_an_own_account_makes_it_an_own_post() -> None:
    match = MATCHER.match("Wij zijn dicht", Channel.X, "@VITALISZORG")
    assert (match.own, match.institutions) == (("vitalis",), ("vitalis",))
    assert MATCHER.match("Wij zijn dicht", Channel.FACEBOOK, "vitaliszorg").own == ()


def test_an_own_account_speaks_for_its_family_alone() -> None:
    assert {"peppel"} == found("Open dag in Peppelrode", author="vitaliszorg")
    assert {"vitalis"} == found("Dank aan Sint-Jans Gasthuis", author="vitaliszorg")


def test_a_bound_source_needs_no_name() -> None:
    match = MATCHER.match("Slecht", Channel.GOOGLE_REVIEWS, "jan", "vitalis")
    assert match.institutions == ("vitalis",)
    assert [reason.why for reason in match.reasons] == [Why.BOUND]
    assert {"peppel"} == found("Peppelrode", bound="vitalis")


def test_a_direct_handle_addresses_and_a_name_does_not() -> None:
    assert MATCHER.match("@vitaliszorg help", Channel.X, "jan").addressed
    assert not MATCHER.match("@vitalishelpt help", Channel.X, "jan").addressed
    assert not MATCHER.match("Vitalis help", Channel.X, "jan").addressed


def test_it_explains_in_lines() -> None:
    assert MATCHER.explain("vitalis", Channel.X, "") == [
        "vitalis: its name occurs 'Vitalis'",
        "about vitalis",
    ]
    assert MATCHER.explain("apotheek vitalis", Channel.X, "") == [
        "vitalis: no match: cancelled by the exclusion 'apotheek'",
        "about none of them",
    ]
    assert MATCHER.explain("mst", Channel.X, "") == [
        "mst: no match: none of its context words occurs beside 'MST'",
        "about none of them",
    ]
    assert MATCHER.explain("niets", Channel.X, "") == [
        "no name, hashtag or account of an institution occurs",
        "about none of them",
    ]


def test_an_empty_subscription_matches_nothing() -> None:
    assert Matcher([]).match("Vitalis", Channel.X, "jan").institutions == ()


def test_a_hostile_text_costs_linear_time() -> None:
    text = "Vitalis Voetbal @vitaliszorg " * 8_000
    start = time.perf_counter()
    MATCHER.match(text, Channel.X, "jan")
    assert time.perf_counter() - start < 5


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(text) == fold(fold(text))


@given(st.text(), st.sampled_from(Channel), st.text(), st.sampled_from([None, "vitalis"]))
def test_any_text_gets_an_answer(text: str, channel: Channel, author: str, bound: str | None) -> None:
    match = MATCHER.match(text, channel, author, bound)
    assert len(set(match.institutions)) == len(match.institutions)


@given(st.text(alphabet=" .,!?\n'\"()", max_size=5), st.text(alphabet=" .,!?\n'\"()", max_size=5))
def test_punctuation_around_a_name_hides_nothing(before: str, after: str) -> None:
    assert {"vitalis"} == found(f"bij{before or ' '}Vitalis{after}")
