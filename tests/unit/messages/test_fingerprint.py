"""Copies of one text are recognised, different texts are not."""

import pytest

from services.messages.fingerprint import fingerprint, near_duplicate, originals, similarity

TEXT = "Schande dat Vennehart ouders laat betalen voor een bed naast hun zieke kind. Deel dit bericht!"


@pytest.mark.parametrize("copy", [TEXT, TEXT.upper(), f"RT {TEXT}", TEXT.replace("!", " !!"), f"{TEXT} 😡"])
def test_a_copy_is_a_near_duplicate(copy: str) -> None:
    assert near_duplicate(fingerprint(TEXT), fingerprint(copy))


@pytest.mark.parametrize(
    "other",
    [
        "Drie uur gewacht op de spoed en toen naar huis gestuurd.",
        "Schande dat Vennehart zo omgaat met personeel op de spoed, al drie avonden te weinig mensen.",
        "",
    ],
)
def test_another_text_is_not(other: str) -> None:
    assert not near_duplicate(fingerprint(TEXT), fingerprint(other))


def test_the_signature_is_part_of_the_wire_format() -> None:
    assert len(fingerprint(TEXT)) == 64
    assert fingerprint(TEXT).hex().startswith("3da3c218fce3097d")


def test_texts_without_words_are_like_nothing() -> None:
    assert fingerprint("  ") == b""
    assert similarity(b"", b"") == 0.0


def test_a_copy_leads_to_the_first_of_its_text_and_every_other_to_itself() -> None:
    texts = [TEXT, "", "Drie uur gewacht op de spoed en toen naar huis.", f"RT {TEXT}", "", TEXT.upper()]

    assert originals([fingerprint(text) for text in texts]) == [0, 1, 2, 0, 4, 0]
