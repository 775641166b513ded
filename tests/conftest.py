"""What holds for every test: no telemetry, no other computer, one Hypothesis profile; measured numbers are printed."""

import ipaddress
import os
import socket
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

# Set before anything is imported, so that child processes have it too.
os.environ["YDATA_PROFILING_NO_ANALYTICS"] = "1"
os.environ["DO_NOT_TRACK"] = "1"

pytest_plugins = ("tests.screens",)

hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data sets beside the repository; tests that need them skip where they are absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data sets (../shared/data) are not on this computer")
    return SHARED_DATA


def is_loopback(host: str | bytes | None) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session", autouse=True)
def _only_loopback():
    """Fail the test that reaches for another computer, even if its code swallows exceptions."""

    def guarded(original, host_of):
        def call(*args, **kwargs):
            host = host_of(*args)
            if not is_loopback(host):
                pytest.fail(f"a test tried to reach another computer: {host!r}")
            return original(*args, **kwargs)

        return call

    def host_of_peer(sock, *args):
        is_internet = sock.family in (socket.AF_INET, socket.AF_INET6)
        return args[-1][0] if is_internet else None

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name), host_of_peer))
        patch.setattr(socket, "getaddrinfo", guarded(socket.getaddrinfo, lambda host, *_: host))
        yield


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keep a line (a rate, a number of jobs) that the summary prints though the test passed."""
    return lambda line: request.node.user_properties.append(("measured", line))


def pytest_terminal_summary(terminalreporter) -> None:
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, line in getattr(report, "user_properties", ()):
                if name == "measured" and report.when == "call":
                    terminalreporter.write_line(f"measured: {line}")
