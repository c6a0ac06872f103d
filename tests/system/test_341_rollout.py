# SPDX-License-Identifier: Apache-2.0
"""A fleet gets a certificate by its `rollout`: canaries first, the others only when these serve it; a failure stops it before
it spreads, and the next run goes on where this one stopped."""

import json
import socket
import time

import pytest


SERVERS = 4
CERT = "fleet.ferry.test"
FLEET = ["web-1", "web-2", "web-3", "web-4"]


def config(lab, rollout, others=(), **entries):
    servers = {name: {**lab.server_entry(lab.servers[name]), **entries.get(name.replace("-", ""), {})} for name in FLEET}
    domain = lab.wildcard("*.fleet.ferry.test", FLEET, **({"rollout": rollout} if rollout else {}))
    return lab.config([domain, *others], servers=servers)


@pytest.fixture
def deployed(lab, product):
    """Every server serves the first generation."""
    product.write_config(config(lab, {"canary": 1, "parallel": 2, "max_failures": 0}))
    run = product.run("apply")
    assert run.code == 0, run
    return product


def results(run):
    return {name: entry["result"] for name, entry in run.deployed(CERT).items()}


def steps(run):
    return {name: entry["error"] and entry["error"]["step"] for name, entry in run.deployed(CERT).items()}


def let_time_pass(product):
    path = product.state / f"renewal/{CERT}.json"
    changed = json.loads(path.read_text())
    for entry in changed["servers"]:
        if "retry_at" in entry:
            entry["retry_at"] = int(time.time()) - 1
    path.write_text(json.dumps(changed))


def sessions(lab):
    return [lab.servers[name].ssh_sessions() for name in FLEET]


def test_a_canary_that_fails_holds_the_others_and_the_next_run_goes_on(lab, deployed):
    old = lab.served("web-2", CERT)
    lab.servers["web-1"].break_nginx()
    before = sessions(lab)
    run = deployed.run("apply", "--force", "--json")
    assert run.code == 3, run
    assert results(run) == {"web-1": "rolled_back", "web-2": "failed", "web-3": "failed", "web-4": "failed"}, run
    assert steps(run) == {"web-1": "test", "web-2": "rollout", "web-3": "rollout", "web-4": "rollout"}, run
    told = run.deployed(CERT)["web-3"]["error"]
    assert "web-1 failed" in told["detail"] and told["retry_at"], run
    assert sessions(lab) == [before[0] + 1, *before[1:]], "nobody else was even logged in to"
    assert all(lab.served(name, CERT) == old for name in FLEET)

    # What was not tried has no failure of its own, and is pending.
    record = json.loads((deployed.state / f"renewal/{CERT}.json").read_text())
    others = [entry for entry in record["servers"] if entry["name"] != "web-1"]
    assert all("failures" not in entry and "retry_at" not in entry and entry["pushed"] == 1 for entry in others), record

    # As long as its canary is held back, so are they.
    mark, before = lab.ca.mark(), sessions(lab)
    run = deployed.run("apply", "--json")
    assert run.code == 3 and sessions(lab) == before, run
    assert steps(run) == {"web-1": "back-off", "web-2": "rollout", "web-3": "rollout", "web-4": "rollout"}, run

    lab.servers["web-1"].mend_nginx()
    let_time_pass(deployed)
    run = deployed.run("apply", "--json")
    assert run.code == 0 and set(results(run).values()) == {"deployed"}, run
    assert len({lab.served(name, CERT) for name in FLEET} - {old}) == 1
    assert lab.ca.requests(mark) == [], "no other certificate was ordered for this"
    lab.assert_pairs_match(deployed)


def test_after_the_canary_more_than_max_failures_stop_it(lab, deployed):
    """One at a time behind the canary, so that who comes after whom is certain."""
    deployed.write_config(config(lab, {"canary": 1, "parallel": 1, "max_failures": 1}))
    for name in ("web-2", "web-3"):
        lab.servers[name].break_nginx()
    run = deployed.run("apply", "--force", "--json")
    assert run.code == 3, run
    assert results(run) == {"web-1": "deployed", "web-2": "rolled_back", "web-3": "rolled_back", "web-4": "failed"}, run
    assert steps(run)["web-4"] == "rollout" and "2 servers failed" in run.deployed(CERT)["web-4"]["error"]["detail"], run

    # Resumed: what failed comes first; one is still broken, which is within what is allowed.
    lab.servers["web-3"].mend_nginx()
    let_time_pass(deployed)
    before = sessions(lab)
    run = deployed.run("apply", "--json")
    assert run.code == 3, run
    assert results(run) == {"web-1": "unchanged", "web-2": "rolled_back", "web-3": "deployed", "web-4": "deployed"}, run
    assert sessions(lab)[0] == before[0], "a server that has it is not asked"


def test_a_dead_canary_gives_its_place_to_the_next(lab, deployed):
    lab.servers["web-1"].stop_ssh()
    run = deployed.run("apply", "--force", "--json")
    assert run.code == 3, run
    assert results(run) == {"web-1": "failed", "web-2": "deployed", "web-3": "deployed", "web-4": "deployed"}, run
    assert steps(run)["web-1"] == "connect", run


def test_a_canary_that_hangs_keeps_nobody_waiting(lab, deployed):
    """It is waited for, but the next one is the canary meanwhile: the others are done long before it is given up."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        hanging = {"port": mute.getsockname()[1], "timeout": 25}
        deployed.write_config(config(lab, {"canary": 1, "parallel": 2, "max_failures": 0}, web1=hanging))
        run = deployed.start("apply", "--force")
        ended = [line for line in run.stderr if ": deployed" in line or ": failed" in line]
        assert run.wait() == 3, ended
    assert [line.rstrip().rsplit(" ", 1)[-1] for line in ended[:3]] == ["deployed"] * 3 and "web-1" in ended[3], ended


def test_without_a_rollout_nobody_waits(lab, deployed):
    deployed.write_config(config(lab, None))
    for name in ("web-1", "web-2", "web-3"):
        lab.servers[name].break_nginx()
    run = deployed.run("apply", "--force", "--json")
    assert run.code == 3, run
    assert results(run) == {"web-1": "rolled_back", "web-2": "rolled_back", "web-3": "rolled_back", "web-4": "deployed"}, run


def test_another_certificate_goes_on_without_the_stopped_one(lab, deployed):
    """web-2 gets both in one transaction; when the fleet's was stopped, the other comes alone."""
    other = lab.domain("other.ferry.test", ["web-2"])
    deployed.write_config(config(lab, {"canary": 1}, [other]))
    lab.servers["web-1"].break_nginx()
    run = deployed.run("apply", "--force", "--json")
    assert run.code == 3, run
    assert steps(run)["web-2"] == "rollout", run
    assert run.deployed("other.ferry.test")["web-2"]["result"] == "deployed", run
    assert lab.verified("web-2", "other.ferry.test")


def test_asked_by_hand_a_rollout_goes_on_at_once(lab, deployed):
    lab.servers["web-1"].break_nginx()
    assert deployed.run("apply", "--force").code == 3
    lab.servers["web-1"].mend_nginx()
    run = deployed.run("deploy", "--json")
    assert run.code == 0 and set(results(run).values()) == {"deployed"}, run
