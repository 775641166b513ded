"""The commands that repeat an audit and guard a stream: contract, monitor, gateway."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.core.errors import ConfigError, shown, thousands
from workbench.scaffold import KINDS, write_scaffold

if TYPE_CHECKING:
    from workbench.audit.plan import Plan
    from workbench.monitor.run import Monitor, Report

Command = Callable[[argparse.Namespace], int]
Add = Callable[..., argparse.ArgumentParser]


def add_operations(commands: Any, add: Add) -> None:
    """Add the commands to the parser; `add` makes one of a name, a function, its help and an argument."""
    _add_contract(_group(commands, "contract", "propose, decide, check and compare contracts of data"))
    _add_monitor(_group(commands, "monitor", "repeat a plan window by window, with alerts"))
    publish = add("publish", _publish, "send a bundle's audit to a catalogue", "bundle")
    publish.add_argument("config", help="a YAML file: kind, addresses, ids; credentials come from the environment")
    publish.add_argument("--dry-run", action="store_true", help="show what would be sent")
    scaffold = add("scaffold", _scaffold, "write ready files for a pipeline, a container, a scheduler")
    scaffold.add_argument("kind", help=f"one of {', '.join(KINDS)}")
    scaffold.add_argument("-o", "--output", default=".", help="the folder to write into (default: here)")
    scaffold.add_argument("--title", default=None, help="what the files call the audit (default: Audit)")
    scaffold.add_argument("--plan", default="plan.yaml", help="the plan that they run (default: plan.yaml)")
    gateway = add("gateway", _gateway, "validate records as they arrive, over HTTP or from a broker", "plan")
    gateway.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this computer only)")
    gateway.add_argument("--port", type=int, default=8600, help="the port (default: 8600)")
    gateway.add_argument("--broker", metavar="URL", default=None, help="redis://, amqp://, nats:// or kafka:// URL")
    gateway.add_argument("--stream", default="records", help="the stream, queue, subject or topic (default: records)")
    gateway.add_argument("--consumer", default=None, help="this process's name among the consumers (default: made up)")


def _group(commands: Any, name: str, about: str) -> Add:
    parser = commands.add_parser(name, help=about, description=about)
    parts = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(part: str, command: Command, help_: str, *arguments: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = parts.add_parser(part, help=help_, description=help_)
        made.set_defaults(command=command)
        for argument in arguments:
            made.add_argument(argument, help=f"the {argument}")
        return made

    return add


# ---------------------------------------------------------------------------- contract


def _add_contract(add: Add) -> None:
    infer = add(
        "infer", _contract_infer, "propose the contract that a data file keeps, each rule with evidence", "data"
    )
    infer.add_argument("-o", "--output", default="contract.yaml", help="the file to write (default: contract.yaml)")
    infer.add_argument("--unique", action="append", default=[], metavar="COLUMN", help="a column that is a key")
    infer.add_argument("--sensitive", action="append", default=[], metavar="COLUMN", help="write no value of it")
    infer.add_argument("--accept", action="store_true", help="write accepted rules (proposed ones only warn)")
    check = add("check", _contract_check, "judge a contract on every row of a data file", "data", "contract")
    check.add_argument("--strict", action="store_true", help="exit 1 where a proposed rule is broken, too")
    check.add_argument("--id", metavar="COLUMN", default=None, help="name rows by this column, unless it is sensitive")
    check.add_argument("--most", type=int, default=20, help="rows named of each rule (default: 20)")
    check.add_argument("--as-of", metavar="TIME", default=None, help="when freshness is seen from (default: now)")
    check.add_argument("--failing", metavar="FILE", default=None, help="write the rows named to a .csv or .xlsx file")
    check.add_argument("--all", action="store_true", help="show the rules that hold, too")
    diff = add("diff", _contract_diff, "say what changed, and what of it is breaking (exit 1)", "before", "after")
    diff.add_argument("--readers", action="store_true", help="breaking for who relies on the data, not who sends it")
    for each in (check, diff):
        each.add_argument("--json", action="store_true", help="print one JSON object")
    _add_contract_files(add)


def _add_contract_files(add: Add) -> None:
    accept = add("accept", _contract_decide, "accept some rules of a contract, or all that are proposed", "contract")
    accept.add_argument("rules", nargs="*", metavar="RULE", help="a rule's name")
    reject = add("reject", _contract_decide, "reject rules of a contract: they are not checked", "contract")
    reject.add_argument("rules", nargs="+", metavar="RULE", help="a rule's name")
    export = add("export", _contract_export, "write a contract as an Open Data Contract (ODCS)", "contract")
    foreign = add("import", _contract_import, "write another tool's rules as a contract", "contract")
    foreign.add_argument("--from", dest="kind", choices=list(_FOREIGN), default="odcs", help="who wrote them (odcs)")
    for name, each in (("accept", accept), ("reject", reject)):
        each.set_defaults(decision=name)
        each.add_argument("-o", "--output", default=None, help="another file to write (default: the contract itself)")
    for each in (export, foreign):
        each.add_argument("-o", "--output", required=True, help="the file to write")


def _contract_decide(options: argparse.Namespace) -> int:
    """Accept or reject rules: in the contract itself, whole or not at all, unless another file is named."""
    from workbench.audit.contracts import contract_yaml, load_contract
    from workbench.core.contract_edit import accept, reject
    from workbench.core.writing import write_whole

    before = load_contract(options.contract)
    accepting = options.decision == "accept"
    text = contract_yaml(accept(before, options.rules or None) if accepting else reject(before, options.rules))
    if options.output is not None:
        _written(options.output, text)
    else:
        write_whole(Path(options.contract), text.encode())
        print(f"wrote {options.contract}")
    return 0


def _contract_export(options: argparse.Namespace) -> int:
    from workbench.audit.contracts import load_contract
    from workbench.audit.text import dump_yaml
    from workbench.govern.odcs import to_odcs

    _written(options.output, dump_yaml(to_odcs(load_contract(options.contract))))
    return 0


_FOREIGN = {
    "odcs": ("workbench.govern.odcs", "from_odcs"),
    "pandera": ("workbench.govern.pandera_import", "from_pandera"),
    "expectations": ("workbench.govern.expectations_import", "from_expectations"),
}
"""Who wrote a file of rules -> what reads it: plain data to a contract, and what was not taken over."""


def _contract_import(options: argparse.Namespace) -> int:
    from importlib import import_module

    from workbench.audit.contracts import contract_yaml
    from workbench.audit.text import read_mapping

    module, function = _FOREIGN[options.kind]
    contract, left = getattr(import_module(module), function)(read_mapping(options.contract))
    _written(options.output, contract_yaml(contract))
    for line in left:
        print(f"  not taken over: {line}")
    return 0


def _written(output: str, text: str) -> None:
    from workbench.core.writing import write_whole

    target = Path(output)
    if target.exists():
        raise ConfigError(f"{shown(target, 200)} exists: name another file with -o, or remove it.")
    write_whole(target, text.encode())
    print(f"wrote {target}")


def _contract_infer(options: argparse.Namespace) -> int:
    from workbench.audit.contracts import contract_yaml
    from workbench.core.contract_infer import infer_contract
    from workbench.core.counts import count
    from workbench.core.dataset import Dataset, Roles
    from workbench.load import open_frame

    frame = open_frame(options.data)
    given = {"unique": options.unique, "sensitive": options.sensitive, "accept": options.accept}
    contract = infer_contract(count(Dataset(frame, Roles())), frame, name=Path(options.data).stem, **given)
    _written(options.output, contract_yaml(contract))
    state = "accepted" if options.accept else "proposed: they warn until you accept them"
    print(f"{thousands(len(contract.columns))} columns, {thousands(len(contract.rules))} rules, {state}")
    return 0


def _contract_check(options: argparse.Namespace) -> int:
    from workbench.audit.contracts import load_contract, open_referred
    from workbench.core.contract_judge import Naming, judge_data
    from workbench.core.contract_values import as_time
    from workbench.load import open_frame
    from workbench.report.contract_text import judgements_text

    contract = load_contract(options.contract)
    others = open_referred(contract, Path(options.contract).parent)
    as_of = datetime.now(UTC) if options.as_of is None else as_time(options.as_of)
    naming = Naming(options.id, options.most)
    found = judge_data(open_frame(options.data), contract, others=others, as_of=as_of, naming=naming)
    code = found.exit_code(strict=options.strict)
    if options.failing is not None:
        from workbench.core.writing import write_whole
        from workbench.report.failing_rows import failing_rows

        write_whole(Path(options.failing), failing_rows(found, options.failing))
    if options.json:
        print(json.dumps({**found.to_dict(), "exit_code": code}, ensure_ascii=False, indent=1))
    else:
        print(judgements_text(found, every=options.all))
    return code


def _contract_diff(options: argparse.Namespace) -> int:
    from workbench.audit.contracts import load_contract
    from workbench.core.contract_diff import changes
    from workbench.report.contract_text import changes_text

    found = changes(load_contract(options.before), load_contract(options.after))
    code = int(any(change.breaks(options.readers) for change in found))
    if options.json:
        told = [change.to_dict(readers=options.readers) for change in found]
        print(json.dumps({"changes": told, "exit_code": code}, ensure_ascii=False, indent=1))
    else:
        print(changes_text(found, readers=options.readers))
    return code


# ---------------------------------------------------------------------------- monitor


def _add_monitor(add: Add) -> None:
    run = add("run", _monitor_run, "count what is new, judge complete windows, send alerts", "plan")
    run.add_argument("--close", action="store_true", help="judge the last window too, though it may not be complete")
    run.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="try undelivered alerts for so long")
    run.add_argument("--strict", action="store_true", help="exit 1 on open warnings too")
    recut = add("recut", _monitor_recut, "begin a plan's store with another one's counts, in coarser windows", "plan")
    recut.add_argument("store", help="the folder of the store whose windows fit into the plan's")
    status = add("status", _monitor_status, "show windows, open alerts and what waits to be sent", "plan")
    for each in (run, status):
        each.add_argument("--json", action="store_true", help="print one JSON object")
    add("deliver", _monitor_deliver, "try to send what waits", "plan").add_argument(
        "--wait", type=float, default=0, metavar="SECONDS", help="keep trying for so long"
    )
    add("metrics", _monitor_metrics, "print the monitor's state as OpenMetrics text", "plan")
    quarantine = add("quarantine", _monitor_quarantine, "write quarantined records with their reasons", "plan")
    quarantine.add_argument("-o", "--output", default="quarantine.jsonl", help="the file (default: quarantine.jsonl)")


def _plan(options: argparse.Namespace) -> Plan:
    from workbench.audit.plan import load_plan

    return load_plan(options.plan)


def _monitor(options: argparse.Namespace) -> Monitor:
    from workbench.monitor.run import Monitor

    return Monitor(_plan(options))


def _monitor_run(options: argparse.Namespace) -> int:
    monitor = _monitor(options)
    if monitor.plan.contract is not None:
        _intake(monitor).count_accepted()
    report = monitor.run(close=options.close)
    errors = _delivered(monitor, options.wait)
    severities = {a.severity for a in report.open_alerts}
    code = int("fail" in severities or (options.strict and bool(severities)))
    if options.json:
        print(json.dumps({**_report(report), "undelivered": errors, "exit_code": code}, ensure_ascii=False, indent=1))
    else:
        _print_report(report, errors)
    return code


def _report(report: Report) -> dict[str, Any]:
    return {
        "counted": list(report.counted),
        "skipped": list(report.skipped),
        "judged": [
            {"window": w.label, "rows": w.rows, "outcome": w.outcome, "digest": w.digest} for w in report.judged
        ],
        "alerts": [{name: getattr(a, name) for name in a.__slots__} for a in report.alerts],
        "notes": list(report.notes),
    }


def _print_report(report: Report, errors: list[str]) -> None:
    print(f"{len(report.counted)} new sources counted, {len(report.skipped)} known before")
    for window in report.judged:
        print(f"  {window.label:24} {window.rows:>10,} rows  {window.outcome.upper()}")
    for alert in report.open_alerts:
        print(f"ALERT {alert.severity}: {alert.rule} since {alert.since} ({alert.windows} windows)")
    for line in (*report.notes, *errors):
        print(line)


def _monitor_recut(options: argparse.Namespace) -> int:
    from workbench.monitor.recut import take_counts
    from workbench.monitor.store import Store

    made = take_counts(_monitor(options), Store(options.store, create=False))
    print(f"{made} windows from the counts of {options.store}; no row was read again")
    return 0


def _delivered(monitor: Monitor, seconds: float) -> list[str]:
    from workbench.monitor.outbox import deliver, waiting

    end = time.monotonic() + seconds
    deliver(monitor.store, monitor.settings.channels)
    while waiting(monitor.store) and time.monotonic() < end:
        time.sleep(min(1.0, max(0.0, end - time.monotonic())))
        deliver(monitor.store, monitor.settings.channels)
    return [_undelivered(*found) for found in waiting(monitor.store)]


def _undelivered(channel: str, tries: int, error: str) -> str:
    if not tries:
        return f"not sent yet: a message for {channel} that waits for an earlier one of the same alert"
    return f"undelivered after {tries} {'try' if tries == 1 else 'tries'}: {error}"


def _monitor_deliver(options: argparse.Namespace) -> int:
    errors = _delivered(_monitor(options), options.wait)
    print("\n".join(errors) or "nothing waits")
    return 3 if errors else 0


def _monitor_status(options: argparse.Namespace) -> int:
    from workbench.monitor.status import status

    found = status(_plan(options))
    print(json.dumps(found, ensure_ascii=False, indent=1) if options.json else _status_text(found))
    return 0


def _status_text(found: dict[str, Any]) -> str:
    lines = [f"{'window':24} {'rows':>12}  state   verdict     digest"]
    for w in found["windows"]:
        state = "closed" if w["closed"] else "open"
        revised = f" (revision {w['revision']})" if w["revision"] > 1 else ""
        lines.append(
            f"{w['window']:24} {w['rows']:>12,}  {state:7} {w['outcome'] or '-':11} {w['digest'][:19]}{revised}"
        )
    opened = [a for a in found["alerts"] if not a["resolved"]]
    lines += [f"ALERT {a['severity']}: {a['rule']} since {a['since']}, {a['windows']} windows" for a in opened]
    lines += [_undelivered(*waiting) for waiting in found["waiting"]]
    return "\n".join([*lines, "no open alert"] if not opened else lines)


def _monitor_metrics(options: argparse.Namespace) -> int:
    from workbench.monitor.metrics import store_metrics

    print(store_metrics(_monitor(options).store), end="")
    return 0


def _monitor_quarantine(options: argparse.Namespace) -> int:
    from workbench.core.writing import write_whole
    from workbench.monitor.status import quarantined

    lines = [json.dumps(row, ensure_ascii=False) for row in quarantined(_monitor(options).store)]
    write_whole(Path(options.output), "".join(f"{line}\n" for line in lines).encode())
    print(f"wrote {thousands(len(lines))} records to {options.output}: they hold what was sent, treat them as data")
    return 0


# ---------------------------------------------------------------------------- publish, scaffold


def _publish(options: argparse.Namespace) -> int:
    from workbench.audit.bundle import open_bundle
    from workbench.audit.text import read_mapping
    from workbench.govern.publish import publish

    record = open_bundle(options.bundle).record
    for line in publish(record, read_mapping(options.config), dry_run=options.dry_run):
        print(f"{'would send ' if options.dry_run else ''}{line}")
    return 0


def _scaffold(options: argparse.Namespace) -> int:
    for file in write_scaffold(options.kind, options.output, plan=options.plan, title=options.title):
        print(f"wrote {file}")
    return 0


# ---------------------------------------------------------------------------- gateway


def _intake(monitor: Monitor) -> Any:
    from workbench.audit.contracts import load_contract
    from workbench.monitor.intake import Intake

    if monitor.plan.contract is None:
        raise ConfigError("the plan has no `contract`: `workbench contract infer DATA` proposes one.")
    return Intake(monitor, load_contract(monitor.plan.contract))


def _gateway(options: argparse.Namespace) -> int:
    intake = _intake(_monitor(options))
    if options.broker is not None:
        from workbench.monitor.broker import serve_broker

        serve_broker(intake, options.broker, options.stream, consumer=options.consumer)
        return 0
    from workbench.monitor.gateway import serve_gateway

    print(f"listening on http://{options.host}:{options.port}/v1/records", flush=True)
    serve_gateway(intake, host=options.host, port=options.port)
    return 0
