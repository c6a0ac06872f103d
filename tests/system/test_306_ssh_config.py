# SPDX-License-Identifier: Apache-2.0
"""Servers that only the SSH config describes, as their user has them: several keys, several known_hosts files, a key that
is revoked in one of these, names that stand for others, and what of that file is refused or told."""

import os
import stat
import subprocess

import pytest
from lab.processes import run as run_tool
from lab.servers import write

CERT = "config.ferry.test"


@pytest.fixture
def ssh(lab, product, target):
    """Writes the SSH config of a host "far", which is web-1, with MORE; its certificate goes to that host."""

    def configure(*more, identities=(lab.client_key,), known=(lab.known_hosts,), head=""):
        lines = [f"HostName 127.0.0.1\nPort {target.ssh_port}\nUser {target.user}", *more]
        lines += [f"IdentityFile {path}" for path in identities]
        lines += [f"UserKnownHostsFile {' '.join(map(str, known))}"] if known else []
        write(product.home / ".ssh/config", f"{head}Host far\n" + "".join(f"{line}\n" for line in lines), 0o600)
        # The folder of a host that has no entry is the usual one of a server, which this machine may really have.
        config = lab.config([lab.wildcard(f"*.{CERT}", ["far"], serve=False)])
        del config["ssl"]["servers"]
        product.write_config(config)

    return configure


def key(folder, name, passphrase="", kind="ed25519"):
    path = folder / name
    run_tool(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", name, "-f", path])
    return path


def steps(run):
    (server,) = run.json["servers"]
    return {step["step"]: step for step in server["steps"]}


def logged_in(product, *args, **more):
    run = product.run("server", "test", "far", "--json", *args, **more)
    assert steps(run)["login"]["result"] == "ok", run
    return steps(run)


def key_of(server):
    return server.known_hosts_line().split(" ", 1)[1]


def test_the_second_key_is_the_right_one(lab, product, target, ssh):
    stranger, spare = key(product.dir, "stranger"), key(product.dir, "spare", kind="rsa")
    ssh(identities=(stranger, product.dir / "not-there", lab.client_key, spare))
    logged_in(product)
    ssh(identities=(stranger, spare))
    run = product.run("server", "test", "far")
    assert run.code == 1 and "any of these identities" in run.err, run
    shown = product.run("server", "list")
    assert f"{target.user}@127.0.0.1:{target.ssh_port}" in shown.out, shown


def test_a_list_of_keys_and_of_known_hosts_in_an_entry(lab, product, target):
    stranger, nobody = key(product.dir, "stranger"), write(product.dir / "nobody", "")
    entry = lab.server_entry(target, identity_file=[str(stranger), str(lab.client_key)],
                             known_hosts=[str(nobody), str(lab.known_hosts)])  # fmt: skip
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"])], servers={"web-1": entry}))
    run = product.run("apply", "--json")
    assert run.code == 0 and run.deployed(CERT)["web-1"]["result"] == "deployed", run
    assert lab.verified("web-1", CERT)


def test_a_key_under_a_passphrase_among_others_is_the_agent_s(lab, product, ssh):
    locked, stranger = key(product.dir, "locked", "secret"), key(product.dir, "stranger")
    public = write(product.dir / "public", (lab.client_key.with_suffix(".pub")).read_text())
    socket = product.dir / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert agent.poll() is None
        run_tool(["ssh-add", "-q", lab.client_key], env={**os.environ, "SSH_AUTH_SOCK": str(socket)})
        for identities in ((locked, stranger), (stranger, public)):
            ssh("IdentitiesOnly yes", f"IdentityAgent {socket}", identities=identities)
            assert "through the agent" in logged_in(product)["login"]["detail"]
        ssh("IdentitiesOnly yes", f"IdentityAgent {socket}", identities=(stranger,))
        run = product.run("server", "test", "far")
        assert run.code == 1 and "with this identity" in run.err, "the agent was to be left alone: " + run.err
        ssh("IdentityAgent none", identities=(locked, stranger))
        assert product.run("server", "test", "far").code == 1
    finally:
        agent.terminate()
        agent.wait()


def test_what_stands_for_something_else_in_a_path(lab, product, ssh):
    (product.home / "far").symlink_to(lab.dir)
    ssh(identities=("~/%n/${KEY_NAME}",), known=("%d/far/known_hosts",))
    logged_in(product, env={"KEY_NAME": lab.client_key.name})
    run = product.run("server", "test", "far")
    assert run.code == 2 and ".ssh/config:5: a variable that is not set: KEY_NAME" in run.err, run
    ssh(identities=("~/%n/%q",))
    run = product.run("config", "check")
    assert run.code == 2 and ".ssh/config:5: a token that is not understood here: %q" in run.err, run


def test_the_system_s_known_hosts_are_read_and_not_written(lab, product, target, ssh):
    mine, system = product.dir / "mine", write(product.dir / "system", target.known_hosts_line())
    ssh(f"GlobalKnownHostsFile {product.dir / 'missing'} {system}", known=(mine,))
    logged_in(product)
    run = product.run("server", "trust", "far", "--yes")
    assert run.code == 0 and f"is known already, by {system}" in run.out and not mine.exists(), run
    # An alias stands for host and port.
    write(system, f"shared-name {key_of(target)}")
    run = product.run("server", "test", "far")
    assert run.code == 1 and "is not known" in run.err, run
    ssh("HostKeyAlias shared-name", f"GlobalKnownHostsFile {system}", known=(mine,))
    logged_in(product)


def test_a_key_that_is_revoked_in_the_second_file(lab, product, target, ssh):
    second = write(product.dir / "second", f"# withdrawn\n@revoked * {key_of(target)}")
    sessions = target.ssh_sessions()
    for known, more in (((lab.known_hosts, second), ()), ((lab.known_hosts,), (f"GlobalKnownHostsFile {second}",))):
        ssh(*more, known=known)
        run = product.run("server", "test", "far")
        assert run.code == 1 and f"is revoked by {second} line 2" in run.err, run
        run = product.run("server", "trust", "far", "--yes", "--replace")
        assert run.code == 1 and "is revoked" in run.err, run
    run = product.run("apply", "--json")
    assert run.code != 0 and "is revoked" in run.deployed(CERT)["far"]["error"]["detail"], run
    assert target.ssh_sessions() == sessions, "nobody logged in"


def test_trust_writes_to_the_first_file_alone(lab, product, target, ssh):
    first, second = product.dir / "first", write(product.dir / "second", "# theirs\n")
    ssh(known=(first, second))
    run = product.run("server", "trust", "far", "--yes", "--json")
    assert run.code == 0 and run.json["trusted"][0]["known_hosts"] == str(first), run
    assert first.read_text() == target.known_hosts_line() and second.read_text() == "# theirs\n"
    logged_in(product)

    first.unlink()
    old = f"[127.0.0.1]:{target.ssh_port} {key_of(lab.servers['web-2'])}"
    write(second, old)
    run = product.run("server", "trust", "far", "--yes")
    assert run.code == 1 and "HAS CHANGED" in run.err and f"line 1 of {second}" in run.err, run
    run = product.run("server", "trust", "far", "--yes", "--replace")
    assert run.code == 2 and f"line 1 of {second} has another key" in run.err, run
    assert not first.exists() and second.read_text() == old


def test_where_no_file_is_meant_none_is_written(product, ssh):
    ssh(known=("none",))
    run = product.run("server", "trust", "far", "--yes")
    assert run.code == 2 and "UserKnownHostsFile" in run.err, run
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_entries_are_known_by_the_system_s_files_too(lab, product, target):
    """In a mount namespace whose /etc/ssh is the test's own."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"]).returncode != 0:
        pytest.skip("only root can have an /etc/ssh of its own")
    system = product.dir / "etc-ssh"
    write(system / "ssh_known_hosts", f"other.test {key_of(target)}")
    entry = lab.server_entry(target)
    del entry["known_hosts"]
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"])], servers={"web-1": entry}))

    def test():
        script = 'mount --bind "$0" /etc/ssh && exec "$@"'
        argv = ["unshare", "-m", "sh", "-c", script, system, *product.argv("server", "test", "web-1")]
        return subprocess.run(argv, env=product.env(), cwd=product.dir, capture_output=True, text=True)

    assert "is not known" in test().stderr
    write(system / "ssh_known_hosts2", target.known_hosts_line())
    ran = test()
    assert "is not known" not in ran.stderr and "logged" not in ran.stderr and ran.returncode == 0, ran


def test_what_is_not_followed(lab, product, ssh):
    ssh(head="StrictHostKeyChecking no\nBindAddress 127.0.0.1\n")
    run = product.run("config", "check")
    assert run.code == 0 and run.text.count("StrictHostKeyChecking is not followed") == 1, run
    assert ".ssh/config:2: BindAddress is not followed" in run.text, run
    logged_in(product)
    for line, why in (("RevokedHostKeys /etc/ssh/revoked", "RevokedHostKeys is not read here"),
                      ("KnownHostsCommand /bin/cat /dev/null", "KnownHostsCommand names a program"),
                      ("PubkeyAuthentication no", "PubkeyAuthentication is off")):  # fmt: skip
        ssh(line)
        run = product.run("server", "test", "far")
        assert run.code == 2 and f".ssh/config:5: {why}" in run.err, run
        # It says nothing of another host.
        ssh(head=f"Host elsewhere\n{line}\n")
        logged_in(product)


def test_a_group_is_no_jump_host(lab, product, target):
    entry = lab.server_entry(target, proxy_jump="gates")
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"])], servers={"web-1": entry},
                                    groups={"gates": ["web-1"]}))  # fmt: skip
    run = product.run("config", "check")
    assert run.code == 2 and 'servers.web-1.proxy_jump: "gates" is a group' in run.err, run
