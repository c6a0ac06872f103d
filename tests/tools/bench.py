#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev bench: what one issuance costs certferry itself, in the laboratory. Prints figures beside their aims
(docs/performance.md says where those come from) and judges nothing: a slow machine is no failure.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from lab.lab import Lab  # noqa: E402
from lab.product import binary  # noqa: E402
from bench_fleet import fleet  # noqa: E402

ISSUANCES, QUICK_RUNS, SERVERS = 5, 20, 200
# A certificate each: the CA would remember that a name was validated before, and ask for less. The first makes the account.
NAMES = [f"bench-{number}.ferry.test" for number in range(ISSUANCES + 1)]
COUNTS = re.compile(r": (\d+) requests? on (\d+) connections?")


class Usage:
    """What one process used, by the kernel's account."""

    def __init__(self, line, err):
        wall, cpu, peak, code = map(int, line.split())
        self.wall_ms, self.cpu_ms, self.peak_mib, self.code, self.err = wall / 1e3, cpu / 1e3, peak / 1024, code, err


def measure(argv, env=None, cwd=None):
    """ARGV's usage, by the small program tests/tools/measure.c (which says why there is one)."""
    helper = str(binary().parent / "tests/tools/measure")
    with tempfile.NamedTemporaryFile("r") as told:
        done = subprocess.run([helper, told.name, *argv], env=env, cwd=cwd, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)  # fmt: skip
        line = told.read()
    if done.returncode != 0 or not line:
        sys.exit(f"{' '.join(argv)}: could not be measured\n{done.stderr}")
    usage = Usage(line, done.stderr)
    if usage.code != 0:
        sys.exit(f"{' '.join(argv)} ended with {usage.code}\n{usage.err}")
    return usage


class Table:
    ROW = "{:<46} {:>16} {:>22}   {}"

    def __init__(self):
        print(self.ROW.format("", "median", "least … most", "aim"))

    def row(self, what, values, unit, aim="", digits=1):
        median = statistics.median(values)
        spread = f"{min(values):.{digits}f} … {max(values):.{digits}f}"
        print(self.ROW.format(what, f"{median:.{digits}f} {unit}", spread, aim).rstrip(), flush=True)
        return median


def issuances(lab, product, table):
    run = product.run("apply", NAMES[0])
    if run.code != 0:
        sys.exit(f"the first issuance failed: {run}")
    usages, requests, connections = [], [], []
    for name in NAMES[1:]:
        mark = lab.ca.mark()
        usage = measure(product.argv("apply", "-v", name), product.env(), product.dir)
        usages.append(usage)
        requests.append(len(lab.ca.requests(mark)))
        told = COUNTS.search(usage.err)
        if told is None or int(told.group(1)) != requests[-1]:
            sys.exit(f"the CA saw {requests[-1]} requests, certferry counted otherwise:\n{usage.err}")
        connections.append(int(told.group(2)))
    table.row("one name, known account: requests at the CA", requests, "", "9, and 1 for each nonce it rejected", 0)
    table.row("  connections to the CA", connections, "", "1", 0)
    cpu = table.row("  CPU", [usage.cpu_ms for usage in usages], "ms", "below 25 ms")
    table.row("  peak memory", [usage.peak_mib for usage in usages], "MiB", "below 12 MiB")
    table.row("  wall", [usage.wall_ms for usage in usages], "ms")
    return cpu


def quick(table, what, argv, product, aim=""):
    usages = [measure(argv, product.env(), product.dir) for _ in range(QUICK_RUNS)]
    cpu = table.row(what, [usage.cpu_ms for usage in usages], "ms CPU", aim)
    table.row("  peak memory", [usage.peak_mib for usage in usages], "MiB")
    table.row("  wall", [usage.wall_ms for usage in usages], "ms")
    return cpu


def main():
    if not os.access(binary(), os.X_OK):
        sys.exit(f"{binary()} is not there: ./dev bench builds it")
    with Lab(servers=0) as lab:
        product = lab.product()
        product.write_config(lab.config([lab.domain(name) for name in NAMES]))
        table = Table()
        issue = issuances(lab, product, table)
        mark = lab.ca.mark()
        idle = quick(table, f"apply, {len(NAMES)} certificates, none due", product.argv("apply"), product, "file reads")
        if lab.ca.requests(mark):
            sys.exit("an apply with nothing due asked the CA something")
        start = quick(table, "certferry version", [str(binary()), "version"], product)
        floor = quick(table, "curl, one GET of the CA's directory",
                      ["curl", "-sS", "-o", "/dev/null", "--cacert", str(lab.ca.ca_bundle), lab.ca.url], product)  # fmt: skip
    print(f"\nCPU against that one GET by curl: issuance {issue / floor:.1f}, nothing due {idle / floor:.2f}, "
          f"version {start / floor:.2f}")  # fmt: skip
    with Lab(servers=3) as lab:
        fleet(lab, lab.product(), SERVERS)


if __name__ == "__main__":
    main()
