"""What a handle looks like in a text, and the one form in which handles are compared. Pure."""

import re

_SIGN = "[@\uff20]"  # plain and full-width
_NAME = r"\w(?:[\w.-]{0,253}\w)?"
_BODY = rf"{_SIGN}[\u200b-\u200f\u2060\ufeff]{{0,4}}{_NAME}(?:@{_NAME})?"

ANYWHERE = re.compile(_BODY)  # also glued to a word, where the privacy gate wants it
HANDLE = re.compile(rf"(?<!\w){_BODY}")  # @name, @name.domain, @name@server; no part of an e-mail address
_REDDIT = re.compile(r"^/?u/")
_AROUND = "@\uff20\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"


def normalise(handle: str) -> str:
    """Return the form that all ways to write one handle have in common."""
    return _REDDIT.sub("", handle.strip().lstrip(_AROUND)).casefold()
