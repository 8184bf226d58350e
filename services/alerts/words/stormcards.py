"""What explains a storm in words, at most five facts. Pure."""

from zoneinfo import ZoneInfo

from services.alerts.stormcard import Card
from services.alerts.words import Words
from services.config.schema import Payload

MOST_SOURCES = 3


def facts(words: Words, card: Card, zone: ZoneInfo, payload: Payload) -> list[tuple[str, str]]:
    """Return what the payload allows; a term can be somebody's name, so it goes where excerpts may go."""
    told = {
        "trigger": _trigger(words, card, zone) if payload is not Payload.LINK else "",
        "terms": _terms(words, card) if payload is Payload.EXCERPT else "",
        "forecast": _forecast(words, card),
        "earlier": _earlier(words, card, zone),
        "unseen": _unseen(words, card),
    }
    return [(words.text(f"fact.card.{what}"), text) for what, text in told.items() if text]


def _trigger(words: Words, card: Card, zone: ZoneInfo) -> str:
    if (trigger := card.trigger) is None:
        return ""
    return words.text(
        "card.trigger",
        when=words.moment(trigger.at, zone),
        under=words.number(trigger.under),
        of=words.number(trigger.of),
    )


def _terms(words: Words, card: Card) -> str:
    return ", ".join(
        words.text(
            "counted", what=words.text("quotation", text=term.term), n=words.count("people", term.authors)
        )
        for term in card.terms
    )


def _forecast(words: Words, card: Card) -> str:
    if card.forecast is None or card.growth is None:
        return ""
    return words.text(
        "card.forecast",
        posts=words.count("posts", card.forecast.expected),
        low=words.number(card.forecast.low),
        high=words.number(card.forecast.high),
        past=words.past(card.growth.span),
        last=words.number(card.growth.last),
    )


def _earlier(words: Words, card: Card, zone: ZoneInfo) -> str:
    if card.comparison is None:
        return ""
    storm = card.comparison.earlier[0]
    return words.text(
        "card.earlier.then" if storm.authors_then else "card.earlier",
        when=words.moment(storm.onset, zone),
        people=words.count("people", storm.authors),
        span=words.span(storm.hours),
        then=words.number(storm.authors_then),
    )


def _unseen(words: Words, card: Card) -> str:
    parts = []
    if card.unseen.deleted:
        parts.append(words.count("card.deleted", card.unseen.deleted))
    if sources := card.unseen.sources:
        more = len(sources) - MOST_SOURCES
        named = [*sources[:MOST_SOURCES], *([words.count("card.more", more)] if more > 0 else [])]
        parts.append(words.text("card.silent", sources=words.listed(named)))
    return "; ".join(parts)
