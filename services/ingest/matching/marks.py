"""The marks of a post: what decides later whether it counts as a reaction."""

import re

from services.ingest.matching.folding import fold
from services.ingest.sources.post import RawPost
from services.messages.vocabulary import Channel, Mark

_RESHARE = re.compile(r"\s*RT @\w", re.ASCII)
_VACANCY = re.compile(
    r"vacature(?!stop)|\bw(?:ij|e) zoeken (?:een|nog|per direct|jou)\b|werkenbij|\bwerken bij\b.{0,40}[?!]"
    r"|\bsolliciteer\b|\bcollega('s)? gezocht\b|\bword jij onze\b|#(?:vacature|jobs?|hiring)\b"
)
_AUTOMATIC = re.compile(
    r"\b(?:dit is een )?(?:automatisch|geautomatiseerd)e? (?:bericht|antwoord|reactie|gegenereerd|verzonden)"
    r"|\bautomatic reply\b|\bautomated message\b|\bdit account is een bot\b"
)


def marks(post: RawPost, *, addressed: bool) -> tuple[Mark, ...]:
    """Return the marks of a post; whether it is addressed to the institution is known by the caller."""
    folded = fold(post.text)
    found = {
        Mark.RESHARE: bool(post.reshare_of or _RESHARE.match(post.text)),
        Mark.VACANCY: bool(_VACANCY.search(folded)),
        Mark.NEWSWIRE: post.channel is Channel.NEWS,
        Mark.ADDRESSED: addressed,
        Mark.AUTOMATIC: bool(_AUTOMATIC.search(folded)),
    }
    return tuple(mark for mark, holds in found.items() if holds)
