"""The metrics of the alert service; label sets are closed, zeros are there from the start."""

from collections.abc import Iterable
from enum import StrEnum
from math import nan

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.config.schema import NoticeKind

_SEND = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_DWELL = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
RECORDS = ("mention", "deletion", "incident")
TOPICS = ("scored", "incidents", "ticks")


class Outcome(StrEnum):
    """What became of a notification, or of one attempt to send it."""

    PLANNED = "planned"
    SENT = "sent"
    RETRIED = "retried"
    FAILED_OVER = "failed_over"
    FAILED = "failed"
    EXPIRED = "expired"
    MUTED = "muted"
    WITHDRAWN = "withdrawn"


class Metrics:
    """What the alert service counts; `institutions` come from the config and bound their label."""

    def __init__(self, registry: CollectorRegistry, institutions: Iterable[str] = ()) -> None:
        self.notifications = Counter(
            "stormwacht_notifications_total",
            "Notifications by what became of them",
            ["kind", "outcome"],
            registry=registry,
        )
        self.possibly_duplicate = Counter(
            "stormwacht_notifications_possibly_duplicate_total",
            "Attempts of unknown outcome, which are sent again marked as possibly a duplicate",
            registry=registry,
        )
        self.delivery = Histogram(
            "stormwacht_delivery_seconds",
            "Time a receiver took for one attempt",
            ["kind"],
            buckets=_SEND,
            registry=registry,
        )
        self.dwell = Histogram(
            "stormwacht_notification_dwell_seconds",
            "Time from planned to sent",
            ["kind"],
            buckets=_DWELL,
            registry=registry,
        )
        self.unrouted = Counter(
            "stormwacht_unrouted_total", "News that no route covers", ["kind"], registry=registry
        )
        self.applied = Counter(
            "stormwacht_alerts_records_total",
            "Records written to the database",
            ["record"],
            registry=registry,
        )
        self.dead = Counter(
            "stormwacht_alerts_dead_letters_total", "Records that could not be read", registry=registry
        )
        self.lag = Gauge(
            "stormwacht_alerts_consumer_lag", "Records that wait in Kafka", ["topic"], registry=registry
        )
        self.open_negatives = Gauge(
            "stormwacht_open_negatives",
            "Negative reactions of the past week without an answer",
            ["institution"],
            registry=registry,
        )
        self.reply_rate = Gauge(
            "stormwacht_reply_rate",
            "Share of actionable conversations of the past week that were answered; NaN when there are none",
            ["institution"],
            registry=registry,
        )
        self._create_zeros(institutions)

    def _create_zeros(self, institutions: Iterable[str]) -> None:
        for kind in NoticeKind:
            self.delivery.labels(kind)
            self.dwell.labels(kind)
            self.unrouted.labels(kind)
            for outcome in Outcome:
                self.notifications.labels(kind, outcome)
        for record in RECORDS:
            self.applied.labels(record)
        for topic in TOPICS:
            self.lag.labels(topic)
        for institution in institutions:
            self.open_negatives.labels(institution)
            self.reply_rate.labels(institution).set(nan)
