# SPDX-License-Identifier: Apache-2.0
"""http-01 by certferry's own responder: on the command line and in the config, shared, remembered, and gone afterwards."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from lab import certificates
from lab.processes import free_port
from lab.wait import until


@pytest.fixture(scope="module")
def ca(lab):
    """A CA that asks on a port where nobody listens yet: ca.http_port."""
    port = free_port()
    authority = lab.another_ca(more={"httpPort": port}, authz_reuse=0)
    authority.http_port = port
    return authority


def issue(ca, product, *args, **more):
    return product.run("issue", "--server", ca.url, "--ca-bundle", ca.ca_bundle, "--state-dir", product.state,
                       "--agree-tos", "--email", "admin@ferry.test", "--json", *args, config=False, **more)  # fmt: skip


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_several_names_and_the_renewal_remembers(ca, product):
    names = ["own.ferry.test", "own2.ferry.test", "own3.ferry.test"]
    run = issue(ca, product, *[word for name in names for word in ("-d", name)], "--standalone", ca.http_port)
    assert run.code == 0, run
    assert certificates.names(product.live("own.ferry.test") / "cert.pem") == names
    assert certificates.pair_matches(product.live("own.ferry.test"))
    assert not is_open(ca.http_port), "the responder is still there"
    record = json.loads((product.state / "renewal/own.ferry.test.json").read_text())
    assert record["challenge"] == "http-01" and record["listen"] == f":{ca.http_port}", record

    run = product.run("renew", "--force", "own.ferry.test", "--state-dir", product.state, "--json", config=False)
    assert run.code == 0 and run.result("own.ferry.test")["action"] == "renewed", run
    assert not is_open(ca.http_port)


def test_waiting_for_the_request_keeps_the_first_look_from_being_too_early(ca, product):
    """One look at the order finds it ready, so nothing is asked twice."""
    mark = ca.mark()
    run = issue(ca, product, "-d", "pace.ferry.test", "--standalone", ca.http_port)
    assert run.code == 0, run
    looks = [path for method, path in ca.requests(mark) if method == "POST" and "/my-order/" in path]
    assert len(looks) <= 3, looks  # before the CSR and after it; one more where a nonce was refused


def test_certificates_at_once_share_one_responder(lab, ca, product):
    challenge = {"type": "http-01", "listen": f"127.0.0.1:{ca.http_port}"}
    names = [f"many{number}.ferry.test" for number in range(6)]
    product.write_config(lab.config([{"name": name, "challenge": challenge} for name in names],
                                    provider=lab.provider(ca)))  # fmt: skip
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert all(run.result(name)["action"] == "issued" for name in names), run
    assert "no effect" not in run.err, run
    assert not is_open(ca.http_port)


def test_two_runs_take_turns_at_the_port(ca, product):
    def start(name):
        return product.start("issue", "-d", name, "--standalone", str(ca.http_port), "--server", ca.url, "--ca-bundle",
                             str(ca.ca_bundle), "--state-dir", str(product.state), "--agree-tos", config=False,
                             together=True)  # fmt: skip

    runs = [start(f"turn{number}.ferry.test") for number in range(3)]
    for process in runs:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 0, out


def test_a_port_in_use_names_its_holder_before_anything_is_ordered(ca, product):
    with socket.create_server(("0.0.0.0", ca.http_port)):
        mark = ca.mark()
        run = issue(ca, product, "-d", "inuse.ferry.test", "--standalone", ca.http_port)
        assert run.code == 1, run
        error = run.result("inuse.ferry.test")["error"]
        assert f":{ca.http_port}" in error["detail"] and f"(process {os.getpid()})" in error["detail"], error
        assert "--webroot" in error["hint"], error
        assert ca.orders(mark) == 0, "an order was placed"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_privileged_port_says_what_to_do(ca, product, tmp_path):
    if int(open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii").read()) <= 80:
        pytest.skip("every user may take every port here")
    # Our own folder may lie where nobody else can look.
    run = product.argv("issue", "-d", "low.ferry.test", "--standalone", "80", "--server", ca.url, "--state-dir", "STATE",
                       "--agree-tos", config=False)  # fmt: skip
    folder = tempfile.mkdtemp(prefix="certferry-nobody-", dir="/tmp")
    try:
        binary = shutil.copy(run[0], f"{folder}/certferry")
        os.chmod(folder, 0o755)
        state = f"{folder}/state"
        os.mkdir(state, 0o700)
        os.chown(state, 65534, 65534)
        argv = [binary, *[state if word == "STATE" else word for word in run[1:]]]
        done = subprocess.run(argv, user=65534, group=65534, extra_groups=[], capture_output=True, text=True, timeout=60,
                              env=product.env(), cwd="/", check=False)  # fmt: skip
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 1, done
    assert "may not take a port below 1024" in done.stderr, done.stderr
    assert "cap_net_bind_service" in done.stderr and "forwarded" in done.stderr, done.stderr


def test_a_socket_that_systemd_passed_is_taken(ca, product):
    """As with a socket unit: the port is bound by another, and stays his."""
    with socket.create_server(("127.0.0.1", ca.http_port)) as passed:
        run = product.argv("issue", "-d", "passed.ferry.test", "--standalone", str(ca.http_port), "--server", ca.url,
                           "--ca-bundle", str(ca.ca_bundle), "--state-dir", str(product.state), "--agree-tos",
                           config=False)  # fmt: skip
        script = f'exec 3<&{passed.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"'
        done = subprocess.run(["/bin/bash", "-c", script, "sh", *run], pass_fds=[passed.fileno()], env=product.env(),
                              capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
        assert done.returncode == 0, done
        assert is_open(ca.http_port)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_it_leaves_no_listener(lab, product, number):
    """While the CA cannot reach the responder, a run is stopped in the middle of its validation."""
    port, elsewhere = free_port(), free_port()
    ca = lab.another_ca(more={"httpPort": elsewhere})
    with socket.create_server(("127.0.0.1", elsewhere)):  # takes the CA's connection and says nothing
        process = product.start("issue", "-d", "stop.ferry.test", "--standalone", str(port), "--server", ca.url,
                                "--ca-bundle", str(ca.ca_bundle), "--state-dir", str(product.state), "--agree-tos",
                                config=False, together=True)  # fmt: skip
        mark = 0
        until(lambda: any("/chalZ/" in path for _, path in ca.requests(mark)), "the challenge answered")
        assert is_open(port)
        begin = time.monotonic()
        process.send_signal(number)
        out, _ = process.communicate(timeout=30)
        assert process.returncode == (-9 if number == signal.SIGKILL else 130), out
        assert time.monotonic() - begin < 3, out
        assert not is_open(port)
    ca.stop()
    # Whatever the first run left, the next one works.
    ca = lab.another_ca(more={"httpPort": port})
    run = issue(ca, product, "-d", "stop.ferry.test", "--standalone", port)
    assert run.code == 0, run
    ca.stop()


def test_what_cannot_be_is_said_before_anything_is_sent(ca, product):
    mark = ca.mark()
    cases = [
        (["-d", "*.ferry.test", "--standalone", "80"], "*.ferry.test", "--dns PROVIDER"),
        (["-d", "*.ferry.test", "--alpn", "443"], "tls-alpn-01", "--dns PROVIDER"),
        (["-d", "127.0.0.1", "--dns", "cloudflare"], "127.0.0.1", "--standalone"),
        (["-d", "a.ferry.test", "--standalone", "eighty"], "eighty", "80"),
        (["-d", "a.ferry.test", "--alpn", "--email"], "--email", "443"),
        (["-d", "a.ferry.test", "--alpn", "443", "--standalone", "80"], "two ways", "keep one"),
        (["-d", "a.ferry.test"], "one way", "--standalone"),
    ]
    for args, message, advice in cases:
        run = issue(ca, product, *args)
        assert run.code == 2, run
        assert message in run.err and advice in run.err, run
    assert ca.requests(mark) == []
