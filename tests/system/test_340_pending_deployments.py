# SPDX-License-Identifier: Apache-2.0
"""A deployment that failed stays pending on a back-off of its own: runs say so and do not end well, try again in time, and
never order another certificate for it."""

import datetime
import json
import time

import pytest

CERT = "pend.ferry.test"


@pytest.fixture
def deployed(lab, product):
    product.write_config(lab.config([lab.wildcard("*.pend.ferry.test", ["web-1", "web-2"])]))
    run = product.run("apply")
    assert run.code == 0, run
    return product


def record(product):
    return json.loads((product.state / f"renewal/{CERT}.json").read_text())


def server(product, name="web-1"):
    return next(entry for entry in record(product)["servers"] if entry["name"] == name)


def let_time_pass(product):
    """As if the back-off of every server were over."""
    changed = record(product)
    for entry in changed["servers"]:
        if "retry_at" in entry:
            entry["retry_at"] = int(time.time()) - 1
    (product.state / f"renewal/{CERT}.json").write_text(json.dumps(changed))


def seconds_until(text):
    return (datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
            - datetime.datetime.now(datetime.timezone.utc)).total_seconds()  # fmt: skip


def test_a_dead_server_is_retried_later_without_another_order(lab, deployed):
    dead, fine = lab.servers["web-1"], lab.servers["web-2"]
    dead.stop_ssh()
    run = deployed.run("apply", "--force", "--json")
    assert run.code == 3, run
    told = run.deployed(CERT)["web-1"]["error"]
    assert told["step"] == "connect" and 40 < seconds_until(told["retry_at"]) < 80, run
    assert server(deployed)["failures"] == 1 and server(deployed)["wanted"] == 2 and server(deployed)["pushed"] == 1

    # Held back: nobody is asked anything, and the run does not end well.
    dead.start_ssh()
    mark, sessions = lab.ca.mark(), (dead.ssh_sessions(), fine.ssh_sessions())
    run = deployed.run("apply", "--json")
    assert run.code == 3, run
    entry = run.deployed(CERT)["web-1"]
    assert entry["result"] == "failed" and entry["error"]["step"] == "back-off", run
    assert 0 < seconds_until(entry["error"]["retry_at"]) < 80, run
    assert run.result(CERT)["action"] == "unchanged", run
    assert (dead.ssh_sessions(), fine.ssh_sessions()) == sessions
    run = deployed.run("renew")
    assert run.code == 3 and "held back until" in run.err and "web-1" in run.err, run
    assert f"certferry deploy {CERT} --to web-1" in run.err, f"what to do next is missing\n{run}"

    # Plan and list say until when.
    run = deployed.run("plan", "--json")
    planned = {entry["server"]: entry for entry in run.json["plan"][0]["servers"]}
    assert planned["web-1"]["action"] == "held" and planned["web-1"]["retry_at"], run
    assert planned["web-2"]["action"] == "none", run
    assert "held back until" in deployed.run("plan").out
    assert "tried again after" in deployed.run("list").out

    # In time, and still dead: longer.
    dead.stop_ssh()
    let_time_pass(deployed)
    run = deployed.run("apply", "--json")
    assert run.code == 3 and run.deployed(CERT)["web-1"]["error"]["step"] == "connect", run
    assert server(deployed)["failures"] == 2
    assert 90 < seconds_until(run.deployed(CERT)["web-1"]["error"]["retry_at"]) < 150, run

    # In time, and there again.
    dead.start_ssh()
    let_time_pass(deployed)
    run = deployed.run("apply", "--json")
    assert run.code == 0 and run.deployed(CERT)["web-1"]["result"] == "deployed", run
    assert "failures" not in server(deployed) and "retry_at" not in server(deployed), record(deployed)
    assert server(deployed)["pushed"] == 2
    assert lab.ca.requests(mark) == [], "a deployment costs no issuance"
    assert lab.served("web-1", CERT) == lab.served("web-2", CERT)


def test_by_hand_nothing_is_held(lab, deployed):
    broken = lab.servers["web-1"]
    broken.break_nginx()
    assert deployed.run("apply", "--force").code == 3
    broken.mend_nginx()
    run = deployed.run("apply", "--json")
    assert run.code == 3 and "this_is_no_directive" in run.deployed(CERT)["web-1"]["error"]["detail"], run
    mark = lab.ca.mark()
    run = deployed.run("deploy", CERT, "--to", "web-1", "--json")
    assert run.code == 0 and run.deployed(CERT)["web-1"]["result"] == "deployed", run
    assert lab.ca.requests(mark) == []
    assert deployed.run("apply").code == 0


def test_a_server_that_it_does_not_go_to_is_not_passed_over_in_silence(lab, product):
    product.write_config(lab.config([lab.domain(CERT, ["web-1"]), lab.domain(f"other.{CERT}", ["web-2"])]))
    assert product.run("apply").code == 0
    run = product.run("deploy", CERT, "--to", "web-2", "--to", "web-1")
    assert run.code == 2 and '"web-2"' in run.err, run
    run = product.run("deploy", "--to", "web-2", "--json")
    assert run.code == 0 and list(run.deployed(f"other.{CERT}")) == ["web-2"] and run.deployed(CERT) == {}, run


def test_a_new_certificate_is_tried_at_once(lab, deployed):
    lab.servers["web-1"].break_nginx()
    assert deployed.run("apply", "--force").code == 3
    lab.servers["web-1"].mend_nginx()
    deployed.make_due(CERT)
    run = deployed.run("apply", "--json")
    assert run.code == 0, f"what held the earlier one does not hold its successor\n{run}"
    assert run.result(CERT)["action"] == "renewed" and run.deployed(CERT)["web-1"]["result"] == "deployed", run


def test_an_older_versions_record_holds_nothing(lab, deployed):
    """It had neither counts nor times."""
    changed = record(deployed)
    changed["servers"][0] = {"name": "web-1", "pushed": 0, "last_try": 1700000000, "result": "failed"}
    (deployed.state / f"renewal/{CERT}.json").write_text(json.dumps(changed))
    run = deployed.run("apply", "--json")
    assert run.code == 0 and run.deployed(CERT)["web-1"]["result"] == "unchanged", run


def test_what_failed_together_is_tried_again_together(lab, product):
    """Two certificates on one server are one transaction, also the next time."""
    names = [CERT, "also-pend.ferry.test"]
    product.write_config(lab.config([lab.wildcard(f"*.{name}", ["web-1"]) for name in names]))
    lab.servers["web-1"].stop_ssh()
    run = product.run("apply", "--json")
    assert run.code == 3, run
    times = {run.deployed(name)["web-1"]["error"]["retry_at"] for name in names}
    assert len(times) == 1 and None not in times, run
