# SPDX-License-Identifier: Apache-2.0
"""`certferry dns test`: the round trip at a DNS vendor, each step told, nothing left behind whatever happened."""

import signal
import time

import pytest

from lab.wait import until

NAME = "_acme-challenge.www.ferry.test"


def only_reads_and_one_round_trip(lab):
    changes = [request["method"] for request in lab.cloudflare.requests() if request["method"] != "GET"]
    return changes == ["POST", "DELETE"]


@pytest.fixture
def configured(lab, product):
    product.write_config(lab.config([]))
    return product


def test_the_round_trip_is_told_step_by_step(lab, configured):
    lab.cloudflare.add("ferry.test", NAME, '"somebody-else"')
    run = configured.run("dns", "test", "cloudflare", "*.www.ferry.test")
    assert run.code == 0, run
    steps = [line.split()[:2] for line in run.out.splitlines() if not line.startswith(" ")]
    assert steps == [["open", "ok"], ["follow-aliases", "ok"], ["find-zone", "ok"], ["add-record", "ok"],
                     ["propagation", "ok"], ["remove-record", "ok"]]  # fmt: skip
    for server in lab.cloudflare.name_servers:
        assert server in run.out, run
    assert only_reads_and_one_round_trip(lab)
    assert [record["content"] for record in lab.cloudflare.records()] == ['"somebody-else"']
    assert lab.cloudflare.token not in run.text


def test_as_json(lab, configured):
    lab.cloudflare.add("ferry.test", "_acme-challenge.alias.ferry.test", "here.sub.ferry.test", kind="CNAME")
    run = configured.run("dns", "test", "cloudflare", "_acme-challenge.alias.ferry.test", "--json")
    assert run.code == 0, run
    told = run.json
    assert told["ok"] and told["record"] == "here.sub.ferry.test" and told["zone"] == "sub.ferry.test"
    assert [step["result"] for step in told["steps"]] == ["ok"] * 6
    assert all(step["seconds"] >= 0 for step in told["steps"])
    assert all(server["seen"] and server["seconds"] >= 0 for server in told["servers"]) and told["servers"]


def test_without_a_config_by_a_credentials_file(lab, product):
    credentials = product.dir / "cloudflare.ini"
    credentials.write_text(f"dns_cloudflare_api_token = {lab.cloudflare.token}\napi_url = {lab.cloudflare.url}\n")
    credentials.chmod(0o600)
    run = product.run("dns", "test", "cloudflare", "www.ferry.test", "--credentials", credentials, config=False)
    assert run.code == 0, run
    credentials.chmod(0o644)
    run = product.run("dns", "test", "cloudflare", "www.ferry.test", "--credentials", credentials, config=False)
    assert run.code == 2 and "open" in run.out and str(credentials) in run.err, run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_takes_the_value_away(lab, configured, number):
    lab.cloudflare.lag(60)
    process = configured.start("dns", "test", "cloudflare", "www.ferry.test")
    until(lambda: lab.cloudflare.records(NAME), "the value at the vendor")
    time.sleep(0.2)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130 and lab.cloudflare.records() == [], out + err
    assert "remove-record" in out


def test_a_server_that_never_shows_it_is_named(lab, configured):
    lab.cloudflare.lag(60)
    run = configured.run("dns", "test", "cloudflare", "www.ferry.test", "--timeout", "3", "--json")
    assert run.code == 1 and lab.cloudflare.records() == [], run
    told = {step["step"]: step for step in run.json["steps"]}
    assert not run.json["ok"] and told["remove-record"]["result"] == "ok"
    assert "does not show the value" in told["propagation"]["error"]["detail"]
    for server in run.json["servers"]:
        assert not server["seen"] and server["address"] in told["propagation"]["error"]["detail"]


def test_what_the_vendor_refuses_is_said_and_undone(lab, configured):
    lab.cloudflare.fault("status", method="POST", path="dns_records", status=403, code=10000, message="Authentication error")
    run = configured.run("dns", "test", "cloudflare", "www.ferry.test")
    assert run.code == 1 and "10000: Authentication error" in run.err and "add-record" in run.out, run
    assert lab.cloudflare.records() == []

    # A create whose answer is lost, and then a list that fails: it may be there, so it is looked for and removed.
    lab.cloudflare.fault("lost", method="POST", path="dns_records")
    lab.cloudflare.fault("status", method="GET", path="dns_records", status=403)
    run = configured.run("dns", "test", "cloudflare", "www.ferry.test")
    assert run.code == 1 and lab.cloudflare.records() == [], run

    lab.cloudflare.fault("status", method="DELETE", path="dns_records", status=403)
    run = configured.run("dns", "test", "cloudflare", "www.ferry.test")
    assert run.code == 1 and "remove-record" in run.err and NAME in run.err, run
    assert len(lab.cloudflare.records()) == 1


def test_mistakes_are_found_before_anything_is_asked(lab, configured):
    for args, says in [
        (["cloudfare", "www.ferry.test"], "cloudflare"),
        (["cloudflare", "192.0.2.1"], "address"),
        (["cloudflare", "no name"], "no name"),
        (["cloudflare"], "dns test PROVIDER NAME"),
    ]:
        run = configured.run("dns", "test", *args)
        assert run.code == 2 and says in run.err, run
    assert lab.cloudflare.requests() == []
