# SPDX-License-Identifier: Apache-2.0
"""The deploy accounts of docs/deployment.md, by the very lines that stand there: what they may do, and what not."""

import re
import shutil
import subprocess

import pytest
from conftest import need
from lab.accounts import Account, why_no_accounts
from lab.product import ROOT
from lab.servers import write

CERT = "limited.ferry.test"
DOCS = (ROOT / "docs/deployment.md").read_text()


def blocks(language, section):
    """The code blocks in LANGUAGE of a section of the page."""
    text = next(part for part in re.split(r"^## ", DOCS, flags=re.M) if part.startswith(section))
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.M | re.S)


class Limited:
    """An account as the page sets it up on a laboratory's server; HOW names the place of the forced command."""

    def __init__(self, lab, account, how):
        self.lab, self.account, self.server = lab, account, lab.servers["web-1"]
        self.sudo = how == "sudo"
        self.keys = lab.dir / "authorized_keys.d"
        (program,) = blocks("sh", "SFTP and two commands")
        self.program = write(lab.dir / "certferry-deploy-only", program, 0o755)
        by_sshd, by_sshd_with_sudo = blocks("sshd_config", "SFTP and two commands")
        (by_key,) = blocks("authorized_keys", "SFTP and two commands")
        kind, public = (lab.dir / "id_ed25519.pub").read_text().split()[:2]
        keys = f"{kind} {public}\n"
        rules = by_sshd_with_sudo if self.sudo else by_sshd
        if how == "authorized_keys":
            keys = self.here(by_key).replace("ssh-ed25519 AAAA...", f"{kind} {public}")
            assert public in keys and "restrict" in keys
            rules = f"Match User deploy\n\tAuthorizedKeysFile {self.keys}/%u\n"
        write(self.keys / account.name, keys)
        (sudoers,) = blocks("sudoers", "Everything through sudo" if self.sudo else "Files of its own")
        account.sudo(*self.here(sudoers).splitlines())
        self.server.rule_ssh(self.here(rules))

    def here(self, text):
        """The page's text with the laboratory's names in place of the example's."""
        server = self.server
        for theirs, ours in ((r"/usr/local/sbin/certferry-deploy-only", str(self.program)),
                             (r"/etc/ssh/authorized_keys\.d", str(self.keys)),
                             (r"(/usr/sbin/)?nginx -t", server.test_command),
                             (r"(/usr/bin/)?systemctl reload nginx", server.reload_command),
                             (r"\bdeploy\b(?!-)", self.account.name)):  # fmt: skip
            text = re.sub(theirs, ours, text)
        return text

    def entry(self):
        server = self.server
        if self.sudo:
            return self.lab.server_entry(server, user=self.account.name, sudo=True, sftp_server="/usr/lib/openssh/sftp-server")
        return self.lab.server_entry(server, user=self.account.name, test_command=f"sudo -n {server.test_command}",
                                     reload_command=f"sudo -n {server.reload_command}")  # fmt: skip

    def ssh(self, *more, command=None):
        """OpenSSH's client with the account's key; its exit code and all it wrote."""
        done = subprocess.run(
            ["ssh", "-F", "none", "-i", self.lab.client_key, "-p", str(self.server.ssh_port), "-o", "BatchMode=yes",
             "-o", f"UserKnownHostsFile={self.lab.known_hosts}", "-o", "IdentitiesOnly=yes", *more,
             f"{self.account.name}@127.0.0.1", *([command] if command else [])],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)  # fmt: skip
        return done.returncode, done.stdout


@pytest.fixture(scope="module", params=["sshd_config", "authorized_keys", "sudo"])
def limited(lab, request):
    need(not why_no_accounts(), why_no_accounts())
    lab.dir.chmod(0o711)  # sshd reads authorized_keys as the user who logs in
    with Account() as account:
        yield Limited(lab, account, request.param)
        lab.servers["web-1"].rule_ssh()
        shutil.rmtree(lab.dir / "authorized_keys.d")


def test_it_can_deploy(lab, limited, product):
    limited.server.forget(CERT)
    domain = lab.wildcard(f"*.{CERT}", ["web-1"])
    limited.server.give_to("root" if limited.sudo else limited.account.name)
    product.write_config(lab.config([domain], servers={"web-1": limited.entry()}))
    run = product.run("apply", "--json")
    assert run.code == 0 and run.deployed(CERT)["web-1"]["result"] == "deployed", run
    assert lab.verified("web-1", CERT)


def test_a_broken_server_is_still_rolled_back(lab, limited, product):
    """The test command's own words come through the forced command."""
    limited.server.forget(CERT)
    domain = lab.wildcard(f"*.{CERT}", ["web-1"])
    limited.server.give_to("root" if limited.sudo else limited.account.name)
    product.write_config(lab.config([domain], servers={"web-1": limited.entry()}))
    limited.server.break_nginx()
    run = product.run("apply", "--json")
    assert run.code == 3 and run.deployed(CERT)["web-1"]["result"] == "rolled_back", run
    assert "this_is_no_directive" in run.err, run


@pytest.mark.parametrize("command", ["id", "true", "sh", "sudo -n id", "sudo -n nginx -s stop", "scp -t /tmp", None])
def test_no_other_command(limited, command):
    code, said = limited.ssh(command=command)
    assert code == 126 and "not among what it may do" in said and "uid=" not in said, said


def test_nothing_behind_an_allowed_command(limited):
    allowed = re.findall(r"'(sudo [^']*)'", (limited.server.ssh_dir / "sshd_config").read_text()
                         + (limited.keys / limited.account.name).read_text())  # fmt: skip
    assert len(allowed) == (3 if limited.sudo else 2)
    for command in allowed:
        for more in ("; id", " && id", "\nid", " id", " $(id)", "'; id; '"):
            code, said = limited.ssh(command=command + more)
            assert code == 126 and "uid=" not in said, (command + more, said)
    for command in ("internal-sftp ; id", "internal-sftp $(id)", "/usr/lib/openssh/sftp-server -h; id", "internal-sftp\nid"):
        _, said = limited.ssh(command=command)
        assert "uid=" not in said, (command, said)


def test_no_forwarding_and_no_terminal(lab, limited):
    code, said = limited.ssh("-W", f"127.0.0.1:{limited.server.port}")
    assert code != 0 and "prohibited" in said, said
    code, said = limited.ssh("-N", "-R", "0:127.0.0.1:9", "-o", "ExitOnForwardFailure=yes")
    assert code != 0 and "forwarding failed" in said, said
    code, said = limited.ssh("-tt")
    assert code != 0 and "PTY allocation request failed" in said, said
