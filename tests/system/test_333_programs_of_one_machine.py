# SPDX-License-Identifier: Apache-2.0
"""Two programs of one machine that read the same files: they take turns, and each ends up with the new certificate."""

import os

import pytest
from conftest import need
from lab import certificates
from lab.programs import Apache, Dovecot, Postgresql, missing_packages

CERT = "box.ferry.test"


@pytest.fixture(scope="module")
def pair():
    """A web and a mail server; the latter reads what the former's folder has."""
    need(os.geteuid() == 0, "root, whose rights these programs give up by themselves")
    assert not missing_packages()
    web = Apache(CERT)
    mail = Dovecot(CERT, live=web.live)
    try:
        yield web.start(), mail.start()
    finally:
        web.stop()
        mail.stop()


def test_both_serve_the_new_certificate(lab, product, pair):
    servers = {program.webserver: program.entry(lab) for program in pair}
    product.write_config(lab.config([lab.domain(CERT, list(servers), serve=False)], servers=servers))
    for _ in range(4):  # each time both begin at once
        run = product.run("apply", "--force", "--json")
        assert run.code == 0, run
        assert {entry["result"] for entry in run.deployed(CERT).values()} == {"deployed"}, run
        wanted = certificates.fingerprint(product.live(CERT) / "cert.pem")
        assert all(program.settled(wanted) for program in pair)
        assert certificates.pair_matches(pair[0].live / CERT)
    run = product.run("deploy", "--json")
    assert {entry["result"] for entry in run.deployed(CERT).values()} == {"unchanged"}, run


def test_postgresql_takes_a_key_of_roots_that_its_group_reads(lab, product):
    need(os.geteuid() == 0, "root, whose rights these programs give up by themselves")
    database = Postgresql(CERT)
    try:
        database.start()
        entry = database.entry(lab, owner="root", group="postgres", key_mode="0640")
        product.write_config(lab.config([lab.domain(CERT, ["db"], serve=False)], servers={"db": entry}))
        run = product.run("apply", "--json")
        assert run.code == 0 and run.deployed(CERT)["db"]["result"] == "deployed", run
        assert database.settled(certificates.fingerprint(product.live(CERT) / "cert.pem"))
    finally:
        database.stop()
