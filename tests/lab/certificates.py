# SPDX-License-Identifier: Apache-2.0
"""What is in a PEM file, by the openssl command: an opinion independent of the product."""

import hashlib
import re
import ssl

from .processes import run


def first_der(path):
    """The first certificate of a PEM file."""
    text = path.read_text()
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(text[text.index(begin) : text.index(end) + len(end)])


def fingerprint(path):
    return hashlib.sha256(first_der(path)).hexdigest()


def names(path):
    """The subject alternative names, sorted."""
    text = run(["openssl", "x509", "-in", path, "-noout", "-ext", "subjectAltName"])
    return sorted(re.findall(r"(?:DNS|IP Address):([^,\s]+)", text))


def issuer(path):
    return run(["openssl", "x509", "-in", path, "-noout", "-issuer"]).strip().removeprefix("issuer=")


def pair_matches(folder):
    """Whether privkey.pem and the leaf of cert.pem and fullchain.pem in FOLDER belong together."""
    key = run(["openssl", "pkey", "-in", folder / "privkey.pem", "-pubout"])
    return all(
        run(["openssl", "x509", "-in", folder / name, "-noout", "-pubkey"]) == key
        for name in ("cert.pem", "fullchain.pem")
    )


def key_bits(path):
    text = run(["openssl", "x509", "-in", path, "-noout", "-text"])
    return int(re.search(r"Public-Key: \((\d+) bit\)", text)[1])
