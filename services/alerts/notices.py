"""What people are told, as values: titles, facts, quotes and advice, ready for any receiver. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.alerts.replies import Figures
from services.alerts.stormcard import Card
from services.alerts.words import Language, Words, incidents, stormcards
from services.alerts.words.cleaning import clean, shorten, web_link
from services.config.schema import NoticeKind, Payload
from services.messages.calendar import Calendar
from services.messages.records import Incident
from services.messages.vocabulary import Channel, Sentiment, StormState, Theme

EXCERPT = 200  # characters of a post that may leave the house where excerpts are agreed
MOST_QUOTES = {NoticeKind.NEGATIVE: 10, NoticeKind.STORM: 5, NoticeKind.CATCH_UP: 10}
MAIN_THEMES = 2
MOST_STEPS = 10

Facts = list[tuple[str, str]]


@dataclass(frozen=True)
class Reaction:
    """A post as a notice needs it; `link` is opened already, or empty; `negative` is its probability."""

    post: str
    revision: int
    channel: Channel
    event_time: datetime
    link: str
    text: str
    themes: tuple[Theme, ...]
    label: Sentiment
    question: bool
    complaint: bool
    negative: float
    reach: int | None


@dataclass(frozen=True)
class Quote:
    """A reaction as a reader sees it: a quotation or a description, where, when, and a link to it."""

    text: str
    channel: str
    when: str
    link: str


@dataclass(frozen=True)
class Notice:
    """A message in words of one language; every receiver shows the same parts in the same order."""

    kind: NoticeKind
    institution: str
    name: str
    title: str
    lead: str
    facts: tuple[tuple[str, str], ...] = ()
    quotes: tuple[Quote, ...] = ()
    advice: tuple[str, ...] = ()
    hint: str = ""
    figures: str = ""
    footer: str = ""


def negative_notice(
    name: str,
    institution: str,
    reactions: Sequence[Reaction],
    figures: Figures,
    *,
    calendar: Calendar,
    language: Language,
    payload: Payload,
) -> Notice:
    """Tell about single negative reactions, those that ask for an answer first."""
    teller = _Teller(language, calendar, payload)
    words, times = teller.words, sorted(reaction.event_time for reaction in reactions)
    values = {
        "first": words.spoken(times[0], calendar.zone),
        "last": words.spoken_until(times[0], times[-1], calendar.zone),
        "channel": words.text(f"channel.{reactions[0].channel}"),
        "about": teller.about("about", reactions),
    }
    urgent_first = sorted(
        reactions, key=lambda r: (not (r.question or r.complaint), -r.negative, r.event_time)
    )
    return Notice(
        kind=NoticeKind.NEGATIVE,
        institution=institution,
        name=name,
        title=words.text("negative.title", posts=words.count("negative", len(reactions)), name=name),
        lead=words.count("negative.lead", len(reactions), **values),
        facts=(*teller.seen(reactions), *teller.left_out(reactions, NoticeKind.NEGATIVE)),
        quotes=teller.quotes(urgent_first, NoticeKind.NEGATIVE),
        advice=(words.text("negative.advice"),),
        hint=teller.hint(reactions),
        figures=words.figures(figures, calendar.zone),
        footer=words.text("footer"),
    )


def storm_notice(  # noqa: PLR0917  # the order in which a card is read
    name: str,
    institution: str,
    incident: Incident,
    reactions: Sequence[Reaction],
    card: Card | None,
    muted: int,
    figures: Figures,
    where: Sequence[tuple[str, int]] = (),
    *,
    calendar: Calendar,
    language: Language,
    payload: Payload,
) -> Notice:
    """Tell about a step of an incident.

    `reactions` are its evidence, `card` explains it, `muted` were not told one by one, `where` names the
    parts of an organisation that it concerns, each with its negative posts.
    """
    teller = _Teller(language, calendar, payload)
    words = teller.words
    in_order = sorted(reactions, key=lambda reaction: reaction.event_time)
    about = teller.about("mainly", reactions)
    facts = [*teller.standing(incident), *teller.places(where, name), *incidents.reasons(words, incident)]
    facts += [*teller.looked_at(reactions, incident), *teller.seen(reactions)]
    if card:
        facts += stormcards.facts(words, card, calendar.zone, payload)
    if muted:
        facts.append((words.text("fact.muted"), words.count("muted", muted)))
    if incident.state in (StormState.RISING, StormState.STORM):
        facts.append((words.text("fact.unknown"), words.text("unknown")))
    return Notice(
        kind=NoticeKind.STORM,
        institution=institution,
        name=name,
        title=incidents.title(words, incident, name),
        lead=incidents.lead(words, incident, name, about, calendar.zone),
        facts=tuple(facts),
        quotes=teller.quotes(in_order, NoticeKind.STORM),
        advice=incidents.advice(words, incident),
        hint=teller.hint(in_order),
        figures=words.figures(figures, calendar.zone),
        footer=words.text("footer"),
    )


def silence_notice(
    name: str, institution: str, step: Incident, *, calendar: Calendar, language: Language
) -> Notice:
    """Tell that far less is seen than usual, or that it is seen again."""
    words = Words(language)
    return Notice(
        kind=NoticeKind.SILENCE,
        institution=institution,
        name=name,
        title=incidents.silence(words, step, "title", name, calendar.zone),
        lead=incidents.silence(words, step, "lead", name, calendar.zone),
        facts=tuple(incidents.reasons(words, step)),
        advice=incidents.advice(words, step),
        footer=words.text("footer"),
    )


def catch_up_notice(  # noqa: PLR0917  # the order in which it is read
    name: str,
    institution: str,
    reactions: Sequence[Reaction],
    steps: Sequence[Incident],
    figures: Figures,
    now: datetime,
    *,
    calendar: Calendar,
    language: Language,
    payload: Payload,
) -> Notice:
    """Tell in one message what expired before it could be told."""
    teller = _Teller(language, calendar, payload)
    words = teller.words
    what = [words.count("negative", len(reactions))] if reactions else []
    storms = [step for step in steps if not step.silence]
    silences = len(steps) - len(storms)
    what += [words.count("catch_up.steps", len(storms))] if storms else []
    what += [words.count("catch_up.silences", silences)] if silences else []
    in_order = sorted(reactions, key=lambda reaction: reaction.event_time)
    return Notice(
        kind=NoticeKind.CATCH_UP,
        institution=institution,
        name=name,
        title=words.text("catch_up.title", name=name, what=words.listed(what)),
        lead=words.text("catch_up.lead", now=words.spoken(now, calendar.zone)),
        facts=(
            *teller.course(steps),
            *teller.seen(reactions),
            *teller.left_out(reactions, NoticeKind.CATCH_UP),
        ),
        quotes=teller.quotes(in_order, NoticeKind.CATCH_UP),
        advice=(words.text("catch_up.advice"),) if reactions else (),
        hint=teller.hint(reactions),
        figures=words.figures(figures, calendar.zone),
        footer=words.text("footer"),
    )


class _Teller:
    """The parts that notices share, for one reader: language, local time, and how much may be told."""

    def __init__(self, language: Language, calendar: Calendar, payload: Payload) -> None:
        self.words = Words(language)
        self._zone = calendar.zone
        self._payload = payload

    def about(self, key: str, reactions: Sequence[Reaction]) -> str:
        """Return the main themes as the middle of a sentence; empty when there are none to tell."""
        themes = [theme for reaction in reactions for theme in reaction.themes if theme is not Theme.ALGEMEEN]
        if not themes or self._payload is Payload.LINK:
            return ""
        main = [self.words.text(f"theme.{theme}") for theme, _ in Counter(themes).most_common(MAIN_THEMES)]
        return self.words.text(key, themes=self.words.listed(main))

    def standing(self, incident: Incident) -> Facts:
        """Return how an incident stands."""
        text = self.words.text
        span = self.words.span((incident.at - incident.onset) / timedelta(hours=1))
        since = text("since", when=self.words.moment(incident.onset, self._zone), span=span)
        return [
            (text("fact.state"), text(f"state.{incident.state}")),
            (text("fact.posts"), self.words.number(incident.n)),
            (text("fact.people"), self.words.number(incident.authors)),
            (text("fact.since"), since),
        ]

    def places(self, where: Sequence[tuple[str, int]], name: str) -> Facts:
        """Return which parts are concerned, unless it is only the one that the notice names anyhow."""
        if [place for place, _ in where] in ([], [name]):
            return []
        counted = [self.words.text("counted", what=place, n=self.words.number(n)) for place, n in where]
        return [(self.words.text("fact.locations"), ", ".join(counted))]

    def looked_at(self, reactions: Sequence[Reaction], incident: Incident) -> Facts:
        """Say how many posts the themes and channels are counted in, when that is not all of them."""
        if not 0 < len(reactions) < incident.n:
            return []
        n, every = self.words.number(len(reactions)), self.words.number(incident.n)
        return [(self.words.text("fact.looked_at"), self.words.text("looked_at", n=n, all=every))]

    def seen(self, reactions: Sequence[Reaction]) -> Facts:
        """Return what the reactions have in common; of a `link` payload only what can be counted."""
        facts: Facts = []
        if self._payload is not Payload.LINK:
            facts += self._tally("theme", [theme for reaction in reactions for theme in reaction.themes])
            facts += self._tally("channel", [reaction.channel for reaction in reactions])
        asks = [
            self.words.count(key, n)
            for key, n in (
                ("questions", sum(reaction.question for reaction in reactions)),
                ("complaints", sum(reaction.complaint for reaction in reactions)),
            )
            if n
        ]
        if asks:
            facts.append((self.words.text("fact.asks"), self.words.listed(asks)))
        reach = max((reaction.reach or 0 for reaction in reactions), default=0)
        if reach:
            facts.append(
                (self.words.text("fact.reach"), self.words.text("reach", n=self.words.number(reach)))
            )
        return facts

    def _tally(self, what: str, values: Sequence[Theme | Channel]) -> Facts:
        counted = [
            self.words.text("counted", what=self.words.text(f"{what}.{value}"), n=self.words.number(n))
            for value, n in Counter(values).most_common()
        ]
        return [(self.words.text(f"fact.{what}s"), ", ".join(counted))] if counted else []

    def course(self, steps: Sequence[Incident]) -> Facts:
        """Return the last steps of incidents in order of time."""
        return [
            (
                self.words.moment(step.at, self._zone),
                incidents.reasons(self.words, step)[0][1]
                if step.silence
                else self.words.text(
                    "catch_up.step",
                    state=self.words.text(f"state.{step.state}"),
                    posts=self.words.count("posts", step.n),
                    people=self.words.count("people", step.authors),
                ),
            )
            for step in sorted(steps, key=lambda step: (step.at, step.seq))[-MOST_STEPS:]
        ]

    def left_out(self, reactions: Sequence[Reaction], kind: NoticeKind) -> Facts:
        """Say how many reactions are not quoted."""
        more = len(reactions) - MOST_QUOTES[kind]
        return [(self.words.text("fact.more"), self.words.count("more", more))] if more > 0 else []

    def quotes(self, reactions: Sequence[Reaction], kind: NoticeKind) -> tuple[Quote, ...]:
        """Return the first reactions, each told as far as the payload allows."""
        return tuple(
            Quote(
                text=self._told(reaction),
                channel=self.words.text(f"channel.{reaction.channel}"),
                when=self.words.moment(reaction.event_time, self._zone),
                link=web_link(reaction.link),
            )
            for reaction in reactions[: MOST_QUOTES[kind]]
        )

    def _told(self, reaction: Reaction) -> str:
        if self._payload is Payload.LINK:
            return ""
        if self._payload is Payload.EXCERPT and (text := clean(reaction.text)):
            return self.words.text("quotation", text=shorten(text, EXCERPT))
        kind = "question" if reaction.question else reaction.label.value
        kind = "complaint" if reaction.complaint else kind
        return self.words.text(f"kind.{kind}", about=self.about("about", [reaction]))

    def hint(self, reactions: Sequence[Reaction]) -> str:
        """Return the warning that belongs to a message from which one can go and answer."""
        linked = any(web_link(reaction.link) for reaction in reactions)
        return self.words.text("hint") if linked else ""
