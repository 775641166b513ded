"""The gateway's broker door: batches from Redis Streams, RabbitMQ, NATS JetStream or Kafka, acknowledged once durable.

A message that is delivered again is known by the id its transport gave it: the entry (Redis), the sequence (NATS), the
offset (Kafka), the message_id that its sender set (RabbitMQ, which gives none itself).
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from workbench.core.errors import ConfigError, import_extra, unknown
from workbench.core.records import read_lines
from workbench.monitor.intake import Intake

GROUP = "audit-workbench"
MOST_MESSAGES = 500
_PAUSE = 0.05  # seconds that single messages wait for company
_IDLE = 15_000  # milliseconds after which another consumer's unfinished entries are taken over
_DATA = b"__data__"

Messages = Sequence[tuple[str, bytes]]
Take = Callable[[Messages], Awaitable[None]]


def serve_broker(intake: Intake, url: str, stream: str, *, consumer: str | None = None) -> None:
    """Consume until stopped; ConfigError when the broker cannot be reached at the start."""
    scheme = urlsplit(url).scheme
    if scheme not in _DOORS:
        raise ConfigError(unknown("broker", scheme, _DOORS))
    import_extra("faststream", "stream", "the broker door")
    _reachable(url)
    name = consumer or f"{socket.gethostname()}-{os.getpid()}"

    async def take(messages: Messages) -> None:
        await asyncio.to_thread(intake.take_messages, messages, read_lines)

    async def run() -> None:
        from faststream import FastStream

        broker = await _DOORS[scheme](url, stream, name, take)
        app = FastStream(broker, logger=None)
        app.after_startup(_ready)
        await app.run()

    asyncio.run(run())


def _ready() -> None:
    print("consuming", flush=True)  # noqa: T201 - what starts the process waits for it


def _reachable(url: str) -> None:
    parts = urlsplit(url)
    port = parts.port or _PORTS[parts.scheme]
    where = f"{parts.hostname}:{port}"
    try:
        socket.create_connection((parts.hostname or "", port), timeout=5).close()
    except OSError as error:
        # The URL itself may hold a password.
        raise ConfigError(
            f"the broker at {where} cannot be reached: {error.strerror or type(error).__name__}."
        ) from None


async def _nothing(_message: Any) -> None:
    """Decode nothing: records are read by the intake, where one that is broken does not stop the others."""


# ---------------------------------------------------------------------------- Redis Streams


async def _redis(url: str, stream: str, consumer: str, take: Take) -> Any:
    from faststream import AckPolicy, Context
    from faststream.redis import RedisBroker, StreamSub
    from redis.asyncio import from_url
    from redis.exceptions import ResponseError

    client = from_url(url)
    try:
        # At 0: a group that FastStream makes begins at the end and passes over what waits.
        await client.xgroup_create(stream, GROUP, id="0", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
    finally:
        await client.aclose()
    broker = RedisBroker(url, logger=None)  # type: ignore[arg-type] # None is "no log" to all four brokers
    context = Context("message")
    fresh = StreamSub(
        stream, group=GROUP, consumer=consumer, batch=True, max_records=MOST_MESSAGES, polling_interval=100
    )
    left = StreamSub(
        stream, group=GROUP, consumer=f"{consumer}-left", batch=True, min_idle_time=_IDLE, polling_interval=1000
    )

    async def parse(message: Any, original: Any) -> Any:
        bodies = [_redis_body(entry) for entry in message["data"]]
        return await original({**message, "data": [{_DATA: b"{}"} for _ in bodies], "bodies": bodies})

    for source in (fresh, left):

        @broker.subscriber(stream=source, parser=parse, decoder=_nothing, ack_policy=AckPolicy.NACK_ON_ERROR)
        async def handle(message: Any = context) -> None:
            raw = message.raw_message
            await take(list(zip(_redis_ids(stream, raw), raw["bodies"], strict=True)))

    return broker


def _redis_ids(stream: str, raw: Any) -> list[str]:
    return [f"redis:{stream}:{i.decode() if isinstance(i, bytes) else i}" for i in raw["message_ids"]]


def _redis_body(entry: Any) -> bytes:
    """Return an entry's record: FastStream's own envelope, a field `data`, or all fields as one record of texts."""
    from faststream.redis.parser import BinaryMessageFormatV1

    if _DATA in entry:
        return bytes(BinaryMessageFormatV1.parse(entry[_DATA])[0])
    if b"data" in entry:
        return bytes(entry[b"data"])
    return json.dumps({k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in entry.items()}).encode()


# ---------------------------------------------------------------------------- Kafka


async def _kafka(url: str, topic: str, consumer: str, take: Take) -> Any:
    from faststream import AckPolicy, Context
    from faststream.kafka import KafkaBroker

    broker = KafkaBroker(url.partition("://")[2].rstrip("/"), logger=None, client_id=consumer)
    context = Context("message")

    @broker.subscriber(
        topic,
        group_id=GROUP,
        batch=True,
        max_records=MOST_MESSAGES,
        auto_offset_reset="earliest",
        session_timeout_ms=10_000,
        decoder=_nothing,
        ack_policy=AckPolicy.NACK_ON_ERROR,
    )
    async def handle(message: Any = context) -> None:
        records = message.raw_message
        await take([(f"kafka:{r.topic}:{r.partition}:{r.offset}", r.value or b"null") for r in records])

    return broker


# ---------------------------------------------------------------------------- NATS JetStream


async def _nats(url: str, subject: str, consumer: str, take: Take) -> Any:
    from faststream import AckPolicy, Context
    from faststream.nats import JStream, NatsBroker, PullSub
    from nats.js.api import ConsumerConfig

    broker = NatsBroker(url, logger=None, name=consumer)
    context = Context("message")

    @broker.subscriber(
        subject,
        durable=GROUP,
        stream=JStream(subject.replace(".", "-"), subjects=[subject]),
        pull_sub=PullSub(batch_size=MOST_MESSAGES, timeout=0.5, batch=True),
        config=ConsumerConfig(ack_wait=_IDLE / 1000, max_ack_pending=MOST_MESSAGES * 4),
        decoder=_nothing,
        ack_policy=AckPolicy.NACK_ON_ERROR,
    )
    async def handle(message: Any = context) -> None:
        places = [(m.metadata, m.data) for m in message.raw_message]
        await take([(f"nats:{p.stream}:{p.sequence.stream}", data or b"null") for p, data in places])

    return broker


# ---------------------------------------------------------------------------- RabbitMQ


class Company:
    """Puts single messages together, so that a transaction serves many; each waits until its own is durable."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._waiting: list[tuple[tuple[str, bytes], asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def join(self, identity: str, body: bytes) -> None:
        """Return once the message is durable; raise what kept it from being so."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(((identity, body), done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        await done

    async def _work(self) -> None:
        while self._waiting:
            if len(self._waiting) < MOST_MESSAGES:
                await asyncio.sleep(_PAUSE)
            batch, self._waiting = self._waiting[:MOST_MESSAGES], self._waiting[MOST_MESSAGES:]
            try:
                await self._take([message for message, _ in batch])
            except Exception as error:  # noqa: BLE001, RUF100 - each message has to hear of it
                for _, done in batch:
                    done.set_exception(error)
            else:
                for _, done in batch:
                    done.set_result(None)


async def _rabbit(url: str, queue: str, consumer: str, take: Take) -> Any:
    from faststream import AckPolicy, Context
    from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

    broker = RabbitBroker(url, logger=None, default_channel=Channel(prefetch_count=MOST_MESSAGES))
    company = Company(take)
    context = Context("message")

    @broker.subscriber(RabbitQueue(queue, durable=True), decoder=_nothing, ack_policy=AckPolicy.NACK_ON_ERROR)
    async def handle(message: Any = context) -> None:
        raw = message.raw_message
        # Without an id from the sender a redelivery cannot be told from another record.
        identity = raw.message_id or f"{consumer}:{id(raw)}:{raw.delivery_tag}:{os.urandom(8).hex()}"
        await company.join(f"rabbit:{queue}:{identity}", raw.body or b"null")

    return broker


_DOORS: dict[str, Callable[[str, str, str, Take], Awaitable[Any]]] = {
    "redis": _redis,
    "rediss": _redis,
    "kafka": _kafka,
    "nats": _nats,
    "amqp": _rabbit,
    "amqps": _rabbit,
}
_PORTS = {"redis": 6379, "rediss": 6379, "kafka": 9092, "nats": 4222, "amqp": 5672, "amqps": 5671}
