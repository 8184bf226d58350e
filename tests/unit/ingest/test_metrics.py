"""Every series exists from the start, and labels come from closed lists."""

from prometheus_client import CollectorRegistry

from services.ingest.metrics import Metrics
from services.ingest.privacy import Masked
from services.ingest.sources import Outcome, PostFault


def test_zeros_are_there_from_the_start() -> None:
    registry = CollectorRegistry()
    Metrics(registry, ["hook", "file"])
    for source in ("hook", "file"):
        assert registry.get_sample_value("stormwacht_ingest_lag_seconds", {"source": source}) == 0
        for outcome in Outcome:
            labels = {"source": source, "outcome": outcome.value}
            assert registry.get_sample_value("stormwacht_ingest_items_total", labels) == 0
    for fault in PostFault:
        assert registry.get_sample_value("stormwacht_ingest_dead_letters_total", {"reason": fault.value}) == 0
    for kind in Masked:
        assert registry.get_sample_value("stormwacht_ingest_masked_total", {"kind": kind.value}) == 0
    assert registry.get_sample_value("stormwacht_ingest_publish_seconds_count") == 0
