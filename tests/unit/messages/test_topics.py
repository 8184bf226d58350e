"""Topics are named and configured in one place, and deletion is real."""

from services.messages.topics import Topics, scored_key


def test_every_topic_carries_the_prefix_once() -> None:
    names = [topic.name for topic in Topics("az").all()]

    assert len(set(names)) == len(names)
    assert all(name.startswith(("az.", "az-")) for name in names)


def test_no_segment_stays_open_longer_than_a_day() -> None:
    for topic in Topics().all():
        config = topic.config(min_insync=2)
        assert int(config["segment.ms"]) <= 86_400_000
        if "compact" in config["cleanup.policy"]:
            assert int(config["max.compaction.lag.ms"]) <= 86_400_000
        assert config["min.insync.replicas"] == "2"


def test_topics_with_text_are_compacted_and_expire() -> None:
    for topic in (Topics().mentions, Topics().scored):
        config = topic.config(1)
        assert config["cleanup.policy"] == "compact,delete"
        assert config["retention.ms"] == str(30 * 86_400_000)


def test_a_scored_mention_has_one_key_per_institution() -> None:
    assert scored_key("vennehart", "p1") == "vennehart/p1"
