"""The marks that a post gets."""

from datetime import UTC, datetime

import pytest

from services.ingest.matching.marks import marks
from services.ingest.sources import RawPost
from services.messages.vocabulary import Channel, Mark


def found(text: str, channel: Channel = Channel.X, reshare_of: str | None = None) -> tuple[Mark, ...]:
    at = datetime(2026, 10, 14, tzinfo=UTC)
    post = RawPost(id="1", channel=channel, author="jan", text=text, created_at=at, reshare_of=reshare_of)
    return marks(post, addressed=False)


@pytest.mark.parametrize("text", ["RT @jan: Vitalis", " RT @jan zegt"])
def test_an_old_style_retweet_is_a_reshare(text: str) -> None:
    assert found(text) == (Mark.RESHARE,)


def test_a_post_that_names_its_original_is_a_reshare() -> None:
    assert found("Vitalis", reshare_of="9") == (Mark.RESHARE,)


@pytest.mark.parametrize(
    "text",
    [
        "Nieuwe vacature: verpleegkundige bij Vitalis",
        "Vacatures bij Vitalis",
        "Wij zoeken een kok",
        "we zoeken nog een kok",
        "kijk op werkenbijvitalis.nl",
        "Solliciteer vandaag",
        "#vacature #zorg",
    ],
)
def test_a_job_advertisement_is_a_vacancy(text: str) -> None:
    assert found(text) == (Mark.VACANCY,)


@pytest.mark.parametrize(
    "text", ["Vitalis doet niets", "Door de vacaturestop is er niemand", "wij zoeken hulp"]
)
def test_a_complaint_is_no_vacancy(text: str) -> None:
    assert found(text) == ()


def test_the_channel_makes_a_newswire() -> None:
    assert found("Vitalis in het nieuws", Channel.NEWS) == (Mark.NEWSWIRE,)


@pytest.mark.parametrize("text", ["Dit is een automatisch antwoord.", "Automatische reactie: wij zijn dicht"])
def test_an_automatic_reply_says_so(text: str) -> None:
    assert found(text) == (Mark.AUTOMATIC,)


def test_addressed_is_the_callers_finding() -> None:
    post = RawPost(id="1", channel=Channel.X, author="jan", created_at=datetime(2026, 10, 14, tzinfo=UTC))
    assert marks(post, addressed=True) == (Mark.ADDRESSED,)
