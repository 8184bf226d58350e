"""The score app: mentions in, one scored mention per institution out, by way of the model."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import structlog

from services.messages.codec import CodecError, decode
from services.messages.records import Mention, ScoredMention
from services.messages.topics import scored_key
from services.messages.vocabulary import Kind
from services.runtime.kafka import Outgoing, partition_of, publish, undecodable
from services.runtime.settings import Settings
from services.sentiment.metrics import ScoreMetrics
from services.sentiment.models import Scorer, Scores, configured_scorer
from services.sentiment.worker import Worker

log = structlog.get_logger()

BATCH = 64
WITHIN_S = 0.02  # how long a lone mention waits for company
_NO_TEXT = Scores(negative=0.0, neutral=1.0, positive=0.0)


async def run(settings: Settings) -> None:
    """Score until told to stop."""
    worker = Worker(settings, settings.topics.score_group, reads=(settings.topics.mentions,))
    metrics = ScoreMetrics(worker.registry)
    scorer = await asyncio.to_thread(configured_scorer, settings, metrics)
    await asyncio.to_thread(scorer.score, ["Warm worden."])
    log.info("model_loaded", model=scorer.name)
    score = ScoreStep(worker, scorer, metrics)

    @worker.app.agent(worker.app.topic(settings.topics.mentions.name), concurrency=1)
    async def score_mentions(stream: Any) -> AsyncIterator[None]:
        # Not `take`: that acknowledges a batch whose handling failed.
        async for events in stream.noack_take(BATCH, within=WITHIN_S):
            await worker.guard(score.handle(events))
            yield

    await worker.run(settings.topics.scored)


class ScoreStep:
    """Handles one batch: decode, score in a thread, publish, and only then acknowledge."""

    def __init__(self, worker: Worker, scorer: Scorer, metrics: ScoreMetrics) -> None:
        self._worker = worker
        self._scorer = scorer
        self._metrics = metrics
        self._settings = worker.settings

    async def handle(self, events: Sequence[Any]) -> None:
        """Score a batch of events; on return all of it is in Kafka and acknowledged."""
        for event in events:
            self._metrics.wait.observe(max(0.0, time.time() - event.message.timestamp))
        mentions, dead = self._decode(events)
        scores = await self._score(mentions)
        started = time.perf_counter()
        await publish(self._worker.producer, [*self._scored(mentions, scores), *dead])
        self._metrics.publish.observe(time.perf_counter() - started)
        for event in events:
            event.ack()
        self._worker.handled(*(event.message for event in events))

    def _decode(self, events: Sequence[Any]) -> tuple[list[Mention], list[Outgoing]]:
        mentions: list[Mention] = []
        dead: list[Outgoing] = []
        for event in events:
            if event.value is None:
                continue  # a tombstone: its post was erased
            try:
                mentions.append(decode(Mention, event.value))
            except CodecError as fault:
                self._metrics.dead.inc()
                dead.append(undecodable(self._settings.topics, "score", event.message, str(fault)))
        return mentions, dead

    async def _score(self, mentions: Sequence[Mention]) -> list[Scores]:
        """Score what has text; a deletion and an empty post count as neutral."""
        with_text = [index for index, mention in enumerate(mentions) if mention.text]
        scores = [_NO_TEXT] * len(mentions)
        if with_text:
            self._metrics.batch.observe(len(with_text))
            texts = [mentions[index].text for index in with_text]
            for index, found in zip(
                with_text, await asyncio.to_thread(self._scorer.score, texts), strict=True
            ):
                scores[index] = found
        return scores

    def _scored(self, mentions: Sequence[Mention], scores: Sequence[Scores]) -> list[Outgoing]:
        out: list[Outgoing] = []
        for mention, found in zip(mentions, scores, strict=True):
            # The institution's own words are not a stance towards it.
            found = _NO_TEXT if mention.own or mention.kind is Kind.DELETION else found  # noqa: PLW2901
            for institution in mention.institutions:
                self._metrics.scored.labels(found.label).inc()
                out.append(self._outgoing(institution, mention, found))
        return out

    def _outgoing(self, institution: str, mention: Mention, found: Scores) -> Outgoing:
        scored = ScoredMention(
            institution=institution,
            organisation=mention.organisations.get(institution, ""),
            mention=mention,
            negative=found.negative,
            neutral=found.neutral,
            positive=found.positive,
            label=found.label,
            question=found.question,
            complaint=found.complaint,
            acute_risk=found.acute_risk,
            themes=found.themes,
            model=self._scorer.name,
        )
        return Outgoing(
            self._settings.topics.scored.name,
            scored_key(institution, mention.post),
            scored,
            partition_of(scored.watched_as, self._settings.partitions),
        )
