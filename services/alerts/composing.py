"""From a row of the notification log to a notice in words; text and opened links exist only in between."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypedDict

import structlog
from msgspec.structs import replace as replace_fields

from services.alerts.notices import (
    Notice,
    Reaction,
    catch_up_notice,
    negative_notice,
    silence_notice,
    storm_notice,
)
from services.alerts.replies import Figures, fact_of, summary
from services.alerts.routing.inhibit import MUTING
from services.alerts.routing.route import Recipient, route
from services.alerts.store.log import Notification
from services.alerts.store.store import Store
from services.alerts.stormcard import Card, explain
from services.alerts.words import Language
from services.config.institutions import Institution
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
        posts = await self._store.mentions(row.institution, [item.post for item in row.items if item.post])
        steps = await self._store.steps([(item.incident, item.seq) for item in row.items if item.incident])
        if not posts and not steps:
            return None
        institution = self._subject(row, steps)
        figures = await self._weekly(institution.id, now)
        told = (institution.name, institution.id)
        payload = self._agreed(steps, payload)
        reader = _Reader(calendar=institution.calendar, language=language, payload=payload)
        if row.kind is NoticeKind.NEGATIVE:
            return negative_notice(*told, self._reactions(posts), figures, **reader)
        if row.kind is NoticeKind.STORM:
            step = steps[-1]
            evidence = await self._evidence(step)
            muted = await self._muted(row, step, now)
            card = await self._explained(step, now) if step.state is not StormState.WATCH else None
            where = self._where(step)
            return storm_notice(*told, step, self._reactions(evidence), card, muted, figures, where, **reader)
        if row.kind is NoticeKind.SILENCE:
            return silence_notice(*told, steps[-1], calendar=institution.calendar, language=language)
        return catch_up_notice(*told, self._reactions(posts), steps, figures, now, **reader)

    def _subject(self, row: Notification, steps: Sequence[Incident]) -> Institution:
        """Return what the notice is about by name: the one part that is concerned, or the whole."""
        concerned = {name for step in steps for name in step.concerns} & self.config.flat().keys()
        storm = row.kind is NoticeKind.STORM and len(concerned) == 1
        return self.config.flat()[concerned.pop() if storm else row.institution]

    def _where(self, step: Incident) -> tuple[tuple[str, int], ...]:
        """Return the parts that a step concerns, by name, each with its negative posts."""
        known = self.config.flat()
        parts = [name for name in step.concerns if name != step.institution and name in known]
        return tuple((known[name].name, step.locations[name]) for name in parts)

    def _agreed(self, steps: Sequence[Incident], payload: Payload) -> Payload:
        """Quote nothing where one of several institutions has no agreement: each reader sees all of it."""
        known = self.config.flat()
        names = {name for step in steps if step.locations for name in self._told_about(step)}
        quotable = all(known[name].processor_agreement for name in names)
        return payload if quotable or payload is not Payload.EXCERPT else Payload.SUMMARY

    def _told_about(self, step: Incident) -> tuple[str, ...]:
        """Return the institutions whose posts an incident may rest on."""
        if step.institution in step.concerns:
            return self.config.family(step.institution)
        return tuple(name for name in step.concerns if name in self.config.flat())

    async def _evidence(self, step: Incident) -> list[ScoredMention]:
        found: dict[str, ScoredMention] = {}
        for institution in self._told_about(step):
            for one in await self._store.mentions(institution, step.evidence):
                found.setdefault(one.mention.post, one)
        return sorted(found.values(), key=lambda one: (one.mention.event_time, one.mention.post))

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
            found = [
                # Whatever part a post is about, it is told of as one of the whole.
                (replace_fields(scored, institution=step.institution), deleted)
                for institution in self._told_about(step)
                for scored, deleted in await self._store.week(institution, step.onset - _LEAD - _USUAL, now)
            ]
            earlier = await self._store.steps_between(step.institution, now - _EARLIER, now)
            self._cards[key] = await asyncio.to_thread(
                _card, step, found, earlier, now, self._bound(self._told_about(step))
            )
        return self._cards[key]

    def _bound(self, institutions: Collection[str]) -> frozenset[str]:
        """Return the sources whose silence says something: about these institutions only, and with no end."""
        return frozenset(
            source.id
            for source in self.config.sources
            if source.institution in institutions and source.type != "file"
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
        muted = 0
        for institution in step.concerns:
            terms = self._terms(institution, row.recipient)
            if terms is not None:
                muted += await self._store.muted(
                    institution, row.recipient, since=step.onset, until=now, least=terms.min_negative
                )
        return muted

    def _terms(self, institution: str, target: str) -> Recipient | None:
        for kind in (NoticeKind.NEGATIVE, NoticeKind.STORM):
            for recipient in route(self.config, institution, kind).recipients:
                if recipient.target == target:
                    return recipient
        return None

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
