# SPDX-License-Identifier: Apache-2.0
"""Servers that give SFTP and no commands: real sshd, in each of the ways it can be told to do so."""

import pytest
from conftest import need
from lab.accounts import Account, why_no_accounts

CERT = "files.ferry.test"
NO_COMMANDS = {"test_command": "", "reload_command": ""}
# What an administrator writes, and a login shell for those who rely on that alone.
WAYS = {
    "internal": ("ForceCommand internal-sftp", "/bin/sh"),
    "program": ("ForceCommand /usr/lib/openssh/sftp-server", "/bin/sh"),
    "shell": ("", "/usr/sbin/nologin"),
    "quiet shell": ("", "/bin/false"),
}


@pytest.fixture(scope="module", params=WAYS)
def server(lab, request):
    need(not why_no_accounts(), why_no_accounts())
    rule, shell = WAYS[request.param]
    lab.dir.chmod(0o711)  # sshd reads authorized_keys as the user who logs in
    server = lab.servers["web-1"]
    with Account(shell) as account:
        server.user = account.name
        server.rule_ssh(f"Match User {account.name}\n\t{rule}\n")
        yield server
        server.rule_ssh()


@pytest.fixture
def deploy(lab, product, server):
    """Writes the config of the one server; CHANGES are its keys."""

    def configure(**changes):
        domain = lab.wildcard(f"*.{CERT}", ["web-1"])
        server.give_to(server.user)
        product.write_config(lab.config([domain], servers={"web-1": lab.server_entry(server, **changes)}))
        return product

    server.forget(CERT)
    return configure


def opened(server):
    """How many channels clients have opened."""
    return (server.ssh_dir / "sshd.log").read_text(errors="replace").count("Starting session")


def test_files_alone_need_no_commands(server, deploy):
    channels, sessions = opened(server), server.ssh_sessions()
    run = deploy(**NO_COMMANDS, verify=False).run("apply", "--json")
    assert run.code == 0 and run.deployed(CERT)["web-1"]["result"] == "deployed", run
    assert (server.live / CERT / "current").is_symlink()
    assert (opened(server), server.ssh_sessions()) == (channels + 1, sessions + 1), "SFTP is all that was asked for"


def test_it_is_verified_where_something_else_reloads(lab, server, deploy):
    """Say, a server of whose reloads a timer takes care: the handshake waits for the new certificate."""
    product = deploy(**NO_COMMANDS)
    process = product.start("apply", "--json")
    while process.poll() is None:
        server.reload()
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    assert lab.verified("web-1", CERT)


def test_configured_commands_are_not_taken_for_run(lab, server, deploy):
    """A forced sftp-server ends well on whatever it is asked: that is no reload."""
    product = deploy(test_command="", reload_command="true", verify=False)
    before = server.handshake(CERT)
    run = product.run("apply", "--json")
    outcome = run.deployed(CERT)["web-1"]
    assert run.code == 3 and outcome["result"] == "rolled_back", run
    error = outcome["error"]
    assert server.user in error["detail"] and "SFTP and no commands" in error["detail"], run
    assert 'test_command: ""' in error["hint"] and 'reload_command: ""' in error["hint"], run
    assert server.handshake(CERT) == before
