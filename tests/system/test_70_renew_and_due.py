# SPDX-License-Identifier: Apache-2.0
"""Renewal: when a certificate is due, by force, and what it leaves behind."""

import os

from lab import certificates


def status(product, name):
    run = product.run("list", "--json")
    assert run.code == 0, run
    return next(entry for entry in run.json["certificates"] if entry["name"] == name)


def test_it_is_renewed_when_due_and_not_before(lab, product):
    product.write_config(lab.config([lab.wildcard("*.due.ferry.test", ["web-1"])]))
    assert product.run("apply").code == 0
    first = lab.verified("web-1", "due.ferry.test")
    run = product.run("renew", "--json")
    assert run.code == 0 and run.result("due.ferry.test")["action"] == "unchanged", run
    assert status(product, "due.ferry.test")["status"] == "valid"

    product.make_due("due.ferry.test")
    assert status(product, "due.ferry.test")["status"] == "due"
    run = product.run("plan", "--json")
    assert run.json["plan"][0]["action"] == "renew", run
    run = product.run("renew", "--json")
    assert run.code == 0 and run.result("due.ferry.test")["action"] == "renewed", run
    assert run.result("due.ferry.test")["generation"] == 2, run
    assert lab.verified("web-1", "due.ferry.test") != first
    assert status(product, "due.ferry.test")["status"] == "valid"


def test_only_what_is_due_is_renewed(lab, product):
    product.write_config(lab.config([lab.wildcard("*.early.ferry.test"), lab.wildcard("*.ripe.ferry.test")]))
    assert product.run("apply").code == 0
    product.make_due("ripe.ferry.test")
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert run.result("early.ferry.test")["action"] == "unchanged", run
    assert run.result("ripe.ferry.test")["action"] == "renewed", run


def test_force_renews_keeps_the_old_generation_and_takes_a_new_key(lab, product):
    product.write_config(lab.config([lab.wildcard("*.force.ferry.test", ["web-2"])]))
    assert product.run("apply").code == 0
    live = product.live("force.ferry.test")
    old_key, old_cert = (live / "privkey.pem").read_bytes(), (live / "cert.pem").read_bytes()
    run = product.run("renew", "--force", "force.ferry.test", "--json")
    assert run.code == 0 and run.result("force.ferry.test")["action"] == "renewed", run
    assert os.readlink(live) == "../archive/force.ferry.test/2"
    assert (live / "privkey.pem").read_bytes() != old_key
    archive = product.state / "archive/force.ferry.test/1"
    assert (archive / "cert.pem").read_bytes() == old_cert and (archive / "privkey.pem").read_bytes() == old_key
    assert lab.served("web-2", "force.ferry.test") == certificates.fingerprint(live / "cert.pem")


def test_reuse_key_keeps_the_key(lab, product):
    product.write_config(lab.config([lab.wildcard("*.reuse.ferry.test", reuse_key=True)]))
    assert product.run("apply").code == 0
    key = (product.live("reuse.ferry.test") / "privkey.pem").read_bytes()
    run = product.run("apply", "--force")
    assert run.code == 0, run
    assert (product.live("reuse.ferry.test") / "privkey.pem").read_bytes() == key


def test_names_that_changed_in_the_config_are_ordered(lab, product):
    product.write_config(lab.config([lab.domain("grow.ferry.test")]))
    assert product.run("apply").code == 0
    product.write_config(lab.config([lab.domain("grow.ferry.test", aliases=["grown.ferry.test"])]))
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result("grow.ferry.test")["generation"] == 2, run
    names = certificates.names(product.live("grow.ferry.test") / "cert.pem")
    assert names == ["grow.ferry.test", "grown.ferry.test"]


def test_the_account_is_kept(lab, product):
    product.write_config(lab.config([lab.domain("account.ferry.test")]))
    assert product.run("apply").code == 0
    mark = lab.ca.mark()
    run = product.run("apply", "--force")
    assert run.code == 0, run
    assert not [path for _, path in lab.ca.requests(mark) if "sign-me-up" in path], "a second account was asked for"
