# SPDX-License-Identifier: Apache-2.0
"""Host keys that are unknown, changed or revoked, and servers that let nobody in, by what sshd itself logs: nothing is offered
to a host that is not the known one, one attempt is made, and what the error says to type is what helps. And known_hosts as
people have it.
"""

import re
import shlex

import pytest
from lab.processes import run as run_tool
from lab.servers import write

CERT = "hostkeys.ferry.test"
COMMAND = re.compile(r"`certferry (server trust [^`]*)`")
KINDS = ("unknown", "changed", "revoked")


class Host:
    """One of the laboratory's sshds, that logs everything, with host keys of its own and what is known of them."""

    def __init__(self, lab, name, folder):
        self.server = lab.servers[name]
        self.known = folder / f"known_hosts-{name}"
        self.name = f"[127.0.0.1]:{self.server.ssh_port}"
        self.log, self.from_here = self.server.ssh_dir / "sshd.log", 0
        self.before = {path: path.read_bytes() for path in self.server.ssh_dir.iterdir() if path.suffix != ".log"}
        self.keys = {}
        self.kinds()

    def kinds(self, *kinds):
        """Its host keys are these, new ones, or without any the laboratory's own."""
        for kind in kinds:
            path = self.server.ssh_dir / f"key_{kind}"
            path.unlink(missing_ok=True)
            run_tool(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", path])
            self.keys[kind] = " ".join(path.with_suffix(".pub").read_text().split()[:2])
        paths = [self.server.ssh_dir / name for name in ("host_key", *(f"key_{kind}" for kind in kinds))]
        self.server.rule_ssh("LogLevel DEBUG3\n" + "".join(f"HostKey {path}\n" for path in paths))

    @property
    def key(self):
        return " ".join((self.server.ssh_dir / "host_key.pub").read_text().split()[:2])

    def fingerprint(self):
        return run_tool(["ssh-keygen", "-lf", self.server.ssh_dir / "host_key.pub"]).split()[1]

    def know(self, text=None):
        """TEXT is what is known; without, all that is right."""
        write(self.known, f"{self.name} {self.key}\n" if text is None else text, 0o600)

    def know_as(self, kind, other):
        """OTHER is a key that is not this host's."""
        self.know({"unknown": "", "changed": f"{self.name} {other}\n",
                   "revoked": f"{self.name} {self.key}\n@revoked * {self.key}\n"}[kind])  # fmt: skip

    def entry(self, lab, **changes):
        return lab.server_entry(self.server, known_hosts=str(self.known), **changes)

    # What it saw.

    def mark(self):
        self.from_here = self.log.stat().st_size

    def logged(self):
        with open(self.log, errors="replace") as file:
            file.seek(self.from_here)
            return file.read()

    def connections(self):
        return self.logged().count("Connection from 127.0.0.1")

    def was_offered(self):
        """Whether anybody so much as asked to be let in."""
        return re.findall(r"userauth-request|service-request|pubkey|publickey|Accepted", self.logged())

    def restore(self):
        for path, content in self.before.items():
            path.write_bytes(content)
        self.server.rule_ssh()


@pytest.fixture
def hosts(lab, product):
    """The target and another server, whose SSH servers tell everything."""
    for server in lab.servers.values():
        server.forget(CERT)
    both = [Host(lab, name, product.dir) for name in ("web-1", "web-2")]
    for host in both:
        host.know()
    yield both
    for host in both:
        host.restore()


def configure(lab, product, target, jump=None):
    changes = {"proxy_jump": "bastion"} if jump else {}
    servers = {"web-1": target.entry(lab, **changes), **({"bastion": jump.entry(lab)} if jump else {})}
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"])], servers=servers))


def outcome(run):
    return run.deployed(CERT)["web-1"]


def refused(lab, product, hosts):
    """The error of a deployment that must fail when it connects, after which it is left alone for a while."""
    tree = lab.servers["web-1"].tree()
    for host in hosts:
        host.mark()
    run = product.run("apply", "--json")
    assert run.code == 3 and outcome(run)["result"] == "failed" and outcome(run)["error"]["step"] == "connect", run
    assert "web-1" in run.err, run
    assert lab.servers["web-1"].tree() == tree
    made = [host.connections() for host in hosts]
    again = product.run("apply", "--json")
    assert again.code != 0 and [host.connections() for host in hosts] == made, again
    return outcome(run)["error"]


@pytest.mark.parametrize("way", ["direct", "jump host", "behind it"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_offered_to_a_host_that_is_not_the_known_one(lab, product, hosts, kind, way):
    target, other = hosts
    jump = other if way != "direct" else None
    configure(lab, product, target, jump)
    suspect, unsuspected, name = (other, target, "bastion") if way == "jump host" else (target, other, "web-1")
    suspect.know_as(kind, unsuspected.key)

    error = refused(lab, product, hosts)
    assert suspect.connections() == 1 and "KEX done" in suspect.logged(), suspect.logged()
    assert suspect.was_offered() == [], suspect.logged()
    assert unsuspected.connections() == (1 if way == "behind it" else 0)
    assert suspect.fingerprint() in error["detail"], error
    assert ("jump host bastion" in error["detail"]) == (way == "jump host"), error
    assert {"unknown": "is not known", "changed": "HAS CHANGED", "revoked": "is revoked by"}[kind] in error["detail"], error

    found = COMMAND.search(error["hint"])
    if kind == "revoked":
        assert found is None and "new host key" in error["hint"], error
        assert product.run("server", "trust", name, "--yes").code == 1
        return
    words = shlex.split(found[1])
    assert words[-1] == name and ("--replace" in words) == (kind == "changed"), error
    run = product.run(*words, "--yes")
    assert run.code == 0 and suspect.fingerprint() in run.text, run
    run = product.run("deploy", "--json")
    assert run.code == 0 and outcome(run)["result"] == "deployed", run
    assert suspect.was_offered(), "this is what the log has where something is offered"


@pytest.mark.parametrize("way", ["direct", "jump host", "behind it"])
def test_who_is_not_let_in_tries_once(lab, product, hosts, way):
    target, other = hosts
    configure(lab, product, target, other if way != "direct" else None)
    closed, open_ = (other, target) if way == "jump host" else (target, other)
    keys = closed.server.ssh_dir / "authorized_keys"
    keys.write_text(open_.key + "\n")  # whose ever it is

    error = refused(lab, product, hosts)
    log = closed.logged()
    assert closed.connections() == 1 and len(re.findall(r"userauth-request for user .* method publickey", log)) == 1, log
    assert "method password" not in log and "method keyboard" not in log, log
    assert f"does not let user {closed.server.user} in" in error["detail"] and "authorized_keys" in error["hint"], error
    assert ("jump host bastion" in error["detail"]) == (way == "jump host"), error
    assert open_.connections() == (1 if way == "behind it" else 0)

    keys.write_bytes(closed.before[keys])
    run = product.run("deploy", "--json")
    assert run.code == 0 and outcome(run)["result"] == "deployed", run


def hashed(host, text):
    write(host.known, text, 0o600)
    run_tool(["ssh-keygen", "-q", "-H", "-f", host.known])
    return host.known.read_text()


def test_known_hosts_as_people_have_it(lab, product, hosts):
    target, other = hosts
    configure(lab, product, target)
    name, key, wrong, port = target.name, target.key, other.key, target.server.ssh_port
    good = {
        "hashed": hashed(target, f"{name} {key}\n"),
        "hashed, among others": hashed(target, f"a.test {wrong}\n{name} {key}\nb.test {wrong}\n"),
        "a wildcard": f"[127.0.*]:{port} {key}\n",
        "question marks": f"[127.?.?.1]:{port} {key}\n",
        "several names": f"www.test,{name},*.test {key} web\n",
        "a negated other one": f"!www.test,{name} {key}\n",
        "a comment and blank lines": f"# ours\n\n   \n{name} {key} a comment with words\n",
        "no newline at its end": f"{name} {key}",
        "two keys of a kind": f"{name} {wrong}\n{name} {key}\n",
        "a CA beside it": f"@cert-authority *.test {wrong}\n@cert-authority [127.*]:{port} {wrong}\n{name} {key}\n",
        "another one revoked": f"@revoked * {wrong}\n{name} {key}\n",
        "the same line twice": f"{name} {key}\n" * 2,
    }
    bad = {
        "nothing": "",
        "a CA alone": f"@cert-authority {name} {key}\n",
        "negated": f"!{name},[127.*]:{port} {key}\n",
        "another port": f"127.0.0.1 {key}\n",
        "commented out": f"# {name} {key}\n",
        "revoked in other words": f"{name} {key}\n@revoked {hashed(target, f'x.test {key}' + chr(10))}",
        "an unknown marker": f"@trusted {name} {key}\n",
    }
    target.know(good["hashed"])
    run = product.run("apply", "--json")
    assert run.code == 0 and outcome(run)["result"] == "deployed", run
    for what, text in {**good, **bad}.items():
        target.know(text)
        target.mark()
        run = product.run("deploy", "--json")
        assert outcome(run)["result"] == ("unchanged" if what in good else "failed"), f"{what}:\n{text}\n{run}"
        assert what in good or not target.was_offered(), what


def test_the_host_is_asked_for_a_key_of_the_kind_that_is_known(lab, product, hosts):
    """It has keys of several kinds, and would rather show another one: that is no changed key."""
    target, other = hosts
    configure(lab, product, target)
    target.kinds("ecdsa", "rsa")
    texts = []
    for key in target.keys.values():
        line = f"{target.name} {key}\n"
        texts += [line, hashed(target, line), f"[127.*]:{target.server.ssh_port} {key}\n",
                  f"@cert-authority *.test {other.key}\n{line}", f"@revoked * {target.key}\n{line}",
                  f"{line}[127.0.0.1]:1 {other.key}\n"]  # fmt: skip
    for number, text in enumerate(texts):
        target.know(text)
        run = product.run("deploy" if number else "apply", "--json")
        assert run.code == 0 and outcome(run)["result"] == ("unchanged" if number else "deployed"), f"{text}\n{run}"

    # A kind that it no longer has: the other one that it shows is a change.
    line = f"{target.name} {target.keys['rsa']}\n"
    target.know(line)
    target.kinds()
    target.mark()
    run = product.run("deploy", "--json")
    assert "HAS CHANGED" in outcome(run)["error"]["detail"] and target.was_offered() == [], run
    words = shlex.split(COMMAND.search(outcome(run)["error"]["hint"])[1])
    assert product.run(*words, "--yes").code == 0
    assert line in target.known.read_text()
    run = product.run("deploy", "--json")
    assert run.code == 0 and outcome(run)["result"] == "unchanged", run


def test_a_file_that_cannot_be_read_might_revoke_the_key(lab, product, hosts):
    """It is there, and what it says is not known: that is no reason to go on, whatever another file says."""
    target, other = hosts
    target.know()
    more = target.known.with_name("more")
    line = f"x.test {other.key} {'of a large fleet ' * 20}\n"
    texts = {
        "large": (line * (3 * 2**20 // len(line)), True),
        "larger than any": (line * (5 * 2**20 // len(line)) + f"@revoked * {target.key}\n", False),
        "empty": ("", True),
    }
    servers = {"web-1": {**target.entry(lab), "known_hosts": [str(target.known), str(more)]}}
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"])], servers=servers))
    write(more, "")
    assert product.run("apply").code == 0
    for what, (text, fine) in texts.items():
        write(more, text, 0o600)
        target.mark()
        run = product.run("deploy", "--json")
        assert outcome(run)["result"] == ("unchanged" if fine else "failed"), f"{what}: {run}"
        if not fine:
            error = outcome(run)["error"]
            assert error["step"] == "connect" and f"{more} is larger than" in error["detail"] and error["hint"], run
            assert not target.was_offered(), run
    more.unlink()
    more.mkdir()
    run = product.run("deploy", "--json")
    assert outcome(run)["result"] == "failed" and str(more) in outcome(run)["error"]["detail"], run
