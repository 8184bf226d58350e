"""From a row of the notification log to a notice in words; text and opened links exist only in between."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypedDict

import structlog

from services.alerts.notices import Notice, Reaction, catch_up_notice, negative_notice, storm_notice
from services.alerts.replies import Figures, fact_of, summary
from services.alerts.routing.inhibit import MUTING
from services.alerts.routing.route import route
from services.alerts.store.log import Notification
from services.alerts.store.store import Store
from services.alerts.stormcard import Card, explain
from services.alerts.words import Language
from services.config.schema import Config, NoticeKind, Payload
from services.messages.calendar import Calendar
from services.messages.identity import Keyring, KeyringError
from services.messages.records import Incident, ScoredMention
from services.messages.vocabulary import StormState

log = structlog.get_logger()

_LEDGER = timedelta(days=14)  # two weeks: an answer of this one may be to a post of the last
_USUAL = timedelta(days=14)  # what an institution's posts are compared with
_LEAD = timedelta(hours=6)  # before an onset: what set it off is not what is usual
_EARLIER = timedelta(days=365)  # as long as incidents are kept


class _Reader(TypedDict):
    calendar: Calendar
    language: Language
    payload: Payload


class Composer:
    """Makes notices; remembers figures and storm cards for as long as the clock stands still."""

    def __init__(self, store: Store, config: Config, keyring: Keyring) -> None:
        self.config = config
        self._store = store
        self._keyring = keyring
        self._figures: dict[str, Figures] = {}
        self._cards: dict[tuple[str, int], Card] = {}
        self._remembered_at: datetime | None = None

    async def compose(
        self, row: Notification, now: datetime, *, language: Language, payload: Payload
    ) -> Notice | None:
        """Return the notice; None when every post that it is about was deleted."""
        institution = self.config.flat()[row.institution]
        posts = await self._store.mentions(row.institution, [item.post for item in row.items if item.post])
        steps = await self._store.steps([(item.incident, item.seq) for item in row.items if item.incident])
        if not posts and not steps:
            return None
        figures = await self._weekly(row.institution, now)
        told = (institution.name, institution.id)
        reader = _Reader(calendar=institution.calendar, language=language, payload=payload)
        if row.kind is NoticeKind.NEGATIVE:
            return negative_notice(*told, self._reactions(posts), figures, **reader)
        if row.kind is NoticeKind.STORM:
            step = steps[-1]
            evidence = await self._store.mentions(row.institution, step.evidence)
            muted = await self._muted(row, step, now)
            card = await self._explained(step, now) if step.state is not StormState.WATCH else None
            return storm_notice(*told, step, self._reactions(evidence), card, muted, figures, **reader)
        return catch_up_notice(*told, self._reactions(posts), steps, figures, now, **reader)

    async def figures(self, institution: str, now: datetime) -> Figures:
        """Return the reply figures of the past week."""
        found = await self._store.week(institution, now - _LEDGER, now)
        # In a thread: a week with a storm is long, and meanwhile there is other work.
        return await asyncio.to_thread(_figures, found, now, self.config.calendar(institution))

    async def _weekly(self, institution: str, now: datetime) -> Figures:
        self._forget_before(now)
        if institution not in self._figures:
            self._figures[institution] = await self.figures(institution, now)
        return self._figures[institution]

    async def _explained(self, step: Incident, now: datetime) -> Card:
        self._forget_before(now)
        key = (step.id, step.seq)
        if key not in self._cards:
            found = await self._store.week(step.institution, step.onset - _LEAD - _USUAL, now)
            earlier = await self._store.steps_between(step.institution, now - _EARLIER, now)
            self._cards[key] = await asyncio.to_thread(
                _card, step, found, earlier, now, self._bound(step.institution)
            )
        return self._cards[key]

    def _bound(self, institution: str) -> frozenset[str]:
        """Return the sources whose silence says something: about this institution only, and with no end."""
        return frozenset(
            source.id
            for source in self.config.sources
            if source.institution == institution and source.type != "file"
        )

    def _forget_before(self, now: datetime) -> None:
        if self._remembered_at != now:
            self._figures.clear()
            self._cards.clear()
            self._remembered_at = now

    async def _muted(self, row: Notification, step: Incident, now: datetime) -> int:
        """Count what this recipient was spared; on the terms of the route by which it hears of reactions."""
        if step.state not in MUTING:
            return 0
        for kind in (NoticeKind.NEGATIVE, NoticeKind.STORM):
            for recipient in route(self.config, row.institution, kind).recipients:
                if recipient.target == row.recipient:
                    return await self._store.muted(
                        row.institution,
                        row.recipient,
                        since=step.onset,
                        until=now,
                        least=recipient.min_negative,
                    )
        return 0

    def _reactions(self, posts: Sequence[ScoredMention]) -> list[Reaction]:
        return [self._reaction(scored) for scored in posts]

    def _reaction(self, scored: ScoredMention) -> Reaction:
        mention = scored.mention
        return Reaction(
            post=mention.post,
            revision=mention.revision,
            channel=mention.channel,
            event_time=mention.event_time,
            link=self._open(mention.post, mention.link),
            text=mention.text,
            themes=scored.themes,
            label=scored.label,
            question=scored.question,
            complaint=scored.complaint,
            negative=scored.negative,
            reach=mention.reach,
        )

    def _open(self, post: str, sealed: str) -> str:
        """A notice without a link is worth more than no notice."""
        try:
            return self._keyring.open(sealed)
        except KeyringError:
            log.warning("link_not_opened", post=post)
            return ""


def _figures(
    found: Iterable[tuple[ScoredMention, datetime | None]], now: datetime, calendar: Calendar
) -> Figures:
    facts = [
        replace(fact_of(scored, calendar), deleted=deleted if deleted and deleted <= now else None)
        for scored, deleted in found
    ]
    return summary(facts, now, calendar)


def _card(
    step: Incident,
    found: Sequence[tuple[ScoredMention, datetime | None]],
    earlier: Sequence[Incident],
    now: datetime,
    sources: frozenset[str],
) -> Card:
    lead = step.onset - _LEAD
    return explain(
        step,
        [scored for scored, _ in found if scored.mention.event_time >= lead],
        [scored for scored, _ in found if scored.mention.event_time < lead],
        earlier,
        now,
        blind=sources - {scored.mention.source for scored, _ in found},
        deleted=frozenset(scored.mention.post for scored, deleted in found if deleted and deleted <= now),
    )
