"""The metrics of ingest; closed label sets (sources by the subscription file), zeros from the start."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.ingest.privacy import Masked
from services.ingest.sources import Outcome, PostFault


class Metrics:
    """What ingest counts."""

    def __init__(self, registry: CollectorRegistry, sources: Iterable[str] = ()) -> None:
        self.items = Counter(
            "stormwacht_ingest_items_total",
            "Items by source and what became of them",
            ["source", "outcome"],
            registry=registry,
        )
        self.dead = Counter(
            "stormwacht_ingest_dead_letters_total", "Dead letters by reason", ["reason"], registry=registry
        )
        self.masked = Counter(
            "stormwacht_ingest_masked_total", "Personal data masked, by kind", ["kind"], registry=registry
        )
        self.lag = Gauge(
            "stormwacht_ingest_lag_seconds",
            "Age of a source's last item when it was published",
            ["source"],
            registry=registry,
        )
        self.publish = Histogram(
            "stormwacht_ingest_publish_seconds",
            "Time until Kafka had a batch",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
            registry=registry,
        )
        for source in sources:
            self.lag.labels(source)
            for outcome in Outcome:
                self.items.labels(source, outcome)
        for fault in PostFault:
            self.dead.labels(fault)
        for kind in Masked:
            self.masked.labels(kind)
