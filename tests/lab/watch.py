# SPDX-License-Identifier: Apache-2.0
"""Watches processes by strace: every byte they write, every file they make, every program they start.

    with Watch(folder, "there", [sshd]) as there, Watch(folder, "here") as here:
        product.under = here.argv             # product.run() is then watched with all that it starts
        product.run("apply")
    problems = Judge(needles, allowed).problems(here.events())

What a secret is, is told afterwards (lab/needles.py): keys are made while it is watched.
"""

import os
import re
import shutil
import signal
import subprocess
import time

from .processes import LabError

CALLS = ("open,openat,?openat2,creat,mkdir,mkdirat,chmod,fchmod,fchmodat,?fchmodat2,chown,fchown,lchown,fchownat,rename,renameat,"
         "renameat2,link,linkat,symlink,symlinkat,write,pwrite64,writev,pwritev,?pwritev2,sendto,sendmsg,sendmmsg,recvmsg,"
         "sendfile,copy_file_range,splice,tee,vmsplice,socketpair,execve,execveat,prctl,prlimit64,setrlimit")  # fmt: skip
WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg")
READS = ("recvmsg",)
UNSEEN_COPIES = ("sendfile", "copy_file_range", "splice", "tee", "vmsplice")  # whose content strace does not tell

STRING = r'"((?:[^"\\]|\\.)*)"'
FD = r"<((?:[A-Za-z0-9-]+:\[.*?\])|[^>]*)>"
LINE = re.compile(r"(\d+) +(.*)")
CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+|\?)(?:" + FD + r")?.*", re.DOTALL)
PATHS = re.compile(r"(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?" + STRING)
ESCAPES = {"n": b"\n", "t": b"\t", "r": b"\r", "v": b"\v", "f": b"\f", '"': b'"', "\\": b"\\"}


def unescaped(text):
    def one(found):
        what = found[1]
        code = ESCAPES.get(what) or bytes([int(what[1:], 16) if what[0] == "x" else int(what, 8)])
        return code.decode("latin-1")

    return re.sub(r"\\([0-7]{1,3}|x[0-9a-f]{2}|.)", one, text).encode("latin-1")


class Event:
    """One system call that succeeded. TARGET: what its first descriptor is, of an open() the file it opened."""

    def __init__(self, pid, call, arguments, result, opened):
        self.pid, self.call, self.arguments, self.result = pid, call, arguments, result
        first = re.match(r"\d+" + FD, arguments)
        self.target = opened or (first[1] if first else None)
        self.strings = [unescaped(text) for text in re.findall(STRING, arguments)]

    def __repr__(self):
        return f"[{self.pid}] {self.call} on {self.target}"

    @property
    def content(self):
        return b"".join(self.strings)

    def paths(self):
        """The paths among its arguments, absolute where that can be told."""
        return [os.path.normpath(os.path.join(folder, unescaped(path).decode("utf-8", "replace")))
                for folder, path in PATHS.findall(self.arguments)]  # fmt: skip

    def octal(self):
        """Its last argument, a mode."""
        return int(re.search(r"(0[0-7]*)$", self.arguments)[1], 8)


def parse(lines):
    """The events of a log: calls that failed and what is no call are left out; one that others came between counts from
    when it ended."""
    begun = {}
    for line in lines:
        found = LINE.match(line)
        if not found:
            continue
        pid, text = int(found[1]), found[2]
        if text.endswith(" <unfinished ...>"):
            begun[pid] = text.removesuffix(" <unfinished ...>")
            continue
        if resumed := re.match(r"<\.\.\. \w+ resumed>", text):
            text = begun.pop(pid, "") + text[resumed.end() :]
        if (call := CALL.match(text)) and not call[3].startswith("-"):
            yield Event(pid, call[1], call[2], call[3], call[4])


class Watch:
    """Of the processes PIDS with all that they start from now on, or without any of what is run behind `argv`."""

    def __init__(self, folder, name, pids=()):
        self.log, self.said, self.pids, self.process = folder / f"{name}.strace", folder / f"{name}.said", pids, None
        options = ["-f", "-yy", "-v", "-s", "4194304", "-A", "-o", str(self.log), "-e", f"trace={CALLS}", "-e", "signal=none"]
        self.argv = ["strace", "--seccomp-bpf", *options]
        self.attach = ["strace", *options, *(f"--attach={pid}" for pid in pids)]

    def __enter__(self):
        if self.pids:
            with open(self.said, "wb") as said:
                self.process = subprocess.Popen(self.attach, stderr=said, start_new_session=True)
            self.wait(lambda: self.said.read_text().count(" attached") >= len(self.pids))
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.send_signal(signal.SIGINT)  # it lets go of them, and they live on
            self.process.wait(20)

    def wait(self, ready, seconds=20):
        end = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise LabError(f"strace does not watch: {self.said.read_text()}")
            time.sleep(0.02)

    def lines(self):
        return self.log.read_text(encoding="latin-1").splitlines() if self.log.exists() else []

    def events(self):
        return list(parse(self.lines()))


def why_not():
    """Why nothing can be watched here; empty where it can."""
    if os.geteuid() != 0:
        return "root, who alone may watch what runs as others"
    if not shutil.which("strace"):
        return "strace (Debian: package strace)"
    tried = subprocess.run(["strace", "-o", "/dev/null", "-e", "trace=none", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "permission to trace processes (CAP_SYS_PTRACE)"


class File:
    """One file as it was made and changed, by its path of the moment."""

    def __init__(self, mode, exclusive):
        self.mode, self.exclusive, self.secret, self.owner, self.visible = mode, exclusive, None, None, False


class Judge:
    """Goes through events and tells what must not be. NEEDLES: name of a secret -> byte strings that betray it. FINAL: path ->
    (mode, uid, gid) where a file may be wider than its owner's in the end. ALLOWED: whether a secret may be written to what is
    no file."""

    def __init__(self, needles, allowed, final=None):
        self.needles, self.allowed, self.final = needles, allowed, final or (lambda path: None)
        self.files, self.links, self.found, self.written, self.sent, self.seen = {}, {}, [], {}, {}, {}

    def say(self, event, what):
        self.found.append(f"{what}: {event}")

    def secrets_in(self, content):
        """The names of the secrets that show in CONTENT. Most of what is written is written several times."""
        if content not in self.seen:
            self.seen[content] = [name for name, needles in self.needles.items() if any(needle in content for needle in needles)]
        return self.seen[content]

    def problems(self, events):
        for event in events:
            for secret in self.secrets_in(event.content) if event.call not in READS else []:
                if event.call in WRITES:
                    self.write(event, secret)
                else:
                    self.say(event, f"{secret} in the arguments of a system call")
            if handle := self.HANDLERS.get(event.call):
                handle(self, event)
        return self.found

    # Content.

    def write(self, event, secret):
        if not event.target or not event.target.startswith("/"):
            self.sent.setdefault(secret, []).append(event)
            if not self.allowed(event, secret):
                self.say(event, f"{secret} written")
            return
        file = self.files.get(event.target)
        self.written.setdefault(secret, set()).add(event.target)
        if file is None:
            self.say(event, f"{secret} written to a file that was not made for it")
        elif not file.exclusive:
            self.say(event, f"{secret} written to a file that may have been there before")
        elif file.mode & 0o077:
            self.say(event, f"{secret} written to a file of mode {file.mode:04o}")
        if file:
            file.secret = secret

    def on_unseen_copy(self, event):
        for path in re.findall(r"\d+" + FD, event.arguments):
            if path in self.files and self.files[path].secret:
                self.say(event, "a secret is copied")

    # Files.

    def on_open(self, event):
        if "O_CREAT" in event.arguments or event.call == "creat":
            mode = event.octal() if event.call != "openat2" else 0o777
            old = self.files.get(event.target)
            exclusive = "O_EXCL" in event.arguments
            if exclusive or old is None:
                self.files[event.target] = File(mode, exclusive)

    def on_chmod(self, event):
        path = event.target if event.call == "fchmod" else event.paths()[0]
        # The flags of fchmodat() come after the mode.
        file, mode = self.files.get(path), int(re.search(r", (0[0-7]*)(?:, \w+)?$", event.arguments)[1], 8)
        if file is None:
            return
        if file.secret:
            final = self.final(path)
            if mode & 0o077 and (final is None or final[0] != mode):
                self.say(event, f"{file.secret}: the mode becomes {mode:04o}")
            elif mode & 0o077 and file.owner != final[1:]:
                self.say(event, f"{file.secret}: mode {mode:04o} while it belongs to {file.owner}, not to {final[1:]}")
            if file.visible:
                self.say(event, f"{file.secret}: the mode is changed when it can be seen already")
        file.mode = mode

    def on_chown(self, event):
        path = event.target if event.call == "fchown" else event.paths()[0]
        if file := self.files.get(path):
            owner = re.search(r", (-?\d+), (-?\d+)(?:, \w+)?$", event.arguments)
            if file.secret and (file.visible or file.mode & 0o077):
                self.say(event, f"{file.secret}: the owner is changed when it can be read already")
            file.owner = (int(owner[1]), int(owner[2]))

    def on_rename(self, event):
        old, new = event.paths()
        if old in self.links:
            # Where a link becomes another name for a folder, what is in there is seen from then on.
            self.links[new] = self.links.pop(old)
            seen = os.path.normpath(os.path.join(os.path.dirname(new), self.links[new]))
            for path, file in self.files.items():
                file.visible = file.visible or path.startswith(seen + "/")
            self.files.pop(new, None)
        for path in [path for path in self.files if path == old or path.startswith(old + "/")]:
            self.files[new + path[len(old) :]] = self.files.pop(path)
        if new in self.files:
            self.files[new].visible = True

    def on_link(self, event):
        if (file := self.files.get(event.paths()[0])) and file.secret:
            self.say(event, f"{file.secret}: another name is made for its file")

    def on_symlink(self, event):
        target = event.strings[0].decode("utf-8", "replace")
        self.links[event.paths()[1]] = target

    HANDLERS = {
        **dict.fromkeys(["open", "openat", "openat2", "creat"], on_open),
        **dict.fromkeys(["chmod", "fchmod", "fchmodat", "fchmodat2"], on_chmod),
        **dict.fromkeys(["chown", "fchown", "lchown", "fchownat"], on_chown),
        **dict.fromkeys(["rename", "renameat", "renameat2"], on_rename),
        **dict.fromkeys(["link", "linkat"], on_link),
        **dict.fromkeys(["symlink", "symlinkat"], on_symlink),
        **dict.fromkeys(UNSEEN_COPIES, on_unseen_copy),
    }
