# SPDX-License-Identifier: Apache-2.0
"""A preset's commands are a distribution's. Where a server does not have them, the error says what to set instead."""

import pytest

CERT = "other.ferry.test"
NO_SYSTEMD = "System has not been booted with systemd as init system (PID 1). Can't operate."

CASES = {
    "no such program": ({"reload_command": "systemctl-that-is-not-there reload nginx"}, "reload", "no such command"),
    "no systemd": ({"reload_command": f'echo "{NO_SYSTEMD}" >&2; exit 1'}, "reload", "nginx -s reload"),
    "a test without a word": ({"test_command": "exit 1"}, "test", "own log"),
}


@pytest.fixture(scope="module")
def issued(lab):
    product = lab.product()
    product.write_config(lab.config([lab.domain(CERT, ["web-1"])]))
    run = product.run("apply")
    assert run.code == 0, run
    return product


@pytest.mark.parametrize("name", CASES)
def test_the_error_says_what_to_set(lab, issued, name):
    changes, step, hint = CASES[name]
    before = lab.served("web-1", CERT)
    entry = lab.server_entry(lab.servers["web-1"], **changes)
    issued.write_config(lab.config([lab.domain(CERT, ["web-1"], serve=False)], servers={"web-1": entry}))
    run = issued.run("deploy", "--force", "--json")
    entry = run.deployed(CERT)["web-1"]
    assert run.code != 0 and entry["result"] == "rolled_back" and entry["error"]["step"] == step, run
    assert hint in entry["error"]["hint"], run
    assert lab.served("web-1", CERT) == before
