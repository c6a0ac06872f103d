# SPDX-License-Identifier: Apache-2.0
"""server test as the accounts of docs/deployment.md: it needs no more than a deployment does, and finds what they lack."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from conftest import need
from lab.accounts import Account, why_no_accounts
from lab.servers import write
from test_313_server_test import failed, rehearse
from test_323_documented_account import limited  # noqa: F401

CERT = "narrow.ferry.test"


def test_what_may_deploy_may_be_tested(lab, limited, product):  # noqa: F811
    server = limited.server
    server.serve(CERT, [CERT])
    server.give_to("root" if limited.sudo else limited.account.name)
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"], serve=False)], servers={"web-1": limited.entry()}))
    before = server.tree()
    steps = rehearse(product)["web-1"]
    assert failed(steps) == [] and steps["test"]["result"] == "ok", steps
    assert steps["directory"]["result"] == "ok" and "1 there" in steps["directory"]["detail"], steps
    assert server.tree() == before


@pytest.fixture
def files_only(lab):
    """An account that gets SFTP whatever it asks for."""
    need(not why_no_accounts(), why_no_accounts())
    lab.dir.chmod(0o711)
    with Account() as account:
        lab.servers["web-1"].rule_ssh(f"Match User {account.name}\n\tForceCommand internal-sftp\n")
        yield account
        lab.servers["web-1"].rule_ssh()


def test_an_account_without_commands(lab, files_only, product):
    server = lab.servers["web-1"]
    server.serve(CERT, [CERT])
    server.give_to(files_only.name)
    domain = lab.wildcard(f"*.{CERT}", ["web-1"], serve=False)
    product.write_config(lab.config([domain], servers={"web-1": lab.server_entry(server, user=files_only.name)}))
    steps = rehearse(product, code=1)["web-1"]
    assert failed(steps) == ["test"] and "SFTP and no commands" in steps["test"]["error"]["detail"], steps
    entry = lab.server_entry(server, user=files_only.name, test_command="", reload_command="")
    product.write_config(lab.config([domain], servers={"web-1": entry}))
    steps = rehearse(product)["web-1"]
    assert failed(steps) == [] and steps["test"]["result"] == "skipped", steps


@pytest.fixture
def chroot():
    """A folder as sshd wants it: root's, like all that are above it."""
    folder = Path(tempfile.mkdtemp(prefix="certferry-chroot-", dir="/var/lib"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("groups, size, owner, hint", [
    (100, 0, "ok", None), (2000, 0, "ok", None), (100, 2**21, "failed", "give the number of the group"),
])  # fmt: skip
def test_a_server_with_many_groups(lab, files_only, product, chroot, groups, size, owner, hint):
    """The account is in all of them, and the files are for the last one."""
    server, (uid, gid) = lab.servers["web-1"], files_only.ids()
    (chroot / "live").mkdir()
    os.chown(chroot / "live", uid, gid)
    write(chroot / "etc/passwd", f"{files_only.name}:x:{uid}:{gid}::/:/bin/sh\n")
    lines = [f"crowd-{number}:x:{70000 + number}:{files_only.name}\n" for number in range(groups)]
    write(chroot / "etc/group", "".join(lines) + "#" * size + "\n")
    server.rule_ssh(f"Match User {files_only.name}\n\tForceCommand internal-sftp\n\tChrootDirectory {chroot}\n")
    entry = lab.server_entry(server, user=files_only.name, test_command="", reload_command="", dir="/live",
                             group=f"crowd-{groups - 1}", verify=False)  # fmt: skip
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"], serve=False)], servers={"web-1": entry}))
    steps = rehearse(product, code=0 if owner == "ok" else 1)["web-1"]
    assert steps["owner"]["result"] == owner, steps
    assert hint is None or hint in steps["owner"]["error"]["hint"], steps
