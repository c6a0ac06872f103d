# SPDX-License-Identifier: Apache-2.0
"""PKCS #12 for Java: openssl and keytool find key, chain and name in it, it is written when it differs and no more often, and
its password is seen nowhere.
"""

import json
import os
import shutil
import subprocess

import pytest
from lab import certificates
from lab.processes import LabError, run

CERT, PASSWORD = "java.ferry.test", "correct horse, b4ttery"


@pytest.fixture
def keystore(lab):
    return lab.servers["web-1"].home / "tomcat" / f"{CERT}.p12"


@pytest.fixture
def java(lab, product, keystore):
    keystore.parent.mkdir(exist_ok=True)
    keystore.unlink(missing_ok=True)
    product.environment["KEYSTORE_PASSWORD"] = PASSWORD
    configure(lab, product)
    return product


def configure(lab, product, **changes):
    server = lab.servers["web-1"]
    entry = lab.server_entry(server, files={"pkcs12": str(server.home / "tomcat" / "{name}.p12")},
                             pkcs12_password="${KEYSTORE_PASSWORD}", **changes)  # fmt: skip
    product.write_config(lab.config([lab.domain(CERT, ["web-1"])], servers={"web-1": entry}))


def openssl(path, *more, password=PASSWORD):
    return run(["openssl", "pkcs12", "-in", path, "-passin", "env:P12", *more], env={**os.environ, "P12": password})


def opened(path, folder, password=PASSWORD):
    """The file's key and certificates as a folder that certificates.py can look at."""
    folder.mkdir(exist_ok=True)
    (folder / "privkey.pem").write_text(openssl(path, "-nocerts", "-noenc", password=password))
    (folder / "cert.pem").write_text(openssl(path, "-nokeys", "-clcerts", password=password))
    (folder / "fullchain.pem").write_text(openssl(path, "-nokeys", password=password))
    return folder


def test_openssl_reads_it(lab, java, keystore, tmp_path):
    outcome = java.run("apply", "--json")
    assert outcome.code == 0 and outcome.deployed(CERT)["web-1"]["result"] == "deployed", outcome
    assert "no effect" not in outcome.err, outcome
    info = openssl(keystore, "-info", "-noout")
    assert "AES-256-CBC" in info and "hmacWithSHA256" in info and "MAC: sha256" in info, info
    folder = opened(keystore, tmp_path / "opened")
    assert certificates.pair_matches(folder)
    assert certificates.fingerprint(folder / "cert.pem") == certificates.fingerprint(java.live(CERT) / "cert.pem")
    assert (folder / "fullchain.pem").read_text().count("BEGIN CERTIFICATE") == 2
    assert f"friendlyName: {CERT}" in (folder / "cert.pem").read_text()
    assert keystore.stat().st_mode & 0o777 == 0o600
    with pytest.raises(LabError):
        openssl(keystore, "-info", "-noout", password="wrong")


@pytest.mark.skipif(shutil.which("keytool") is None, reason="no keytool (a Java runtime) here")
def test_java_reads_it(java, keystore):
    outcome = java.run("apply", "--json")
    assert outcome.code == 0, outcome
    listed = run(["keytool", "-J-Duser.language=en", "-list", "-v", "-keystore", keystore, "-storepass:env", "P12"],
                 env={**os.environ, "P12": PASSWORD})  # fmt: skip
    assert f"Alias name: {CERT}" in listed and "Entry type: PrivateKeyEntry" in listed, listed
    assert "Certificate chain length: 2" in listed and f"DNSName: {CERT}" in listed, listed


def test_it_is_written_when_it_differs(lab, java, keystore, tmp_path):
    assert java.run("apply").code == 0
    before, first = keystore.read_bytes(), keystore.stat()
    outcome = java.run("deploy", "--json")
    assert outcome.deployed(CERT)["web-1"]["result"] == "unchanged", outcome
    assert keystore.stat() == first

    keystore.write_bytes(b"tampered")
    outcome = java.run("deploy", "--json")
    assert outcome.deployed(CERT)["web-1"]["result"] == "deployed", outcome
    assert keystore.read_bytes() == before

    java.environment["KEYSTORE_PASSWORD"] = "another one"
    outcome = java.run("deploy", "--json")
    assert outcome.deployed(CERT)["web-1"]["result"] == "deployed", outcome
    assert certificates.pair_matches(opened(keystore, tmp_path / "another", password="another one"))

    outcome = java.run("apply", "--force", "--json")
    assert outcome.deployed(CERT)["web-1"]["result"] == "deployed", outcome
    folder = opened(keystore, tmp_path / "renewed", password="another one")
    assert certificates.fingerprint(folder / "cert.pem") == certificates.fingerprint(java.live(CERT) / "cert.pem")

    # A failure puts the previous file back, as it does with all others.
    kept = keystore.read_bytes()
    configure(lab, java, test_command="false")
    outcome = java.run("apply", "--force", "--json")
    assert outcome.deployed(CERT)["web-1"]["result"] == "rolled_back", outcome
    assert keystore.read_bytes() == kept


def test_the_password_is_seen_nowhere(lab, java):
    outcome = java.run("apply", "-vv", "--json")
    assert outcome.code == 0 and PASSWORD not in outcome.text, "it was printed"
    found = subprocess.run(["grep", "-rlF", PASSWORD, java.state, lab.servers["web-1"].home], stdout=subprocess.PIPE, check=False)
    assert found.stdout == b"", found.stdout


def test_without_a_password_the_config_says_what_to_do(lab, product):
    server = lab.servers["web-1"]
    entry = lab.server_entry(server, files={"pkcs12": "/etc/tomcat/keystore.p12"})
    product.write_config(lab.config([lab.domain(CERT, ["web-1"])], servers={"web-1": entry}))
    outcome = product.run("apply", "--json")
    assert outcome.code == 2 and "pkcs12_password" in outcome.text, outcome
    assert json.loads(outcome.out), outcome
