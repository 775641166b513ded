"""The dependency files agree, the lock is whole, the wheel complete, the import light."""

import json
import re
import socket
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
LOCK = (ROOT / "requirements.lock").read_text()
SERVICES_LOCK = ROOT / "tests/services/requirements.lock"
NOT_IN_ALL = {"all", "spark"}  # Spark is 400 MB and needs Java
PYTHONS = ("3.11", "3.12", "3.13")
HEAVY = (
    *("pandas", "sklearn", "panel", "ipywidgets", "duckdb", "pyarrow", "numpy"),
    *("sqlalchemy", "httpx", "fastapi", "faststream", "pyspark", "fsspec", "prometheus_client", "openlineage"),
)

USER_FIXED = {
    "jupyterlab",
    "ipywidgets",
    "panel",
    "pandas",
    "scikit-learn",
    "ydata-profiling",
    "fairlearn",
    "papermill",
}


def requirements(lines):
    """Name -> (bounds, marker); one name with two bounds is an error."""
    found = {}
    for requirement in map(Requirement, lines):
        name = canonicalize_name(requirement.name)
        if name == PROJECT["name"]:
            continue  # one extra naming another
        entry = (requirement.specifier, str(requirement.marker or ""))
        assert found.setdefault(name, entry) == entry, f"{name} has two bounds"
    return found


def declared():
    lines = list(PROJECT["dependencies"])
    for name, extra in PROJECT["optional-dependencies"].items():
        lines += extra if name not in NOT_IN_ALL else ()
    return requirements(lines + PYPROJECT["dependency-groups"]["dev"])


def pins(lock=LOCK):
    """Every pin of a lock as (name, version, marker); fails on a line that is anything else."""
    form = re.compile(
        r"(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)( ; (?P<marker>.+?))?"
        r"( --hash=sha256:[0-9a-f]{64})+"
    )
    lines = re.sub(r" \\\n +", " ", lock).splitlines()
    matches = [(line, form.fullmatch(line)) for line in lines]
    wrong = [line[:80] for line, match in matches if match is None]
    assert not wrong, f"not a pin with hashes: {wrong}"
    return [(m["name"], Version(m["version"]), m["marker"]) for _, m in matches]


def pins_on(python, lock=LOCK):
    """Name -> version as pip would choose them on Linux with this Python; one pin a name."""
    environment = {"python_version": python, "python_full_version": f"{python}.9"}
    environment |= {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux"}
    chosen = {}
    for name, version, marker in pins(lock):
        if marker and not Marker(marker).evaluate(environment):
            continue
        assert name not in chosen, f"{name} is pinned twice on Python {python}"
        chosen[name] = version
    return chosen


def conda_environment(path):
    """The Python pin and the requirements of an environment.yml."""
    dependencies = yaml.safe_load((ROOT / path).read_text())["dependencies"]
    (pip,) = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    (python,) = [e for e in dependencies if isinstance(e, str) and e.startswith("python ")]
    return python.removeprefix("python "), requirements(pip)


@pytest.mark.parametrize("path", ["environment.yml", "binder/environment.yml"])
def test_environment_names_every_dependency_with_the_same_bounds(path):
    _, named = conda_environment(path)
    assert named == declared()


def test_environments_run_on_a_supported_python():
    supported = SpecifierSet(PROJECT["requires-python"])
    assert SpecifierSet(conda_environment("environment.yml")[0]) == supported
    binder = conda_environment("binder/environment.yml")[0].removeprefix("=")
    assert binder in PYTHONS
    assert [p for p in ("3.10", *PYTHONS, "3.14") if p in supported] == list(PYTHONS)


def test_every_extra_is_in_all():
    (everything,) = PROJECT["optional-dependencies"]["all"]
    assert Requirement(everything).extras == set(PROJECT["optional-dependencies"]) - NOT_IN_ALL


@pytest.mark.parametrize("lock", [LOCK, SERVICES_LOCK.read_text()], ids=["main", "services"])
def test_lock_holds_no_address_and_no_path(lock):
    assert "://" not in lock
    assert " @ " not in lock
    assert not re.search(r"(^|[\s=:'\"])(/|\.{1,2}/|[A-Za-z]:\\)", lock, re.MULTILINE)


@pytest.mark.parametrize("python", PYTHONS)
def test_the_services_lock_changes_no_pin_of_the_main_one(python):
    main, services = pins_on(python), pins_on(python, SERVICES_LOCK.read_text())
    wanted = requirements([*PROJECT["optional-dependencies"]["spark"], *PYPROJECT["dependency-groups"]["services"]])
    assert not wanted.keys() - services.keys()
    assert {name: v for name, v in services.items() if name in main and main[name] != v} == {}


def test_every_pin_has_a_hash_and_the_lock_is_sorted():
    names = [name for name, _, _ in pins()]
    assert names == sorted(names)
    assert not USER_FIXED - set(names)


@pytest.mark.parametrize("python", PYTHONS)
def test_lock_satisfies_every_bound(python):
    locked = pins_on(python)
    wanted = declared() | requirements(PYPROJECT["build-system"]["requires"])
    missing = wanted.keys() - locked.keys()
    assert not missing
    outside = [
        f"{name} {locked[name]} is not {bounds}"
        for name, (bounds, _) in wanted.items()
        if not bounds.contains(locked[name], prereleases=True)
    ]
    assert not outside


def test_wheel_carries_every_file_of_the_package(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "workbench").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "workbench/py.typed" in shipped
    assert files <= shipped
    assert any(name.endswith("licenses/LICENSE") for name in shipped)


def import_workbench():
    """CPU seconds of `import workbench` in a fresh process, and the heavy modules it loaded."""
    code = (
        "import json, sys, time\n"
        "begun = time.process_time()\n"
        "import workbench\n"
        "seconds = time.process_time() - begun\n"
        f"print(json.dumps([seconds, [m for m in {HEAVY!r} if m in sys.modules]]))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def test_import_workbench_is_light():
    runs = [import_workbench() for _ in range(3)]
    assert runs[0][1] == []
    assert min(seconds for seconds, _ in runs) < 0.1


@pytest.mark.parametrize("path", [".ci/run", "binder/postBuild", "binder/start"])
def test_scripts_are_executable_bash(path):
    script = ROOT / path
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], check=True)


def test_binder_build_stops_at_the_first_error():
    assert "set -euo pipefail" in (ROOT / "binder/postBuild").read_text()
    assert 'exec "$@"' in (ROOT / "binder/start").read_text()


def test_tests_cannot_reach_another_computer():
    outside = ("192.0.2.1", 80)  # an address reserved for documentation
    with pytest.raises(pytest.fail.Exception, match="another computer"):
        socket.create_connection(outside, timeout=1)
    with socket.socket() as sock, pytest.raises(pytest.fail.Exception, match="another computer"):
        sock.connect_ex(outside)
    with pytest.raises(pytest.fail.Exception, match="another computer"):
        socket.getaddrinfo("example.org", 80)


def test_tests_can_reach_this_computer():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


@pytest.mark.parametrize(
    ("missing", "extra", "words"),
    [
        ("sqlalchemy", "monitor", ["monitor", "run", "plan.yaml"]),
        ("fastapi", "gateway", ["gateway", "plan.yaml"]),
        ("faststream", "stream", ["gateway", "plan.yaml", "--broker", "redis://127.0.0.1:1"]),
        ("s3fs", "s3", ["run", "s3.yaml", "--no-notebook"]),
        ("adlfs", "azure", ["run", "az.yaml", "--no-notebook"]),
        ("hdfs_native", "hdfs", ["run", "hdfs.yaml", "--no-notebook"]),
        ("pyspark.sql", "spark", ["run", "plan.yaml", "--no-notebook", "--engine", "spark"]),
        ("prometheus_client", "monitor", ["run", "plan.yaml", "--no-notebook", "--metrics", "m.txt"]),
        ("uvicorn", "gateway", ["gateway", "plan.yaml"]),
        ("httpx", "governance", ["run", "plan.yaml", "--no-notebook", "--lineage", "http://127.0.0.1:9"]),
        ("open_data_contract_standard.model", "governance", ["contract", "import", "c.yaml", "-o", "d.yaml"]),
    ],
)
def test_a_missing_extra_of_operations_is_one_sentence(tmp_path: Path, missing: str, extra: str, words: list[str]):
    (tmp_path / "d.csv").write_text("a,y\n1,0\n2,1\n")
    (tmp_path / "c.yaml").write_text("columns: {a: {type: integer}, y: {type: integer}}\n")
    plan = (
        "data: d.csv\nreference: d.csv\ncontract: c.yaml\nmonitor: {windows: {rows: 10}}\nchecks: [quality.missing]\n"
    )
    (tmp_path / "plan.yaml").write_text(plan)
    for scheme in ("s3", "az", "hdfs"):
        (tmp_path / f"{scheme}.yaml").write_text(f"data: {scheme}://bucket/d.csv\n")
    code = f"import sys; sys.modules[{missing!r}] = None; from workbench.cli import main; sys.exit(main({words!r}))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert told.returncode == 2, told.stdout + told.stderr
    assert f"pip install 'audit-workbench[{extra}]'" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_missing_part_is_one_sentence(tmp_path: Path) -> None:
    """Where an extra is not installed a command says which, and how to get it, without a traceback."""
    hidden = "import sys; sys.modules['jinja2'] = None; sys.modules['panel'] = None; from workbench.cli import main; "
    for command in ("['serve', '.']", "['report', '.']"):
        code = hidden + f"raise SystemExit(main({command}))"
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert told.returncode == 2
        assert "pip install 'audit-workbench[" in told.stderr
        assert "Traceback" not in told.stderr
