# SPDX-License-Identifier: Apache-2.0
"""Owner, group and mode of what arrives on a server: what they are in the end, and that they never were anything wider.

The order of things is read from the log of the server's own sftp-server.
"""

import grp
import os
import re
import shutil
import stat

import pytest
from conftest import need
from lab.accounts import Account, why_no_accounts
from lab.servers import write

CERT = "owned.ferry.test"
FILES = ("cert.pem", "chain.pem", "fullchain.pem", "privkey.pem")
SECRET = ("privkey.pem", "combined.pem", "key.pem")
SFTP_SERVER = "/usr/lib/openssh/sftp-server"


@pytest.fixture(scope="module")
def account(lab):
    need(not why_no_accounts(), why_no_accounts())
    lab.dir.chmod(0o711)  # sshd reads authorized_keys as the user who logs in
    with Account() as readers, Account(groups=[readers.name]) as account:
        account.readers = readers.ids()[1]
        yield account


@pytest.fixture
def deploy(lab, product, account):
    """Writes the config of one server; CHANGES are its keys. Its sftp-server logs what it is asked."""
    server = lab.servers["web-1"]
    server.forget(CERT)
    server.log = lab.dir / f"sftp-{product.dir.name}.log"
    write(server.log, "", 0o666)
    logging = write(lab.dir / "sftp-server", f"#!/bin/sh\nexec {SFTP_SERVER} -e -l VERBOSE 2>>{lab.dir}/sftp-$1.log\n", 0o755)
    wrapper = write(lab.dir / f"sftp-server-{product.dir.name}", f"#!/bin/sh\nexec {logging} {product.dir.name}\n", 0o755)
    account.sudo()

    def configure(**changes):
        entry = lab.server_entry(server, sftp_server=str(wrapper), **changes)
        product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"])], servers={"web-1": entry}))
        return product

    return configure


class Log:
    """What an sftp-server was asked, in order."""

    ASKED = re.compile(r'^(?P<verb>open|set|posix-rename|symlink|opendir|mkdir)(?: old)? "(?P<path>[^"]+)"(?P<rest>.*)$')

    def __init__(self, path):
        lines = (line.strip() for line in path.read_text(errors="replace").splitlines())
        self.asked = [found.groupdict() for found in map(self.ASKED.match, lines) if found]
        assert self.asked, path.read_text(errors="replace")

    def of(self, path):
        return [(entry["verb"], entry["rest"]) for entry in self.asked if entry["path"] == str(path)]

    def created(self):
        """Path -> the position and mode of its creation."""
        return {entry["path"]: (position, int(entry["rest"].split("mode ")[1], 8))
                for position, entry in enumerate(self.asked)
                if entry["verb"] == "open" and "CREATE" in entry["rest"]}  # fmt: skip

    def last(self, path, what):
        return max(position for position, entry in enumerate(self.asked)
                   if entry["verb"] == "set" and entry["path"] == path and what in entry["rest"])  # fmt: skip

    def visible(self, path):
        """When PATH became what readers see: itself by a rename, or its folder by the link that leads there."""
        renamed = [(position, entry) for position, entry in enumerate(self.asked) if entry["verb"] == "posix-rename"]
        if "/generations/" in path:
            return [position for position, entry in renamed if entry["rest"].endswith('/current"')][-1]
        return next(position for position, entry in renamed if entry["path"] == path)


def check_order(server, uid, gid, mode):
    """Each file was private when made, had its owner before its mode, and both before a reader could see it."""
    log = Log(server.log)
    # Generation 0 is what was there before, with the owners it had.
    created = {path: how for path, how in log.created().items() if "/generations/0/" not in path}
    assert len(created) >= 4, log.asked
    for path, (position, first_mode) in created.items():
        assert first_mode == 0o600, path
        owned, moded = log.last(path, f"owner {uid} group {gid}"), log.last(path, "mode")
        assert position < owned < moded < log.visible(path), (path, log.asked)
        wanted = mode if path.rsplit("/", 1)[1].strip(".").removesuffix(".certferry-new") in SECRET else 0o644
        assert log.asked[moded]["rest"].strip() == f"mode {oct(wanted).replace('o', '')}", (path, log.asked[moded])


def check_files(folder, uid, gid, mode):
    for name in FILES:
        found = os.stat(folder / name)
        assert (found.st_uid, found.st_gid) == (uid, gid), name
        assert stat.S_IMODE(found.st_mode) == (mode if name in SECRET else 0o644), name
    for path in (folder, folder / "generations", folder / "current"):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o755, path


@pytest.mark.parametrize("how", ["root", "sudo"])
def test_owner_group_and_mode(lab, deploy, account, how):
    server = lab.servers["web-1"]
    group = grp.getgrnam("ssl-cert" if any(entry.gr_name == "ssl-cert" for entry in grp.getgrall()) else "daemon")
    copies = {"combined": lab.dir / f"copies-{how}/combined.pem", "privkey": lab.dir / f"copies-{how}/key.pem"}
    (lab.dir / f"copies-{how}").mkdir()
    account.sudo(f"{account.name} ALL=(root) NOPASSWD: ALL")
    changes = {"user": account.name, "sudo": True} if how == "sudo" else {}
    run = deploy(owner="root", group=group.gr_name, key_mode="0640", files={kind: str(path) for kind, path in copies.items()},
                 **changes).run("apply", "--json")  # fmt: skip
    assert run.code == 0, run
    check_files(server.live / CERT, 0, group.gr_gid, 0o640)
    for path in copies.values():
        found = path.stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, group.gr_gid, 0o640), path
    check_order(server, 0, group.gr_gid, 0o640)


def test_files_of_another_user(lab, deploy, account):
    """Root gives them away, by names that are looked up on the server; what is there already is seen to be it."""
    server = lab.servers["web-1"]
    product = deploy(owner=account.name, group=account.name)
    run = product.run("apply", "--json")
    assert run.code == 0, run
    uid, gid = account.ids()
    check_files(server.live / CERT, uid, gid, 0o600)
    check_order(server, uid, gid, 0o600)
    before = server.tree()
    again = product.run("deploy", "--json")
    assert again.deployed(CERT)["web-1"]["result"] == "unchanged" and server.tree() == before, again


def test_only_root_gives_files_away(lab, deploy, account):
    server = lab.servers["web-1"]
    product = deploy(user=account.name, owner="root", test_command="", reload_command="")
    server.give_to(account.name)
    before = {path: os.lstat(path).st_ino for path in server.tree()}
    run = product.run("apply", "--json")
    outcome = run.deployed(CERT)["web-1"]
    assert run.code == 3 and outcome["result"] == "failed", run
    assert "change the owner" in outcome["error"]["detail"] and outcome["error"]["step"] == "upload", run
    assert "sudo: true" in outcome["error"]["hint"] and "owner" in outcome["error"]["hint"], run
    after = {path: os.lstat(path).st_ino for path in server.tree()}
    assert {path for path in after if "generations" not in path} == set(before), "something was left or switched"
    assert all(after[path] == inode for path, inode in before.items())


def test_what_was_there_keeps_its_readers(lab, deploy, account):
    """An unprivileged account takes a directory over whose key a group reads, and puts it back: the group still does."""
    server = lab.servers["web-1"]
    uid, gid = account.ids()[0], account.readers
    copy = lab.dir / "readers/key.pem"
    product = deploy(user=account.name, test_command="false", files={"privkey": str(copy)})
    server.give_to(account.name)
    shutil.copytree(server.live / CERT, copy.parent)
    copy = (copy.parent / "privkey.pem").rename(copy)
    for path in (server.live / CERT / "privkey.pem", copy):
        os.chown(path, 0, gid)
        path.chmod(0o640)
    os.chown(server.live / CERT / "cert.pem", 0, 0)
    shutil.chown(copy.parent, account.name)
    before = {path: path.read_bytes() for path in (server.live / CERT / "privkey.pem", copy)}
    run = product.run("apply", "--json")
    assert run.deployed(CERT)["web-1"]["result"] == "rolled_back", run
    assert (server.live / CERT / "privkey.pem").is_symlink()
    for path, content in before.items():
        found = path.stat()
        assert path.read_bytes() == content
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (uid, gid, 0o640), path
    cert = (server.live / CERT / "cert.pem").stat()
    assert (cert.st_uid, stat.S_IMODE(cert.st_mode)) == (uid, 0o644)


def test_an_owner_that_is_nobody(lab, deploy, account):
    run = deploy(owner="no-such-user").run("apply", "--json")
    error = run.deployed(CERT)["web-1"]["error"]
    assert "no-such-user" in error["detail"] and error["hint"], run
