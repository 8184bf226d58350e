"""The metrics of the score app and the watch app; label sets are closed, zeros are there from the start."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.messages.vocabulary import Sentiment, StormState
from services.sentiment.storm.rulings import Outcome

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class ScoreMetrics:
    """What the score app counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.scored = Counter(
            "stormwacht_scored_total", "Scored mentions, one per institution", ["label"], registry=registry
        )
        self.dead = Counter(
            "stormwacht_score_dead_letters_total", "Records that could not be scored", registry=registry
        )
        self.batch = Histogram(
            "stormwacht_score_batch_mentions",
            "Mentions per batch",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=registry,
        )
        self.wait = Histogram(
            "stormwacht_score_wait_seconds",
            "From Kafka's timestamp of a mention to the start of its batch",
            buckets=(*_SECONDS, 30, 60, 300, 900),
            registry=registry,
        )
        self.model = Histogram(
            "stormwacht_score_model_seconds",
            "Time per batch in the model, by phase",
            ["phase"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._copies = Counter(
            "stormwacht_score_copies_total",
            "Texts scored without a pass, because the same text was scored before",
            registry=registry,
        )
        self.publish = Histogram(
            "stormwacht_score_publish_seconds",
            "Time until Kafka had a batch of scores",
            buckets=_SECONDS,
            registry=registry,
        )
        for label in Sentiment:
            self.scored.labels(label)
        for phase in ("tokenise", "infer"):
            self.model.labels(phase)

    def took(self, phase: str, seconds: float) -> None:
        """Note what a phase took."""
        self.model.labels(phase).observe(seconds)

    def copies(self, texts: int) -> None:
        """Note how many texts of a call were copies."""
        self._copies.inc(texts)


class WatchMetrics:
    """What the watch app counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.steps = Counter(
            "stormwacht_incident_steps_total", "Incident steps", ["state"], registry=registry
        )
        self.ticks = Counter("stormwacht_watch_ticks_total", "Ticks acted upon", registry=registry)
        self.dead = Counter("stormwacht_watch_dead_letters_total", "Unreadable records", registry=registry)
        self.restarted = Counter(
            "stormwacht_watch_detectors_restarted_total",
            "Detectors started afresh because their stored state was of another version",
            registry=registry,
        )
        self.corrections = Counter(
            "stormwacht_watch_corrections_total",
            "What staff said of incidents, by what became of it",
            ["outcome"],
            registry=registry,
        )
        self.institutions = Gauge(
            "stormwacht_watch_institutions", "Institutions watched here", registry=registry
        )
        self.held = Gauge(
            "stormwacht_watch_held_records", "Records read that wait for a tick", registry=registry
        )
        self.state_bytes = Histogram(
            "stormwacht_watch_state_bytes",
            "Size of an institution's state when written",
            buckets=(500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000),
            registry=registry,
        )
        for state in StormState:
            self.steps.labels(state)
        for outcome in Outcome:
            self.corrections.labels(outcome)
