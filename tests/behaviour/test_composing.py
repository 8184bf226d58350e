"""A storm notice is made of what the database holds."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.alerts.composing import Composer
from services.alerts.notices import Notice
from services.alerts.routing.planned import Item, State
from services.alerts.store import Store, migrate
from services.alerts.store.intake import incident_row, mention_row
from services.alerts.store.log import Notification
from services.config.schema import Config, NoticeKind, Payload
from services.messages.identity import Keyring
from services.messages.records import Incident
from services.messages.vocabulary import Kind, StormState
from tests.support.records import NOW, mention, scored

ONSET = NOW - timedelta(hours=1)
MINUTE = timedelta(minutes=1)
CONFIG = {
    "version": 1,
    "sources": [
        {"type": "webhook", "id": "zorgkaart", "secret_env": "WEBHOOK", "institution": "vennehart"},
        {"type": "webhook", "id": "test", "secret_env": "WEBHOOK", "institution": "vennehart"},
        {"type": "webhook", "id": "elders", "secret_env": "WEBHOOK"},
        {"type": "file", "id": "archief", "path": "a.ndjson", "institution": "vennehart"},
    ],
    "institutions": [{"id": "vennehart", "name": "Vennehart", "sector": "ziekenhuis"}],
}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    migrate(url)
    opened = Store(url)
    yield opened
    await opened.close()


def step(name: str, seq: int, state: StormState, days: int = 0) -> Incident:
    onset = ONSET - timedelta(days=days)
    at = onset + timedelta(hours=1 + 2 * seq)
    return Incident(
        id=f"vennehart/{name}", seq=seq, institution="vennehart", state=state, at=at, event_time=at,
        onset=onset, n=12, authors=9 + seq, evidence=("p00001",),
    )  # fmt: skip


def about(*steps: Incident) -> Notification:
    return Notification(
        key="k", kind=NoticeKind.STORM, institution="vennehart", group_key="g", recipient="person:ans",
        receiver=None, hop=0, thread="t", business=False, planned_at=NOW, next_at=NOW,
        expires_at=NOW + 30 * MINUTE, first_sent_at=None, sent_at=None, state=State.PLANNED, attempts=0,
        possibly_duplicate=False, fault=None, provider_id=None,
        items=tuple(Item(incident=one.id, seq=one.seq) for one in steps),
    )  # fmt: skip


async def made(store: Store, incident: Incident) -> Notice:
    composer = Composer(store, Config.model_validate(CONFIG), Keyring([b"k" * 32]))
    notice = await composer.compose(about(incident), NOW, language="nl", payload=Payload.SUMMARY)
    assert notice is not None
    return notice


async def test_a_storm_notice_explains_from_what_is_stored(store: Store) -> None:
    own = mention(90, ONSET - 10 * MINUTE, kind=Kind.OWN_POST)
    below = [replace(mention(n, ONSET + n * 5 * MINUTE), in_reply_to="p00090") for n in range(1, 9)]
    gone = mention(20, ONSET + MINUTE)
    now = step("p00001", 0, StormState.STORM)
    before = (step("e", 0, StormState.STORM, 40), step("e", 1, StormState.CLOSED, 40))
    await store.apply(
        [mention_row(scored(one)) for one in (own, *below, gone)],
        [incident_row(one) for one in (now, *before)],
        [("vennehart", gone.post, NOW)],
    )

    facts = dict((await made(store, now)).facts)

    assert facts["Onder eigen bericht"] == (
        "8 van de eerste 8 negatieve berichten, bij het bericht van wo 7 oktober, 15.50 uur"
    )
    assert facts["Komend uur"].endswith("; in de afgelopen 30 minuten waren het er 2")
    assert facts["De vorige storm"] == (
        "vr 28 augustus, 16.00 uur: 10 mensen in 3 uur; na evenveel tijd als nu waren dat er minstens 9"
    )
    assert facts["Wat we niet zien"] == (
        "1 bericht dat intussen is verwijderd; van zorgkaart krijgen we niets binnen"
    )


async def test_what_is_only_watched_is_not_explained(store: Store) -> None:
    watched = step("p00001", 0, StormState.WATCH)
    await store.apply([mention_row(scored(mention(1, ONSET)))], [incident_row(watched)])

    assert "Wat we niet zien" not in dict((await made(store, watched)).facts)


def house(*, agreed: bool) -> dict[str, object]:
    parts = [
        {"id": "noord", "name": "Locatie Noord"},
        {"id": "oost", "name": "Locatie Oost", "processor_agreement": agreed},
    ]
    whole = {"id": "vennehart", "name": "Vennehart", "sector": "ziekenhuis", "processor_agreement": True}
    return {"version": 1, "institutions": [{**whole, "parts": parts}]}


async def over_parts(store: Store, payload: Payload, *, agreed: bool = True, **locations: int) -> Notice:
    posts = [(mention(n, ONSET + n * MINUTE), "noord" if n % 2 else "oost") for n in range(1, 9)]
    now = replace(
        step("p00001", 0, StormState.STORM), locations=locations, evidence=("p00001", "p00002", "p00003")
    )
    await store.apply(
        [mention_row(scored(one, institution=part)) for one, part in posts], [incident_row(now)]
    )
    composer = Composer(store, Config.model_validate(house(agreed=agreed)), Keyring([b"k" * 32]))
    notice = await composer.compose(about(now), NOW, language="nl", payload=payload)
    assert notice is not None
    return notice


async def test_a_storm_over_parts_is_told_as_one_of_the_whole_with_its_parts(store: Store) -> None:
    notice = await over_parts(store, Payload.EXCERPT, vennehart=8, noord=4, oost=5)

    assert (notice.institution, notice.name) == ("vennehart", "Vennehart")
    assert dict(notice.facts)["Locaties"] == "Locatie Oost (5), Locatie Noord (4)"
    assert len(notice.quotes) == 3
    assert "w1x0" in notice.quotes[0].text
    assert dict(notice.facts)["Komend uur"].endswith("in de afgelopen 30 minuten waren het er 0")


async def test_a_storm_at_one_part_is_told_under_its_name(store: Store) -> None:
    notice = await over_parts(store, Payload.SUMMARY, noord=4)

    assert (notice.institution, notice.name) == ("noord", "Locatie Noord")
    assert "Locaties" not in dict(notice.facts)
    assert len(notice.quotes) == 2  # what is about the other part is no evidence of it


async def test_nothing_is_quoted_where_one_of_the_parts_has_no_agreement(store: Store) -> None:
    notice = await over_parts(store, Payload.EXCERPT, agreed=False, vennehart=8, noord=4, oost=5)

    assert "w1x0" not in notice.quotes[0].text
