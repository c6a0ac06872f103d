# SPDX-License-Identifier: Apache-2.0
"""Key rollover on Pebble: proven by requests with the new key, and safe whenever the process dies."""

import json
import os
import random
import signal
import subprocess
import time

import pytest

from test_110_accounts import account, folders, issue, record, registered  # noqa: E402


def key_of(path):
    return subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], check=True, capture_output=True).stdout


def test_rotate_key(lab, product):
    view = registered(product, lab.ca, "--email", "admin@ferry.test")
    folder = folders(product)[0]
    before = key_of(folder / "key.pem")
    mark = lab.ca.mark()
    run = account(product, lab.ca, "rotate-key", "--json")
    assert run.code == 0, run
    (after,) = run.json["accounts"]
    assert after["action"] == "rotated" and after["url"] == view["url"] and after["key_type"] == "ecdsa-p256", run
    assert key_of(folder / "key.pem") != before and not (folder / "key-next.pem").exists()
    # The change was proven: the account was read with the new key before the old one went.
    paths = [path for method, path in lab.ca.requests(mark) if method == "POST"]
    assert paths[-1].startswith("/my-account/"), paths
    assert issue(product, lab, lab.ca).code == 0
    assert lab_url(product) == view["url"]
    for key_type in ("rsa-2048", "ecdsa-p384", "ecdsa-p256"):
        run = account(product, lab.ca, "rotate-key", "--key-type", key_type, "--json")
        assert run.code == 0 and run.json["accounts"][0]["key_type"] == key_type, run
        assert account(product, lab.ca, "show", "--check").code == 0


def lab_url(product):
    return json.loads(record(product).read_text())["url"]


def test_refused_rollover_keeps_the_old_key(lab, product):
    registered(product, lab.ca)
    folder = folders(product)[0]
    before = key_of(folder / "key.pem")
    run = account(product, lab.ca, "rotate-key", "--key-type", "ed25519")
    assert run.code == 1 and "old key stays in force" in run.err and "--key-type" in run.err, run
    assert key_of(folder / "key.pem") == before and not (folder / "key-next.pem").exists()
    assert account(product, lab.ca, "show", "--check").code == 0


def test_interrupted_before_the_ca_heard_of_it(lab, product):
    """The next key is on disk, the CA knows the old one."""
    registered(product, lab.ca)
    folder = folders(product)[0]
    before = key_of(folder / "key.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-out", folder / "key-next.pem"], check=True, capture_output=True)  # fmt: skip
    (folder / "key-next.pem").chmod(0o600)
    run = issue(product, lab, lab.ca)
    assert run.code == 0 and "old key stays in force" in run.err, run
    assert key_of(folder / "key.pem") == before and not (folder / "key-next.pem").exists()
    assert (folder / "key-former-1.pem").exists()  # no key is ever lost


def test_interrupted_after_the_ca_took_it(lab, product):
    """The CA knows the new key, and the old one is still called key.pem."""
    registered(product, lab.ca)
    folder = folders(product)[0]
    old = (folder / "key.pem").read_text()
    assert account(product, lab.ca, "rotate-key").code == 0
    new = key_of(folder / "key.pem")
    (folder / "key.pem").rename(folder / "key-next.pem")
    (folder / "key.pem").write_text(old)
    (folder / "key.pem").chmod(0o600)
    run = issue(product, lab, lab.ca)
    assert run.code == 0 and "new key is in force" in run.err, run
    assert key_of(folder / "key.pem") == new and not (folder / "key-next.pem").exists()


def test_killed_at_any_moment(lab, product):
    """SIGKILL while it rotates, again and again: the account is never lost, and never replaced by another."""
    view = registered(product, lab.ca)
    argv = ("account", "rotate-key", "--server", lab.ca.url, "--ca-bundle", lab.ca.ca_bundle, "--state-dir", product.state)
    begin = time.monotonic()
    assert product.run(*argv, config=False).code == 0
    whole = time.monotonic() - begin
    killed = 0
    for _ in range(25):
        process = product.start(*argv, config=False)
        time.sleep(random.uniform(0, whole))
        if process.poll() is None:
            killed += 1
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        run = account(product, lab.ca, "show", "--check", "--json")
        assert run.code == 0, run
        (seen,) = run.json["accounts"]
        assert seen["url"] == view["url"] and seen["status"] == "valid" and seen["error"] is None, run
    assert killed > 5
    assert not (folders(product)[0] / "key-next.pem").exists()
    assert issue(product, lab, lab.ca).code == 0


@pytest.mark.parametrize("moment", ["answer", "stage"])
def test_both_keys_stay_while_the_ca_cannot_be_asked(lab, product, moment):
    """The CA is gone in the middle: nothing is decided until it is back."""
    ca = lab.another_ca()
    view = registered(product, ca)
    folder = folders(product)[0]
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-out", folder / "key-next.pem"], check=True, capture_output=True)  # fmt: skip
    (folder / "key-next.pem").chmod(0o600)
    os.kill(ca.child.process.pid, signal.SIGSTOP)
    try:
        run = issue(product, lab, ca, "--timeout", "2")
        assert run.code == 1, run
        assert (folder / "key.pem").exists() and (folder / "key-next.pem").exists()
    finally:
        os.kill(ca.child.process.pid, signal.SIGCONT)
    if moment == "answer":
        assert account(product, ca, "show", "--check").code == 0
    assert issue(product, lab, ca).code == 0
    assert lab_url(product) == view["url"]
