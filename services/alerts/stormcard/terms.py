"""Terms that more people use than usual: log-odds with an informative Dirichlet prior.

Monroe, Colaresi and Quinn, "Fightin' Words", Political Analysis 16(4), 2008. What is counted are authors
who use a term or do not (the case of two categories), not occurrences: so neither long texts nor busy
authors weigh more. The prior are both sides together, so a term is lifted only as far as the data outweigh
it; without a past there is nothing to compare with, and no term.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from math import log, sqrt

from services.alerts.stormcard.card import Term, ids
from services.messages.fingerprint import originals
from services.messages.records import ScoredMention

MOST_TERMS = 5
LEAST_AUTHORS = 3  # with texts of their own, so that no private detail of one person becomes a term
LEAST_SCORE = 1.64  # standard errors above the usual: by chance 5 in 100 words
PRIOR = 10.0  # authors that the prior weighs as much as
LEAST_LETTERS = 3

_MASK = re.compile(r"\[[a-z-]+\]")  # what the privacy gate put in the place of a handle, a number, ...
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_STOP = frozenset(  # of three letters or more
    re.findall(
        r"\w+",
        """
    aan aangezien achter aldus alle alleen alles als altijd and ander andere anders are ben bent bij
    bijna binnen boven daar daarna daarom dan dat deze die dit doe doen doet door dus echt een eens
    eerst elk elke enige enkel even for gaan gaat geef geen geweest gewoon haar had hadden heb
    hebben hebt heeft heel hele hem hen het hier hij hoe hun ieder iedere iemand iets jaar jij jou
    jouw jullie kan kom komen komt kon konden krijg krijgen krijgt kun kunnen laat laten maak maar
    mag maken meer meest men met mij mijn misschien moest moet moeten mogen naar nee net niemand
    niet niets nog not nou omdat onder ons onze ook over pas per sinds sommige staan staat steeds
    tegen ten ter terwijl that the this toch toen tot tussen uit van vanaf vandaag vanuit veel via
    voor vooral waar waarom wanneer want waren was wat weer weet wel welke werd werden wie wil
    willen with word worden wordt you zal zeg zeggen zegt zei zelf zelfs zich zij zijn zit zoals
    zonder zou zouden zullen
    """,
    )
)


def has_words(text: str) -> bool:
    """Tell whether a text says anything but what the privacy gate masked."""
    return any(letter.isalpha() for letter in _MASK.sub("", text))


def terms_of(text: str) -> set[str]:
    """Return the words and pairs of words of a text that could be a term."""
    plain = _MASK.sub("|", unicodedata.normalize("NFKC", text).lower())
    found: set[str] = set()
    before: re.Match[str] | None = None
    for word in _WORD.finditer(plain):
        if len(word[0]) < LEAST_LETTERS or word[0] in _STOP:
            before = None
            continue
        found.add(word[0])
        if before and plain[before.end() : word.start()].isspace():
            found.add(f"{before[0]} {word[0]}")
        before = word
    return found


def lifted(storm: Sequence[ScoredMention], usual: Sequence[ScoredMention]) -> tuple[Term, ...]:
    """Return the terms that stand out most, no two with a word in common."""
    (now, n), (past, m) = _users(storm), _users(usual)
    if not m:
        return ()
    scored = []
    for term, users in now.items():
        if len(users) >= LEAST_AUTHORS:
            score = _score(len(users), n, len(past.get(term, ())), m)
            if score >= LEAST_SCORE:
                scored.append((-score, term))
    chosen: list[Term] = []
    for score, term in sorted(scored):
        if len(chosen) < MOST_TERMS and not any(set(term.split()) & set(one.term.split()) for one in chosen):
            users = now[term]
            usually = len(past.get(term, ()))
            chosen.append(
                Term(
                    term=term,
                    authors=len(users),
                    usual=usually,
                    score=round(-score, 2),
                    posts=ids(users.values()),
                )
            )
    return tuple(chosen)


def _users(posts: Sequence[ScoredMention]) -> tuple[dict[str, dict[str, ScoredMention]], int]:
    """Return by term who used it and in which post first, and how many authors there are.

    A text that is copied is its first author's.
    """
    first = originals([one.mention.fingerprint for one in posts])
    own_words = [one for place, one in enumerate(posts) if first[place] == place]
    users: defaultdict[str, dict[str, ScoredMention]] = defaultdict(dict)
    for one in own_words:
        for term in terms_of(one.mention.text):
            users[term].setdefault(one.mention.author, one)
    return users, len({one.mention.author for one in own_words})


def _score(y: int, n: int, usual: int, m: int) -> float:
    """Return the difference in log-odds, in standard errors."""
    prior = PRIOR * (y + usual + 0.5) / (n + m + 1)  # never all of it, so that no odds are infinite
    use, leave = y + prior, n - y + PRIOR - prior
    used, left = usual + prior, m - usual + PRIOR - prior
    return (log(use / leave) - log(used / left)) / sqrt(1 / use + 1 / leave + 1 / used + 1 / left)
