# SPDX-License-Identifier: Apache-2.0
"""Secrets appear in no output, at no verbosity, and in no command line."""

import os
import threading
from pathlib import Path

import pytest


def watch_command_lines(stop, seen):
    """Every command line on this machine, as often as possible."""
    while not stop.is_set():
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                seen.add(Path(f"/proc/{entry}/cmdline").read_bytes())
            except OSError:
                continue
        stop.wait(0.005)


def key_lines(root):
    """The base64 lines of every private key below ROOT: none of them may be seen anywhere."""
    found = set()
    for path in [root, *root.rglob("*")] if root.is_dir() else [root]:
        if path.is_file() and not path.is_symlink():
            text = path.read_text(errors="replace")
            inside = False
            for line in text.splitlines():
                if "PRIVATE KEY-----" in line:
                    inside = "BEGIN" in line
                elif inside and len(line) >= 32:
                    found.add(line)
    return found


@pytest.mark.parametrize("options", [["-vv"], ["-vv", "--log-format", "json"], ["-vv", "--json"]])
def test_no_secret_in_any_output_or_command_line(lab, product, options):
    product.write_config(lab.config([
        lab.wildcard("*.secret.ferry.test", ["web-1", "web-2"]),
        lab.domain("secret-www.ferry.test"),
    ]))  # fmt: skip
    lab.cloudflare.fault("status", status=429, retry_after=1)
    lab.servers["web-1"].break_nginx()
    stop, seen = threading.Event(), set()
    watcher = threading.Thread(target=watch_command_lines, args=(stop, seen))
    watcher.start()
    try:
        run = product.run("apply", *options)
    finally:
        stop.set()
        watcher.join()
    assert run.code == 3, run
    assert len(run.err.splitlines()) > 20, f"-vv is expected to tell more\n{run}"

    # The stand-in is started with the token on its command line: that one is the laboratory's own.
    ours = [line for line in seen if b"cloudflare.py" not in line]
    assert any(b"certferry" in line for line in ours)
    # The first line of an OpenSSH key says what it is and is the same in all of them.
    secrets = key_lines(product.state) | set(sorted(key_lines(lab.client_key))[1:])
    assert len(secrets) >= 5
    for secret in [lab.cloudflare.token, *secrets]:
        assert secret not in run.text, "a secret is in the output"
        assert not [line for line in ours if secret.encode() in line], "a secret is in a command line"
    assert "Bearer" not in run.text


def test_the_token_is_stored_nowhere(lab, product):
    product.write_config(lab.config([lab.wildcard("*.stored.ferry.test", ["web-2"])]))
    assert product.run("apply").code == 0
    for path in product.state.rglob("*"):
        if path.is_file():
            assert lab.cloudflare.token.encode() not in path.read_bytes(), path
            assert path.stat().st_mode & 0o077 == 0 or "PRIVATE" not in path.read_text(errors="replace"), path


@pytest.mark.parametrize("fault", ["html", "body", "reset", "truncate"])
def test_nor_when_the_vendor_fails(lab, product, fault):
    product.write_config(lab.config([lab.wildcard("*.fails.ferry.test")]))
    lab.cloudflare.fault(fault, count=99, status=403, body="{")
    run = product.run("apply", "-vv", timeout=90)
    assert run.code == 1, run
    assert lab.cloudflare.token not in run.text
