# SPDX-License-Identifier: Apache-2.0
"""A server that refuses to begin TLS: what it said is told."""

import os

import pytest
from conftest import need
from lab.programs import Prosody, Slapd, missing_packages

CERT = "refusing.ferry.test"


@pytest.fixture(scope="module", autouse=True)
def installed():
    need(os.geteuid() == 0, "root, whose rights these programs give up by themselves")
    assert not missing_packages()


def look(lab, product, program, **verify):
    """What `server test` says of a server that got the certificate without being looked at."""
    for changes in ({"verify": False}, {"verify": {"address": "127.0.0.1", **program.verify, **verify}}):
        entry = program.entry(lab, **changes)
        product.write_config(lab.config([lab.domain(CERT, ["box"], serve=False)], servers={"box": entry}))
        run = product.run("apply") if not entry["verify"] else product.run("server", "test")
        assert (run.code == 0) == (not entry["verify"]), run
    return run


def test_an_xmpp_server_that_does_not_host_the_domain(lab, product):
    program = Prosody(CERT)
    try:
        run = look(lab, product, program.start(), server_name="elsewhere.test")
        assert "in xmpp" in run.text and "host-unknown" in run.text, run
        # Its port speaks no LDAP, and it says so in its own way.
        run = look(lab, product, program, starttls="ldap")
        assert "in ldap" in run.text and "another protocol" in run.text, run
    finally:
        program.stop()


def test_a_directory_server_without_tls(lab, product):
    program = Slapd(CERT)
    program.config.write_text("".join(line for line in program.config.open() if not line.startswith("TLS")))
    try:
        run = look(lab, product, program.start())
        assert "in ldap" in run.text and "result 2: " in run.text, run
    finally:
        program.stop()
