"""From a raw post to a mention: placing, kinds, time, privacy."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.config.institutions import Account, Institution
from services.ingest.matching.matcher import Matcher
from services.ingest.memory import ThreadMemory
from services.ingest.processing import Origin, Processor, Result
from services.ingest.sources import PostFault
from services.messages import codec
from services.messages.identity import Keyring
from services.messages.records import Mention
from services.messages.vocabulary import Channel, Kind, Mark, Region, Sector, Size

NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
KEYS = Keyring([b"k" * 32])
LIVE = Origin("hook")


def institution(name: str, **rest: Any) -> Institution:
    base = {"sector": Sector.HOSPITAL, "size": Size.MEDIUM, "region": Region.NL, "hours": {}}
    return Institution(id=name.lower(), name=name, **{**base, **rest})


VITALIS = institution("Vitalis", accounts=(Account(channel=Channel.X, handle="VitalisZorg"),))
PEPPEL = institution("Peppelrode", ancestors=("vitalis",))
OLVG = institution("OLVG", accounts=(Account(channel=Channel.X, handle="olvg"),))


class Bench:
    """A processor with its memory, and posts by default values."""

    def __init__(self, capacity: int = 1000) -> None:
        self.memory = ThreadMemory(capacity)
        self.processor = Processor(Matcher([VITALIS, PEPPEL, OLVG]), KEYS, self.memory)

    def run(self, origin: Origin = LIVE, now: datetime = NOW, **fields: Any) -> Result:
        post = {
            "id": "1",
            "channel": "x",
            "author": "@Jan",
            "text": "Vitalis is slecht",
            "created_at": "2026-10-14T11:59:00Z",
            **fields,
        }
        return self.processor.process(json.dumps(post).encode(), origin, now)

    def mention(self, origin: Origin = LIVE, now: datetime = NOW, **fields: Any) -> Mention:
        found = self.run(origin, now, **fields).mention
        assert found is not None
        return found


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_it_makes_a_mention(bench: Bench) -> None:
    mention = bench.mention(link="https://x.com/jan/1", reach=5, text="@piet Vitalis is slecht")
    assert mention.institutions == ("vitalis",)
    assert Kind.MENTION is mention.kind
    assert KEYS.pseudonym("post", "x", "1") == mention.post
    assert KEYS.pseudonym("author", "x", "jan") == mention.author
    assert mention.text == "[gebruiker] Vitalis is slecht"
    assert KEYS.open(mention.link) == "https://x.com/jan/1"
    assert (NOW, NOW - timedelta(minutes=1)) == (mention.received_at, mention.event_time)
    assert not mention.backfill
    assert mention.fingerprint


def test_nothing_raw_leaves(bench: Bench) -> None:
    mention = bench.mention(
        id="native-77",
        author="jantjebeton",
        text="Vitalis! @pietpuk 06-12345678",
        in_reply_to="native-76",
        thread="native-75",
        link="https://x.com/jantjebeton/77",
    )
    raw = codec.encode(mention)
    for secret in (b"native-7", b"jantjebeton", b"pietpuk", b"12345678"):
        assert secret not in raw


def test_a_text_about_nobody_is_unmatched(bench: Bench) -> None:
    result = bench.run(text="Mooi weer")
    assert (result.mention, result.fault) == (None, None)
    assert len(bench.memory) == 0


def test_a_broken_post_is_a_fault(bench: Bench) -> None:
    fault = bench.processor.process(b"{", LIVE, NOW).fault
    assert fault is not None
    assert PostFault.NOT_JSON is fault.code


def test_a_reply_in_a_tracked_thread_needs_no_name(bench: Bench) -> None:
    bench.mention(id="root")
    assert bench.mention(id="2", text="Bij mij ook", in_reply_to="root").institutions == ("vitalis",)
    assert bench.mention(id="3", text="Idem", in_reply_to="2", thread="root").institutions == ("vitalis",)
    assert bench.mention(id="4", text="", reshare_of="root").institutions == ("vitalis",)
    assert bench.run(id="5", text="Idem", in_reply_to="elsewhere").mention is None


def test_threads_are_kept_apart_by_channel(bench: Bench) -> None:
    bench.mention(id="root")
    assert bench.run(id="2", text="Ja", in_reply_to="root", channel="facebook").mention is None


def test_the_memory_forgets_the_oldest() -> None:
    bench = Bench(capacity=2)
    for number in ("1", "2", "3"):
        bench.mention(id=number)
    assert bench.run(id="4", text="Ja", in_reply_to="1").mention is None
    assert bench.run(id="5", text="Ja", in_reply_to="3").mention is not None


def test_own_accounts_post_and_reply(bench: Bench) -> None:
    bench.mention(id="1")
    assert Kind.OWN_POST is bench.mention(id="2", author="vitaliszorg", text="Open dag").kind
    reply = bench.mention(id="3", author="vitaliszorg", text="Vervelend", in_reply_to="1")
    assert (reply.kind, reply.institutions) == (Kind.OWN_REPLY, ("vitalis",))


def test_an_own_account_answers_for_a_part(bench: Bench) -> None:
    bench.mention(id="1", text="Peppelrode is slecht")
    reply = bench.mention(id="2", author="vitaliszorg", text="Vervelend", in_reply_to="1")
    assert (reply.kind, reply.institutions) == (Kind.OWN_REPLY, ("peppelrode",))


def test_an_own_account_is_a_guest_in_a_thread_about_another(bench: Bench) -> None:
    bench.mention(id="1", text="OLVG is slecht")
    reply = bench.mention(id="2", author="vitaliszorg", text="Sterkte", in_reply_to="1")
    assert reply.institutions == ("vitalis",)


def test_a_handle_or_a_reply_to_an_own_post_addresses(bench: Bench) -> None:
    assert bench.mention(text="@vitaliszorg help").marks == (Mark.ADDRESSED,)
    bench.mention(id="2", author="vitaliszorg", text="Open dag")
    assert bench.mention(id="3", text="Nou leuk", in_reply_to="2").marks == (Mark.ADDRESSED,)
    assert bench.mention(id="4", text="Ja", in_reply_to="3").marks == ()


def test_a_deletion_follows_the_post_it_deletes(bench: Bench) -> None:
    bench.mention(id="1", revision=3)
    for _ in range(2):  # a repeat changes nothing
        gone = bench.mention(id="1", kind="deletion", author="", text="")
        assert (
            gone.kind,
            gone.revision,
            gone.institutions,
            gone.text,
        ) == (Kind.DELETION, 4, ("vitalis",), "")
    assert bench.run(id="9", kind="deletion", author="", text="").mention is None


def test_an_edit_that_drops_the_name_still_counts_as_an_edit(bench: Bench) -> None:
    bench.mention(id="1")
    assert bench.mention(id="1", revision=1, text="Laat maar").institutions == ("vitalis",)


def test_stars_are_out_of_five(bench: Bench) -> None:
    assert bench.mention(kind="review", stars=7, stars_of=10).stars == 3.5
    assert bench.mention(kind="review", stars=0).stars == 0


def test_a_bound_source_needs_no_name(bench: Bench) -> None:
    assert bench.mention(Origin("reviews", "olvg"), text="Slecht").institutions == ("olvg",)


def test_a_time_in_the_future_is_clamped(bench: Bench) -> None:
    mention = bench.mention(created_at="2026-10-14T13:00:00Z")
    assert mention.event_time == NOW
    assert NOW + timedelta(hours=1) == mention.created_at


def test_a_post_of_today_or_yesterday_without_a_time_happened_when_received(bench: Bench) -> None:
    for day in ("2026-10-14", "2026-10-13"):
        mention = bench.mention(created_at=day)
        assert (mention.event_time, mention.backfill) == (NOW, False)


def test_an_old_post_without_a_time_keeps_its_day(bench: Bench) -> None:
    mention = bench.mention(created_at="2026-03-01")
    assert mention.backfill
    assert datetime(2026, 3, 1, 22, 59, 59, tzinfo=UTC) == mention.event_time


def test_what_is_seen_a_day_late_is_backfill(bench: Bench) -> None:
    assert not bench.mention(created_at="2026-10-13T12:00:00Z").backfill
    assert bench.mention(created_at="2026-10-13T11:59:59Z").backfill


def test_in_a_replay_recorded_time_is_the_clock(bench: Bench) -> None:
    replay = Origin("file", replay=True)
    mention = bench.mention(replay, created_at="2031-01-01T10:00:00+01:00")
    at = datetime(2031, 1, 1, 9, tzinfo=UTC)
    assert (at, at, at, False) == (
        mention.created_at,
        mention.received_at,
        mention.event_time,
        mention.backfill,
    )
    later = bench.mention(
        replay, created_at="2031-01-01T10:00:00+01:00", received_at="2031-01-03T10:00:00+01:00"
    )
    assert (at + timedelta(days=2), True) == (later.received_at, later.backfill)


def test_live_sources_cannot_set_the_time_of_receipt(bench: Bench) -> None:
    assert bench.mention(received_at="2026-10-01T00:00:00Z").received_at == NOW


def test_a_text_that_masking_makes_too_large_is_a_fault(bench: Bench) -> None:
    fault = bench.run(text="Vitalis " + "@a " * 80_000).fault
    assert fault is not None
    assert PostFault.TOO_LARGE is fault.code


def test_the_same_input_gives_the_same_mention_but_for_the_sealed_link() -> None:
    assert Bench().mention() == Bench().mention()


@given(st.dictionaries(st.sampled_from(["text", "author", "id", "in_reply_to", "thread", "link"]), st.text()))
def test_any_text_gets_a_result(fields: dict[str, Any]) -> None:
    result = Bench().run(**fields)
    assert result.mention is None or len(codec.encode(result.mention)) < codec.MAX_BYTES


def test_a_part_is_passed_on_with_its_organisation(bench: Bench) -> None:
    both = bench.mention(text="Peppelrode en het OLVG zijn slecht")

    assert both.institutions == ("peppelrode", "olvg")
    assert both.organisations == {"peppelrode": "vitalis"}
    assert bench.mention(id="2").organisations == {}
