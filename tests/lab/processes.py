# SPDX-License-Identifier: Apache-2.0
"""Child processes and ports of the laboratory: started, waited for, and gone at the end whatever happens."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import time

PR_SET_PDEATHSIG = 1
# Below the range from which the kernel takes ports for outgoing connections, so that none of those is in the way.
PORTS = range(20000, 32000)

_reserved = []
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something of the laboratory itself does not work."""


def reserve(port):
    """PORT for this process alone, among all laboratories of this machine: by a name that one socket only can have, and
    that is free again when its process is gone. Whether it was free."""
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0certferry-laboratory-{port}")
    except OSError:
        name.close()
        return False
    _reserved.append(name)
    return True


def free_port(address="127.0.0.1"):
    """A TCP port that nobody listens on, never the same twice."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                continue
        if reserve(port):
            return port
    raise LabError("no free port")


def die_with_parent():
    """Runs in the child before exec: when this Python is killed, so is the child."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def descendants(pid):
    """All processes below PID, by /proc: some of them lead sessions of their own, where no group signal reaches."""
    parents = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                parents.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(int(entry))
        except (OSError, IndexError, ValueError):
            continue
    found, queue = [], [pid]
    while queue:
        below = parents.get(queue.pop(), [])
        found += below
        queue += below
    return found


def signal_all(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


class Child:
    """One long-running program, its output in LOG."""

    def __init__(self, name, argv, log, env=None, cwd=None):
        self.name, self.log = name, log
        with open(log, "ab") as sink:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def wait_ready(self, ready, seconds=15):
        """Until READY() is true, trying often; OSError counts as not yet."""
        end = time.monotonic() + seconds
        while True:
            if self.process.poll() is not None:
                raise LabError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
            try:
                if ready():
                    return self
            except OSError:
                pass
            if time.monotonic() > end:
                raise LabError(f"{self.name} was not ready after {seconds} s:\n{self.tail()}")
            time.sleep(0.02)

    def tail(self, lines=20):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])

    def alive(self):
        return self.process.poll() is None

    def stop(self, seconds=3):
        if self.alive():
            family = [self.process.pid, *descendants(self.process.pid)]
            signal_all(family, signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
            signal_all(family[1:], signal.SIGKILL)
            if self.alive():
                self.process.kill()
        self.process.wait()


def listening(port, address="127.0.0.1"):
    with socket.create_connection((address, port), timeout=1):
        return True


def run(argv, **options):
    """A short-lived tool that must succeed; its output."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, **options)
    if done.returncode != 0:
        raise LabError(f"{' '.join(map(str, argv))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout
