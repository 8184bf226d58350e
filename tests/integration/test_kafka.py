"""One suite for both brokers: what the services rely on."""

import asyncio
import dataclasses

import pytest

from services.messages.codec import decode
from services.messages.records import Stage, Tick
from services.runtime import kafka
from services.runtime.broker import BrokerError, EmbeddedBroker, free_port
from services.runtime.settings import Settings
from tests.support.records import NOW


def tick(number: int) -> Tick:
    return Tick(stage=Stage.SCORED, partition=0, now=NOW, scored_offset=number)


async def test_topics_are_created_once_with_their_partitions(settings: Settings) -> None:
    everything = settings.topics.all()

    assert await kafka.create_topics(settings, everything) == [topic.name for topic in everything]
    assert await kafka.create_topics(settings, everything) == []

    producer = kafka.make_producer(settings)
    await kafka.start(producer)
    assert len(await producer.partitions_for(settings.topics.scored.name)) == 3
    assert len(await producer.partitions_for(settings.topics.cursors.name)) == 1
    await producer.stop()


async def test_what_was_published_is_read_in_order_from_where_the_group_committed(settings: Settings) -> None:
    await kafka.create_topics(settings, settings.topics.all())
    name = settings.topics.ticks.name
    producer = kafka.make_producer(settings)
    await kafka.start(producer)
    sent = [kafka.Outgoing(name, "k", tick(n), 1) for n in range(100)]

    reached = await kafka.publish(producer, sent)

    assert reached == {(name, 1): 100}
    for expected in (range(60), range(60, 100)):
        consumer = kafka.make_consumer(settings, settings.topics.ticks, group=f"{settings.topics.prefix}-g")
        await kafka.start(consumer)
        got: list[int] = []
        while len(got) < len(expected):
            records = await consumer.getone()
            got.append(decode(Tick, records.value).scored_offset)
        assert got == list(expected)
        partition = next(tp for tp in consumer.assignment() if tp.partition == 1)
        await consumer.commit({partition: 60})
        await consumer.stop()
    await producer.stop()


async def test_the_default_partitioner_and_ours_agree(settings: Settings) -> None:
    await kafka.create_topics(settings, settings.topics.all())
    producer = kafka.make_producer(settings)
    await kafka.start(producer)
    for name in ("vennehart", "lindemeer", "wilgenborgh", "molenwerf", "sint-odrada"):
        reached = await kafka.publish(
            producer, [kafka.Outgoing(settings.topics.incidents.name, name, tick(1))]
        )
        assert list(reached) == [(settings.topics.incidents.name, kafka.partition_of(name, 3))]
    await producer.stop()


async def test_no_broker_is_said_after_the_time_to_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "RETRY_S", 0.5)
    producer = kafka.make_producer(dataclasses.replace(Settings(), bootstrap=f"127.0.0.1:{free_port()}"))

    with pytest.raises(kafka.BrokerUnavailableError, match="no connection to Kafka"):
        await kafka.start(producer)
    await producer.stop()


async def test_each_embedded_broker_is_fresh_and_gone_afterwards() -> None:
    async with EmbeddedBroker() as first, EmbeddedBroker() as second:
        assert first.bootstrap != second.bootstrap
        bootstrap = first.bootstrap
    host, _, port = bootstrap.partition(":")
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection(host, int(port))


async def test_a_port_that_somebody_else_has_is_not_taken_for_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    async with EmbeddedBroker() as other:
        taken = int(other.bootstrap.partition(":")[2])
        monkeypatch.setattr("services.runtime.broker.free_port", lambda: taken)
        with pytest.raises(BrokerError, match="did not start"):
            async with EmbeddedBroker():
                pass
