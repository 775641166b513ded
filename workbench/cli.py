"""The command line: a light wrapper over the public door.

Exit codes: 0 pass or warn, 1 fail, 2 usage or configuration, 3 incomplete, 4 verification failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.core.errors import WorkbenchError
from workbench.operate import add_operations

if TYPE_CHECKING:
    from workbench.work import Outcome

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    os.environ.setdefault("YDATA_PROFILING_NO_ANALYTICS", "1")
    options = _parser().parse_args(argv)
    try:
        command: Command = options.command
        return command(options)
    except WorkbenchError as error:
        print(f"workbench: {error}", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        needed = f"this command needs {error.name}, which is not installed"
        print(f"workbench: {needed}: pip install 'audit-workbench[all]'", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("workbench: stopped by the user; nothing half-written was left", file=sys.stderr)
        return 3
    except BrokenPipeError:
        # Whoever read our output (head, a pager) has gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="workbench", description="Audits of machine-learning models and their data.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = _adder(commands)
    init = add("init", _init, "write a first plan for a data file, roles guessed", "data")
    init.add_argument("-o", "--output", default="plan.yaml", help="the plan to write (default: plan.yaml)")
    run = add("run", _run, "run a plan: verdict, exit code, bundle", "plan")
    run.add_argument("--engine", choices=["local", "spark"], default=None, help="what reads and counts the files")
    run.add_argument("--lineage", metavar="FILE|URL", default=None, help="send the OpenLineage event there too")
    run.add_argument("--counts", action="store_true", help="keep count tables in the bundle, as a monitor's baseline")
    demo = add("demo", _demo, "audit a real model on real data; nothing is downloaded")
    for each in (run, demo):
        _run_options(each)
    notebook = add("notebook", _notebook, "write a plan as a parameterised notebook", "plan")
    notebook.add_argument("-o", "--output", default="audit.ipynb", help="the notebook to write (default: audit.ipynb)")
    report = add("report", _report, "write a bundle's report anew, from its record", "bundle")
    report.add_argument("-o", "--output", default="report.html", help="the file to write (default: report.html)")
    disclose = add(
        "disclose", _disclose, "write what of a bundle may be shared: no small group, no personal data", "bundle"
    )
    disclose.add_argument("-o", "--output", default=None, help="the folder to write (default: BUNDLE-shareable)")
    disclose.add_argument(
        "--minimum", type=int, default=None, help="rows that a group has at least (default: policy's)"
    )
    disclose.add_argument("--data", default=None, help="the data: raw values of its flagged columns are looked for too")
    disclose.add_argument("--excel", action="store_true", help="write the measures as a workbook (.xlsx) besides")
    add("verify", _verify, "check every file and every shown number of a bundle", "bundle").add_argument(
        "--json", action="store_true", help="print one JSON object"
    )
    compare = add("compare", _compare, "say what differs between two bundles", "before")
    compare.add_argument("after", help="the later bundle")
    add("checks", _checks, "list the checks").add_argument("--json", action="store_true", help="print JSON")
    add_operations(commands, add)
    serve = add("serve", _serve, "serve the reviewer's app on the bundles under a folder, on this computer", "folder")
    serve.add_argument("--port", type=int, default=5006, help="the port (default: 5006)")
    serve.add_argument("--behind-proxy", action="store_true", help="let the proxy in front check who connects")
    serve.add_argument("--address", default="127.0.0.1", help="the address to listen on (default: this computer only)")
    serve.add_argument("--prefix", default="", help="the path it is reached under behind a proxy")
    return parser


def _adder(commands: Any) -> Callable[..., argparse.ArgumentParser]:
    def add(name: str, command: Command, about: str, argument: str = "") -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
        parser.set_defaults(command=command)
        if argument:
            parser.add_argument(argument, help=f"the {argument}")
        return parser

    return add


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", default=None, help="the bundle's folder (default: audits/TITLE-DIGEST)")
    parser.add_argument("--no-notebook", action="store_true", help="compute in this process, without a notebook")
    parser.add_argument("--strict", action="store_true", help="exit 1 on a warning too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--junit", metavar="FILE", default=None, help="write the judgements as JUnit XML")
    parser.add_argument("--metrics", metavar="FILE", default=None, help="write them as OpenMetrics text")
    parser.add_argument("--codequality", metavar="FILE", default=None, help="write them as GitLab code-quality JSON")
    parser.add_argument("--timeout", type=float, default=None, help="seconds after which the run is stopped")


def _init(options: argparse.Namespace) -> int:
    from workbench.audit.guess import first_plan
    from workbench.core.writing import write_whole

    target = Path(options.output)
    _refuse_existing(target)
    write_whole(target, first_plan(options.data, target.absolute().parent).encode())
    print(f"wrote {target}: look at the roles, then: workbench run {target}")
    return 0


def _refuse_existing(target: Path) -> None:
    from workbench.core.errors import ConfigError, shown

    if target.exists():
        raise ConfigError(f"{shown(target, 200)} exists: name another file with -o, or remove it.")


def _run(options: argparse.Namespace) -> int:
    from workbench.work import run_plan

    outcome = run_plan(
        options.plan,
        folder=options.output,
        with_notebook=not options.no_notebook,
        timeout=options.timeout,
        on_progress=_progress(options.json),
        outputs={k: v for k in ("junit", "metrics", "codequality") if (v := getattr(options, k))},
        engine=getattr(options, "engine", None),
        counts=getattr(options, "counts", False),
        lineage=getattr(options, "lineage", None),
    )
    return _told(outcome, options)


def _demo(options: argparse.Namespace) -> int:
    from workbench.demo import prepare

    print("Training a small model on arrests of 1997 to 2000; auditing those of 2001 and 2002.", file=sys.stderr)
    options.plan = prepare(Path("audits") / "demo-input")
    code = _run(options)
    if not options.json:
        print("\nNext: open the report in a browser, explore in JupyterLab (make lab), review in the app (make app)")
    return code


def _told(outcome: Outcome, options: argparse.Namespace) -> int:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    code = outcome.exit_code(strict=options.strict)
    if options.json:
        print(json.dumps({**outcome.to_dict(), "exit_code": code}, ensure_ascii=False, indent=1))
    else:
        print(outcome.text())
    return code


def _progress(quiet: bool) -> Callable[[dict[str, Any]], None] | None:
    if quiet or not sys.stderr.isatty():
        return None

    def tell(news: dict[str, Any]) -> None:
        step, steps, label = news.get("step", 0), news.get("steps", 0), str(news.get("label", ""))[:60]
        print(f"\r\x1b[K{step}/{steps} {label}", end="", file=sys.stderr, flush=True)

    return tell


def _notebook(options: argparse.Namespace) -> int:
    from workbench.audit.plan import load_plan
    from workbench.core.writing import write_whole
    from workbench.report.notebook import notebook_bytes, render_notebook

    plan = load_plan(options.plan)
    notebook = render_notebook(plan.arguments(), title=plan.title)
    write_whole(Path(options.output), notebook_bytes(notebook))
    print(f"wrote {options.output}")
    return 0


def _report(options: argparse.Namespace) -> int:
    from workbench.core.writing import write_whole
    from workbench.door import open_bundle
    from workbench.report.html import render_html

    bundle = open_bundle(options.bundle)
    status = str(bundle.manifest.get("status", "complete"))
    write_whole(Path(options.output), render_html(bundle.record, status=status).encode())
    print(f"wrote {options.output}")
    return 0


def _disclose(options: argparse.Namespace) -> int:
    from workbench.door import open_bundle
    from workbench.report.share import share_bundle

    bundle = open_bundle(options.bundle)
    folder = options.output or f"{str(options.bundle).rstrip('/')}-shareable"
    shared, lines = share_bundle(bundle, folder, minimum=options.minimum, data=options.data, excel=options.excel)
    print("\n".join([*lines, f"bundle: {shared.path}"]))
    return 0


def _verify(options: argparse.Namespace) -> int:
    from workbench.door import open_bundle
    from workbench.report.verify import verify

    found = verify(options.bundle)
    manifest = open_bundle(options.bundle).manifest
    if options.json:
        print(json.dumps({"verified": not found, "differences": found}, ensure_ascii=False, indent=1))
    elif found:
        print("NOT VERIFIED\n" + "\n".join(f"  {line}" for line in found))
    else:
        count = len(manifest["files"])
        print(f"verified: {count} files, the record's digest and every number shown\n  {manifest['record_digest']}")
        print("  (files can be compared with their manifest; who made the manifest takes a signature to prove)")
    return 4 if found else 0


def _compare(options: argparse.Namespace) -> int:
    from workbench.audit.compare import compare

    print(compare(options.before, options.after))
    return 0


def _checks(options: argparse.Namespace) -> int:
    from workbench.door import list_checks

    found = list_checks()
    if options.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return 0
    for check in found:
        needs = f" (needs {check['needs']})" if check["needs"] else ""
        print(f"{check['code']}  {check['id']:28} {check['title']}{needs}")
    return 0


def _serve(options: argparse.Namespace) -> int:
    from workbench.door import serve

    if options.address not in ("127.0.0.1", "::1", "localhost"):
        print("the app has no login of its own: let only a proxy that has one reach this address", file=sys.stderr)
    serve(
        options.folder,
        port=options.port,
        prefix=options.prefix,
        behind_proxy=options.behind_proxy,
        address=options.address,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
