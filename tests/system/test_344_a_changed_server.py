# SPDX-License-Identifier: Apache-2.0
"""The config has another folder, copy, owner or host for a server that has its certificate already: the next run brings it
there, though what is served is the live one."""

import os

import pytest
from lab.servers import write

CERT = "moved.ferry.test"


@pytest.fixture
def deployed(lab, product):
    configure(lab, product)
    run = product.run("apply")
    assert run.code == 0, run
    return product


def configure(lab, product, **changes):
    entries = {name: lab.server_entry(server) for name, server in lab.servers.items()}
    entries["web-1"].update(changes)
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1", "web-2"])], servers=entries))


def is_brought(product):
    """plan says that web-1 and nobody else is due; apply brings it, once."""
    planned = {entry["server"]: entry for entry in product.run("plan", "--json").json["plan"][0]["servers"]}
    assert planned["web-1"]["action"] == "deploy" and "the config has changed" in planned["web-1"]["reason"], planned
    assert planned["web-2"]["action"] == "none", planned
    run = product.run("apply", "--json")
    results = {name: entry["result"] for name, entry in run.deployed(CERT).items()}
    assert run.code == 0 and results == {"web-1": "deployed", "web-2": "unchanged"}, run
    assert run.result(CERT)["action"] == "unchanged", run
    sessions = product.run("apply", "--json")
    assert {entry["result"] for entry in sessions.deployed(CERT).values()} == {"unchanged"}, sessions


def test_a_copy_that_was_added(lab, deployed):
    copy = lab.servers["web-1"].home / "combined.pem"
    configure(lab, deployed, files={"combined": str(copy)})
    is_brought(deployed)
    live = deployed.live(CERT)
    assert copy.read_text() == (live / "fullchain.pem").read_text() + (live / "privkey.pem").read_text()


def test_another_folder(lab, deployed):
    folder = lab.servers["web-1"].home / "elsewhere"
    configure(lab, deployed, dir=str(folder))
    is_brought(deployed)
    assert (folder / CERT / "cert.pem").read_bytes() == (deployed.live(CERT) / "cert.pem").read_bytes()


def test_another_mode(lab, deployed):
    configure(lab, deployed, key_mode="0640")
    is_brought(deployed)
    key = lab.servers["web-1"].live / CERT / "privkey.pem"
    assert os.stat(key).st_mode & 0o777 == 0o640


def test_how_it_is_reached_is_no_such_change(lab, deployed):
    mark = lab.servers["web-1"].ssh_sessions()
    configure(lab, deployed, timeout=30, command_timeout=30, known_hosts=[str(lab.known_hosts), str(lab.dir / "more")])
    run = deployed.run("apply", "--json")
    assert {entry["result"] for entry in run.deployed(CERT).values()} == {"unchanged"}, run
    assert lab.servers["web-1"].ssh_sessions() == mark


def test_a_change_that_fails_is_tried_again(lab, deployed):
    """It is no success of the first kind: what is served is the live certificate all the time."""
    copy = lab.servers["web-1"].home / "not-yet" / "combined.pem"
    configure(lab, deployed, files={"combined": str(copy)})
    run = deployed.run("apply", "--json")
    assert run.code == 3 and run.deployed(CERT)["web-1"]["result"] == "failed", run
    write(copy.parent / "there", "")
    deployed.let_time_pass(CERT)
    run = deployed.run("apply", "--json")
    assert run.code == 0 and run.deployed(CERT)["web-1"]["result"] == "deployed" and copy.exists(), run
