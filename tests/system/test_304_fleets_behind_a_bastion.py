# SPDX-License-Identifier: Apache-2.0
"""Servers behind a bastion as people have them: several behind one, through two, by the SSH config, with keys in an agent, with
challenges that go there too, and so many at once that the bastion turns some away.
"""

import os

import pytest
from conftest import need
from lab.fleet import Fleet
from lab.processes import Child, run
from lab.servers import SSHD, write

CERT = "fleet.jump.ferry.test"


@pytest.fixture(scope="module")
def bastion(lab):
    return lab.another_sshd("bastion")


@pytest.fixture(scope="module")
def inner(lab):
    return lab.another_sshd("inner")


def behind(lab, name, jump="bastion", **changes):
    server = lab.servers[name]
    return lab.server_entry(server, **{"proxy_jump": jump, "verify": {"port": server.port}, **changes})


def results(run, cert=CERT):
    return {name: entry["result"] for name, entry in run.deployed(cert).items()}


def test_two_servers_behind_one_bastion_and_their_challenges(lab, product, bastion):
    servers = {name: behind(lab, name) for name in lab.servers}
    product.write_config(lab.config([lab.domain(CERT, list(servers))], servers={**servers, "bastion": lab.server_entry(bastion)}))
    before = bastion.ssh_sessions(), *(server.ssh_sessions() for server in lab.servers.values())
    run = product.run("apply", "--json")
    assert run.code == 0 and set(results(run).values()) == {"deployed"}, run
    for name in lab.servers:
        assert lab.verified(name, CERT)
    after = bastion.ssh_sessions(), *(server.ssh_sessions() for server in lab.servers.values())
    assert [now - then for now, then in zip(after, before)] == [4, 2, 2], "one for the challenge, one for the certificate"
    assert not list(lab.webroot.glob(".well-known/acme-challenge/*"))
    run = product.run("list", "--json")
    seen = {server["name"]: server["serves"]["certificate"] for server in run.json["certificates"][0]["servers"]}
    assert seen == {"web-1": "live", "web-2": "live"}, run
    assert bastion.ssh_sessions() == after[0] + 1, "both are looked at in one login"


def test_through_two_to_a_server_that_the_ssh_config_knows_the_way_to(lab, product, bastion, inner):
    """A server of the config behind a host of the SSH config, which is behind another."""
    folder = product.home / ".ssh"
    folder.mkdir(mode=0o700)
    text = "".join(
        f"Host {name}\n  HostName 127.0.0.1\n  Port {server.ssh_port}\n  User {server.user}\n  IdentityFile {lab.client_key}\n"
        f"  UserKnownHostsFile {lab.known_hosts}\n{more}"
        for name, server, more in (("gate", bastion, ""), ("deep", inner, "  ProxyJump gate\n")))  # fmt: skip
    write(folder / "config", text)
    product.write_config(lab.config([lab.domain(CERT, ["web-1"])], servers={"web-1": behind(lab, "web-1", "deep")}))
    before = bastion.ssh_sessions(), inner.ssh_sessions()
    run = product.run("apply", "--json")
    assert run.code == 0 and results(run) == {"web-1": "deployed"}, run
    assert lab.verified("web-1", CERT)
    assert (bastion.ssh_sessions(), inner.ssh_sessions()) == (before[0] + 2, before[1] + 2)
    assert "and serves it" in product.run("plan").out


def test_a_server_of_the_ssh_config_alone_gets_its_files_where_certbots_are(lab, product, bastion):
    """On a machine of its own as far as /etc goes, since that is where they go."""
    need(os.geteuid() == 0, "root, for a mount namespace")
    server = lab.servers["web-1"]
    server.stop_ssh()
    private = ("mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w && "
               "mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w /etc")  # fmt: skip
    machine = Child("a machine", ["unshare", "--mount", "sh", "-c",
                                  f"{private} && rm -rf /etc/letsencrypt && exec {SSHD} -D -e -f {server.ssh_dir}/sshd_config"],
                    server.ssh_dir / "machine.log")  # fmt: skip
    try:
        machine.wait_ready(lambda: "Server listening" in (server.ssh_dir / "machine.log").read_text())
        folder = product.home / ".ssh"
        folder.mkdir(mode=0o700)
        common = f"  HostName 127.0.0.1\n  IdentityFile {lab.client_key}\n  UserKnownHostsFile {lab.known_hosts}\n"
        write(folder / "config", f"Host far\n  Port {server.ssh_port}\n  ProxyJump near\n{common}"
                                 f"Host near\n  Port {bastion.ssh_port}\n{common}")  # fmt: skip
        product.write_config(lab.config([lab.domain(CERT, ["far"], serve=False)], servers={"bastion": lab.server_entry(bastion)}))
        before = bastion.ssh_sessions()
        run = product.run("apply", "--json")
        assert run.code == 0 and results(run) == {"far": "deployed"}, run
        assert bastion.ssh_sessions() == before + 2, run
        there = f"/proc/{machine.process.pid}/root/etc/letsencrypt/live/{CERT}"
        for name in ("cert.pem", "chain.pem", "fullchain.pem", "privkey.pem"):
            with open(f"{there}/{name}", "rb") as file:
                assert file.read() == (product.live(CERT) / name).read_bytes()
        assert results(product.run("deploy", "--json")) == {"far": "unchanged"}
    finally:
        machine.stop()
        server.start_ssh()


def test_a_key_under_a_passphrase_by_an_agent_at_each_end(lab, product, bastion):
    key, socket = product.home / "locked", product.home / "agent"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "open sesame", "-f", key])
    for path in (bastion.ssh_dir / "authorized_keys", lab.servers["web-1"].ssh_dir / "authorized_keys"):
        write(path, path.read_text() + key.with_suffix(".pub").read_text())
    login = {"identity_file": str(key), "agent": str(socket)}
    servers = {"web-1": behind(lab, "web-1", **login), "bastion": lab.server_entry(bastion, **login)}
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"])], servers=servers))
    agent = Child("ssh-agent", ["ssh-agent", "-D", "-a", str(socket)], product.home / "agent.log")
    try:
        agent.wait_ready(socket.exists)
        tried = product.run("apply", "--json")
        error = tried.deployed(CERT)["web-1"]["error"]
        assert f"at the jump host bastion (127.0.0.1 port {bastion.ssh_port})" in error["detail"], error
        assert "with any key of the agent" in error["detail"], error
        ask = write(product.home / "ask", "#!/bin/sh\necho open sesame\n", mode=0o700)
        run(["ssh-add", key], env={**os.environ, "SSH_AUTH_SOCK": str(socket), "SSH_ASKPASS": str(ask),
                                   "SSH_ASKPASS_REQUIRE": "force"})  # fmt: skip
        done = product.run("deploy", "--json")
        assert done.code == 0 and results(done) == {"web-1": "deployed"}, done
        assert lab.verified("web-1", CERT)
    finally:
        agent.stop()


@pytest.mark.parametrize("way", ["through", "direct"])
def test_more_at_once_than_an_sshd_lets_in_at_once(lab, product, bastion, way):
    """As OpenSSH's default does to more logins than a test could make."""
    fleet = Fleet(lab, 30)
    one = bastion if way == "through" else lab.servers["web-1"]
    for name, entry in fleet.entries.items():
        entry.update({"proxy_jump": "bastion"} if way == "through" else {"port": one.ssh_port})
    fleet.entries["bastion"] = lab.server_entry(bastion)
    domain = fleet.domain(f"*.{CERT}", rollout={"parallel": 30})
    product.write_config(lab.config([domain], servers=fleet.entries))
    one.rule_ssh("MaxStartups 3:60:12\n")
    log = one.ssh_dir / "sshd.log"
    before = len(log.read_bytes())
    try:
        run = product.run("apply", "--json")
    finally:
        one.rule_ssh()
        fleet.stop()
    assert run.code == 0 and set(results(run).values()) == {"deployed"}, run
    assert b"drop connection" in log.read_bytes()[before:], "nobody was turned away"
