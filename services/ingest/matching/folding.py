"""The form of a text in which names are compared: no case, no accents, no hyphens, single spaces."""

import re
import unicodedata

_GAP = re.compile(r"[\s\-\u2010-\u2015\u2212/]+")
_APOSTROPHE = re.compile("[\u2018\u2019\u00b4`\u02bc]")


def fold(text: str) -> str:
    """Return the folded text; folding twice changes nothing."""
    if not text.isascii():
        text = _APOSTROPHE.sub("'", text)
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        # Mn: accents; Cf: soft hyphens and zero-width characters, with which words are hidden
        text = "".join(char for char in text if unicodedata.category(char) not in ("Mn", "Cf"))
    return _GAP.sub(" ", text.casefold()).strip()
