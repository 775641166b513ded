"""Messages arrive in each receiver's shape, survive a receiver that is down, and hold no secret."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import json
import sys

import pytest
from aiosmtpd.controller import Controller

from tests.monitor.conftest import small
from tests.monitor.receivers import Receiver
from tests.servers import free_port
from workbench.audit.operations import Channel
from workbench.audit.plan import plan_of
from workbench.core.errors import ConfigError
from workbench.monitor.channels import UndeliveredError, send
from workbench.monitor.outbox import deliver, waiting
from workbench.monitor.run import Monitor

MESSAGE = {
    "event": "opened", "alert": "a" * 32, "title": "Loans <b>", "rule": "auc", "severity": "fail", "since": "2026-01",
    "window": "2026-02", "windows": 2, "causes": [], "requirement": "4.2", "owner": "risk",
    "record": "sha256:0", "text": "Loans <b>: rule auc fails in window 2026-02: [x](http://evil) & more.",
}  # fmt: skip


@pytest.fixture
def receiver():
    found = Receiver()
    yield found
    found.close()


def test_slack(receiver):
    send(Channel(kind="slack", url=receiver.url + "/services/T/B/x"), "id", MESSAGE)
    (body,) = receiver.bodies()
    assert "&lt;b&gt;" in body["text"]
    assert "&amp; more" in body["blocks"][0]["text"]["text"]


def test_teams(receiver):
    send(Channel(kind="teams", url=receiver.url), "id", MESSAGE)
    (body,) = receiver.bodies()
    card = body["attachments"][0]["content"]
    assert (card["type"], body["type"]) == ("AdaptiveCard", "message")
    assert r"\[x\]" in card["body"][1]["text"]
    assert {"title": "Rule", "value": "auc"} in card["body"][2]["facts"]


def test_pagerduty_opens_and_resolves_one_incident(receiver, monkeypatch):
    monkeypatch.setenv("PD_KEY", "routing")
    channel = Channel(kind="pagerduty", url=receiver.url, secret_env="PD_KEY")
    send(channel, "id", MESSAGE)
    send(channel, "id2", {**MESSAGE, "event": "resolved"})
    opened, resolved = receiver.bodies()
    assert [p for p, _, _ in receiver.got] == ["/v2/enqueue"] * 2
    assert (opened["event_action"], opened["payload"]["severity"]) == ("trigger", "critical")
    assert resolved == {"routing_key": "routing", "event_action": "resolve", "dedup_key": opened["dedup_key"]}


@pytest.mark.parametrize("secret", ["plain text", "whsec_" + base64.b64encode(b"k" * 24).decode()])
def test_webhook_is_signed(receiver, monkeypatch, secret):
    monkeypatch.setenv("SECRET", secret)
    send(Channel(kind="webhook", url=receiver.url, secret_env="SECRET"), "msg-1", MESSAGE)
    ((_, headers, body),) = receiver.got
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert json.loads(body) == MESSAGE


class Mailbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


def test_email(monkeypatch):
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        channel = Channel(
            kind="email", url=f"smtp://127.0.0.1:{controller.port}", to=["a@example.org", "b@example.org"]
        )
        send(channel, "msg-1", {**MESSAGE, "rule": "auc\r\nBcc: evil@example.org"})
    finally:
        controller.stop()
    (mail,) = box.mails
    assert mail["Subject"] == "[fail] Loans <b>: auc Bcc: evil@example.org"
    assert mail["Bcc"] is None
    assert mail["Message-ID"] == "<msg-1@audit-workbench>"
    assert MESSAGE["text"] in mail.get_content()


def test_apprise(receiver):
    send(Channel(kind="apprise", url=f"json://127.0.0.1:{receiver.port}"), "id", MESSAGE)
    assert receiver.bodies()[0]["type"] == "failure"


def test_no_error_tells_an_address_or_a_secret(monkeypatch):
    monkeypatch.setenv("HOOK", f"http://127.0.0.1:{free_port()}/services/secret-token")
    for kind in ("slack", "teams", "webhook"):
        with pytest.raises(UndeliveredError) as caught:
            send(Channel(kind=kind, url_env="HOOK"), "id", MESSAGE)
        assert "secret-token" not in str(caught.value)
        assert caught.value.__cause__ is None
    monkeypatch.delenv("HOOK")
    with pytest.raises(ConfigError, match="HOOK is not set"):
        send(Channel(kind="slack", url_env="HOOK"), "id", MESSAGE)


@pytest.mark.parametrize(
    "channel",
    [
        {"kind": "slack"},
        {"kind": "slack", "url": "http://x", "url_env": "X"},
        {"kind": "email", "url": "smtp://x"},
        {"kind": "pagerduty", "url": "http://x"},
        {"kind": "slack", "url_env": "https://hooks.example.org/secret"},
        {"kind": "fax", "url": "http://x"},
    ],
)
def test_a_wrong_channel_is_refused_with_the_plan(channel, stream):
    _, plan = stream
    with pytest.raises(ConfigError):
        plan(monitor={"channels": [channel]})


def test_an_alert_survives_a_receiver_that_is_down(stream):
    """Three tries find nobody, the fourth somebody; the resolution never overtakes the alert."""
    folder, plan = stream
    port = free_port()
    chosen = plan(monitor={"channels": [{"kind": "webhook", "url": f"http://127.0.0.1:{port}/"}]})
    for month, shift in enumerate((1, 0), 1):
        small(month, rows=4000, shift=shift, start=f"2026-{month:02d}-01").to_parquet(folder / f"{month}.parquet")
    monitor = Monitor(chosen)
    monitor.run(close=True)
    clock = 0.0
    for attempt in (1, 2, 3):
        (tried,) = deliver(monitor.store, chosen.monitor.channels, now=clock)
        assert "no answer" in tried.error
        assert waiting(monitor.store)[0][1] == attempt
        assert deliver(monitor.store, chosen.monitor.channels, now=clock) == []  # not before the pause is over
        clock += 60
    receiver = Receiver(port=port)
    try:
        done = deliver(monitor.store, chosen.monitor.channels, now=clock)
        assert [d.error for d in done] == ["", ""]
        assert [b["event"] for b in receiver.bodies()] == ["opened", "resolved"]
        assert Monitor(chosen).run(close=True).judged == ()
        assert deliver(monitor.store, chosen.monitor.channels, now=clock + 10_000) == []
    finally:
        receiver.close()
    assert waiting(monitor.store) == []


def test_a_sender_that_died_is_taken_over(stream):
    folder, plan = stream
    small(1, rows=4000, shift=1).to_parquet(folder / "1.parquet")
    chosen = plan(monitor={"channels": [{"kind": "webhook", "url": "http://127.0.0.1:9/"}]})
    monitor = Monitor(chosen)
    monitor.run(close=True)

    def dies(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver(monitor.store, chosen.monitor.channels, now=0.0, sender=dies)
    sent = []
    assert deliver(monitor.store, chosen.monitor.channels, now=60.0, sender=lambda *a: sent.append(a)) == []
    assert len(deliver(monitor.store, chosen.monitor.channels, now=130.0, sender=lambda *a: sent.append(a))) == 1
    assert sent[0][2]["event"] == "opened"


def test_a_group_under_the_minimum_is_in_no_message(stream):
    folder, plan = stream
    rows = small(1, rows=400)
    rows.loc[:3, "group"] = "tiny-group"
    rows.to_parquet(folder / "1.parquet")
    rule = {"id": "rates", "check": "quality.missing", "measure": "*", "group": "*", "column": "*", "operator": "<=",
            "limit": -1.0, "basis": "point"}  # fmt: skip
    chosen = plan_of(
        plan(monitor={"channels": [{"kind": "webhook", "url": "http://127.0.0.1:9/"}]}).model_dump(mode="json")
        | {"policy": {"rules": [rule]}}
    )
    monitor = Monitor(chosen)
    monitor.run(close=True)
    sent = []
    deliver(monitor.store, chosen.monitor.channels, now=0.0, sender=lambda *a: sent.append(a[2]))
    assert sent
    assert "tiny-group" not in json.dumps(sent)


@pytest.mark.parametrize(
    ("missing", "extra", "kind"), [("httpx", "monitor", "webhook"), ("apprise", "notify", "apprise")]
)
def test_a_channel_whose_extra_is_missing_says_so_and_keeps_its_message(stream, monkeypatch, missing, extra, kind):
    folder, plan = stream
    small(1, rows=4000, shift=1).to_parquet(folder / "1.parquet")
    chosen = plan(monitor={"channels": [{"kind": kind, "url": "http://127.0.0.1:9/"}]})
    monitor = Monitor(chosen)
    monitor.run(close=True)
    monkeypatch.setitem(sys.modules, missing, None)
    (tried,) = deliver(monitor.store, chosen.monitor.channels, now=0.0)
    assert tried.error.endswith(f"pip install 'audit-workbench[{extra}]'")
    assert len(waiting(monitor.store)) == 1
