# SPDX-License-Identifier: Apache-2.0
"""What betrays a secret, in whatever form somebody might write it down: byte strings of which none may be seen."""

import base64

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

WINDOW = 12  # bytes of it at once, wherever they begin
SHROUDED_KEY = bytes.fromhex("060b2a864886f70d010c0a0102")  # the object identifier before the encrypted key (RFC 7292)


def of_bytes(secret):
    """As it is, in hex, and in base64 of both kinds behind whatever else."""
    found, last = set(), len(secret) - WINDOW
    for at in sorted({*range(0, min(last, 24) + 1), *range(0, last + 1, 16), last}):
        part = secret[at : at + WINDOW]
        found |= {base64.b64encode(part), base64.urlsafe_b64encode(part)}
        if at % 4 == 0:
            found |= {part, part.hex().encode(), part.hex().upper().encode()}
    return found


def numbers(key):
    """What is secret of it."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return [key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8, "big")]
    if isinstance(key, rsa.RSAPrivateKey):
        private = key.private_numbers()
        return [number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (private.d, private.p, private.q)]
    return [key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())]


def of_key(path):
    """Of a private key file, PEM or OpenSSH's."""
    text = path.read_bytes()
    load = load_ssh_private_key if b"OPENSSH" in text else load_pem_private_key
    return set().union(*(of_bytes(number) for number in numbers(load(text, None))))


def of_pkcs12(path):
    """Of the encrypted key in it: what is before may be read by anybody."""
    content = path.read_bytes()
    begin = content.index(SHROUDED_KEY) + 130  # behind the parameters of the encryption
    return {content[at : at + 16] for at in range(begin, begin + 80, 8)}


def keys_below(folder):
    """Name -> needles of each private key in the files below FOLDER."""
    found = {}
    for path in sorted(folder.rglob("*.pem")):
        if path.is_file() and not path.is_symlink() and b"PRIVATE KEY" in path.read_bytes():
            found[str(path.relative_to(folder))] = of_key(path)
    return found
