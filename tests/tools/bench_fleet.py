# SPDX-License-Identifier: Apache-2.0
"""The part of ./dev bench about many servers: one run of `certferry deploy` beside the shell loops that people write, serial
and in parallel, for the same servers on the same machine in the same run.

A loop does the least that a careful person would: scp of two files beside the live ones, then one ssh that moves them into
place, tests and reloads. certferry besides compares, flushes, can put everything back, and remembers.
"""

import os
import subprocess
import threading
import time

from lab.fleet import Fleet
from lab.processes import descendants

CERT = "bench-fleet.ferry.test"

LOOP = """\
set -e
name=$1 port=$2 dir=$3 test=$4 reload=$5
opts="-q -o BatchMode=yes -o UserKnownHostsFile=$KNOWN -i $KEY"
mkdir -p "$dir/loop"
scp $opts -P "$port" "$LIVE/fullchain.pem" "$LIVE/privkey.pem" "$USER_AT:$dir/loop/"
ssh $opts -p "$port" "$USER_AT" "mv $dir/loop/fullchain.pem $dir/loop.pem && mv $dir/loop/privkey.pem $dir/loop.key && { $test; } && $reload"
"""


class Peak(threading.Thread):
    """The most that certferry and its couriers held at once: what is theirs alone, and what is shared counted once (PSS)."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.couriers, self.total_mib, self.courier_mib, self.over = pid, 0, 0.0, 0.0, False

    def run(self):
        while not self.over:
            children = [pid for pid in descendants(self.pid) if self.is_courier(pid)]
            sizes = [size for size in (self.size(pid) for pid in children) if size]
            own = self.size(self.pid)
            total = (sum(pss for pss, _ in sizes) + (own[0] if own else 0)) / 1024
            if total > self.total_mib:
                self.total_mib, self.couriers = total, len(sizes)
            for _, private in sizes:
                self.courier_mib = max(self.courier_mib, private / 1024)
            time.sleep(0.1)

    @staticmethod
    def is_courier(pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return b"courier" in file.read()
        except OSError:
            return False

    @staticmethod
    def size(pid):
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                fields = dict(line.split(":", 1) for line in file.readlines()[1:])
            return int(fields["Pss"].split()[0]), int(fields["Private_Dirty"].split()[0])
        except (OSError, KeyError, ValueError):
            return None


def timed(argv, env=None, cwd=None):
    """Wall and CPU seconds of ARGV and all its children."""
    before, begin = os.times(), time.monotonic()
    process = subprocess.Popen(argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)  # fmt: skip
    err = process.communicate()[1]
    wall, after = time.monotonic() - begin, os.times()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, argv[:4]))} … ended with {process.returncode}\n{err[-2000:]}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu


def last_deployed(product, *arguments):
    """How many servers `deploy` brought the certificate to, when the last of them had it, and who held how much."""
    begin, count, last = time.monotonic(), 0, 0.0
    process = subprocess.Popen(product.argv("deploy", *arguments), env=product.env(), cwd=product.dir,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip
    watcher = Peak(process.pid)
    watcher.start()
    for line in process.stderr:
        if line.rstrip().endswith(": deployed"):
            count, last = count + 1, time.monotonic() - begin
    process.wait()
    watcher.over = True
    watcher.join()
    return count, last, watcher


def loops(lab, product, fleet, parallel):
    script = lab.dir / "loop.sh"
    script.write_text(LOOP, encoding="utf-8")
    words = []
    for name, entry in fleet.entries.items():
        words += [name, str(entry["port"]), entry["dir"], entry["test_command"], entry["reload_command"]]
    arguments = lab.dir / "loop.args"
    arguments.write_bytes("\0".join(words).encode() + b"\0")
    user = next(iter(fleet.entries.values()))["user"]
    env = {**os.environ, "KNOWN": str(lab.known_hosts), "KEY": str(lab.client_key), "LIVE": str(product.live(CERT)),
           "USER_AT": f"{user}@127.0.0.1"}  # fmt: skip
    return timed(["xargs", "-0", "-n", "5", "-P", str(parallel), "-a", str(arguments), "bash", str(script)], env=env)


def hangs(lab, product, many):
    """A tenth of the servers accepts the connection and never says a word."""
    well, alone, _ = last_deployed(product, "--force")
    for name in many.names[::10]:
        many.hang(name, timeout=20)
    product.write_config(lab.config([many.domain(f"*.{CERT}")], servers=many.entries))
    left, beside, peak = last_deployed(product, "--force")
    print(f"a tenth hangs: the other {left} had it after {beside:.1f} s; all {well}, when none hung, after {alone:.1f} s")
    print(f"memory then: {peak.total_mib:.1f} MiB in all with {peak.couriers} couriers (aim: below 60), "
          f"the largest courier {peak.courier_mib:.2f} MiB of its own (aim: below 2)")  # fmt: skip


def fleet(lab, product, count):
    many = Fleet(lab, count)
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", serve=False)], servers=many.entries))
    issued = product.run("apply")
    if issued.code != 0:
        raise SystemExit(f"the certificate for the fleet could not be issued: {issued}")
    product.write_config(lab.config([many.domain(f"*.{CERT}")], servers=many.entries))
    ours = timed(product.argv("deploy"), product.env(), product.dir)
    again = timed(product.argv("deploy"), product.env(), product.dir)
    serial, parallel = loops(lab, product, many, 1), loops(lab, product, many, 10)

    row = "{:<46} {:>10} {:>10}"
    print("\n" + row.format(f"{count} servers on {len(lab.servers)} sshds", "wall", "CPU"))
    for what, (wall, cpu) in (("certferry deploy, ten at a time", ours), ("  again, nothing differs", again),
                                 ("scp and ssh, one after the other", serial),
                                 ("scp and ssh, xargs -P 10", parallel)):  # fmt: skip
        print(row.format(what, f"{wall:.1f} s", f"{cpu:.1f} s"))
    print(f"against xargs -P 10: wall {ours[0] / parallel[0]:.2f}, CPU {ours[1] / parallel[1]:.2f}; "
          f"against one after the other: wall {ours[0] / serial[0]:.2f}, CPU {ours[1] / serial[1]:.2f}")  # fmt: skip
    # Looking at memory costs CPU that the others would miss: in runs of their own.
    hangs(lab, product, many)
    many.stop()
