"""The rules file on a real Prometheus: an open alert fires, reaches Alertmanager and a webhook behind it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.monitor.conftest import small
from tests.monitor.receivers import Receiver
from tests.monitor.streams import plan_file  # noqa: F401
from tests.monitor.test_gateway_process import gateway
from tests.servers import free_port, program, server, wait_until
from workbench.audit.plan import load_plan
from workbench.monitor.run import Monitor
from workbench.scaffold import write_scaffold

pytestmark = [pytest.mark.tier, pytest.mark.prometheus]


def test_our_rules_fire_and_arrive(plan_file: Path, tmp_path: Path):  # noqa: F811
    prometheus = program("prometheus", package="prometheus")
    promtool = program("promtool", package="prometheus")
    alertmanager = program("prometheus-alertmanager", "alertmanager", package="prometheus-alertmanager")
    (tmp_path / "new").mkdir()
    small(1, rows=4000, shift=1).to_parquet(tmp_path / "new" / "a.parquet")
    assert Monitor(load_plan(plan_file)).run(close=True).open_alerts
    write_scaffold("prometheus", tmp_path)
    rules = tmp_path / "workbench-rules.yml"
    checked = subprocess.run([promtool, "check", "rules", rules], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    receiver, gate, prom, alert = Receiver(), free_port(), free_port(), free_port()
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": "workbench", "static_configs": [{"targets": [f"127.0.0.1:{gate}"]}]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alert}"]}]}]},
    }
    routing = {
        "route": {"receiver": "hook", "group_wait": "1s", "group_by": ["alertname"]},
        "receivers": [{"name": "hook", "webhook_configs": [{"url": f"{receiver.url}/hook"}]}],
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(routing))
    options = ["--storage.tsdb.path", tmp_path / "tsdb", "--web.listen-address", f"127.0.0.1:{prom}"]
    manager = [
        "--config.file",
        tmp_path / "alertmanager.yml",
        "--storage.path",
        tmp_path / "am",
        "--cluster.listen-address=",
    ]
    try:
        with (
            gateway(plan_file, gate),
            server([alertmanager, *manager, "--web.listen-address", f"127.0.0.1:{alert}"], port=alert, folder=tmp_path),
            server([prometheus, "--config.file", tmp_path / "prometheus.yml", *options], port=prom, folder=tmp_path),
        ):
            wait_until(lambda: receiver.got, 60, "no alert arrived")
    finally:
        receiver.close()
    (told,) = receiver.bodies()[0]["alerts"]
    assert told["labels"]["alertname"] == "AuditRuleBroken"
    assert told["labels"]["rule"] == "value-drift"
    assert "value-drift is broken since window 2026-01" in told["annotations"]["summary"]
