# SPDX-License-Identifier: Apache-2.0
"""Unprivileged users of this machine, for as long as a test needs them. Only root can make them."""

import os
import pwd
import secrets
import subprocess
import time
from pathlib import Path

from .processes import LabError, run

SUDOERS = Path("/etc/sudoers.d")


def change_accounts(argv, seconds=20):
    """useradd and its kin: one at a time on a machine, so that whoever comes second tries again."""
    end = time.monotonic() + seconds
    while True:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        if done.returncode == 0:
            return
        if "lock" not in done.stdout or time.monotonic() > end:
            raise LabError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}")
        time.sleep(0.1)


class Account:
    """A system user with a group of its own and a home that is root's, as one should be that only deploys."""

    def __init__(self, shell="/bin/sh", groups=()):
        self.name = f"ferry-{secrets.token_hex(4)}"
        self.sudoers = SUDOERS / f"certferry-test-{self.name}"
        more = ["--groups", ",".join(groups)] if groups else []
        # "*" is no password's hash: not locked, or sshd would refuse keys too.
        change_accounts(["/usr/sbin/useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
                         "--shell", shell, "--password", "*", *more, self.name])  # fmt: skip

    def ids(self):
        entry = pwd.getpwnam(self.name)
        return entry.pw_uid, entry.pw_gid

    def sudo(self, *rules):
        """From now on these sudoers lines hold for it, and no others."""
        self.sudoers.unlink(missing_ok=True)
        if not rules:
            return
        beside = self.sudoers.with_name(f".{self.sudoers.name}.new")  # sudo passes over names with a dot
        beside.write_text("".join(f"{rule}\n" for rule in rules))
        beside.chmod(0o440)
        try:
            run(["/usr/sbin/visudo", "-cqf", beside])
            beside.rename(self.sudoers)
        finally:
            beside.unlink(missing_ok=True)

    def remove(self):
        self.sudo()
        subprocess.run(["/usr/bin/pkill", "-KILL", "-u", self.name], check=False)  # what it left running
        change_accounts(["/usr/sbin/userdel", self.name])

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        self.remove()


def why_no_accounts():
    """Why this machine cannot have temporary accounts; empty where it can."""
    if os.geteuid() != 0:
        return "root, who alone can make accounts"
    return "" if Path("/usr/bin/sudo").exists() else "sudo (Debian: package sudo)"
