# SPDX-License-Identifier: Apache-2.0
"""What a deployment needs and does not have is named, with what to do: keys, agents, SFTP, folders, protocols."""

import socket

import pytest
from lab.processes import run as run_program

CERT = "named.ferry.test"


@pytest.fixture
def stored(lab, product):
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}")]))
    assert product.run("apply").code == 0
    return product


def make_key(folder, name):
    path = folder / name
    run_program(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path])
    return path


def fingerprint(path):
    return run_program(["ssh-keygen", "-lf", path]).split()[1]


def failure(lab, product, **changes):
    """The error of the one server, in one string."""
    entry = lab.server_entry(lab.servers["web-1"])
    entry.update(changes)
    servers = {"web-1": {key: value for key, value in entry.items() if value is not None}}
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"])], servers=servers))
    run = product.run("deploy", "--json")
    assert run.code == 1, run
    error = run.deployed(CERT)["web-1"]["error"]
    return error["detail"], error["hint"]


def test_the_keys_that_were_refused(lab, stored):
    keys = [make_key(stored.dir, name) for name in ("one", "two")]
    detail, hint = failure(lab, stored, identity_file=str(keys[0]))
    assert fingerprint(keys[0]) in detail and "authorized_keys" in hint, detail
    detail, hint = failure(lab, stored, identity_file=[str(key) for key in keys])
    assert all(fingerprint(key) in detail for key in keys), detail


def test_files_that_are_not_there(lab, stored):
    for key in ("identity_file", "certificate_file"):
        detail, hint = failure(lab, stored, **{key: str(lab.dir / "nowhere")})
        assert "nowhere: No such file" in detail and f"servers.web-1.{key}" in hint, (detail, hint)


def test_a_public_key_without_an_agent(lab, stored):
    public = make_key(stored.dir, "key").with_suffix(".pub")
    detail, hint = failure(lab, stored, identity_file=str(public))
    assert "is a public key" in detail and "private key" in hint and "chmod" not in hint, (detail, hint)


def test_an_agent_that_is_not_there(lab, stored):
    detail, hint = failure(lab, stored, identity_file=None, agent=str(lab.dir / "no-agent"))
    assert "agent" in detail and "no-agent cannot be reached: No such file" in detail, detail
    assert "authorized_keys" not in hint and "`agent`" in hint, hint


@pytest.mark.parametrize("sftp", ["/bin/false", "/nonexistent/sftp-server"])
def test_no_sftp(lab, stored, sftp):
    server = lab.servers["web-1"]
    server.use_sftp(sftp)
    try:
        _, hint = failure(lab, stored)
    finally:
        server.use_sftp("internal-sftp")
    assert "Subsystem sftp" in hint, hint


def test_a_copy_whose_folder_is_missing(lab, stored):
    copy = stored.dir / "missing" / "combined.pem"
    detail, hint = failure(lab, stored, files={"combined": str(copy)})
    assert f"there is no directory {copy.parent} for {copy}" in detail and "`files`" in hint, (detail, hint)


@pytest.mark.parametrize("starttls, words", [("smtp", "smtp is to be spoken"), ("none", "a TLS handshake")])
def test_somebody_who_says_nothing(lab, stored, starttls, words):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        verify = {"address": "127.0.0.1", "port": port, "starttls": starttls}
        detail, _ = failure(lab, stored, verify=verify)
    assert f"127.0.0.1:{port} did not answer in time" in detail and words in detail, detail


def test_a_folder_is_no_key(lab, stored):
    detail, _ = failure(lab, stored, identity_file=str(stored.dir))
    assert str(stored.dir) in detail and "no regular file" in detail.replace("not a", "no"), detail
