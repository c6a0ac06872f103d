# SPDX-License-Identifier: Apache-2.0
"""Half of the world is down: a dead server, a server that hangs, a vendor that stumbles. The rest goes on."""

import socket

import pytest

CERT = "half.ferry.test"


@pytest.fixture
def deployed(lab, product):
    product.write_config(lab.config([lab.wildcard("*.half.ferry.test", ["web-1", "web-2"])]))
    run = product.run("apply")
    assert run.code == 0, run
    return product


def test_a_dead_server_does_not_hold_up_the_other(lab, deployed):
    old = lab.served("web-1", CERT)
    lab.servers["web-1"].stop_ssh()
    run = deployed.run("apply", "--force", "--json")
    assert run.code == 3, run
    entries = run.deployed(CERT)
    assert entries["web-1"]["result"] == "failed" and entries["web-1"]["error"]["step"] == "connect", run
    assert entries["web-2"]["result"] == "deployed", run
    assert lab.served("web-1", CERT) == old and lab.served("web-2", CERT) != old
    run = deployed.run("list", "--json")
    pending = {server["name"]: server["status"] for server in run.json["certificates"][0]["servers"]}
    assert pending["web-1"] != pending["web-2"], f"what is pending cannot be seen\n{run}"

    lab.servers["web-1"].start_ssh()
    mark = lab.ca.mark()
    run = deployed.run("deploy", "--json")
    assert run.code == 0 and run.deployed(CERT)["web-1"]["result"] == "deployed", run
    assert run.deployed(CERT)["web-2"]["result"] == "unchanged", run
    assert lab.served("web-1", CERT) == lab.served("web-2", CERT)
    assert lab.ca.requests(mark) == []


def test_a_server_that_accepts_and_says_nothing(lab, deployed):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        entries = {name: lab.server_entry(server) for name, server in lab.servers.items()}
        entries["web-1"].update(port=mute.getsockname()[1], timeout=3)
        deployed.write_config(lab.config([lab.wildcard("*.half.ferry.test", ["web-1", "web-2"], serve=False)],
                                         servers=entries))  # fmt: skip
        run = deployed.run("apply", "--force", "--json", timeout=60)
    assert run.code == 3, run
    assert run.deployed(CERT)["web-1"]["result"] == "failed", run
    assert run.deployed(CERT)["web-2"]["result"] == "deployed", run
    assert run.seconds < 30, f"timeout: 3 was set for this server\n{run}"


def test_a_command_that_never_ends_does_not_hold_up_the_other(lab, deployed):
    """Its server is rolled back when the time for commands is over; the other is done long before."""
    old = lab.served("web-1", CERT)
    server = lab.servers["web-1"]
    entries = {name: lab.server_entry(each) for name, each in lab.servers.items()}
    entries["web-1"]["reload_command"] = "sleep 2; " + server.reload_command
    deployed.write_config(lab.config([lab.wildcard("*.half.ferry.test", ["web-1", "web-2"], serve=False)],
                                     servers=entries))  # fmt: skip
    run = deployed.run("apply", "--force", "--json", timeout=90)
    assert run.code == 0, run
    assert lab.served("web-1", CERT) == lab.served("web-2", CERT) != old


def test_a_vendor_that_stumbles(lab, product):
    product.write_config(lab.config([lab.wildcard("*.stumble.ferry.test")]))
    lab.cloudflare.fault("status", status=429, retry_after=1)
    lab.cloudflare.fault("lost", method="POST")
    lab.cloudflare.fault("html", method="POST", status=502, skip=1)
    lab.cloudflare.fault("truncate", method="DELETE")
    run = product.run("apply")
    assert run.code == 0, run
    assert lab.cloudflare.records() == [], "records are left"


def test_a_vendor_that_refuses_to_delete_fails_no_order(lab, product):
    product.write_config(lab.config([lab.wildcard("*.nodelete.ferry.test")]))
    lab.cloudflare.fault("status", method="DELETE", status=403, code=10000, message="Authentication error", count=99)
    run = product.run("apply")
    assert product.live("nodelete.ferry.test").exists(), run
    assert "_acme-challenge.nodelete.ferry.test" in run.text, f"what is left behind is not told\n{run}"
