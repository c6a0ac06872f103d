# SPDX-License-Identifier: Apache-2.0
"""Two hops and a server behind them, each of which may fail in every way there is: the error says at which of the three, what,
and what to do. All of them fail side by side in one run.
"""

import re
import socket
import threading

import pytest
from lab.processes import run
from lab.servers import write

CERT = "hops.ferry.test"
TIMEOUT, SLACK = 6, 25
PLACES = ["gate", "inner", "target"]


def new_key(folder, name, ca=None, *options):
    """A key of its own, with a certificate by CA."""
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name])
    if ca:
        run(["ssh-keygen", "-q", "-s", ca, "-I", name, *options, folder / f"{name}.pub"])
    return folder / name


def close_each(listener):
    try:
        while True:
            listener.accept()[0].close()
    except OSError:
        pass  # it was closed


class Way:
    """gate, then inner, then the target: the entries of a config, in which any of them can be another than it should be."""

    def __init__(self, lab):
        self.lab = lab
        self.keys = lab.dir / "keys"
        self.keys.mkdir()
        self.ca = new_key(self.keys, "ca")
        rules = f"TrustedUserCAKeys {self.ca}.pub\n"
        self.machines = {"gate": lab.another_sshd("gate", rules), "inner": lab.another_sshd("inner", rules),
                         "target": lab.servers["web-1"]}  # fmt: skip
        self.machines["target"].rule_ssh(rules)
        self.closed = lab.another_sshd("closed", "AllowTcpForwarding no\n")
        self.servers, self.names, self.cases, self.mutes = {}, [], {}, []

    def add(self, what, at, **change):
        """A server the way to which has CHANGE at the place AT (None: nowhere)."""
        name = f"{what}-at-{at}" if at else what
        entries = {place: self.lab.server_entry(machine) for place, machine in self.machines.items()}
        if at:
            entries[at].update(change)
        target = entries.pop("target")
        for key in ("verify", "test_command", "reload_command"):
            del target[key]
        self.servers[f"{name}-gate"] = entries["gate"]
        self.servers[f"{name}-inner"] = {**entries["inner"], "proxy_jump": f"{name}-gate"}
        self.servers[name] = {**target, "dir": str(self.lab.servers["web-1"].home / "way" / name), "timeout": TIMEOUT,
                              "proxy_jump": f"{name}-inner"}  # fmt: skip
        self.names.append(name)
        self.cases[name] = (at, self.servers.get(f"{name}-{at}", self.servers[name]))
        return name

    def known(self, text, name):
        return str(write(self.keys / f"known-{name}", text))

    def mute(self):
        """Somebody who accepts connections and never says anything."""
        self.mutes.append(socket.create_server(("127.0.0.1", 0)))
        return self.mutes[-1].getsockname()[1]

    def closing(self):
        """Somebody who accepts connections and ends them at once, as an sshd does that has too many of them."""
        port = self.mute()
        threading.Thread(target=close_each, args=(self.mutes[-1],), daemon=True).start()
        return port

    def deploy(self, product):
        domain = {**self.lab.domain(CERT, self.names, serve=False),
                  "rollout": {"parallel": 50, "max_failures": 100}}  # fmt: skip
        product.write_config(self.lab.config([self.lab.domain(CERT)]))
        assert product.run("apply").code == 0
        product.write_config(self.lab.config([domain], servers=self.servers))
        return product.run("deploy", "--json")

    def check(self, name, entry, words, hint):
        """The failure is told of the place where it was, with its address."""
        at, server = self.cases[name]
        assert entry["result"] == "failed" and entry["error"]["step"] == "connect", (name, entry)
        detail = entry["error"]["detail"]
        if at != "target":
            assert f"at the jump host {name}-{at} (127.0.0.1 port {server['port']}) on the way there: " in detail, (name, detail)
        else:
            assert "on the way there" not in detail, (name, detail)
        assert words in detail, (name, detail)
        assert hint in entry["error"]["hint"], (name, entry["error"])


@pytest.fixture(scope="module")
def way(lab):
    the_way = Way(lab)
    yield the_way
    for mute in the_way.mutes:
        mute.close()


@pytest.fixture(autouse=True)
def fresh(way):
    way.servers, way.names, way.cases = {}, [], {}


def test_keys_and_logins_that_are_not_right(lab, product, way):
    stranger = new_key(way.keys, "stranger")
    day = ["-n", lab.servers["web-1"].user, "-V"]
    expired = new_key(way.keys, "expired", way.ca, *day, "-2d:-1d")
    early = new_key(way.keys, "early", way.ca, *day, "+1d:+2d")
    other = new_key(way.keys, "other", way.ca, "-n", "nobody-else", "-V", "-1h:+1h")
    fine = new_key(way.keys, "fine", way.ca, *day, "-1h:+1h")
    text = lab.known_hosts.read_text()
    expected = {}

    def expect(words, hint, what, at, **change):
        expected[way.add(what, at, **change)] = (words, hint)

    for at in PLACES:
        machine = way.machines[at]
        others = "".join(line + "\n" for line in text.splitlines() if line + "\n" != machine.known_hosts_line())
        key = next(line for line in others.splitlines() if f":{machine.ssh_port} " not in line).split(" ", 1)[1]
        host = f"[127.0.0.1]:{machine.ssh_port}"
        name = f"-at-{at}"
        expect("is not known", f"certferry server trust unknown{name}" + ("" if at == "target" else f"-{at}"), "unknown", at,
               known_hosts=way.known(others, f"unknown-{at}"))  # fmt: skip
        expect("HAS CHANGED", "server trust", "changed", at, known_hosts=way.known(f"{host} {key}\n", f"changed-{at}"))
        revoked = f"@revoked * {machine.known_hosts_line().split(' ', 1)[1]}"
        expect("revoked", "", "revoked", at, known_hosts=way.known(revoked, f"revoked-{at}"))
        expect(f"does not let user {machine.user} in", "authorized_keys", "refused", at, identity_file=str(stranger))
        for what, identity in (("expired", expired), ("early", early), ("principal", other)):
            expect("with this identity and its certificate", "until when the certificate is valid", what, at,
                   identity_file=str(identity))  # fmt: skip
        way.add("certified", at, identity_file=str(fine))
    way.add("nothing", None)
    deployed = way.deploy(product).deployed(CERT)
    for name, (words, hint) in expected.items():
        way.check(name, deployed[name], words, hint)
    good = {name for name, entry in deployed.items() if entry["result"] == "deployed"}
    assert good == {"nothing", *(f"certified-at-{at}" for at in PLACES)}, deployed


def test_forwarding_that_is_refused(lab, product, way):
    narrow, strict = new_key(way.keys, "narrow"), new_key(way.keys, "strict")
    gate, inner = way.machines["gate"], way.machines["inner"]
    options = {"narrow": 'permitopen="127.0.0.1:1"', "strict": "restrict"}
    lines = [f"{option} {(way.keys / f'{name}.pub').read_text()}" for name, option in options.items()]
    for machine in (gate, inner):
        with open(machine.ssh_dir / "authorized_keys", "a", encoding="utf-8") as file:
            file.writelines(lines)
    names = {}
    for at, what in (("gate", inner), ("inner", way.machines["target"])):
        names[way.add("narrow", at, identity_file=str(narrow))] = (at, what, None)
        names[way.add("strict", at, identity_file=str(strict))] = (at, what, None)
        names[way.add("closed", at, port=way.closed.ssh_port)] = (at, what, way.closed)
    dead = way.add("dead", "target", port=1)
    strange = way.add("strange", "target", host="no-such-host.invalid")
    deployed = way.deploy(product).deployed(CERT)
    for name, (at, to, instead) in names.items():
        error = deployed[name]["error"]
        port = (instead or way.machines[at]).ssh_port
        assert (f"the jump host {name}-{at} (127.0.0.1 port {port}) does not let us connect to 127.0.0.1 port "
                f"{to.ssh_port}") in error["detail"], error  # fmt: skip
        assert "AllowTcpForwarding, PermitOpen" in error["hint"], error
    port = inner.ssh_port
    for name, words in ((dead, "127.0.0.1 port 1"), (strange, "no-such-host.invalid")):
        error = deployed[name]["error"]
        assert f"the jump host {name}-inner (127.0.0.1 port {port}) cannot connect to {words}" in error["detail"], error
        assert "does its name mean something to the jump host" in error["hint"], error


def test_silence(lab, product, way):
    """After TCP's handshake, and after the agreement on keys."""
    slow = lab.another_sshd("slow", "AuthorizedKeysCommand /usr/bin/sleep 1000\nAuthorizedKeysCommandUser root\n"
                                    "AuthorizedKeysFile none\n")  # fmt: skip
    for at in PLACES:
        way.add("mute", at, port=way.mute(), known_hosts=str(lab.known_hosts))
        way.add("slow", at, port=slow.ssh_port)
    run = way.deploy(product)
    assert run.seconds < TIMEOUT + SLACK, run
    for name, entry in run.deployed(CERT).items():
        at, server = way.cases[name]
        who = name if at == "target" else f"{name}-{at}"
        words = f"{who} (127.0.0.1 port {server['port']}) did not answer in time while "
        way.check(name, entry, words + ("SSH keys were agreed on" if name.startswith("mute") else "logging in"), "")
        if at != "gate":
            before = PLACES[PLACES.index(at) - 1]
            assert f"it goes through the jump host {name}-{before} (127.0.0.1 port " in entry["error"]["hint"], entry


def test_whoever_is_always_turned_away(lab, product, way):
    for at in PLACES:
        way.add("closing", at, port=way.closing())
    run = way.deploy(product)
    for name, entry in run.deployed(CERT).items():
        port = way.cases[name][1]["port"]
        way.check(name, entry, f"(127.0.0.1 port {port}) closes the connection before it says anything (tried ", "MaxStartups")
        assert int(re.search(r"tried ([0-9]+) times", entry["error"]["detail"])[1]) > 2, entry
