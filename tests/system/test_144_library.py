# SPDX-License-Identifier: Apache-2.0
"""libcertferry-acme: the example of docs/ as another program, compiled against an installed tree, obtains a certificate."""

import subprocess
import sys
from pathlib import Path

import pytest
from lab import certificates
from lab.processes import run as command
from lab.product import ROOT, binary

sys.path.insert(0, str(ROOT / "tests/tools"))
import check_library  # noqa: E402


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The prefix that a build with a library was installed to: the one the binary is from."""
    build = binary().parent
    if not (build / "acme/library").is_dir():
        pytest.skip(f"{build} is a sanitizer's build: those have no library")
    prefix = tmp_path_factory.mktemp("prefix")
    command(["cmake", "--install", build, "--prefix", prefix])
    return prefix


def start(program, lab, installed, folder, *args):
    library = next(installed.rglob("lib*.so")).parent
    env = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": str(library), "EXAMPLE_CA_BUNDLE": str(lab.ca.ca_bundle)}
    return subprocess.run([program, *map(str, args)], cwd=folder, env=env, text=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("static", [False, True], ids=["shared", "static"])
def test_the_example_obtains_a_certificate(lab, installed, tmp_path, static):
    program = check_library.compile_example(installed, "cc", tmp_path, static)
    challenges = lab.webroot / ".well-known/acme-challenge"
    challenges.mkdir(parents=True, exist_ok=True)
    done = start(program, lab, installed, tmp_path, lab.ca.url, "library.ferry.test", challenges)
    assert done.returncode == 0, done
    assert certificates.names(tmp_path / "fullchain.pem") == ["library.ferry.test"]
    key = command(["openssl", "pkey", "-in", tmp_path / "key.pem", "-pubout"])
    assert command(["openssl", "x509", "-in", tmp_path / "fullchain.pem", "-noout", "-pubkey"]) == key
    assert Path(tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert not list(challenges.iterdir()), "a challenge is left"


def test_what_the_ca_says_reaches_the_user(lab, installed, tmp_path):
    program = check_library.compile_example(installed, "cc", tmp_path, static=False)
    done = start(program, lab, installed, tmp_path, lab.ca.url, "missing.ferry.test", lab.webroot)
    assert done.returncode == 1 and "could not validate missing.ferry.test" in done.stderr, done
    assert not (tmp_path / "fullchain.pem").exists()
