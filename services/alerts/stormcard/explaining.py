"""From posts to a card. Every claim is about the posts since the onset, in order of time."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from services.alerts.routing.count import CountReason, count
from services.alerts.routing.inhibit import MUTING
from services.alerts.stormcard.card import (
    MOST_POSTS,
    Asked,
    Authors,
    Card,
    Comparison,
    Copies,
    EarlierStorm,
    First,
    MostShared,
    OnChannel,
    OwnTrigger,
    Press,
    Term,
    ThemeShare,
    Unseen,
    Wordless,
    ids,
)
from services.alerts.stormcard.pace import busiest, forecast, grown
from services.alerts.stormcard.sources import Source, troubled, unread
from services.alerts.stormcard.terms import has_words, lifted, terms_of
from services.messages.fingerprint import originals
from services.messages.records import Incident, Reason, ReasonCode, ScoredMention
from services.messages.vocabulary import Channel, Kind, Mark, StormState, Theme

MOST_THEMES = 5
MOST_CHANNELS = 10
MOST_QUESTIONS = 3
LEAST_ASKED = 2
MOST_EARLIER = 3
MOST_SOURCES = 10
BEGINNING = 10  # negative posts by which it is judged where a storm began
LEAST_UNDER = 2  # of these, and a third: people soon go on elsewhere
JUST_BEFORE = timedelta(days=3)  # older own posts collect anything
_HOUR = timedelta(hours=1)


def explain(
    incident: Incident,
    mentions: Iterable[ScoredMention],
    usual: Iterable[ScoredMention],
    earlier: Iterable[Incident],
    now: datetime,
    *,
    blind: Collection[str],
    deleted: Collection[str],
    sources: Collection[Source] = (),
) -> Card:
    """Explain an incident as it stands at `now`.

    Args:
        incident: Its newest step.
        mentions: The institution's posts since shortly before the onset.
        usual: Its posts of the weeks before those.
        earlier: Steps of its other incidents; only those that became a storm or nearly, and ended, count.
        now: The clock.
        blind: Sources of this institution alone that gave none of the posts.
        deleted: Those of the posts whose authors took them away; no claim rests on them, but for an own
            post that people answered.
        sources: All that may bring posts about the institution; left out, nothing is said of how they do.

    """
    known = _newest(incident, mentions, now)
    past = _newest(incident, usual, now)
    # What was imported tells what is usual, never what is going on.
    public = [one for one in known if _is_public(one, deleted) and not one.mention.backfill]
    since = [one for one in public if one.mention.event_time >= incident.onset]
    voices = [one for one in since if count(one, min_negative=0.0) is CountReason.COUNTS]
    texts = originals([one.mention.fingerprint for one in since])
    terms = lifted(
        [one for one in since if Mark.RESHARE not in one.mention.marks],
        [one for one in past if _is_public(one, deleted) and one.mention.event_time < incident.onset],
    )
    gone = _gone(incident, known, deleted)
    going_on = incident.state is not StormState.CLOSED
    growth = grown(voices, incident.onset, now) if going_on else None
    return Card(
        incident=incident.id,
        at=now,
        first=_first(voices),
        most_shared=_most_shared(since, texts),
        terms=terms,
        themes=_themes(voices),
        channels=_channels(voices),
        authors=_authors(voices),
        copies=_copies(since, texts),
        growth=growth,
        forecast=forecast(growth) if growth else None,
        comparison=_comparison(incident, voices, earlier, now),
        trigger=_trigger(incident, voices, [*past, *known]),
        press=_press(public),
        questions=_questions(since, texts, terms),
        unseen=Unseen(
            sources=tuple(sorted(set(blind)))[:MOST_SOURCES],
            troubled=troubled(sources, [*past, *known], now),
            channels=unread(sources, [*past, *known]),
            wordless=_wordless(since),
            deleted=len(gone),
            posts=ids(gone),
        ),
    )


def _newest(incident: Incident, posts: Iterable[ScoredMention], now: datetime) -> list[ScoredMention]:
    """Return the institution's posts, each in its newest revision, whatever order they come in."""
    mine = (s for s in posts if s.institution == incident.institution and s.mention.event_time <= now)
    newest = {s.mention.post: s for s in sorted(mine, key=_revision)}
    return sorted(newest.values(), key=lambda s: (s.mention.event_time, s.mention.post))


def _revision(one: ScoredMention) -> tuple[int, datetime, str, float, str]:
    """Return what the newest has most of; a revision may have been scored again, by another model."""
    mention = one.mention
    return (mention.revision, mention.received_at, one.model, one.negative, mention.text)


def _is_public(one: ScoredMention, deleted: Collection[str]) -> bool:
    mention = one.mention
    return not (
        mention.own
        or mention.kind is Kind.DELETION
        or mention.post in deleted
        or Mark.VACANCY in mention.marks
    )


def _first(voices: Sequence[ScoredMention]) -> First | None:
    if not voices:
        return None
    mention = voices[0].mention
    return First(at=mention.event_time, channel=mention.channel, posts=(mention.post,))


def _most_shared(since: Sequence[ScoredMention], texts: Sequence[int]) -> MostShared | None:
    """Find the text that was passed on most; None when none was."""
    place = {one.mention.post: texts[at] for at, one in enumerate(since)}
    followers: defaultdict[int, dict[str, ScoredMention]] = defaultdict(dict)
    counts: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for at, one in enumerate(since):
        mention = one.mention
        below = next((place[name] for name in (mention.thread, mention.in_reply_to) if name in place), at)
        reshare = Mark.RESHARE in mention.marks
        if texts[at] != at:
            text, how = texts[at], "reshares" if reshare else "copies"
        elif below != at:
            text, how = below, "reshares" if reshare else "replies"
        else:
            continue
        followers[text][mention.post] = one
        counts[text][how] += 1
    if not counts:
        return None
    best = min(counts, key=lambda text: (-counts[text].total(), text))
    return MostShared(
        post=since[best].mention.post,
        copies=counts[best]["copies"],
        reshares=counts[best]["reshares"],
        replies=counts[best]["replies"],
        posts=ids([since[best], *followers[best].values()]),
    )


def _themes(voices: Sequence[ScoredMention]) -> tuple[ThemeShare, ...]:
    about: defaultdict[Theme, list[ScoredMention]] = defaultdict(list)
    for one in voices:
        for theme in set(one.themes):
            about[theme].append(one)
    ranked = sorted(about.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        ThemeShare(theme=theme, n=len(found), share=len(found) / len(voices), posts=ids(found))
        for theme, found in ranked[:MOST_THEMES]
    )


def _channels(voices: Sequence[ScoredMention]) -> tuple[OnChannel, ...]:
    on: defaultdict[Channel, list[ScoredMention]] = defaultdict(list)
    for one in voices:
        on[one.mention.channel].append(one)
    ranked = sorted(on.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        OnChannel(channel=channel, n=len(found), first=found[0].mention.event_time, posts=ids(found))
        for channel, found in ranked[:MOST_CHANNELS]
    )


def _authors(voices: Sequence[ScoredMention]) -> Authors | None:
    firsts: dict[str, ScoredMention] = {}
    for one in voices:
        firsts.setdefault(one.mention.author, one)
    return Authors(n=len(firsts), of=len(voices), posts=ids(firsts.values())) if firsts else None


def _copies(since: Sequence[ScoredMention], texts: Sequence[int]) -> Copies | None:
    reshares = [one for one in since if Mark.RESHARE in one.mention.marks]
    copies = [
        one for at, one in enumerate(since) if texts[at] != at and Mark.RESHARE not in one.mention.marks
    ]
    if not copies and not reshares:
        return None
    return Copies(copies=len(copies), reshares=len(reshares), posts=ids([*copies, *reshares]))


def _comparison(
    incident: Incident, voices: Sequence[ScoredMention], earlier: Iterable[Incident], now: datetime
) -> Comparison | None:
    mine = sorted(
        (step for step in earlier if step.institution == incident.institution and step.id != incident.id),
        key=lambda step: (step.id, step.seq),
    )
    age = now - incident.onset
    storms = [_earlier(list(steps), age) for _, steps in groupby(mine, key=lambda step: step.id)]
    over = sorted(
        (storm for storm in storms if storm and storm.onset < incident.onset),
        key=lambda storm: (storm.onset, storm.incident),
        reverse=True,
    )
    if not over or not voices:
        return None
    peak = busiest(voices)
    return Comparison(
        hours=age / _HOUR,
        authors=len({one.mention.author for one in voices}),
        peak=len({one.mention.author for one in peak}),
        earlier=tuple(over[:MOST_EARLIER]),
        posts=ids(peak),
    )


def _earlier(steps: Sequence[Incident], age: timedelta) -> EarlierStorm | None:
    end = steps[-1]
    if end.state is not StormState.CLOSED or not any(step.state in MUTING for step in steps):
        return None
    if any(reason.code is ReasonCode.SAID_NO_STORM for reason in end.reasons):
        return None
    by_then = [step.authors for step in steps if step.at - end.onset <= age]
    evidence = dict.fromkeys(post for step in steps for post in step.evidence)
    return EarlierStorm(
        incident=end.id,
        onset=end.onset,
        hours=(end.at - end.onset) / _HOUR,
        authors=end.authors,
        peak=max(_in_an_hour(reason) for step in steps for reason in (*step.reasons, None)),
        authors_then=max(by_then, default=0),
        posts=tuple(evidence)[:MOST_POSTS],
    )


def _in_an_hour(reason: Reason | None) -> int:
    """Return the most authors in an hour that a reason tells of."""
    values: Mapping[str, float] = reason.values if reason else {}
    told = [values.get("peak_hour", 0.0), values.get("last_hour", 0.0)]
    if reason and reason.code is ReasonCode.BURST and values.get("hours", 0.0) <= 1:
        told.append(values.get("authors", 0.0))
    return int(max(told))


def _trigger(
    incident: Incident, voices: Sequence[ScoredMention], known: Sequence[ScoredMention]
) -> OwnTrigger | None:
    """Find the own post from just before the onset below which many of the first negative posts stand."""
    own = {
        s.mention.post: s
        for s in known
        if s.mention.own and timedelta() <= incident.onset - s.mention.event_time <= JUST_BEFORE
    }
    parents = {s.mention.post: s.mention.in_reply_to for s in known}
    beginning = voices[:BEGINNING]
    under: defaultdict[str, list[ScoredMention]] = defaultdict(list)
    for one in beginning:
        above = _above(one, parents)
        if mine := next((post for post in above if post in own), None):
            under[mine].append(one)
    if not under:
        return None
    best = min(under, key=lambda post: (-len(under[post]), post))
    if len(under[best]) < max(len(beginning) / 3, min(LEAST_UNDER, len(beginning))):
        return None
    mention = own[best].mention
    return OwnTrigger(
        post=best,
        kind=mention.kind,
        at=mention.event_time,
        under=len(under[best]),
        of=len(beginning),
        posts=ids([own[best], *under[best]]),
    )


def _above(one: ScoredMention, parents: Mapping[str, str | None]) -> list[str]:
    """Return the posts that a post answers to, the nearest first, and last the one that opened its thread."""
    above: list[str] = []
    post = one.mention.in_reply_to
    while post and post not in above:  # what strangers send may answer itself
        above.append(post)
        post = parents.get(post)
    return [*above, one.mention.thread] if one.mention.thread else above


def _press(public: Sequence[ScoredMention]) -> Press | None:
    """Look from shortly before the onset on: news tends to come first."""
    news = [
        one for one in public if Mark.NEWSWIRE in one.mention.marks or one.mention.channel is Channel.NEWS
    ]
    theme = [one for one in public if Theme.PERS_POLITIEK in one.themes]
    if not news and not theme:
        return None
    first = min(one.mention.event_time for one in (*news, *theme))
    return Press(news=len(news), theme=len(theme), first=first, posts=ids([*news, *theme]))


def _questions(
    since: Sequence[ScoredMention], texts: Sequence[int], terms: Sequence[Term]
) -> tuple[Asked, ...]:
    """Put questions together that share a lifted term, and else those of one text."""
    asked: defaultdict[tuple[str, str], list[ScoredMention]] = defaultdict(list)
    for at, one in enumerate(since):
        if one.question and Mark.RESHARE not in one.mention.marks:
            original = since[texts[at]].mention
            said = terms_of(original.text)
            term = next((term.term for term in terms if term.term in said), "")
            asked[term, "" if term else original.post].append(one)
    groups = (
        Asked(
            term=term,
            n=len(found),
            authors=len({one.mention.author for one in found}),
            posts=ids(found),
        )
        for (term, _), found in asked.items()
        if len(found) >= LEAST_ASKED
    )
    return tuple(sorted(groups, key=lambda group: (-group.authors, -group.n, group.posts))[:MOST_QUESTIONS])


def _gone(
    incident: Incident, known: Sequence[ScoredMention], deleted: Collection[str]
) -> list[ScoredMention]:
    return [
        one
        for one in known
        if one.mention.event_time >= incident.onset
        and not one.mention.own
        and (one.mention.kind is Kind.DELETION or one.mention.post in deleted)
    ]


def _wordless(since: Sequence[ScoredMention]) -> Wordless | None:
    found = [
        one for one in since if Mark.RESHARE not in one.mention.marks and not has_words(one.mention.text)
    ]
    return Wordless(n=len(found), posts=ids(found)) if found else None
