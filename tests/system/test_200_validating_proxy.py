# SPDX-License-Identifier: Apache-2.0
"""Every module keeps to its vendor's published description: what must hold for all vendors, through a proxy that lets no
request and no answer pass which the description forbids. What is run is tests/providers/test_vendors.c."""

import os
import subprocess
from pathlib import Path

import pytest
from conftest import need
from lab.product import binary

ROOT = Path(__file__).resolve().parent.parent.parent
PRISM = Path(os.environ.get("CERTFERRY_PRISM", ROOT / "build/tools/prism/node_modules/.bin/prism"))


def run(vendor, folder, *tests):
    program = need_file(binary().parent / "tests/test_vendors", "test_vendors, built beside the binary")
    need_file(PRISM, "prism, which ./dev test --all installs below build/tools with npm")
    log = folder / "prism.log"
    env = {**os.environ, "CERTFERRY_VALIDATED": "1", "CERTFERRY_VENDOR": vendor, "CERTFERRY_PRISM": str(PRISM),
           "CERTFERRY_PRISM_LOG": str(log)}  # fmt: skip
    done = subprocess.run([program, *tests], env=env, capture_output=True, text=True, timeout=300)
    return done, log.read_text(errors="replace") if log.exists() else ""


def need_file(path, what):
    need(os.access(path, os.X_OK), what)
    return path


@pytest.mark.parametrize("vendor", ["azure", "cloudflare", "digitalocean", "google"])
def test_no_request_and_no_answer_violates_the_description(vendor, tmp_path):
    done, log = run(vendor, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert log.count("Forwarding") > 30, "the proxy was not used: " + log[-2000:]
    # Retries would hide a violation from the module.
    violations = [line for line in log.splitlines() if "VIOLATIONS" in line or "✖" in line]
    assert not violations, "\n".join(violations)
