"""A notice as plain text, for the terminal and for mail programs without HTML."""

import textwrap
from collections.abc import Iterator

from services.alerts.notices import Notice, Quote
from services.alerts.receivers.delivery import Delivery
from services.alerts.words import Words
from services.alerts.words.cleaning import clean, web_link

WIDTH = 78


def titled(notice: Notice, delivery: Delivery) -> str:
    """Return the title on one line, marked when the message may have arrived before."""
    title = clean(notice.title)
    return Words(delivery.language).text("duplicate", title=title) if delivery.possibly_duplicate else title


def plain_text(notice: Notice, delivery: Delivery) -> str:
    """Return the whole notice; text of strangers cannot steer the terminal that shows it."""
    words = Words(delivery.language)
    blocks = [
        _wrapped(titled(notice, delivery)),
        _wrapped(notice.lead),
        _listed(words.text("heading.facts"), (f"{label}: {value}" for label, value in notice.facts)),
        "\n\n".join([words.text("heading.quotes"), *map(_quoted, notice.quotes)]) if notice.quotes else "",
        _listed(words.text("heading.advice"), notice.advice),
        _wrapped(notice.hint),
        "\n".join(filter(None, (_wrapped(notice.figures), _wrapped(notice.footer)))),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _wrapped(text: str, first: str = "", later: str = "") -> str:
    return textwrap.fill(
        clean(text), WIDTH, initial_indent=first, subsequent_indent=later, break_long_words=False
    )


def _listed(heading: str, items: Iterator[str] | tuple[str, ...]) -> str:
    lines = [_wrapped(item, "  - ", "    ") for item in items]
    return "\n".join([heading, *lines]) if lines else ""


def _quoted(quote: Quote) -> str:
    lines = [_wrapped(f"{quote.channel}, {quote.when}", "  ", "  "), _wrapped(quote.text, "  ", "  ")]
    lines.append(f"  {link}" if (link := web_link(quote.link)) else "")
    return "\n".join(filter(None, lines))
