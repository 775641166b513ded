"""Senders: one function a kind of channel; addresses and secrets come from the environment and are never shown."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from workbench.audit.operations import Channel
from workbench.core.errors import ConfigError, WorkbenchError, import_extra

SECONDS = 10.0
Message = Mapping[str, Any]


class UndeliveredError(WorkbenchError):
    """A receiver did not take a message; it is tried again."""


def send(channel: Channel, identity: str, message: Message) -> None:
    """Send one message; UndeliveredError says what the receiver answered, ConfigError what is not set."""
    _SENDERS[channel.kind](channel, identity, message)


def address(channel: Channel) -> str:
    """Return the channel's address, from the plan or from the environment."""
    found = channel.url if channel.url_env is None else os.environ.get(channel.url_env)
    if not found:
        raise ConfigError(f"channel {channel.label}: the environment variable {channel.url_env} is not set.")
    return found


def _secret(channel: Channel) -> str | None:
    if channel.secret_env is None:
        return None
    found = os.environ.get(channel.secret_env)
    if not found:
        raise ConfigError(f"channel {channel.label}: the environment variable {channel.secret_env} is not set.")
    return found


def _post(channel: Channel, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
    httpx = import_extra("httpx", "monitor", f"the channel {channel.label}")
    if urlsplit(url).scheme not in ("http", "https"):
        raise ConfigError(f"channel {channel.label}: its address is no http or https one.")
    try:
        # Redirects are not followed: an alert goes where the plan says.
        answer = httpx.post(
            url, content=body, headers={"Content-Type": "application/json", **(headers or {})}, timeout=SECONDS
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # The error's own text holds the address, and the address may be the secret.
        raise UndeliveredError(f"{channel.label}: no answer ({type(error).__name__})") from None
    if not answer.is_success:
        raise UndeliveredError(f"{channel.label}: the receiver answered {answer.status_code}")


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _slack(channel: Channel, _identity: str, message: Message) -> None:
    mark = ":white_check_mark:" if message["event"] == "resolved" else ":rotating_light:"
    # Slack's own three characters; everything else is text to it.
    text = str(message["text"]).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    block = {"type": "section", "text": {"type": "mrkdwn", "text": f"{mark} {text}"[:2900]}}
    _post(channel, address(channel), _json({"text": text[:2900], "blocks": [block]}))


def _teams(channel: Channel, _identity: str, message: Message) -> None:
    facts = [
        {"title": name, "value": str(message[key])[:200]}
        for name, key in (("Rule", "rule"), ("Window", "window"), ("Since", "since"), ("Owner", "owner"))
        if message.get(key)
    ]
    colour = "good" if message["event"] == "resolved" else "attention"
    head = {"type": "TextBlock", "weight": "bolder", "color": colour, "wrap": True, "text": _plain(message["title"])}
    body = [
        head,
        {"type": "TextBlock", "wrap": True, "text": _plain(message["text"])},
        {"type": "FactSet", "facts": facts},
    ]
    card = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4"}
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "content": {**card, "body": body}}
    _post(channel, address(channel), _json({"type": "message", "attachments": [content]}))


def _plain(text: object) -> str:
    # Adaptive cards read Markdown: a link in a column's name must stay text.
    return re.sub(r"([\\`*_\[\]<>])", r"\\\1", str(text))[:4000]


def _pagerduty(channel: Channel, _identity: str, message: Message) -> None:
    resolved = message["event"] == "resolved"
    event: dict[str, Any] = {
        "routing_key": _secret(channel),
        "event_action": "resolve" if resolved else "trigger",
        "dedup_key": message["alert"],
    }
    if not resolved:
        event["payload"] = {
            "summary": str(message["text"])[:1024],
            "source": str(message["title"])[:255] or "audit-workbench",
            "severity": "critical" if message["severity"] == "fail" else "warning",
            "custom_details": dict(message),
        }
    _post(channel, address(channel).rstrip("/") + "/v2/enqueue", _json(event))


def _webhook(channel: Channel, identity: str, message: Message) -> None:
    """Post the message itself, signed as the Standard Webhooks specification says (HMAC-SHA256)."""
    body, headers = _json(dict(message)), {"webhook-id": identity, "webhook-timestamp": str(int(time.time()))}
    secret = _secret(channel)
    if secret is not None:
        headers["webhook-signature"] = signature(secret, identity, headers["webhook-timestamp"], body)
    _post(channel, address(channel), body, headers)


def signature(secret: str, identity: str, timestamp: str, body: bytes) -> str:
    """Return the header `webhook-signature`: v1, and the base64 of HMAC-SHA256 over "id.timestamp.body"."""
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    signed = b".".join((identity.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _email(channel: Channel, identity: str, message: Message) -> None:
    parts = urlsplit(address(channel))
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ConfigError(f"channel {channel.label}: its address is none such as smtp://host:25 or smtps://host:465.")
    mail = EmailMessage()
    state = "resolved" if message["event"] == "resolved" else message["severity"]
    mail["Subject"] = " ".join(f"[{state}] {message['title']}: {message['rule']}".split())[:200]
    mail["From"], mail["To"] = channel.sender, ", ".join(channel.to)
    mail["Message-ID"] = f"<{identity}@audit-workbench>"  # the same for a repeat, so that it can be told
    mail.set_content(f"{message['text']}\n\n{json.dumps(dict(message), ensure_ascii=False, indent=1)}\n")
    try:
        with _smtp(parts.scheme, parts.hostname, parts.port) as server:
            if parts.username:
                server.login(parts.username, _secret(channel) or "")
            server.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        raise UndeliveredError(f"{channel.label}: the mail server did not take it ({type(error).__name__})") from None


def _smtp(scheme: str, host: str, port: int | None) -> smtplib.SMTP:
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=SECONDS, context=ssl.create_default_context())
    server = smtplib.SMTP(host, port or 25, timeout=SECONDS)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=ssl.create_default_context())
    return server


def _apprise(channel: Channel, _identity: str, message: Message) -> None:
    apprise = import_extra("apprise", "notify", f"the channel {channel.label}")
    notifier = apprise.Apprise()
    if not notifier.add(address(channel)):
        raise ConfigError(f"channel {channel.label}: its address is of no kind that Apprise knows.")
    kind = "success" if message["event"] == "resolved" else "failure" if message["severity"] == "fail" else "warning"
    title = f"{message['title']}: {message['rule']}"
    if not notifier.notify(body=str(message["text"]), title=title, notify_type=kind):
        raise UndeliveredError(f"{channel.label}: Apprise could not deliver it")


_SENDERS: dict[str, Callable[[Channel, str, Message], None]] = {
    "slack": _slack,
    "teams": _teams,
    "pagerduty": _pagerduty,
    "webhook": _webhook,
    "email": _email,
    "apprise": _apprise,
}
