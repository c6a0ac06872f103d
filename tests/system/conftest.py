# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the system tests: one laboratory per file, and a certferry with nothing stored for each test.

The binary is build/debug/certferry, or what CERTFERRY_BIN names. When a test fails, its laboratory's folder with all logs
is kept and named.
"""

import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lab.accounts import Account, why_no_accounts  # noqa: E402
from lab.hostile import Hostile  # noqa: E402
from lab.lab import Lab  # noqa: E402
from lab.product import binary  # noqa: E402
from lab.programs import missing_packages  # noqa: E402
from lab.scripted import Scripted  # noqa: E402
from lab.sites import SITES, Upstream  # noqa: E402
from lab.slots import Slots  # noqa: E402
from lab.vendor import newest_pebble  # noqa: E402


def pytest_sessionstart(session):
    # What a shell ignores on behalf of its background jobs would be ignored by all that is started here.
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    if not session.config.option.collectonly and not os.access(binary(), os.X_OK):
        pytest.exit(f"{binary()} is not there: build it first, or set CERTFERRY_BIN", returncode=1)


@pytest.fixture(scope="module")
def lab(request):
    """With two servers, or as many as the file's SERVERS says."""
    failed_before = request.session.testsfailed
    with Lab(servers=getattr(request.module, "SERVERS", 2)) as laboratory:
        yield laboratory
        if request.session.testsfailed > failed_before:
            laboratory.keep_folder = True


@pytest.fixture(scope="module")
def slots(lab):
    """Ten servers on one machine of the laboratory, to fail in ten ways at once."""
    several = Slots(lab)
    yield several
    several.stop()


@pytest.fixture(scope="module")
def account(lab):
    """An unprivileged user of this machine, whom the laboratory's servers let in."""
    need(not why_no_accounts(), why_no_accounts())
    lab.dir.chmod(0o711)  # sshd reads authorized_keys as the user who logs in
    with Account() as one:
        yield one


@pytest.fixture(scope="module", params=SITES)
def site(request):
    """A web server without a site, of each kind in turn."""
    need(os.geteuid() == 0, "root, whose rights these programs give up by themselves")
    kind = SITES[request.param]
    missing = set(kind.packages) & set(missing_packages())
    assert not missing, f"not installed: {', '.join(sorted(missing))}"
    running = kind("placeholder.invalid")
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(scope="module")
def upstream():
    """A program behind virtual hosts."""
    running = Upstream()
    yield running
    running.stop()


@pytest.fixture
def target(lab, request):
    """web-1, on which there is nothing yet of the file's certificate, its CERT."""
    server = lab.servers["web-1"]
    server.forget(request.module.CERT)
    return server


@pytest.fixture
def product(lab):
    """certferry with nothing stored, and a laboratory without faults, broken servers or left-over records."""
    lab.cloudflare.reset()
    for server in lab.servers.values():
        server.mend_nginx()
        if server.sshd is None:
            server.start_ssh()
    return lab.product()


def need(there, what):
    """Skips the test where WHAT is not THERE; where everything is required (./dev test --all) that is a failure."""
    if not there:
        if os.environ.get("CERTFERRY_REQUIRE_ALL") == "1":
            pytest.fail(f"not there: {what}")
        pytest.skip(f"not there: {what}")
    return there


@pytest.fixture(scope="session")
def newest_program():
    """The path of the newest released Pebble, for lab.another_ca(program=newest_program, ...)."""
    return need(newest_pebble(), "the newest Pebble, which ./dev test --all installs below build/tools")


@pytest.fixture(scope="module")
def newest(lab, newest_program):
    """The newest released Pebble, as one more CA of the laboratory: lab.config(..., provider=lab.provider(newest))."""
    return lab.another_ca(program=newest_program, retry_after=(1, 1))


@pytest.fixture(scope="module")
def scripted(request):
    """The scripted ACME server with a web root and nothing else; each test resets it."""
    failed_before = request.session.testsfailed
    with Scripted() as laboratory:
        yield laboratory
        if request.session.testsfailed > failed_before:
            laboratory.keep_folder = True
            print(f"The laboratory's folder is kept: {laboratory.dir}")


@pytest.fixture(scope="module")
def hostile(scripted):
    """A certificate that is live, and its renewal at a CA that misbehaves (lab/hostile.py)."""
    return Hostile(scripted)
