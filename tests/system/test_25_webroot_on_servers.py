# SPDX-License-Identifier: Apache-2.0
"""http-01 where the servers answer: the challenge goes into their web root over SFTP, and leaves it again."""

import signal
import sys
import time

import pytest
from lab.product import ROOT

CERT = "fleet.ferry.test"


@pytest.fixture
def fleet(lab, product):
    product.write_config(lab.config([lab.domain(CERT, list(lab.servers), aliases=["www.fleet.ferry.test"])]))
    return product


def challenges(lab):
    return list(lab.webroot.glob(".well-known/acme-challenge/*"))


def sessions(lab):
    return {name: server.ssh_sessions() for name, server in lab.servers.items()}


def wait_until(true, seconds=15):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def test_every_server_gets_the_challenge_and_then_the_certificate(lab, fleet):
    before = sessions(lab)
    run = fleet.run("apply", "--json")
    assert run.code == 0, run
    assert "no effect" not in run.err, run
    assert {name: entry["result"] for name, entry in run.deployed(CERT).items()} == {
        "web-1": "deployed", "web-2": "deployed"}  # fmt: skip
    for name in lab.servers:
        assert lab.verified(name, "www.fleet.ferry.test")
        assert sessions(lab)[name] == before[name] + 2, "one connection for the challenge, one for the certificate"
    assert challenges(lab) == []


def test_many_names_through_a_distant_server(lab, product):
    """Their challenges together take longer to bring there than the timeout of one."""
    control, server = lab.dir / "slow", lab.servers["web-1"]
    control.mkdir()
    (control / "greeting.json").write_text('{"slow": 0.04}')
    cert, entry = "many.ferry.test", {**lab.server_entry(server), "timeout": 2, "verify": False}
    names = [f"n{number}.{cert}" for number in range(10)]
    product.write_config(lab.config([lab.domain(cert, ["web-1"], aliases=names, serve=False)], servers={"web-1": entry}))
    server.use_sftp(f"{sys.executable} -S -E {ROOT}/tests/fakes/sftp_server.py {control}")
    try:
        run = product.run("apply", "--json")
    finally:
        server.use_sftp("internal-sftp")
    assert run.result(cert)["action"] == "issued", run
    assert challenges(lab) == []


def test_a_server_that_is_down_does_not_keep_the_rest_from_a_certificate(lab, fleet):
    lab.servers["web-2"].stop_ssh()
    run = fleet.run("apply", "--json")
    assert run.code == 3, run
    assert run.result(CERT)["action"] == "issued", run
    assert run.deployed(CERT)["web-1"]["result"] == "deployed" and run.deployed(CERT)["web-2"]["result"] == "failed", run
    assert "web-2" in run.err, f"nothing was said of the server without the challenge\n{run}"
    assert challenges(lab) == []


def test_with_all_servers_down_the_ca_is_not_asked_to_look(lab, fleet):
    for server in lab.servers.values():
        server.stop_ssh()
    mark = lab.ca.mark()
    run = fleet.run("apply", "--json")
    assert run.code == 1, run
    error = run.result(CERT)["error"]
    assert error["step"] in ("connect", "publish") and "web-" in run.text, run
    assert not [path for method, path in lab.ca.requests(mark) if path.startswith("/chalZ")], run


def test_a_web_root_that_is_not_there(lab, product):
    product.write_config(lab.config([lab.domain(CERT, list(lab.servers), webroot=str(lab.dir / "nowhere"))]))
    run = product.run("apply", "--json")
    assert run.code == 1, run
    assert str(lab.dir / "nowhere") in run.result(CERT)["error"]["detail"], run
    assert run.result(CERT)["error"]["hint"], run
    assert not (lab.dir / "nowhere").exists()


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_stopped_while_the_challenge_is_there(lab, fleet, sign):
    """Even when nobody is left who could clean up, the couriers do."""
    lab.web.stop()  # so that the CA waits for its answer
    try:
        process = fleet.start("apply")
        wait_until(lambda: challenges(lab))
        process.send_signal(sign)
        process.communicate(timeout=60)
        assert process.returncode == (130 if sign == signal.SIGINT else -sign)
        wait_until(lambda: not challenges(lab))
    finally:
        lab.web.start()
