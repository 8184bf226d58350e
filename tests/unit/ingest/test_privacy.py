"""What the privacy gate masks, and what it leaves alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.privacy import TOKENS, Masked, redact

KEEP = frozenset(
    {
        "@VitalisZorg",
        "@olvg.bsky.social",
        "@zorg@vitalis.social",
        "Vitalis",
        "Zorg@Home",
        "Zorg24.nl",
        "Praktijk 020",
    }
)

H, E, P, B, IB, N, L = (
    Masked.HANDLE,
    Masked.EMAIL,
    Masked.PHONE,
    Masked.BSN,
    Masked.IBAN,
    Masked.NUMBER,
    Masked.LINK,
)

SNIPPETS: list[tuple[str, str, Masked]] = [
    ("Hoi @jandevries hoe is het", "jandevries", H),
    ("@jan_de_vries: nee", "jan_de_vries", H),
    ("(@jan)", "jan", H),
    (".@jan moet dit lezen", "jan", H),
    ("@jan/@piet", "piet", H),
    ("@@jan", "jan", H),
    ("hoi@jan", "jan", H),
    ("\uff20jan", "jan", H),
    ("@\u200bjan", "jan", H),
    ("@jan.bsky.social zegt", "jan.bsky.social", H),
    ("volgens jan.bsky.social", "jan.bsky", H),
    ("@jan@mastodon.nl zegt", "jan", H),
    ("u/jan_01 op reddit", "jan_01", H),
    ("RT @jan: slecht", "jan", H),
    ("mail jan@voorbeeld.nl", "voorbeeld.nl", E),
    ("mail naar Jan.de-Vries+zorg@mail.voorbeeld.be.", "Vries", E),
    ("mailto:jan@voorbeeld.nl", "jan", E),
    ("jan(at)voorbeeld.nl", "jan", E),
    ("jan [at] voorbeeld.nl", "jan", E),
    ("bel 06 12345678", "12345678", P),
    ("bel 06-12345678 nu", "12345678", P),
    ("bel 06-12 34 56 78", "34 56", P),
    ("bel 0612345678.", "0612345678", P),
    ("bel 06.12.34.56.78", "34.56", P),
    ("bel +31612345678", "612345678", P),
    ("bel +31 6 1234 5678", "1234", P),
    ("bel +31(0)6 12345678", "12345678", P),
    ("bel 0031 6 12345678", "12345678", P),
    ("bel 020-1234567", "1234567", P),
    ("bel (020) 123 45 67", "123 45", P),
    ("bel 0475 123456 (Roermond)", "123456", P),
    ("bel 088-7551234", "7551234", P),
    ("bel 0470 12 34 56", "12 34", P),
    ("bel 0470/12.34.56", "12.34", P),
    ("bel +32 470 12 34 56", "470", P),
    ("bel +32 (0)470 12 34 56", "470", P),
    ("bel 02 555 12 12", "555 12", P),
    ("bel 03/821.30.00", "821.30", P),
    ("bel 0032 2 555 12 12", "555", P),
    ("bel +49 30 901820", "901820", P),
    ("op 14-10-2026 belde 06 12345678", "12345678", P),
    ("kamer 0 06 12345678", "12345678", P),
    ("mijn bsn is 111222333", "111222333", N),
    ("111222333 is van mij", "111222333", B),
    ("111.222.333", "222", B),
    ("111 222 333", "222", B),
    ("1112 22 333", "333", B),
    ("nummer 123456782!", "123456782", B),
    ("rijksregister: 85.07.30-033.28", "033", B),
    ("dat is 85.07.30-033.28", "033", B),
    ("dat is 85073003328", "85073003328", B),
    ("dat is 85 07 30 033 28", "033", B),
    ("IBAN NL91ABNA0417164300", "ABNA", IB),
    ("stort op nl91 abna 0417 1643 00 graag", "0417", IB),
    ("stort op BE71 0961 2345 6769", "0961", IB),
    ("NL91ABNA0417164300 van mij", "0417164300", IB),
    ("patiëntnummer 1234567", "1234567", N),
    ("patientnummer: 12-34-567", "34-567", N),
    ("mijn dossiernummer is 99812", "99812", N),
    ("dossiernr. A123456", "123456", N),
    ("cliëntnummer 4455667", "4455667", N),
    ("polisnummer 123.456.789", "456", N),
    ("zaaknummer 2026-00123", "00123", N),
    ("klachtnummer #77812", "77812", N),
    ("zie https://voorbeeld.nl/afspraak?bsn=111222333&n=1", "voorbeeld.nl", L),
    ("zie http://voorbeeld.nl/a.", "voorbeeld", L),
    ("zie www.facebook.com/jan.devries", "jan.devries", L),
    ("zie facebook.com/jan.devries", "jan.devries", L),
]


@pytest.mark.parametrize(("text", "secret", "kind"), SNIPPETS, ids=[text for text, _, _ in SNIPPETS])
def test_it_masks(text: str, secret: str, kind: Masked) -> None:
    masked, counts = redact(text, KEEP)
    assert secret not in masked
    assert TOKENS[kind] in masked
    assert {kind: 1} == {k: n for k, n in counts.items() if k is kind} or counts[kind] > 1


@pytest.mark.parametrize(
    "text",
    [
        "Drie uur gewacht bij Vitalis, schandalig",
        "@VitalisZorg en @vitaliszorg, help",
        "@olvg.bsky.social en olvg.bsky.social",
        "@zorg@vitalis.social help",
        "Zorg@Home is goed",
        "Zorg24.nl en Praktijk 020 zijn goed",
        "kijk op vitalis.nl voor meer",
        "op 01-02-2024 om 10:30 was ik er",
        "op 01-02-2024 10:30 was ik er",
        "van 2024-10-14 tot 2024-11-01",
        "bel 112, 113 of 0800-0113",
        "1813 in België",
        "een rekening van 1.234,50 euro",
        "kamer 1204, 3e etage, 5 van de 10 keer",
        "123456789 is geen burgerservicenummer",
        "in 2023 waren er 1500 klachten, in 2024 wel 2000",
        "mijn afspraak op 14-10-2026 ging niet door",
        "mijn afspraak 14-10-2026 ging niet door",
        "mijn opname in 2024",
        "klachten 2023",
        "100% ontevreden / 0 sterren",
        "",
    ],
)
def test_it_leaves_alone(text: str) -> None:
    assert (text, {}) == redact(text, KEEP)


def test_without_own_handles_every_handle_is_masked() -> None:
    assert redact("@VitalisZorg help") == ("[gebruiker] help", {Masked.HANDLE: 1})


def test_the_rest_of_the_text_stays_as_it_is() -> None:
    text = "Hé @jan, bel 06-12345678 of mail jan@x.nl (https://x.nl/?a=1)."
    assert redact(text)[0] == "Hé [gebruiker], bel [telefoon] of mail [e-mail] ([link])."


def test_counts_are_by_kind() -> None:
    assert redact("@a @b c@d.nl")[1] == {Masked.HANDLE: 2, Masked.EMAIL: 1}


@pytest.mark.parametrize(
    "piece", ["0", "06 ", "01 01 01 ", "@", "@a ", "a@", "1.", "NL91 ", "http://", "www.", "a.b/", "\u0660"]
)
def test_a_hostile_text_costs_bounded_time(piece: str) -> None:
    start = time.perf_counter()
    redact(piece * (250_000 // len(piece)), KEEP)
    assert time.perf_counter() - start < 5


@given(st.text(alphabet=st.sampled_from("@a.0123456789 -+/()NLBE:ë\u0661\uff20\n"), max_size=60))
def test_any_text_is_masked_without_a_fault(text: str) -> None:
    masked, _ = redact(text, KEEP)
    assert isinstance(masked, str)


@given(st.text(max_size=40), st.text(max_size=40))
def test_an_institutions_name_is_never_masked(before: str, after: str) -> None:
    assert "Vitalis Zorg" in redact(f"{before} Vitalis Zorg {after}", frozenset({"Vitalis Zorg"}))[0]


@given(st.text(alphabet="abcdefghij _", max_size=20).map(str.strip).filter(bool))
def test_no_handle_gets_through(name: str) -> None:
    handle = name.replace(" ", "")
    assert f"@{handle}" not in redact(f"tekst @{handle} tekst")[0]
