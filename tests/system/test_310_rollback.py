# SPDX-License-Identifier: Apache-2.0
"""rollback: the previous generation live again, here and on two servers, and it stays so."""

import json
import os
import time

import pytest
from lab import certificates

CERT = "back.ferry.test"
DAY = 24 * 3600


def wanted(lab):
    return lab.wildcard("*.back.ferry.test", ["web-1", "web-2"])


@pytest.fixture
def renewed(lab, product):
    """Generation 2 is live and served, generation 1 is in the archive."""
    product.write_config(lab.config([wanted(lab)]))
    for args in ((), ("--force",)):
        run = product.run("apply", *args)
        assert run.code == 0, run
    return product


def leaf(product, number):
    return certificates.fingerprint(product.state / "archive" / CERT / str(number) / "cert.pem")


def live(product):
    return int(os.path.basename(os.readlink(product.live(CERT))))


def listed(product):
    (entry,) = product.run("list", CERT, "--json").json["certificates"]
    return entry


def assert_everywhere(lab, product, number):
    """NUMBER is live here, and what both servers serve."""
    assert live(product) == number
    for name in lab.servers:
        assert lab.verified(name, "x.back.ferry.test") == leaf(product, number), name
    lab.assert_pairs_match(product)


def test_the_previous_one_is_live_and_served_again(lab, renewed):
    mark = lab.ca.mark()
    run = renewed.run("rollback", CERT, "--json")
    assert run.code == 0, run
    result = run.result(CERT)
    assert result["action"] == "unchanged" and result["error"] is None, "nothing was issued"
    assert result["generation"] == 1 and result["rolled_back_from"] == 2, run
    assert "generation 1 is live again, in place of 2" in result["reason"], run
    assert {entry["result"] for entry in run.deployed(CERT).values()} == {"deployed"}, run
    assert lab.ca.requests(mark) == [], "the CA has nothing to do with it"
    assert_everywhere(lab, renewed, 1)

    entry = listed(renewed)
    assert entry["generation"] == 1 and entry["rolled_back_from"] == 2, entry
    assert entry["fingerprint_sha256"] == leaf(renewed, 1) and entry["status"] == "valid", entry
    assert {server["status"] for server in entry["servers"]} == {"deployed"}, entry
    for command in ("list", "show"):
        run = renewed.run(command, CERT)
        assert "rolled back from" in run.out and "2" in run.out, run
    run = renewed.run("plan", "--json")
    assert run.json["plan"][0]["action"] == "none" and "rolled back from generation 2" in run.json["plan"][0]["reason"]


def test_apply_leaves_it_and_a_forced_renewal_ends_it(lab, renewed):
    assert renewed.run("rollback", CERT).code == 0
    mark, sessions = lab.ca.mark(), [server.ssh_sessions() for server in lab.servers.values()]
    for _ in range(2):
        run = renewed.run("apply", "--json")
        assert run.code == 0 and run.result(CERT)["action"] == "unchanged", run
    assert lab.ca.orders(mark) == 0
    assert sessions == [server.ssh_sessions() for server in lab.servers.values()], "nobody lacks anything"
    assert_everywhere(lab, renewed, 1)

    run = renewed.run("apply", "--force", "--json")
    assert run.code == 0, run
    assert run.result(CERT)["generation"] == 3 and run.result(CERT)["rolled_back_from"] is None, run
    assert_everywhere(lab, renewed, 3)
    assert listed(renewed)["rolled_back_from"] is None
    # The generation before is the one that was live, not the one that had been put aside.
    run = renewed.run("rollback", CERT, "--json")
    assert run.result(CERT)["generation"] == 2 and run.result(CERT)["rolled_back_from"] == 3, run


def test_it_is_renewed_when_its_own_time_has_come(lab, renewed):
    assert renewed.run("rollback", CERT).code == 0
    renewed.make_due(CERT)
    run = renewed.run("apply", "--json")
    assert run.code == 0, run
    assert run.result(CERT)["action"] == "renewed" and run.result(CERT)["generation"] == 3, run
    assert_everywhere(lab, renewed, 3)


def test_again_it_goes_no_further_back_unless_told(lab, renewed):
    assert renewed.run("apply", "--force").code == 0
    assert renewed.run("rollback", CERT).code == 0
    assert_everywhere(lab, renewed, 2)
    run = renewed.run("rollback", CERT, "--json")
    assert run.code == 0 and run.result(CERT)["generation"] == 2, run
    assert "--to-generation" in run.result(CERT)["reason"], run
    run = renewed.run("rollback", CERT, "--to-generation", 1, "--json")
    assert run.code == 0 and run.result(CERT)["rolled_back_from"] == 3, run
    assert_everywhere(lab, renewed, 1)
    # And forward: the newest being live is no rollback any more.
    run = renewed.run("rollback", CERT, "--to-generation", 3, "--json")
    assert run.code == 0 and run.result(CERT)["rolled_back_from"] is None, run
    assert_everywhere(lab, renewed, 3)


def test_a_server_that_is_down_stays_pending_and_apply_makes_up_for_it(lab, renewed):
    lab.servers["web-2"].stop_ssh()
    run = renewed.run("rollback", CERT, "--json")
    assert run.code == 3, run
    entries = run.deployed(CERT)
    assert entries["web-1"]["result"] == "deployed" and entries["web-2"]["result"] == "failed", run
    assert entries["web-2"]["error"]["step"] == "connect", run
    assert live(renewed) == 1
    assert lab.served("web-1", "x.back.ferry.test") == leaf(renewed, 1)
    assert lab.served("web-2", "x.back.ferry.test") == leaf(renewed, 2)
    assert {s["name"]: s["status"] for s in listed(renewed)["servers"]} == {"web-1": "deployed", "web-2": "failed"}

    lab.servers["web-2"].start_ssh()
    renewed.let_time_pass(CERT)
    mark = lab.ca.mark()
    run = renewed.run("apply", "--json")
    assert run.code == 0 and run.deployed(CERT)["web-2"]["result"] == "deployed", run
    assert lab.ca.orders(mark) == 0
    assert_everywhere(lab, renewed, 1)


def test_all_servers_down_is_not_all_failed(lab, renewed):
    """It is live here: only doing the same again has achieved nothing."""
    for server in lab.servers.values():
        server.stop_ssh()
    run = renewed.run("rollback", CERT)
    assert run.code == 3 and live(renewed) == 1, run
    run = renewed.run("rollback", CERT)
    assert run.code == 1 and live(renewed) == 1, run


def test_a_server_whose_test_fails_keeps_what_it_had(lab, renewed):
    lab.servers["web-1"].break_nginx()
    run = renewed.run("rollback", CERT, "--json")
    assert run.code == 3, run
    assert run.deployed(CERT)["web-1"]["result"] == "rolled_back", run
    assert lab.served("web-1", "x.back.ferry.test") == leaf(renewed, 2)
    assert lab.served("web-2", "x.back.ferry.test") == leaf(renewed, 1)
    lab.assert_pairs_match(renewed)


def test_the_wrong_words(lab, renewed):
    for args, words in (
        (("nobody.test",), "no stored certificate"),
        ((), "name of one certificate"),
        ((CERT, "--to-generation", "x"), "generation's number"),
        ((CERT, "--to-generation", "9"), "no generation 9"),
    ):
        run = renewed.run("rollback", *args)
        assert run.code == 2 and words in run.err, run
    assert "1, 2 (live)" in run.err, run
    assert renewed.run("rollback", CERT, "--to-generation", 1).code == 0
    fresh = lab.product()
    fresh.write_config(lab.config([wanted(lab)]))
    assert fresh.run("rollback", CERT).code == 2
    assert fresh.run("apply").code == 0
    run = fresh.run("rollback", CERT)
    assert run.code == 2 and "no generation before" in run.err and live(fresh) == 1, run


def assert_refused(run, product, words):
    assert run.code == 1 and words in run.err and "--force" in run.err, run
    assert live(product) == 2 and listed(product)["rolled_back_from"] is None, run


def test_a_revoked_one_is_refused_but_for_force(lab, product):
    product.write_config(lab.config([wanted(lab)]))
    assert product.run("apply").code == 0
    assert product.run("revoke", CERT, "--reason", "superseded").code == 0
    assert product.run("apply").code == 0
    assert_refused(product.run("rollback", CERT), product, "generation 1 was revoked")
    run = product.run("rollback", CERT, "--force", "--json")
    assert run.code == 0 and "was revoked" in str(run.result(CERT)["notes"]), run
    assert live(product) == 1 and listed(product)["status"] == "revoked"
    # It is due for what it is, not for having been rolled back.
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(CERT)["generation"] == 3 and "revoked" in run.result(CERT)["reason"], run


def test_one_that_was_revoked_long_ago_is_refused_too(lab, product):
    product.write_config(lab.config([wanted(lab)]))
    for _ in range(2):
        assert product.run("apply").code == 0
        assert product.run("revoke", CERT, "--reason", "superseded").code == 0
    assert product.run("apply").code == 0 and live(product) == 3
    for number in (1, 2):
        run = product.run("rollback", CERT, "--to-generation", number)
        assert run.code == 1 and f"generation {number} was revoked" in run.err and live(product) == 3, run
    assert product.run("rollback", CERT, "--to-generation", 1, "--force").code == 0
    assert listed(product)["status"] == "revoked"
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result(CERT)["generation"] == 4 and run.result(CERT)["reason"] == "revoked", run


def test_a_key_that_others_may_have_is_refused(lab, product):
    product.write_config(lab.config([wanted(lab)]))
    assert product.run("apply").code == 0
    assert product.run("revoke", CERT, "--reason", "keyCompromise").code == 0
    assert product.run("apply").code == 0
    assert_refused(product.run("rollback", CERT), product, "others may have")


def test_one_that_lacks_a_name_is_refused(lab, product):
    product.write_config(lab.config([lab.domain("few.ferry.test", ["web-1"])]))
    assert product.run("apply").code == 0
    product.write_config(lab.config([lab.domain("few.ferry.test", ["web-1"], aliases=["more.ferry.test"])]))
    assert product.run("apply").code == 0
    run = product.run("rollback", "few.ferry.test")
    assert run.code == 1 and "not valid for more.ferry.test" in run.err, run
    run = product.run("rollback", "few.ferry.test", "--force")
    assert run.code == 0, run
    mark = lab.ca.mark()
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result("few.ferry.test")["action"] == "unchanged", "it was gone back to on purpose"
    assert lab.ca.orders(mark) == 0
    run = product.run("apply", "--force")
    assert run.code == 0, run
    assert certificates.names(product.live("few.ferry.test") / "cert.pem") == ["few.ferry.test", "more.ferry.test"]


def test_a_damaged_one_is_refused(lab, renewed):
    archive = renewed.state / "archive" / CERT
    (archive / "1/privkey.pem").write_bytes((archive / "2/privkey.pem").read_bytes())
    run = renewed.run("rollback", CERT, "--force")
    assert run.code == 1 and "another key" in run.err, run
    assert_everywhere(lab, renewed, 2)


def test_one_that_has_expired_is_refused(lab, product):
    """The clock is years ahead, and the newer one was issued then."""
    folder = product.dir / "self"
    product.write_config(lab.config([wanted(lab)]))
    assert product.run("apply").code == 0
    assert product.run("apply", "--force").code == 0
    archive = product.state / "archive" / CERT / "1"
    expire(archive, folder)
    assert_refused(product.run("rollback", CERT), product, "generation 1 expired on")
    run = product.run("rollback", CERT, "--force", "--json")
    assert live(product) == 1 and "expired" in str(run.result(CERT)["notes"]), run


def expire(archive, folder):
    """Generation 1 becomes a certificate of the same names whose time is over."""
    from lab.servers import run, self_signed

    self_signed(folder, ["*.back.ferry.test", "back.ferry.test"])
    run(["openssl", "req", "-new", "-key", folder / "privkey.pem", "-subj", "/CN=back.ferry.test", "-addext",
         "subjectAltName=DNS:*.back.ferry.test,DNS:back.ferry.test", "-out", folder / "req.pem"])  # fmt: skip
    run(["openssl", "x509", "-req", "-in", folder / "req.pem", "-key", folder / "privkey.pem", "-copy_extensions", "copy",
         "-days", "-1", "-out", folder / "cert.pem"])  # fmt: skip
    for name, source in (("cert", "cert"), ("fullchain", "cert"), ("privkey", "privkey")):
        (archive / f"{name}.pem").write_bytes((folder / f"{source}.pem").read_bytes())
    (archive / "chain.pem").write_bytes(b"")


def test_without_a_config(lab, product):
    """What `issue` did is rolled back here; it has no servers."""
    options = ["--state-dir", product.state]
    issue = ["issue", "-d", "alone.ferry.test", "--webroot", lab.webroot, "--agree-tos", "--server", lab.ca.url,
             "--ca-bundle", lab.ca.ca_bundle, *options]  # fmt: skip
    assert product.run(*issue, config=False).code == 0
    assert product.run(*issue, "--force", config=False).code == 0
    run = product.run("rollback", "alone.ferry.test", *options, config=False)
    assert run.code == 0 and "generation 1 is live again, in place of 2" in run.out, run
    assert os.readlink(product.live("alone.ferry.test")).endswith("/1")
    run = product.run("renew", "--json", *options, config=False)
    assert run.code == 0 and run.result("alone.ferry.test")["action"] == "unchanged", run
    record = json.loads((product.state / "renewal/alone.ferry.test.json").read_text())
    assert record["generation"] == 1 and record["not_after"] > time.time() + DAY, record
