"""Strangers' text made fit to show: no control characters, no endless lines, only links to the web. Pure."""

import unicodedata
from urllib.parse import quote, urlsplit

_JOINER = "\u200d"  # holds emoji together; every other format character can turn or hide text
_ELLIPSIS = "…"


def clean(text: str) -> str:
    """Return the text on one line, without control, escape and direction characters."""
    visible = (
        char for char in text if char.isspace() or char == _JOINER or unicodedata.category(char)[0] != "C"
    )
    return " ".join("".join(visible).split())


def shorten(text: str, most: int) -> str:
    """Return at most `most` characters, cut after a word where there is one."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    at_word = kept.rpartition(" ")[0]
    return (at_word if len(at_word) > most // 2 else kept).rstrip() + _ELLIPSIS


def web_link(link: str) -> str:
    """Return the link when it leads to the web, written so that no receiver can misread it; else nothing."""
    try:
        parts = urlsplit(link)
        safe = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return ""
    if not safe or clean(link) != link or " " in link:
        return ""
    return quote(link, safe="%/:=&?~#+!$,;@()*[]")
