"""The broker door on real brokers: every message once, through a kill -9 and a redelivery."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from tests.monitor.conftest import small
from tests.monitor.streams import (
    FULL,
    GROUPS,
    bodies,
    each_once_and_judged_as_a_whole,
    plan_file,
    records,
    state,
    through,
    worker,
)
from tests.servers import answers, free_port, program, server, wait_until

__all__ = ["plan_file"]  # a fixture


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    path, port = program("redis-server", package="redis-server"), free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with server([path, *options], port=port, folder=folder):
        yield f"redis://127.0.0.1:{port}"


def to_redis(url: str):
    import redis as client

    def send(messages: list[bytes]) -> None:
        with client.from_url(url) as r:
            pipe = r.pipeline(transaction=False)
            for i, body in enumerate(messages):
                pipe.xadd(GROUPS, {"data": body})
                if i % 1000 == 999:
                    pipe.execute()
            pipe.execute()

    return send


@pytest.mark.tier
@pytest.mark.services
def test_redis_streams_once_each_through_kill_9(plan_file: Path, tmp_path: Path, measured):
    with redis(tmp_path / "redis") as url:
        through(plan_file, url, to_redis(url), records(FULL), measured)


@pytest.mark.tier
@pytest.mark.services
def test_messages_that_are_no_records_stop_nothing(plan_file: Path, tmp_path: Path):
    """Broken JSON, bytes, no field of ours, FastStream's own envelope: each is one record, judged or quarantined."""
    import redis as client
    from faststream.redis import RedisBroker

    good = bodies(small(1, rows=3))
    with redis(tmp_path / "redis") as url, worker(plan_file, url, "one"):
        with client.from_url(url) as r:
            for fields in ({"data": b"{"}, {"data": b"\xff\x00"}, {"x": "1"}, {"__data__": good[0]}, {"data": b""}):
                r.xadd(GROUPS, fields)
            r.xadd(GROUPS, {"data": b"[" * 100_000})
            r.xadd(GROUPS, {"data": good[1].replace(b",", b"\n,")})

        async def envelope() -> None:
            async with RedisBroker(url, logger=None) as broker:
                await broker.publish(json.loads(good[2]), stream=GROUPS)

        asyncio.run(envelope())
        wait_until(lambda: sum(state(plan_file)) == 8, 30, f"{state(plan_file)} of 8")
    assert state(plan_file) == (3, 5)


def goes_away_and_comes_back(plan: Path, port: int, url: str, start, send) -> None:
    """Stop the broker under a worker and start it again on what it stored; `start` gives a running server."""
    with start():
        send(bodies(small(1, rows=50)))
        process = worker(plan, url, "one")
        first = process.__enter__()
        wait_until(lambda: sum(state(plan)) == 50, 60, "nothing arrived")
    try:
        wait_until(lambda: not answers(port), 20, "the broker did not go away")
        time.sleep(1)
        assert first.poll() is None, "the worker gave up when the broker went away"
        with start():
            send(bodies(small(2, rows=50)))
            wait_until(lambda: sum(state(plan)) >= 100, 90, f"{state(plan)} of 100")
            time.sleep(1)  # for what would come twice
    finally:
        process.__exit__(None, None, None)
    each_once_and_judged_as_a_whole(plan, pd.concat([small(1, rows=50), small(2, rows=50)], ignore_index=True))


@pytest.mark.tier
@pytest.mark.services
def test_redis_that_goes_away_and_comes_back(plan_file: Path, tmp_path: Path):
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "always"]
    command = [program("redis-server", package="redis-server"), *options, "--dir", str(tmp_path)]
    url = f"redis://127.0.0.1:{port}"
    goes_away_and_comes_back(plan_file, port, url, lambda: server(command, port=port, folder=tmp_path), to_redis(url))


def test_a_broker_that_is_not_there_is_one_sentence(plan_file: Path):
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "workbench",
        "gateway",
        plan_file,
        "--broker",
        f"redis://u:secret@127.0.0.1:{port}",
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert f"127.0.0.1:{port} cannot be reached" in told.stderr
    assert "secret" not in told.stderr
    assert "Traceback" not in told.stderr


# ---------------------------------------------------------------------------- at full size on the other brokers


def nats_server(port: int, folder: Path):
    command = [program("nats-server", package="nats-server"), "-js", "-sd", folder / "js", "-a", "127.0.0.1"]
    return server([*command, "-p", str(port)], port=port, folder=folder)


def to_nats(url: str):
    import nats

    def send(messages: list[bytes]) -> None:
        async def publish() -> None:
            client = await nats.connect(url)
            stream = client.jetstream()
            await stream.add_stream(name=GROUPS, subjects=[GROUPS])
            for at in range(0, len(messages), 500):
                await asyncio.gather(*(stream.publish(GROUPS, body) for body in messages[at : at + 500]))
            await client.close()

        asyncio.run(publish())

    return send


@pytest.mark.tier
@pytest.mark.brokers
def test_nats_once_each_through_kill_9(plan_file: Path, tmp_path: Path, measured):
    port = free_port()
    url = f"nats://127.0.0.1:{port}"
    with nats_server(port, tmp_path):
        through(plan_file, url, to_nats(url), records(FULL), measured)


@pytest.mark.tier
@pytest.mark.brokers
def test_nats_that_goes_away_and_comes_back(plan_file: Path, tmp_path: Path):
    port = free_port()
    url = f"nats://127.0.0.1:{port}"
    goes_away_and_comes_back(plan_file, port, url, lambda: nats_server(port, tmp_path), to_nats(url))


@pytest.fixture
def rabbit():
    """What RabbitMQ needs to run beside anything: its port, and a function that starts it on what it stored."""
    program("rabbitmq-server", package="rabbitmq-server")
    # Not the wrapper on the path: its `su` would begin a session of its own, which no signal of ours reaches.
    command: list[str | Path] = ["/usr/lib/rabbitmq/bin/rabbitmq-server"]
    port, dist, names = free_port(), free_port(), free_port()
    home = Path("/var/tmp") / f"rabbit-{port}"
    home.mkdir(mode=0o755)
    if os.geteuid() == 0:
        owner = pwd.getpwnam("rabbitmq")
        os.chown(home, owner.pw_uid, owner.pw_gid)
        rights = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
        command = [program("setpriv", package="util-linux"), *rights, *command]
    env = {
        "RABBITMQ_NODENAME": f"t{port}@localhost", "RABBITMQ_NODE_PORT": str(port), "RABBITMQ_DIST_PORT": str(dist),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1", "RABBITMQ_MNESIA_BASE": str(home / "db"),
        "RABBITMQ_LOG_BASE": str(home / "log"), "HOME": str(home), "ERL_EPMD_PORT": str(names),
    }  # fmt: skip
    try:
        yield port, lambda: server(command, port=port, folder=home, env=env, seconds=90)
    finally:
        subprocess.run(["epmd", "-port", str(names), "-kill"], capture_output=True, check=False)
        shutil.rmtree(home, ignore_errors=True)


def to_rabbit(url: str):
    import aio_pika

    def send(messages: list[bytes]) -> None:
        async def publish() -> None:
            async with await aio_pika.connect(url) as connection:
                channel = await connection.channel()
                await channel.declare_queue(GROUPS, durable=True)
                for at in range(0, len(messages), 500):
                    part = messages[at : at + 500]
                    await asyncio.gather(
                        *(
                            channel.default_exchange.publish(
                                aio_pika.Message(body, message_id=f"{hash(body)}-{at + i}", delivery_mode=2), GROUPS
                            )
                            for i, body in enumerate(part)
                        )
                    )

        asyncio.run(publish())

    return send


@pytest.mark.tier
@pytest.mark.brokers
def test_rabbitmq_once_each_through_kill_9(plan_file: Path, rabbit, measured):
    port, start = rabbit
    url = f"amqp://guest:guest@127.0.0.1:{port}"
    with start():
        through(plan_file, url, to_rabbit(url), records(FULL), measured)


@pytest.mark.tier
@pytest.mark.brokers
def test_rabbitmq_that_goes_away_and_comes_back(plan_file: Path, rabbit):
    port, start = rabbit
    url = f"amqp://guest:guest@127.0.0.1:{port}"
    goes_away_and_comes_back(plan_file, port, url, start, to_rabbit(url))


@pytest.mark.tier
@pytest.mark.brokers
def test_a_kafka_once_each_through_kill_9(plan_file: Path, measured):
    """On librdkafka's own broker for tests, which speaks Kafka's protocol."""
    from confluent_kafka import Producer

    broker = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 0})
    address = next(iter(broker.list_topics(timeout=10).brokers.values()))
    where = f"127.0.0.1:{address.port}"
    assert answers(address.port)

    def send(messages: list[bytes]) -> None:
        producer = Producer({"bootstrap.servers": where, "queue.buffering.max.messages": 100_000})
        for body in messages:
            producer.produce(GROUPS, body)
        assert producer.flush(30) == 0

    through(plan_file, f"kafka://{where}", send, records(FULL), measured)
    del broker
