#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An SFTP server that can be told to stall, lie, die or talk nonsense at any request: OpenSSH's sftp-server with this
program between it and sshd (Subsystem sftp python3 sftp_server.py FOLDER).

Which part of the tests a session belongs to is told by the first path it names: FOLDER/NAME for …/slots/NAME/….
FOLDER/NAME/plan.json says what to do, {"at": N, "do": …}: N counts the session's requests from 1 (0: the greeting, told by
FOLDER/greeting.json, which with "slow" makes every request take so many seconds, and with "clock" has a clock that is so many
seconds ahead). A plan is for one session, unless it has
"always". Each request is written to FOLDER/NAME/log. "signal" sends "number" to all that is below the process "below".
"""

import json
import os
import random
import re
import select
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

SFTP_SERVER = "/usr/lib/openssh/sftp-server"
NAMES = {1: "init", 3: "open", 4: "close", 5: "read", 6: "write", 7: "lstat", 8: "fstat", 9: "setstat", 10: "fsetstat",
         11: "opendir", 12: "readdir", 13: "remove", 14: "mkdir", 15: "rmdir", 17: "stat", 19: "readlink", 20: "symlink",
         200: "extended"}  # fmt: skip
INIT, WRITE, STATUS, HANDLE, DATA, NAME, ATTRS = 1, 6, 101, 102, 103, 104, 105
SLOT = re.compile(rb"/slots/([A-Za-z0-9-]+)/")


def packet(body):
    return struct.pack(">I", len(body)) + body


def text(value):
    return struct.pack(">I", len(value)) + value


def status(number, code=0, message=b""):
    return packet(struct.pack(">BII", STATUS, number, code) + text(message) + text(b""))


def signal_below(pid, number):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in map(int, children):
        signal_below(child, number)
        os.kill(child, number)


# Each of these is given a reply (its body: type, id, rest) and returns the bytes that go out in its place.


def other_kind(body):
    kind, number = struct.unpack_from(">BI", body)
    if kind == STATUS:
        return packet(struct.pack(">BI", DATA, number) + text(b"data that nobody asked for"))
    return status(number)


def other_attributes(body):
    """A file's attributes with one thing changed: its kind."""
    kind, _, flags = struct.unpack_from(">BII", body)
    if kind != ATTRS or not flags & 4:
        return packet(body)
    at = 9 + 8 * bool(flags & 1) + 8 * bool(flags & 2)
    mode = struct.unpack_from(">I", body, at)[0] ^ 0o140000
    return packet(body[:at] + struct.pack(">I", mode) + body[at + 4 :])


def by_another_clock(body, ahead):
    kind, _, flags = struct.unpack_from(">BII", body) if len(body) >= 9 else (0, 0, 0)
    at = 9 + 8 * bool(flags & 1) + 8 * bool(flags & 2) + 4 * bool(flags & 4)
    if kind != ATTRS or not flags & 8:
        return body
    times = (time + ahead for time in struct.unpack_from(">II", body, at))
    return body[:at] + struct.pack(">II", *times) + body[at + 8 :]


def shortened(body):
    kind, number = struct.unpack_from(">BI", body)
    if kind != DATA:
        return packet(body)
    data = body[9:]
    return packet(body[:5] + text(data[: len(data) // 2]))


REPLIES = {
    "wrong id": lambda body: packet(body[:1] + struct.pack(">I", struct.unpack_from(">I", body, 1)[0] ^ 0x40000000) + body[5:]),
    "twice": lambda body: packet(body) * 2,
    "other kind": other_kind,
    "other attributes": other_attributes,
    "shortened": shortened,
    "cut off": lambda body: packet(body[: 1 + len(body) // 2]),
    "garbage": lambda body: random.Random(len(body)).randbytes(2000),
    "length 0": lambda body: struct.pack(">I", 0) + body,
    "length 4 GiB": lambda body: b"\xff\xff\xff\xff" + body,
    "length 1 GiB": lambda body: struct.pack(">I", 1 << 30) + body,
    "unknown type": lambda body: packet(b"\xfe" + body[1:]),
    "long name": lambda body: packet(struct.pack(">BII", NAME, struct.unpack_from(">I", body, 1)[0], 0xFFFFFFFF) + body[5:]),
    "refused": lambda body: status(struct.unpack_from(">I", body, 1)[0], 4, b"disk \x1b[31mon fire\x1b]0;owned\x07\r\nOK " + b"x" * 9000),
    "no permission": lambda body: status(struct.unpack_from(">I", body, 1)[0], 3, b"Permission denied"),
    "absent": lambda body: status(struct.unpack_from(">I", body, 1)[0], 2, b"No such file"),
}  # fmt: skip


class Session:
    def __init__(self, folder):
        self.folder, self.slot, self.count, self.plan = folder, None, -1, {}
        self.server = subprocess.Popen([SFTP_SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.tampered = {}  # id of a request -> what is done to its reply
        self.mute, self.slow, self.clock = False, 0, 0
        greeting = folder / "greeting.json"
        if greeting.exists():
            self.plan = json.loads(greeting.read_text())
            self.slow, self.clock = self.plan.get("slow", 0), self.plan.get("clock", 0)

    def choose(self, body):
        found = SLOT.search(body)
        if self.slot is not None or not found:
            return
        self.slot = self.folder / found[1].decode()
        try:
            self.plan = json.loads((self.slot / "plan.json").read_text())
            if not self.plan.get("always"):
                (self.slot / "plan.json").rename(self.slot / "plan.used")
        except FileNotFoundError:
            pass

    def log(self, body):
        """A plan {"when": REGEX, "do": ...} is for the first request whose line here it matches."""
        path = b" ".join(re.findall(rb"[ -~]*/[ -~]+", body[5:400])) if body[0] != WRITE else b""
        line = b"%d %s %s\n" % (self.count, NAMES.get(body[0], "?").encode(), path)
        if self.slot is not None:
            with open(self.slot / "log", "ab") as file:
                file.write(line)
        if "when" in self.plan and re.search(self.plan["when"].encode(), line):
            self.plan = {**self.plan, "at": self.count}
            del self.plan["when"]

    def request(self, body):
        """What is forwarded of it."""
        self.count += 1
        time.sleep(self.slow)
        self.choose(body)
        self.log(body)
        if self.mute:
            return b""
        if self.count != self.plan.get("at"):
            return packet(body)
        return self.act(body)

    def act(self, body):
        what, number = self.plan["do"], struct.unpack_from(">I", body, 1)[0]
        if self.slot is not None:
            (self.slot / "reached").touch()
        if what == "end":
            self.end()
        elif what == "hold":  # until the test has done what it is to do at this very request
            self.hold(self.slot or self.folder)
        elif what == "kill sshd":
            # The process that serves this login, as at a reboot: its channels, commands and all.
            os.kill(os.getppid(), signal.SIGKILL)
            self.end()
        elif what == "signal":
            signal_below(self.plan["below"], self.plan["number"])
        elif what == "stall":
            self.mute = True
            return b""
        elif what == "wait":  # until it is told to go on; FOLDER/NAME/go
            while not (self.slot / "go").exists():
                time.sleep(0.02)
        elif what == "freeze":
            self.server.send_signal(signal.SIGSTOP)
        elif what == "run":  # somebody else on that machine does something just before
            subprocess.run(self.plan["command"], shell=True, check=True)
        elif what == "lie":  # it says that it was done
            os.write(1, status(number))
            return b""
        elif what == "flood":
            os.write(1, status(number ^ 1) * 20000)
        elif body[0] == INIT:
            self.tampered[None] = what
        else:
            self.tampered[number] = what
        return packet(body)

    @staticmethod
    def hold(folder):
        with open(folder / "held", "ab") as file:
            file.write(b".")
        while not (folder / "go").exists():
            time.sleep(0.02)

    def reply(self, body):
        number = None if body[0] == 2 else struct.unpack_from(">I", body, 1)[0]
        what = self.tampered.pop(number, None)
        body = by_another_clock(body, self.clock) if self.clock else body
        return REPLIES[what](body) if what else packet(body)

    def end(self):
        self.server.kill()
        os._exit(1)

    def run(self):
        ways = {0: (b"", self.request, self.server.stdin.fileno()), self.server.stdout.fileno(): (b"", self.reply, 1)}
        while True:
            ready, _, _ = select.select(list(ways), [], [])
            for source in ready:
                held, handle, to = ways[source]
                got = os.read(source, 65536)
                if not got:
                    self.end()
                held += got
                while len(held) >= 4 and len(held) >= 4 + (size := struct.unpack_from(">I", held)[0]):
                    out, held = handle(held[4 : 4 + size]), held[4 + size :]
                    while out:
                        out = out[os.write(to, out) :]
                ways[source] = (held, handle, to)


if __name__ == "__main__":
    Session(Path(sys.argv[1])).run()
