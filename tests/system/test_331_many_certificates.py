# SPDX-License-Identifier: Apache-2.0
"""Five certificates for one server: one connection, one test, one reload, and each of them seen."""

import json
import shutil
import socket
import sys

import pytest
from lab import certificates
from lab.product import ROOT

CERTS = [f"{word}.ferry.test" for word in ("one", "two", "three", "four", "five")]


class Counted:
    """What one server had to do since the last look."""

    def __init__(self, lab):
        self.server = lab.servers["web-1"]
        self.commands = self.server.home / "commands"
        self.look()

    def entry(self, lab):
        def noted(word, command):
            return f"echo {word} >>{self.commands}; {command}"

        return lab.server_entry(self.server, test_command=noted("test", self.server.test_command),
                                reload_command=noted("reload", self.server.reload_command))  # fmt: skip

    def look(self):
        commands = self.commands.read_text().split() if self.commands.exists() else []
        now = self.server.ssh_sessions(), commands
        before, self.before = getattr(self, "before", now), now
        return now[0] - before[0], commands[len(before[1]) :]


@pytest.fixture
def counted(lab, product):
    counted = Counted(lab)
    product.write_config(lab.config([lab.wildcard(f"*.{cert}", ["web-1"]) for cert in CERTS],
                                    servers={"web-1": counted.entry(lab)}))  # fmt: skip
    counted.look()
    return counted


def served(lab):
    return [lab.served("web-1", f"any.{cert}") for cert in CERTS]


def stored(product):
    return [certificates.fingerprint(product.live(cert) / "cert.pem") for cert in CERTS]


def test_one_connection_one_test_one_reload(lab, product, counted):
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert [run.deployed(cert)["web-1"]["result"] for cert in CERTS] == ["deployed"] * 5, run
    assert counted.look() == (1, ["test", "reload"])
    assert served(lab) == stored(product) and len(set(stored(product))) == 5

    run = product.run("deploy", "--json")
    assert [run.deployed(cert)["web-1"]["result"] for cert in CERTS] == ["unchanged"] * 5, run
    assert counted.look() == (1, [])

    # Two of them are renewed: the others' files stay as they are.
    before = stored(product)
    for cert in CERTS[:2]:
        product.make_due(cert)
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert counted.look() == (1, ["test", "reload"])
    assert served(lab) == stored(product)
    assert [new != old for new, old in zip(stored(product), before)] == [True, True, False, False, False]
    generations = [(counted.server.live / cert / "current").readlink().name[:2] for cert in CERTS]
    assert generations == ["2-", "2-", "1-", "1-", "1-"]


def test_a_transaction_that_fails_takes_all_of_them_back(lab, product, counted):
    run = product.run("apply", "--json")
    assert run.code == 0, run
    before = served(lab)
    counted.server.break_nginx()
    run = product.run("apply", "--force", "--json")
    assert run.code != 0, run
    assert [run.deployed(cert)["web-1"]["result"] for cert in CERTS] == ["rolled_back"] * 5, run
    assert served(lab) == before != stored(product)
    counted.server.mend_nginx()
    counted.look()
    run = product.run("deploy", "--json")
    assert run.code == 0, run
    assert counted.look() == (1, ["test", "reload"])
    assert served(lab) == stored(product)


def recorded(product, cert):
    return json.loads((product.state / f"renewal/{cert}.json").read_text())["servers"][0]


def test_what_was_seen_and_then_taken_back_is_not_on_record_as_served(lab, product, counted):
    run = product.run("apply", "--json")
    assert run.code == 0, run
    before = served(lab)
    # The last one's virtual host goes on with files of its own.
    own = counted.server.home / "own"
    shutil.copytree(counted.server.live / CERTS[4], own, symlinks=False, ignore=shutil.ignore_patterns("generations", "current"))
    host = counted.server.dir / f"vhosts/{CERTS[4]}.conf"
    text = host.read_text()
    try:
        host.write_text(text.replace(str(counted.server.live / CERTS[4]), str(own)))
        counted.server.reload()
        run = product.run("apply", "--force", "--json")
    finally:
        host.write_text(text)
    assert run.code == 3, run
    assert {run.deployed(cert)["web-1"]["error"]["step"] for cert in CERTS} == {"verify"}, run
    assert [run.deployed(cert)["web-1"]["result"] for cert in CERTS] == ["rolled_back"] * 5, run
    assert served(lab) == before != stored(product)
    assert [recorded(product, cert)["served_sha256"] for cert in CERTS] == before


def test_a_port_where_nobody_answers_is_told_as_that(lab, product, counted):
    """It is not waited for until no time is left, and the SSH server blamed for it."""
    run = product.run("apply", "--json")
    assert run.code == 0, run
    with socket.create_server(("127.0.0.1", 0)) as mute:
        entry = {**counted.entry(lab), "timeout": 4, "verify": {"address": "127.0.0.1", "port": mute.getsockname()[1]}}
        product.write_config(lab.config([lab.wildcard(f"*.{cert}", ["web-1"], serve=False) for cert in CERTS],
                                        servers={"web-1": entry}))  # fmt: skip
        run = product.run("deploy", "--json")
    assert run.code == 1, run
    assert {run.deployed(cert)["web-1"]["error"]["step"] for cert in CERTS} == {"verify"}, run


def test_a_distant_server_gets_time_for_each_of_them(lab, product, counted):
    """Together they take longer than the timeout of one, and no single one does."""
    control = lab.dir / "slow"
    control.mkdir()
    (control / "greeting.json").write_text('{"slow": 0.02}')
    counted.server.use_sftp(f"{sys.executable} -S -E {ROOT}/tests/fakes/sftp_server.py {control}")
    try:
        entry = {**counted.entry(lab), "timeout": 4}
        product.write_config(lab.config([lab.wildcard(f"*.{cert}", ["web-1"]) for cert in CERTS[:3]], servers={"web-1": entry}))
        run = product.run("apply", "--json")
        (control / "greeting.json").write_text('{"slow": 0.1}')
        test = product.run("server", "test", "web-1")
    finally:
        counted.server.use_sftp("internal-sftp")
    assert run.code == 0 and run.seconds > 5, run
    assert test.code == 0 and test.seconds > 4, test
    assert [certificates.fingerprint(product.live(cert) / "cert.pem") for cert in CERTS[:3]] == served(lab)[:3]


def test_a_copy_for_one_certificate_is_not_given_to_another(lab, product):
    """Two of the config are refused when it is read; one that is issued by hand, before anybody is asked for it."""
    server = lab.servers["web-1"]
    copies = server.home / "copies"
    copies.mkdir(exist_ok=True)

    def configure(domains, path):
        entry = lab.server_entry(server, files={"combined": str(copies / path)})
        product.write_config(lab.config([lab.domain(cert, ["web-1"]) for cert in domains], servers={"web-1": entry}))

    configure(CERTS[:2], "site.pem")
    run = product.run("apply")
    assert run.code == 2 and CERTS[0] in run.err and CERTS[1] in run.err and "{name}" in run.err, run

    configure(CERTS[:1], "site.pem")
    run = product.run("issue", "-d", CERTS[1], "--webroot", lab.webroot, "--deploy", "web-1")
    assert run.code == 2 and f"{copies}/site.pem" in run.err and "{name}" in run.err, run
    assert not product.live(CERTS[1]).exists()

    configure(CERTS[:2], "{name}.pem")
    run = product.run("apply")
    assert run.code == 0, run
    for cert in CERTS[:2]:
        assert (copies / f"{cert}.pem").read_bytes() == b"".join(
            (product.live(cert) / name).read_bytes() for name in ("fullchain.pem", "privkey.pem"))  # fmt: skip
