# SPDX-License-Identifier: Apache-2.0
"""A process of ours that dies with keys in its memory leaves no core dump, and one that lives shows nothing in /proc."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from conftest import need
from lab import needles
from lab.processes import descendants, signal_all
from lab.servers import write
from lab.wait import until
from lab.watch import why_not

CERT = "core.ferry.test"
UNLIMITED = ["prlimit", "--core=unlimited:unlimited"]


def watched_end(folder, name):
    """A program and its arguments that tell, in the file returned, how what runs behind them ended."""
    log = folder / f"{name}.ends"
    return log, [*UNLIMITED, "strace", "-f", "-o", str(log), "-e", "trace=none"]


def processes_of(process, word):
    """Those below PROCESS whose command line has WORD first."""
    found = []
    for pid in descendants(process.pid):
        try:
            if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].endswith(word):
                found.append(pid)
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def dumps(tmp_path_factory):
    """On this machine what is killed so leaves a core dump, or nothing could be seen."""
    need(not why_not(), why_not())
    need(shutil.which("prlimit"), "prlimit (Debian: package util-linux)")
    folder = tmp_path_factory.mktemp("dumps")
    log, under = watched_end(folder, "any")
    with subprocess.Popen([*under, "sleep", "60"], cwd=folder) as process:
        until(lambda: processes_of(process, b"sleep"), "sleep runs")
        os.kill(processes_of(process, b"sleep")[0], signal.SIGABRT)
    need("core dumped" in log.read_text(), f"core dumps ({Path('/proc/sys/kernel/core_pattern').read_text().strip()})")


@pytest.mark.parametrize("whose, number", [
    ("courier", signal.SIGABRT), ("courier", signal.SIGSYS), ("parent", signal.SIGQUIT),
])  # fmt: skip
def test_killed_with_keys_in_memory(lab, product, dumps, whose, number):
    there = product.dir / "there"
    entry = lab.server_entry(lab.servers["web-1"], test_command=f"touch {there}; exec sleep 20")
    # The folder of what is killed stays locked for a while to other installations, such as each of these.
    cert = f"{whose}-{number.name.lower()}.{CERT}"
    product.write_config(lab.config([lab.wildcard(f"*.{cert}", ["web-1"])], servers={"web-1": entry}))
    log, product.under = watched_end(product.dir, "ours")
    process = product.start("apply", together=True, env={"ASAN_OPTIONS": "detect_leaks=0"})
    try:
        until(there.exists, "the command runs")
        ours, courier = processes_of(process, b"/certferry")[0], processes_of(process, b"certferry-courier")[0]
        for pid in (ours, courier):
            limits = Path(f"/proc/{pid}/limits").read_text()
            assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE), limits
        os.kill(courier if whose == "courier" else ours, number)
        out, _ = process.communicate(timeout=60)
    finally:
        signal_all([*descendants(process.pid), process.pid], signal.SIGKILL)
    ends = log.read_text()
    assert f"killed by {signal.Signals(number).name} +++" in ends and "core dumped" not in ends, ends
    secrets = set().union(*needles.keys_below(product.state).values())
    left = [path for path in product.dir.iterdir() if path.name not in ("state", "home", "there", "certferry.yaml", log.name)]
    assert left == [] and not any(needle in out.encode() for needle in secrets), out


def test_proc_shows_nothing(lab, product):
    """While the courier works, of it, of what started it and of a hook."""
    there, hooked = product.dir / "there", product.dir / "hooked"
    entry = lab.server_entry(lab.servers["web-1"], test_command=f"touch {there}; while [ -e {there} ]; do sleep 0.05; done")
    token = write(product.dir / "token", lab.cloudflare.token, 0o600)
    product.environment = {}
    hook = f"touch {hooked}; while [ -e {hooked} ]; do sleep 0.05; done"
    vendor = {"cloudflare": {"api_token": f"${{file:{token}}}", "api_url": lab.cloudflare.url}}
    domain = lab.wildcard(f"*.{CERT}", ["web-1"], hooks={"deploy": hook})
    product.write_config(lab.config([domain], servers={"web-1": entry}, dns_providers=vendor))
    process = product.start("apply", together=True)
    shown = {}
    for stop in (hooked, there):
        until(stop.exists, "it is held there")
        for pid in [process.pid, *descendants(process.pid), *descendants(lab.servers["web-1"].sshd.process.pid)]:
            for file in ("cmdline", "environ", "comm"):
                try:
                    shown[f"{stop.name}/{pid}/{file}"] = Path(f"/proc/{pid}/{file}").read_bytes()
                except OSError:
                    continue
        stop.unlink()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    secrets = set().union(needles.of_key(lab.client_key), *needles.keys_below(product.state).values())
    assert any(b"RENEWED_LINEAGE" in content for content in shown.values()), list(shown)
    assert any(b"certferry-courier" in content for content in shown.values()), list(shown)
    for name, content in shown.items():
        assert not any(needle in content for needle in {*secrets, lab.cloudflare.token.encode()}), name
