# SPDX-License-Identifier: Apache-2.0
"""Deployment by an unprivileged user whose files and commands go through sudo: real sshd, real sudo, real nginx."""

import re
import stat

import pytest

CERT = "sudo.ferry.test"
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
LINE = re.compile(r"/etc/sudoers\.d/certferry there: (.*)$")


@pytest.fixture
def deploy(lab, product, account):
    """Writes the config of one server, web-1, where the account deploys; CHANGES are keys of the server."""
    account.sudo()
    server = lab.servers["web-1"]
    server.forget(CERT)

    def configure(domain=None, **changes):
        entry = lab.server_entry(server, user=account.name, **{"sudo": True, **changes})
        product.write_config(lab.config([domain or lab.wildcard(f"*.{CERT}", ["web-1"])], servers={"web-1": entry}))
        return product

    return configure


def rules(account, server):
    """What an administrator allows: three commands, each with exactly its arguments."""
    return [f'{account.name} ALL=(root) NOPASSWD: {command}'
            for command in (f'{SFTP_SERVER} ""', server.test_command, server.reload_command)]  # fmt: skip


def outcome(run):
    return run.deployed(CERT)["web-1"]


def allowing(run):
    """The sudoers line that the hint of a failed deployment gives."""
    return LINE.search(outcome(run)["error"]["hint"])[1]


def test_three_sudoers_lines_are_all_an_account_needs(lab, deploy, account):
    server = lab.servers["web-1"]
    account.sudo(*rules(account, server))
    product = deploy()
    run = product.run("apply", "--json")
    assert run.code == 0 and outcome(run)["result"] == "deployed", run
    assert lab.verified("web-1", CERT)
    key = (server.live / CERT / "privkey.pem").stat()
    assert (key.st_uid, key.st_gid, stat.S_IMODE(key.st_mode)) == (0, 0, 0o600)

    before, sessions = server.tree(), server.ssh_sessions()
    again = product.run("deploy", "--json")
    assert again.code == 0 and outcome(again)["result"] == "unchanged", again
    assert server.tree() == before and server.ssh_sessions() == sessions + 1


def test_what_sudo_refuses_is_told_with_the_line_that_allows_it(lab, deploy, account):
    """An administrator who does nothing but what the hints say arrives."""
    server = lab.servers["web-1"]
    product, granted, details = deploy(), [], []
    run = product.run("apply", "--json")
    while outcome(run)["result"] != "deployed":
        assert "password is required" in run.err, f"sudo's own words were not told\n{run}"
        line = allowing(run)
        assert line not in granted, run
        details.append(outcome(run)["error"]["detail"])
        granted.append(line)
        account.sudo(*granted)
        run = product.run("deploy", "--force", "--json")
    assert granted == rules(account, server)
    assert run.code == 0 and lab.verified("web-1", CERT), run
    assert account.name in details[0] and "start the SFTP server as root" in details[0], details
    assert server.test_command in details[1] and server.reload_command in details[2], details


def test_commands_that_need_a_shell(lab, deploy, account):
    server = lab.servers["web-1"]
    account.sudo(*rules(account, server))
    product = deploy(test_command=f"{server.test_command} && test ! -e {lab.dir}/no*=,:such || exit 3")
    refused = product.run("apply", "--json")
    assert outcome(refused)["result"] == "rolled_back", refused
    account.sudo(*rules(account, server), allowing(refused))
    run = product.run("deploy", "--force", "--json")
    assert run.code == 0 and outcome(run)["result"] == "deployed", (allowing(refused), run)


def test_a_command_that_no_sudoers_line_can_name(lab, deploy, account):
    server = lab.servers["web-1"]
    account.sudo(*rules(account, server))
    product = deploy(test_command=f"{server.test_command} && test ! -e '{lab.dir}/such'")
    refused = product.run("apply", "--json")
    assert outcome(refused)["result"] == "rolled_back" and "script" in outcome(refused)["error"]["hint"], refused
    account.sudo(f"{account.name} ALL=(root) NOPASSWD: ALL")
    run = product.run("deploy", "--force", "--json")
    assert run.code == 0 and outcome(run)["result"] == "deployed", run


def test_without_sudo_the_same_account_changes_nothing(lab, deploy, account):
    server = lab.servers["web-1"]
    account.sudo(*rules(account, server))
    server.serve(CERT, [CERT])
    before = server.tree()
    run = deploy(sudo=False).run("apply", "--json")
    assert run.code != 0 and outcome(run)["result"] == "failed", run
    assert "permission denied" in outcome(run)["error"]["detail"] and "sudo" in outcome(run)["error"]["hint"], run
    assert server.tree() == before


def test_a_path_of_its_own_for_the_sftp_server(lab, deploy, account):
    server = lab.servers["web-1"]
    account.sudo(*rules(account, server))
    run = deploy(sftp_server=SFTP_SERVER).run("apply", "--json")
    assert run.code == 0 and outcome(run)["result"] == "deployed", run
    account.sudo(f"{account.name} ALL=(root) NOPASSWD: ALL")
    run = deploy(sftp_server="/opt/nowhere/sftp-server").run("deploy", "--force", "--json")
    assert run.code != 0 and outcome(run)["result"] == "failed", run
    assert "/opt/nowhere/sftp-server" in run.err and "sftp_server" in outcome(run)["error"]["hint"], run


def test_a_challenge_reaches_a_web_root_that_is_roots(lab, deploy, account):
    server = lab.servers["web-1"]
    domain = lab.domain(CERT, ["web-1"])
    account.sudo(*rules(account, server))
    run = deploy(domain, sudo=False).run("apply", "--json")
    assert run.code != 0, run
    run = deploy(domain).run("apply", "--json")
    assert run.code == 0 and outcome(run)["result"] == "deployed", run
    assert list(lab.webroot.glob(".well-known/acme-challenge/*")) == []


def test_hostile_words_of_sudo_reach_no_terminal(lab, deploy, account):
    """What is in stderr's place may be anything."""
    script = lab.dir / "words"
    script.write_text("#!/bin/sh\nprintf 'sudo: \\033[2J\\033]0;owned\\007 a password is required\\n' >&2\nexit 1\n")
    script.chmod(0o755)
    account.sudo(f"{account.name} ALL=(root) NOPASSWD: ALL")
    run = deploy(sftp_server=str(script)).run("apply")
    assert run.code != 0 and "a password is required" in run.err, run
    assert "\033" not in run.text and "\007" not in run.text, run
