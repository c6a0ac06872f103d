# SPDX-License-Identifier: Apache-2.0
"""A command whose time is over does not go on behind our back where the server's sshd lets it be ended, and where it does
not, the error says so. By the process table of the server."""

import contextlib
import os
import shutil
import signal

import pytest
from conftest import need
from lab.accounts import Account, why_no_accounts
from lab.hostile import dangerous
from lab.servers import write

CERT = "stopped.ferry.test"
BEGIN = "ps -o pgid= -p $$ > {dir}/group; "
COMMANDS = {
    "polite": BEGIN + "sleep 600 & sleep 600; true",
    "stubborn": BEGIN + "trap '' TERM HUP INT; while :; do sleep 1; done",
    "forced": BEGIN + "exec sleep 600",
    "root": BEGIN + "exec sleep 600",
}
FORCED = """\
#!/bin/sh
case $SSH_ORIGINAL_COMMAND in internal-sftp*) exec /usr/lib/openssh/sftp-server ;; esac
exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"
"""


def members(group):
    """The processes of GROUP that still run."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry))
    return found


@pytest.fixture
def servers(lab):
    """Kind of server -> its entry in the config, all of them one machine."""
    need(not why_no_accounts(), why_no_accounts())
    server = lab.servers["web-1"]
    lab.dir.chmod(0o711)  # sshd reads authorized_keys as the user who logs in
    with Account() as ordinary, Account() as forced:
        program = write(lab.dir / "forced", FORCED, 0o755)
        server.rule_ssh(f"Match User {forced.name}\n\tForceCommand {program}\n")
        users = {"polite": ordinary.name, "stubborn": ordinary.name, "forced": forced.name, "root": "root"}
        entries = {}
        for kind, user in users.items():
            folder = server.live / kind
            folder.mkdir(parents=True)
            shutil.chown(folder, user)
            entries[kind] = lab.server_entry(server, user=user, dir=str(folder), test_command=COMMANDS[kind].format(dir=folder),
                                             reload_command="true", verify=False, command_timeout=1)  # fmt: skip
        yield entries
    server.rule_ssh()


def test_stopped(lab, product, servers):
    domain = lab.wildcard(f"*.{CERT}", list(servers), serve=False)
    product.write_config(lab.config([domain], servers=servers))
    run = product.run("apply", "--json")
    live = lab.servers["web-1"].live
    groups = {kind: int((live / kind / "group").read_text()) for kind in servers}
    left = {kind: members(group) for kind, group in groups.items()}
    for pid in sum(left.values(), []):
        os.kill(pid, signal.SIGKILL)
    assert run.code == 3 and not dangerous(run.text), run
    for kind, entry in run.deployed(CERT).items():
        detail = entry["error"]["detail"]
        assert entry["result"] == "rolled_back" and entry["error"]["step"] == "test", entry
        assert "did not end within 1 s" in detail and "command_timeout" in entry["error"]["hint"], entry
        assert ("was stopped there" in detail) != ("may still be running there" in detail), entry
        assert ("was stopped there" in detail) == (left[kind] == []), (left, entry)
    # Debian 12's sshd signals no process of root's, and none signals a forced command's.
    assert left["polite"] == [] and left["stubborn"] == [], (left, run)

    for kind, entry in servers.items():
        entry["test_command"] = "true"
    product.write_config(lab.config([domain], servers=servers))
    run = product.run("deploy")
    assert run.code == 0, run
