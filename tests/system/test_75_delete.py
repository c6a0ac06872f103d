# SPDX-License-Identifier: Apache-2.0
"""delete: a certificate is forgotten, whole, when it was confirmed."""

CERT = "gone.ferry.test"


def test_a_mistyped_name_is_got_rid_of(lab, product):
    ca = ["--server", lab.ca.url, "--ca-bundle", lab.ca.ca_bundle, "--state-dir", product.state]
    run = product.run("issue", "-d", "missing.ferry.test", "--webroot", lab.webroot, "--agree-tos", *ca, config=False)
    assert run.code == 1, run
    run = product.run("delete", "missing.ferry.test", "--yes", "--state-dir", product.state, config=False)
    assert run.code == 0 and "deleted" in run.out, run
    run = product.run("list", "--json", "--state-dir", product.state, config=False)
    assert run.json["certificates"] == [], run


def test_only_when_confirmed(lab, product):
    product.write_config(lab.config([lab.domain(CERT), lab.domain("stays.ferry.test")]))
    assert product.run("apply").code == 0
    run = product.run("delete", CERT)
    assert run.code == 2 and "--yes" in run.err, run
    assert product.live(CERT).exists()
    mark = lab.ca.mark()
    run = product.run("delete", CERT, "--yes")
    assert run.code == 0 and "config still has it" in run.out, run
    assert lab.ca.requests(mark) == [], "the CA need not know"
    assert not product.live(CERT).exists() and not (product.state / "archive" / CERT).exists()
    assert product.live("stays.ferry.test").exists()
    run = product.run("delete", CERT, "--yes")
    assert run.code == 2 and "no stored certificate" in run.err, run
    run = product.run("apply", "--json")
    assert run.result(CERT)["action"] == "issued", run
