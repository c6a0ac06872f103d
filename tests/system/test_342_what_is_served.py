# SPDX-License-Identifier: Apache-2.0
"""What servers really serve: list and plan show it, and apply heals what somebody else broke."""

import hashlib
import shutil
import socket
import ssl

import pytest

from lab.servers import self_signed

CERT = "seen.ferry.test"


@pytest.fixture
def deployed(lab, product):
    product.write_config(lab.config([lab.wildcard("*.seen.ferry.test", ["web-1", "web-2"])]))
    run = product.run("apply")
    assert run.code == 0, run
    return product


def fingerprint(product):
    pem = (product.live(CERT) / "cert.pem").read_text()
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def replace_certificate(server):
    """Somebody puts a certificate of their own there, by hand. Its fingerprint."""
    folder = server.live / CERT
    other = server.home / "other"
    shutil.rmtree(other, ignore_errors=True)
    self_signed(other, [CERT])
    for name in ("fullchain.pem", "privkey.pem"):
        (folder / name).unlink()
        shutil.copy(other / name, folder / name)
    server.reload()
    return server.fingerprint(CERT)


def listed(product, *more):
    run = product.run("list", "--json", *more)
    assert run.code == 0, run
    return {entry["name"]: entry for entry in run.json["certificates"][0]["servers"]}


def test_list_and_plan_show_what_is_served(lab, deployed):
    live = fingerprint(deployed)
    for entry in listed(deployed).values():
        assert entry["status"] == "deployed" and entry["fingerprint_sha256"] == live, entry
        assert entry["serves"]["certificate"] == "live", entry
    run = deployed.run("list")
    assert run.out.count("deployed, serves it") == 2, run
    assert deployed.run("plan").out.count("has the live generation and serves it") == 2

    other = replace_certificate(lab.servers["web-1"])
    found = listed(deployed)
    assert found["web-1"]["status"] == "serves_another" and found["web-1"]["fingerprint_sha256"] == other, found
    assert found["web-1"]["serves"]["not_after"] and found["web-2"]["status"] == "deployed", found
    run = deployed.run("plan", "--json")
    planned = {entry["server"]: entry for entry in run.json["plan"][0]["servers"]}
    assert planned["web-1"]["action"] == "deploy" and other in planned["web-1"]["reason"], run
    assert planned["web-2"]["action"] == "none", run
    run = deployed.run("show", CERT)
    assert f"serves another certificate (SHA-256 {other}, until " in run.out, run

    # Without the network it is what was seen last.
    assert listed(deployed, "--offline")["web-1"]["fingerprint_sha256"] == live
    assert deployed.run("plan", "--offline", "--json").json["plan"][0]["servers"][0]["action"] == "none"


def test_apply_heals_what_somebody_else_broke(lab, deployed):
    live, mark = fingerprint(deployed), lab.ca.mark()
    sessions = lab.servers["web-2"].ssh_sessions()
    other = replace_certificate(lab.servers["web-1"])
    run = deployed.run("apply", "--json")
    assert run.code == 0, run
    assert {name: entry["result"] for name, entry in run.deployed(CERT).items()} \
        == {"web-1": "deployed", "web-2": "unchanged"}, run  # fmt: skip
    assert any("web-1" in note and other in note for note in run.result(CERT)["notes"]), run
    assert lab.verified("web-1", CERT) == live
    assert lab.ca.requests(mark) == [] and lab.servers["web-2"].ssh_sessions() == sessions
    assert lab.assert_pairs_match(deployed)
    run = deployed.run("apply", "--json")
    assert run.deployed(CERT)["web-1"]["result"] == "unchanged" and run.result(CERT)["notes"] == [], run


def test_renew_heals_too(lab, deployed):
    replace_certificate(lab.servers["web-2"])
    run = deployed.run("renew", "--json")
    assert run.code == 0 and run.deployed(CERT)["web-2"]["result"] == "deployed", run
    assert lab.served("web-2", CERT) == fingerprint(deployed)


def test_one_that_cannot_be_seen_is_named_and_left_alone(lab, deployed):
    """A port where nobody answers, and one where somebody never does: three seconds at most."""
    entries = {name: lab.server_entry(server) for name, server in lab.servers.items()}
    with socket.create_server(("127.0.0.1", 0)) as mute:
        entries["web-1"]["verify"]["port"] = mute.getsockname()[1]
        deployed.write_config(lab.config([lab.wildcard("*.seen.ferry.test", ["web-1", "web-2"], serve=False)],
                                         servers=entries))  # fmt: skip
        sessions = lab.servers["web-1"].ssh_sessions()
        run = deployed.run("apply", "--json")
        assert run.code == 0 and run.seconds < 10, run
    assert run.deployed(CERT)["web-1"]["result"] == "unchanged", run
    assert any("what web-1 serves cannot be seen" in note for note in run.result(CERT)["notes"]), run
    assert lab.servers["web-1"].ssh_sessions() == sessions
    found = listed(deployed)["web-1"]
    assert found["status"] == "unseen" and found["serves"]["error"]["detail"], found
    assert "cannot be seen" in deployed.run("list").out
    assert "but cannot be seen" in deployed.run("plan").out


def test_nobody_is_asked_where_verification_is_off(lab, deployed):
    entries = {name: lab.server_entry(server) for name, server in lab.servers.items()}
    with socket.create_server(("127.0.0.1", 0)) as never:
        for entry in entries.values():
            entry.pop("verify")
            entry["host"], entry["verify"] = "127.0.0.1", False
        deployed.write_config(lab.config([lab.wildcard("*.seen.ferry.test", ["web-1", "web-2"], serve=False)],
                                         servers=entries))  # fmt: skip
        run = deployed.run("list", "--json")
        never.setblocking(False)
        with pytest.raises(BlockingIOError):
            never.accept()
    assert [entry["serves"] for entry in run.json["certificates"][0]["servers"]] == [None, None], run


def test_certificates_at_one_place_cost_one_handshake(lab, product):
    """Two servers of the config that are served by one address: it is asked once."""
    web = lab.servers["web-1"]
    twin = web.home / "twin"
    entries = {"web-1": lab.server_entry(web), "twin": lab.server_entry(web, dir=str(twin))}
    entries["twin"].pop("verify")
    product.write_config(lab.config([lab.wildcard("*.seen.ferry.test", ["web-1", "twin"], serve=False)], servers=entries))
    web.serve(CERT, ["*.seen.ferry.test", CERT])
    assert product.run("apply").code == 0
    entries["twin"]["verify"] = entries["web-1"]["verify"]
    product.write_config(lab.config([lab.wildcard("*.seen.ferry.test", ["web-1", "twin"], serve=False)], servers=entries))
    web.settle()
    with socket.create_server(("127.0.0.1", 0)) as counter:
        for entry in entries.values():
            entry["verify"] = {"address": "127.0.0.1", "port": counter.getsockname()[1]}
        product.write_config(lab.config([lab.wildcard("*.seen.ferry.test", ["web-1", "twin"], serve=False)],
                                        servers=entries))  # fmt: skip
        assert product.run("list").code == 0
        counter.setblocking(False)
        asked = 0
        try:
            while True:
                counter.accept()[0].close()
                asked += 1
        except BlockingIOError:
            pass
    assert asked == 1
    shutil.rmtree(twin)
