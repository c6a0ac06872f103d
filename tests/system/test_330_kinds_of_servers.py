# SPDX-License-Identifier: Apache-2.0
"""Each kind of server that `webserver:` knows, and some that it does not, as the distribution's own program: a certificate
arrives, is tested, loaded and seen by a client of its protocol; so is the next one; and a config that its own test refuses
leaves the old one served.
"""

import os

import pytest
from conftest import need
from lab import certificates
from lab.programs import PROGRAMS, missing_packages

CERT = "mail.ferry.test"


@pytest.fixture(scope="module", params=PROGRAMS)
def program(request):
    need(os.geteuid() == 0, "root, whose rights these programs give up by themselves")
    kind = PROGRAMS[request.param]
    missing = set(kind.packages) & set(missing_packages())
    assert not missing, f"not installed: {', '.join(sorted(missing))}"
    running = kind(CERT)
    try:
        yield running.start()
    finally:
        running.stop()


def configure(lab, product, program, **changes):
    name = f"{program.webserver}-1"
    product.write_config(lab.config([lab.domain(CERT, [name], serve=False)], servers={name: program.entry(lab, **changes)}))


def deployed(run, program):
    return run.deployed(CERT)[f"{program.webserver}-1"]


def stored(product):
    return certificates.fingerprint(product.live(CERT) / "cert.pem")


def test_a_certificate_arrives_and_is_renewed(lab, product, program):
    configure(lab, product, program)
    before = program.fingerprint()
    run = product.run("apply", "--json")
    assert run.code == 0 and deployed(run, program)["result"] == "deployed", run
    first = stored(product)
    assert first != before and program.settled(first)

    run = product.run("deploy", "--json")
    assert run.code == 0 and deployed(run, program)["result"] == "unchanged", run

    run = product.run("apply", "--force", "--json")
    assert run.code == 0 and deployed(run, program)["result"] == "deployed", run
    assert stored(product) != first and program.settled(stored(product))
    live = program.live / CERT
    assert certificates.pair_matches(live)
    assert (live / "privkey.pem").stat().st_mode & 0o777 == 0o600
    assert (live / "combined.pem").exists() == program.combined
    if program.combined:
        assert (live / "combined.pem").read_bytes() == b"".join(
            (live / name).read_bytes() for name in ("fullchain.pem", "privkey.pem"))  # fmt: skip
        assert (live / "combined.pem").stat().st_mode & 0o777 == 0o600


def test_each_way_of_looking(lab, product, program):
    """What `verify` is told to speak before TLS, and what a client of that protocol then sees."""
    for verify, look in program.ways():
        configure(lab, product, program, verify={"address": "127.0.0.1", **verify})
        run = product.run("apply", "--force", "--json")
        assert run.code == 0 and deployed(run, program)["result"] == "deployed", run
        assert look() == stored(product), verify


def test_what_does_not_work_there_is_rolled_back(lab, product, program):
    configure(lab, product, program)
    run = product.run("apply", "--json")
    assert run.code == 0, run
    old, files = stored(product), {path.name: path.read_bytes() for path in (program.live / CERT).glob("*.pem")}
    assert program.settled(old)
    step = "test"
    if program.test_command:
        program.break_config()
    else:  # PostgreSQL has no command that would look; it refuses a key of its own that a group may read, and serves on
        configure(lab, product, program, key_mode="0640")
        step = "verify"
    run = product.run("apply", "--force", "--json")
    if program.test_command:
        program.mend_config()
    entry = deployed(run, program)
    assert run.code != 0 and entry["result"] == "rolled_back" and entry["error"]["step"] == step, run
    assert entry["error"]["hint"] or program.broken.split()[0] in entry["error"]["detail"], run
    assert program.settled(old), "the old certificate must still be served"
    assert {path.name: path.read_bytes() for path in (program.live / CERT).glob("*.pem")} == files

    configure(lab, product, program)
    run = product.run("deploy", "--json")
    assert run.code == 0 and deployed(run, program)["result"] == "deployed", run
    assert program.settled(stored(product)) and stored(product) != old
