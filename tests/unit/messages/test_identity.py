"""Pseudonyms are stable and keyed; links open with any key of the ring, and with no other."""

import pytest

from services.messages.identity import Keyring, KeyringError

OLD, NEW = b"o" * 32, b"n" * 32


def test_a_pseudonym_is_stable_and_depends_on_key_kind_channel_and_id() -> None:
    ring = Keyring([NEW])
    name = ring.pseudonym("author", "bluesky", "jan")

    assert name == Keyring([NEW, OLD]).pseudonym("author", "bluesky", "jan")
    others = [
        ring.pseudonym("post", "bluesky", "jan"),
        ring.pseudonym("author", "x", "jan"),
        ring.pseudonym("author", "bluesky", "piet"),
        Keyring([OLD]).pseudonym("author", "bluesky", "jan"),
    ]
    assert len({name, *others}) == 5
    assert "jan" not in name


def test_a_link_sealed_with_an_old_key_still_opens() -> None:
    sealed = Keyring([OLD]).seal("https://example.org/p/1")

    assert "example" not in sealed
    assert Keyring([NEW, OLD]).open(sealed) == "https://example.org/p/1"
    with pytest.raises(KeyringError, match="does not have"):
        Keyring([NEW]).open(sealed)


def test_no_link_stays_no_link() -> None:
    ring = Keyring([NEW])

    assert ring.open(ring.seal("")) == ""


@pytest.mark.parametrize("secrets", [[], [b"short"], [NEW, b"short"]])
def test_a_missing_or_short_secret_is_refused(secrets: list[bytes]) -> None:
    with pytest.raises(KeyringError):
        Keyring(secrets)
