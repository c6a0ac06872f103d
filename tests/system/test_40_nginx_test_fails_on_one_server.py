# SPDX-License-Identifier: Apache-2.0
"""`nginx -t` fails on one of two servers: that one keeps serving the old certificate, the other serves the new one."""

import pytest

CERT = "roll.ferry.test"


def contents(server):
    return {name: (server.live / CERT / f"{name}.pem").read_bytes() for name in ("cert", "fullchain", "privkey")}


@pytest.fixture
def deployed(lab, product):
    product.write_config(lab.config([lab.wildcard("*.roll.ferry.test", ["web-1", "web-2"])]))
    run = product.run("apply")
    assert run.code == 0, run
    return product


def test_one_is_rolled_back_and_the_other_renewed(lab, deployed):
    product, broken, fine = deployed, lab.servers["web-1"], lab.servers["web-2"]
    old, files = lab.served("web-1", CERT), contents(broken)
    broken.break_nginx()
    run = product.run("apply", "--force", "--json")
    assert run.code == 3, run
    assert run.result(CERT)["action"] == "renewed" and run.result(CERT)["generation"] == 2, run
    entries = run.deployed(CERT)
    assert entries["web-1"]["result"] == "rolled_back", run
    assert "this_is_no_directive" in str(entries["web-1"]["error"]), f"nginx's own words are missing\n{run}"
    assert entries["web-1"]["error"]["step"] == "test", run
    assert entries["web-2"]["result"] == "deployed" and entries["web-2"]["error"] is None, run

    assert lab.served("web-1", CERT) == old
    assert contents(broken) == files, "the old files must live again"
    assert lab.served("web-2", CERT) not in (old, "")
    assert contents(fine)["cert"] == (product.live(CERT) / "cert.pem").read_bytes()
    lab.assert_pairs_match(product)

    # The web server is put in order: the pending deployment is made up for without another order.
    broken.mend_nginx()
    mark = lab.ca.mark()
    run = product.run("deploy", "--json")
    assert run.code == 0, run
    assert run.deployed(CERT)["web-1"]["result"] == "deployed", run
    assert lab.served("web-1", CERT) == lab.served("web-2", CERT)
    assert lab.ca.requests(mark) == []


def test_the_summary_for_people_says_which_and_why(lab, deployed):
    lab.servers["web-2"].break_nginx()
    run = deployed.run("apply", "--force")
    assert run.code == 3, run
    assert "web-2" in run.text and "rolled back" in run.text and "this_is_no_directive" in run.text, run
    run = deployed.run("apply")
    assert run.code != 0, f"a run in which a deployment is still pending does not exit 0\n{run}"


def test_a_reload_that_fails_is_rolled_back_too(lab, deployed):
    server = lab.servers["web-1"]
    old = lab.served("web-1", CERT)
    entries = {name: lab.server_entry(each) for name, each in lab.servers.items()}
    entries["web-1"]["test_command"] = "true"
    entries["web-1"]["reload_command"] = f"echo cannot reload today >&2; false {server.dir}"
    deployed.write_config(lab.config([lab.wildcard("*.roll.ferry.test", ["web-1", "web-2"], serve=False)],
                                     servers=entries))  # fmt: skip
    run = deployed.run("apply", "--force", "--json")
    assert run.code == 3, run
    entry = run.deployed(CERT)["web-1"]
    assert entry["result"] in ("rolled_back", "failed") and "cannot reload today" in str(entry["error"]), run
    assert lab.served("web-1", CERT) == old
    assert lab.served("web-2", CERT) != old
    lab.assert_pairs_match(deployed)


def test_a_handshake_that_does_not_see_the_new_leaf_is_rolled_back(lab, deployed):
    """The reload command succeeds and does nothing: only the handshake can tell."""
    old, files = lab.served("web-1", CERT), contents(lab.servers["web-1"])
    entries = {name: lab.server_entry(each) for name, each in lab.servers.items()}
    entries["web-1"]["reload_command"] = "true"
    deployed.write_config(lab.config([lab.wildcard("*.roll.ferry.test", ["web-1", "web-2"], serve=False)],
                                     servers=entries))  # fmt: skip
    run = deployed.run("apply", "--force", "--json")
    assert run.code == 3, run
    entry = run.deployed(CERT)["web-1"]
    assert entry["result"] == "rolled_back" and entry["error"]["step"] == "verify", run
    assert lab.served("web-1", CERT) == old and contents(lab.servers["web-1"]) == files
