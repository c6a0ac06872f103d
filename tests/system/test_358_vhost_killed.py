# SPDX-License-Identifier: Apache-2.0
"""vhost --install, cut off: its own process or the courier's killed, or interrupted, at each step. The web server's files are
what they were, or the new ones that passed its test, so that a reload by anybody else works; the next run puts in order what
even that could not, and says so."""

import os
import signal
import time

import pytest
from conftest import need
from lab.processes import descendants
from lab.product import ROOT
from lab.servers import write
from lab.sites import NginxSites, empty
from lab.slots import Planned, spread
from test_355_vhost import until
from test_50_sigkill_any_moment import wait_alone

CERT = "cut-off.ferry.test"
OLD = "server {{ listen {port}; listen [::]:{port}; return 200 old; }}\n"


class Server(NginxSites, Planned):
    """An nginx whose SFTP server and whose commands stop where a test wants it."""

    def __init__(self, lab):
        self.control = lab.dir / "vhost-control/site"
        self.control.mkdir(parents=True)
        super().__init__("placeholder.invalid")
        program = f"exec /usr/bin/python3 {ROOT}/tests/fakes/sftp_server.py {self.control.parent}\n"
        self.sftp_server = write(self.dir / "sftp-server", f"#!/bin/sh\n{program}")
        self.sftp_server.chmod(0o755)

    forget_plan = Planned.clear

    def entry(self, lab, **changes):
        return super().entry(lab, sftp_server=str(self.sftp_server), **changes)

    def gate(self, command):
        """COMMAND, which the first time waits to be let through."""
        wait = f"touch {self.control}/reached; until [ -e {self.control}/go ]; do sleep 0.02; done"
        return f"[ -e {self.control}/go ] || {{ {wait}; }}; {command}"

    def go(self):
        (self.control / "go").touch()

    # What is there.

    def put(self, before):
        """Nothing, a site in use, or one that is not enabled."""
        for folder in (self.available, self.enabled):
            empty(folder)
        if before != "nothing":
            self.file(CERT).write_text(OLD.format(port=self.http_port))
        if before == "enabled":
            self.link(CERT).symlink_to(self.file(CERT))

    def look(self):
        """All but what tells others that somebody is at work, which the next run takes away."""
        return {path: os.readlink(path) if path.is_symlink() else path.read_text()
                for folder in (self.available, self.enabled) for path in folder.iterdir()
                if not path.name.startswith(".certferry-lock")}  # fmt: skip

    def check_mark(self):
        """By the mark's time the next run tells what the one that was cut off wrote from what somebody mended by hand."""
        for mark in self.available.glob("*.certferry-begun"):
            for kept in self.available.glob("*.certferry-previous"):
                assert kept.lstat().st_mtime_ns <= mark.lstat().st_mtime_ns

    def is_locked(self):
        return any(self.available.glob(".certferry-lock*"))

    def passes(self):
        """Whether somebody else's reload would work."""
        return os.system(f"{self.test_command} 2>/dev/null") == 0


@pytest.fixture(scope="module")
def site(lab):
    need(os.geteuid() == 0, "root, whose rights nginx gives up by itself")
    running = Server(lab)
    try:
        yield running.start()
    finally:
        running.go()
        running.stop()


@pytest.fixture
def ready(lab, product, site):
    site.clear()
    site.put("nothing")
    site.bring_certificate(lab, product, [CERT])
    site.clear()
    yield product
    site.go()  # whatever a failed test left waiting


@pytest.fixture
def lacking(ready, site):
    """The same where nginx does not find the certificate: what is installed never passes its test."""
    hidden = site.live.with_name("hidden")
    site.live.rename(hidden)
    yield ready
    hidden.rename(site.live)


def start(product, site, **plan):
    site.forget_plan()
    if plan:
        site.plan(**plan)
    return product.start("vhost", "web", CERT, "--install", "--force", "--json")


def courier_of(process):
    """The pid of the courier; None where there is none any more."""
    for pid in descendants(process.pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read().startswith(b"certferry-courier"):
                    return pid
        except OSError:
            continue
    return None


def until_reached(process, site):
    end = time.monotonic() + 30
    while not site.reached() and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    return site.reached()


def kill(process, *which):
    """The courier, the run itself, or both at once."""
    courier = courier_of(process)
    assert courier
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in [{"courier": courier, "run": process.pid}[one] for one in which]:
            if number == signal.SIGKILL or len(which) > 1:
                os.kill(pid, number)
    if "courier" not in which:  # which has the outputs too, and goes on
        process.wait(timeout=60)
        return ""
    out, err = process.communicate(timeout=60)
    return out + err


def install(product):
    return product.run("vhost", "web", CERT, "--install", "--force", "--json")


def requests_of(product, site):
    """How many an installation that fails its test takes, the ones of undoing it included."""
    site.forget_plan()
    run = install(product)
    assert run.json["result"] == "rolled_back" and run.json["error"]["step"] == "test", run
    return max(number for number, _, _ in site.requests())


def points(last):
    """Requests to be cut off at: one of those that look, and some from the switch, which is near the end, on."""
    chosen = spread(last, 2)
    return chosen if len(chosen) > 2 else [last // 2, *range(last - 18, last, 3)]


@pytest.mark.parametrize("before", ["nothing", "enabled"])
def test_a_courier_that_dies_at_any_request_leaves_what_was_there(lacking, site, before):
    site.put(before)
    there, last = site.look(), requests_of(lacking, site)
    assert site.look() == there
    for number in points(last):
        process = start(lacking, site, at=number, do="stall")
        assert until_reached(process, site), number
        text = kill(process, "courier")
        assert process.returncode == 1 and "ended by signal 9" in text, text
        left = {path: content for path, content in site.look().items() if not path.name.startswith(".")}
        assert left == there and site.passes(), f"request {number}: {left}\n{text}"
        if '"rolled_back"' in text:
            assert "is there again" in text and site.look() == there, f"request {number}: {site.look()}\n{text}"
        run = install(lacking)
        assert run.json["result"] == "rolled_back" and site.look() == there and not site.is_locked(), run


@pytest.mark.parametrize("before", ["nothing", "enabled"])
def test_a_run_that_dies_leaves_its_courier_to_end_it(lacking, site, before):
    site.put(before)
    there, last = site.look(), requests_of(lacking, site)
    for number in points(last):
        process = start(lacking, site, at=number, do="wait")
        assert until_reached(process, site), number
        kill(process, "run")
        site.go()
        process.communicate(timeout=60)
        wait_alone(process.pid)
        # One that died with it before it had changed anything may have left what it was writing.
        left = {path: content for path, content in site.look().items() if not path.name.startswith(".")}
        assert left == there and site.passes(), f"request {number}: {left}"
    assert install(lacking).json["result"] == "rolled_back" and site.look() == there


@pytest.mark.parametrize("before", ["enabled", "disabled"])
def test_where_both_die_the_next_run_begins_with_putting_back(lab, lacking, site, before):
    site.put(before)
    there, last = site.look(), requests_of(lacking, site)
    for number in points(last):
        process = start(lacking, site, at=number, do="stall")
        assert until_reached(process, site), number
        kill(process, "courier", "run")
        begun = any(path.name.endswith(".certferry-begun") for path in site.look())
        site.check_mark()
        run = install(lacking)
        assert run.json["result"] == "rolled_back" and site.look() == there and site.passes(), f"request {number}\n{run}"
        assert any("cut off" in note for note in run.json["notes"]) == begun, f"request {number}, {begun}\n{run}"


def stopped_at(lab, product, site, step):
    """A run that is at its command of STEP."""
    command = {"test": site.test_command, "reload": site.reload_command}[step]
    site.configure_product(lab, product, [CERT], **{f"{step}_command": site.gate(command)})
    process = start(product, site)
    assert until_reached(process, site)
    return process


@pytest.mark.parametrize("step", ["test", "reload"])
def test_at_each_command(lab, ready, site, step):
    site.put("enabled")
    there = site.look()
    # The run dies: its courier goes on, and whoever comes meanwhile waits for it.
    process = stopped_at(lab, ready, site, step)
    kill(process, "run")
    run = ready.run("vhost", "web", CERT, "--install", "--force", "--lock-timeout", "1")
    assert run.code == 4 and "another run" in run.err, run
    site.go()
    process.communicate(timeout=60)
    wait_alone(process.pid)
    assert site.passes() and "server_name" in site.look()[site.file(CERT)], site.look()
    assert until(lambda: site.request(CERT)[2] == "a file\n")
    assert install(ready).json["result"] == "unchanged"
    # The courier dies: what was there before is there, and served, again.
    site.put("enabled")
    process = stopped_at(lab, ready, site, step)
    os.kill(courier_of(process), signal.SIGKILL)
    site.go()  # for the reload of undoing it
    out, err = process.communicate(timeout=60)
    assert '"rolled_back"' in out and site.look() == there and site.passes(), out + err
    assert until(lambda: site.request(CERT, tls=False)[2] == "old")


def test_cut_off_with_nothing_wrong_the_next_run_installs_it(lab, ready, site):
    process = stopped_at(lab, ready, site, "test")
    kill(process, "courier", "run")
    site.go()
    assert site.file(CERT).exists() and site.link(CERT).is_symlink()
    run = install(ready)
    assert run.code == 0 and run.json["result"] == "installed" and "cut off" in run.json["notes"][0], run
    assert until(lambda: site.request(CERT)[2] == "a file\n")
    assert set(site.look()) == {site.file(CERT), site.link(CERT)} and not site.is_locked()
    run = install(ready)
    assert run.json["result"] == "unchanged" and run.json["notes"] == [], run


def test_what_somebody_mended_by_hand_meanwhile_stays(lab, ready, site):
    site.put("enabled")
    process = stopped_at(lab, ready, site, "test")
    kill(process, "courier", "run")
    site.go()
    site.file(CERT).write_text("# mended by hand\n")
    os.utime(site.file(CERT), (time.time() + 2, time.time() + 2))
    run = ready.run("vhost", "web", CERT, "--install", "--json")
    assert run.code == 1 and run.json["result"] == "failed" and "mended by hand" in run.err, run
    assert site.look() == {site.file(CERT): "# mended by hand\n", site.link(CERT): str(site.file(CERT))}


def test_ctrl_c_before_anything_is_changed(ready, site):
    process = start(ready, site, at=3, do="stall")
    assert until_reached(process, site)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130 and site.look() == {}, out + err


def test_ctrl_c_lets_what_has_begun_come_to_its_end(lab, ready, site):
    process = stopped_at(lab, ready, site, "test")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    site.go()
    out, err = process.communicate(timeout=20)
    assert '"installed"' in out and site.passes(), out + err
    assert until(lambda: site.request(CERT)[2] == "a file\n")


def test_ctrl_c_while_a_command_hangs_puts_back_what_was_there(lab, ready, site):
    site.put("enabled")
    there = site.look()
    process = stopped_at(lab, ready, site, "test")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "is there again" in out + err, out + err
    assert site.look() == there and site.passes()
    assert until(lambda: site.request(CERT, tls=False)[2] == "old")
