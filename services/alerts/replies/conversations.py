"""The ledger's facts, the conversations they make, what asks for an answer and what counts as one. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.messages.calendar import Calendar
from services.messages.fingerprint import originals
from services.messages.records import ScoredMention
from services.messages.vocabulary import Channel, Kind, Mark, Sentiment

LOW_STARS = 3.0  # of five
POINTER_WORDS = 40  # a longer reply says something itself, even if it asks for a private message too

OWN = (Kind.OWN_POST, Kind.OWN_REPLY)
PUBLIC = (Kind.MENTION, Kind.REVIEW, Kind.COMMENT)
# Elsewhere nobody can answer in public, or an answer there cannot be recognised.
ANSWERABLE = frozenset(Channel) - {Channel.NEWS, Channel.BLOG, Channel.FORUM, Channel.OTHER}

_PRIVATE = re.compile(r"\b(dm|pb|priv[ée][- ]?bericht\w*|direct message|private message)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Fact:
    """What the ledger keeps of a post, own ones included: no text, no name.

    `moved` is an own reply that only asks to go on in private; `deleted` is when its author took it away.
    """

    conversation: str
    institution: str
    post: str
    channel: Channel
    kind: Kind
    event_time: datetime
    author: str
    in_reply_to: str | None = None
    thread: str | None = None
    label: Sentiment = Sentiment.NEUTRAL
    question: bool = False
    complaint: bool = False
    stars: float | None = None
    marks: tuple[Mark, ...] = ()
    fingerprint: bytes = b""
    moved: bool = False
    deleted: datetime | None = None


def fact_of(scored: ScoredMention, calendar: Calendar) -> Fact:
    """Return what the ledger keeps; a conversation is one author in one thread on one local day."""
    mention = scored.mention
    day = mention.event_time.astimezone(calendar.zone).date().isoformat()
    return Fact(
        conversation=f"{mention.author}/{mention.thread or mention.post}/{day}",
        institution=scored.institution,
        post=mention.post,
        channel=mention.channel,
        kind=mention.kind,
        event_time=mention.event_time,
        author=mention.author,
        in_reply_to=mention.in_reply_to,
        thread=mention.thread,
        label=scored.label,
        question=scored.question,
        complaint=scored.complaint,
        stars=mention.stars,
        marks=mention.marks,
        fingerprint=mention.fingerprint,
        moved=mention.own and points_to_private(mention.text),
    )


def points_to_private(text: str) -> bool:
    """Tell whether a reply does little more than ask for a private message."""
    return len(text.split()) <= POINTER_WORDS and _PRIVATE.search(text) is not None


class Why(StrEnum):
    """Why a post asks for an answer, or does not."""

    QUESTION = "question"
    COMPLAINT = "complaint"
    LOW_REVIEW = "low_review"
    ADDRESSED = "addressed"
    NOT_PUBLIC = "not_public"
    RESHARE = "reshare"
    COPY = "copy"
    VACANCY = "vacancy"
    NEWSWIRE = "newswire"
    NOT_MEASURABLE = "not_measurable"
    NO_NEED = "no_need"


_NEEDS = (Why.QUESTION, Why.COMPLAINT, Why.LOW_REVIEW, Why.ADDRESSED)
_EXCLUDING = {Mark.RESHARE: Why.RESHARE, Mark.VACANCY: Why.VACANCY, Mark.NEWSWIRE: Why.NEWSWIRE}


@dataclass(frozen=True)
class Actionable:
    """Whether a post asks for an answer, with the reason."""

    reason: Why

    def __bool__(self) -> bool:
        return self.reason in _NEEDS


def actionable(fact: Fact, *, copy: bool = False) -> Actionable:
    """Decide whether the institution is expected to answer; `copy`: its text was seen before."""
    if fact.kind not in PUBLIC:
        return Actionable(Why.NOT_PUBLIC)
    for mark, reason in _EXCLUDING.items():
        if mark in fact.marks:
            return Actionable(reason)
    if copy:
        return Actionable(Why.COPY)
    need = _need(fact)
    if need is not Why.NO_NEED and fact.channel not in ANSWERABLE:
        return Actionable(Why.NOT_MEASURABLE)
    return Actionable(need)


def _need(fact: Fact) -> Why:
    if fact.question:
        return Why.QUESTION
    if fact.complaint:
        return Why.COMPLAINT
    if fact.kind is Kind.REVIEW and fact.stars is not None and fact.stars <= LOW_STARS:
        return Why.LOW_REVIEW
    return Why.ADDRESSED if Mark.ADDRESSED in fact.marks else Why.NO_NEED


@dataclass(frozen=True)
class Conversation:
    """What one author said in one thread on one day; `opening` is the first post that asks for an answer."""

    author: str
    thread: str
    posts: tuple[Fact, ...]
    opening: Fact | None
    measurable: bool


def conversations(facts: Iterable[Fact]) -> list[Conversation]:
    """Return the public conversations in the order in which they began."""
    public = sorted((fact for fact in facts if fact.kind in PUBLIC), key=_order)
    copies = _copies(public)
    grouped: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in public:
        grouped[fact.conversation].append(fact)
    return [_conversation(posts, copies) for posts in grouped.values()]


def _conversation(posts: list[Fact], copies: frozenset[str]) -> Conversation:
    verdicts = [(fact, actionable(fact, copy=fact.post in copies)) for fact in posts]
    return Conversation(
        author=posts[0].author,
        thread=posts[0].thread or posts[0].post,
        posts=tuple(posts),
        opening=next((fact for fact, verdict in verdicts if verdict), None),
        measurable=not any(verdict.reason is Why.NOT_MEASURABLE for _, verdict in verdicts),
    )


def _order(fact: Fact) -> tuple[datetime, str]:
    return fact.event_time, fact.post


def _copies(facts: Sequence[Fact]) -> frozenset[str]:
    """Return the posts whose text was seen earlier in `facts`."""
    first = originals([fact.fingerprint for fact in facts])
    return frozenset(fact.post for place, fact in enumerate(facts) if first[place] != place)


class How(StrEnum):
    """How a conversation was reacted to; only `ANSWERED` is an answer, the others are counted apart."""

    ANSWERED = "answered"
    MOVED = "moved"
    COPIED = "copied"
    AUTOMATIC = "automatic"
    GENERAL = "general"
    NOT = "not"


@dataclass(frozen=True)
class Answer:
    """How the institution reacted, and when first in that way."""

    how: How
    at: datetime | None = None


class OwnPosts:
    """What the institution said itself, found by thread."""

    def __init__(self, facts: Iterable[Fact], now: datetime) -> None:
        """Index the own posts that still stand at `now`."""
        known = list(facts)
        self._posts = {fact.post: fact for fact in known}
        own = sorted((f for f in known if f.kind in OWN and not (f.deleted and f.deleted <= now)), key=_order)
        self._copies = _copies(own)
        self._threads: defaultdict[str, list[Fact]] = defaultdict(list)
        for fact in own:
            self._threads[self._thread(fact)].append(fact)

    def _thread(self, fact: Fact) -> str:
        target = self._posts.get(fact.in_reply_to or "")
        return fact.thread or (target and (target.thread or target.post)) or fact.in_reply_to or fact.post

    def later(self, thread: str, since: datetime) -> list[Fact]:
        """Return the own posts in a thread from a moment on."""
        return [fact for fact in self._threads.get(thread, ()) if fact.event_time >= since]

    def addressee(self, reply: Fact) -> str | None:
        """Return the public author that a reply speaks to; None when it speaks to everybody."""
        target = self._posts.get(reply.in_reply_to or "")
        return target.author if target and target.kind in PUBLIC else None

    def how(self, reply: Fact, author: str) -> How:
        """Tell what a reply is to an author; `NOT` when it speaks to somebody else."""
        addressee = self.addressee(reply)
        if addressee not in (None, author):
            return How.NOT
        if Mark.AUTOMATIC in reply.marks:
            return How.AUTOMATIC
        if addressee is None:
            return How.GENERAL
        if reply.moved:
            return How.MOVED
        return How.COPIED if reply.post in self._copies else How.ANSWERED


def answered(conversation: Conversation, own: OwnPosts) -> Answer:
    """Tell how the institution reacted after the opening: by an answer if there is one, else by the first."""
    if conversation.opening is None:
        return Answer(How.NOT)
    reactions = [
        Answer(how, reply.event_time)
        for reply in own.later(conversation.thread, conversation.opening.event_time)
        if (how := own.how(reply, conversation.author)) is not How.NOT
    ]
    return min(reactions, key=lambda answer: answer.how is not How.ANSWERED, default=Answer(How.NOT))
