# SPDX-License-Identifier: Apache-2.0
"""vhost --install by an unprivileged user with sudo: three sudoers lines are enough, what sudo refuses is told with the line
that allows it, and a refusal behind the switch is undone."""

import os
import re
import stat

import pytest
from lab.sites import NginxSites
from test_355_vhost import until

CERT = "sudo-site.ferry.test"
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
LINE = re.compile(r"/etc/sudoers\.d/certferry there: (.*)$")


@pytest.fixture(scope="module")
def site():
    running = NginxSites("placeholder.invalid")
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture
def ready(lab, product, site, account):
    account.sudo(*rules(account, site))
    site.bring_certificate(lab, product, [CERT])  # as root: what is tried here is vhost
    site.configure_product(lab, product, [CERT], user=account.name, sudo=True)
    account.sudo()
    return product


def rules(account, site):
    """What an administrator allows: three commands, each with exactly its arguments."""
    return [f"{account.name} ALL=(root) NOPASSWD: {command}"
            for command in (f'{SFTP_SERVER} ""', site.test_command, site.reload_command)]  # fmt: skip


def install(product):
    return product.run("vhost", "web", CERT, "--install", "--json")


def test_three_sudoers_lines_are_enough(ready, site, account):
    account.sudo(*rules(account, site))
    run = install(ready)
    assert run.code == 0 and run.json["result"] == "installed", run
    assert until(lambda: site.request(CERT)[2] == "a file\n")
    for path in (site.file(CERT), site.link(CERT)):
        assert (os.lstat(path).st_uid, os.lstat(path).st_gid) == (0, 0), path
    assert stat.S_IMODE(site.file(CERT).stat().st_mode) == 0o644
    assert {path.name for folder in (site.available, site.enabled) for path in folder.iterdir()} == {CERT}
    assert install(ready).json["result"] == "unchanged"


def test_what_sudo_refuses_is_told_and_undone(ready, site, account):
    """An administrator who does nothing but what the hints say arrives; until then nothing is there."""
    granted, steps = [], []
    run = install(ready)
    while run.code != 0:
        assert list(site.available.iterdir()) == [] and list(site.enabled.iterdir()) == [], run
        steps.append((run.json["error"]["step"], run.json["result"]))
        line = LINE.search(run.json["error"]["hint"])
        assert line and line[1] not in granted, run
        granted.append(line[1])
        account.sudo(*granted)
        run = install(ready)
    assert granted == rules(account, site), granted
    # The reload that sudo refuses was of the new one: the old one needs none.
    assert steps == [("connect", "failed"), ("test", "rolled_back"), ("reload", "rolled_back")], steps
    assert run.json["result"] == "installed" and until(lambda: site.request(CERT)[2] == "a file\n"), run


def test_a_test_that_fails_as_root_is_undone_as_root(lab, ready, site, account):
    account.sudo(*rules(account, site))
    site.file(CERT).write_text("# mine\n")
    site.break_config()
    run = ready.run("vhost", "web", CERT, "--install", "--force", "--json")
    site.mend_config()
    assert run.code == 1 and run.json["result"] == "rolled_back" and run.json["error"]["step"] == "test", run
    assert site.file(CERT).read_text() == "# mine\n" and list(site.enabled.iterdir()) == [], run
    assert [path.name for path in site.available.iterdir()] == [CERT]


def test_without_sudo_the_same_account_changes_nothing(lab, ready, site, account):
    account.sudo(*rules(account, site))
    site.configure_product(lab, ready, [CERT], user=account.name)
    run = install(ready)
    assert run.code == 1 and run.json["result"] == "failed" and "permission denied" in run.err.lower(), run
    assert list(site.available.iterdir()) == [] and list(site.enabled.iterdir()) == [], run
