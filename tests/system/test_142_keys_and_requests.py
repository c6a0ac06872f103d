# SPDX-License-Identifier: Apache-2.0
"""Every key type, keys used again, and certificate requests of keys that stay with their owner."""

import json
import shutil

import pytest
from lab import certificates
from lab.processes import run as command

KEY_TYPES = {"ecdsa-p256": 256, "ecdsa-p384": 384, "rsa-2048": 2048, "rsa-3072": 3072, "rsa-4096": 4096}


def issue(lab, product, *more):
    return product.run("issue", "--webroot", lab.webroot, "--server", lab.ca.url, "--ca-bundle", lab.ca.ca_bundle,
                       "--state-dir", product.state, "--agree-tos", "--json", *more, config=False)  # fmt: skip


def renew(product, name):
    product.make_due(name)
    run = product.run("renew", "--state-dir", product.state, "--json", config=False)
    assert run.code == 0 and run.result(name)["action"] == "renewed", run


def public_key(path, kind="x509"):
    return command(["openssl", kind, "-in", path, "-noout", "-pubkey"])


def request(folder, names, *more, subject="/", key=None):
    if key is None:
        key = folder / "own.key"
        command(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key])
    san = "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)
    path = folder / "own.csr"
    command(["openssl", "req", "-new", "-key", key, "-subj", subject, "-addext", san, "-out", path, *more])
    return path


@pytest.mark.parametrize("kind", KEY_TYPES)
def test_every_key_type(lab, product, kind):
    name = f"{kind}.ferry.test"
    run = issue(lab, product, "-d", name, "--key-type", kind)
    assert run.code == 0, run
    assert certificates.key_bits(product.live(name) / "cert.pem") == KEY_TYPES[kind]
    assert certificates.pair_matches(product.live(name))
    listed = product.run("list", "--json", "--state-dir", product.state, config=False).json["certificates"]
    assert listed[0]["key_type"] == kind


def test_a_key_is_used_again_when_asked(lab, product):
    for name, more in (("reuse.ferry.test", ["--reuse-key"]), ("fresh.ferry.test", [])):
        assert issue(lab, product, "-d", name, *more).code == 0
        before = public_key(product.live(name) / "cert.pem")
        renew(product, name)
        assert (public_key(product.live(name) / "cert.pem") == before) == bool(more)
        assert certificates.pair_matches(product.live(name))


def test_a_key_of_another_type_is_not_used_again(lab, product):
    name = "retype.ferry.test"
    assert issue(lab, product, "-d", name, "--reuse-key").code == 0
    run = issue(lab, product, "-d", name, "--reuse-key", "--key-type", "rsa-2048")
    assert run.code == 0 and run.result(name)["action"] == "renewed", run
    assert certificates.key_bits(product.live(name) / "cert.pem") == 2048


def test_a_request_of_ones_own(lab, product):
    names = ["own.ferry.test", "own2.ferry.test"]
    path = request(product.dir, names)
    run = issue(lab, product, "--csr", path)
    assert run.code == 0 and run.result(names[0])["action"] == "issued", run
    live = product.live(names[0])
    assert certificates.names(live / "cert.pem") == names
    assert public_key(live / "cert.pem") == public_key(path, "req")
    assert sorted(entry.name for entry in live.iterdir()) == ["cert.pem", "chain.pem", "fullchain.pem", "request.pem"]
    assert not list(product.state.rglob("privkey.pem")), "no key was made"
    # Renewed without the file, and only when due.
    path.unlink()
    assert product.run("renew", "--state-dir", product.state, "--json", config=False).result(names[0])["action"] == "unchanged"
    before = certificates.fingerprint(live / "cert.pem")
    renew(product, names[0])
    assert certificates.fingerprint(live / "cert.pem") != before
    assert live.resolve().name == "2"


def test_a_request_in_der_and_names_given_besides(lab, product):
    names = ["der.ferry.test", "der2.ferry.test"]
    path = request(product.dir, names, "-outform", "DER")
    run = issue(lab, product, "--csr", path, "-d", names[0])
    assert run.code == 2 and "not those of the certificate request" in run.text, run
    run = issue(lab, product, "--csr", path, "-d", names[1], "-d", names[0])
    assert run.code == 0, run
    # The same again is nothing to do; a new request is a change.
    assert issue(lab, product, "--csr", path).result(names[0])["action"] == "unchanged"
    run = issue(lab, product, "--csr", request(product.dir, names))
    assert run.result(names[0])["action"] == "renewed" and "request changed" in run.result(names[0])["reason"], run
    run = issue(lab, product, "-d", names[0], "-d", names[1], "--reuse-key")
    assert run.code == 0 and "key is to be ours" in run.result(names[0])["reason"], run
    assert certificates.pair_matches(product.live(names[0]))


def test_a_request_for_an_rsa_key_with_a_common_name(lab, product):
    key = product.dir / "rsa.key"
    command(["openssl", "genrsa", "-out", key, "3072"])
    path = request(product.dir, ["rsacsr.ferry.test"], key=key, subject="/CN=rsacsr.ferry.test")
    run = issue(lab, product, "--csr", path)
    assert run.code == 0, run
    assert public_key(product.live("rsacsr.ferry.test") / "cert.pem") == public_key(path, "req")


def test_requests_that_are_refused_before_the_ca_is_asked(lab, product):
    mark = lab.ca.mark()
    good = request(product.dir, ["good.ferry.test"])
    staple = request(product.dir, ["good.ferry.test"], "-addext", "tlsfeature=status_request")
    run = issue(lab, product, "--csr", staple)
    assert run.code == 2 and "must-staple" in run.text and "2025-05-07" in run.text, run
    for more, words in (
        (["--key-type", "rsa-2048"], "--key-type and --reuse-key do not go with --csr"),
        (["--deploy", "web-1"], "private key is not here to be deployed"),
    ):
        run = issue(lab, product, "--csr", good, *more)
        assert run.code == 2 and words in run.text, run
    run = issue(lab, product, "--csr", product.dir / "missing.csr")
    assert run.code == 2 and "missing.csr" in run.text, run
    run = issue(lab, product, "-d", "good.ferry.test", "--must-staple")
    assert run.code == 2 and "--must-staple is not offered: Let's Encrypt has ended OCSP" in run.text, run
    product.write_config(lab.config([lab.domain("good.ferry.test", must_staple=True)]))
    run = product.run("apply")
    assert run.code == 2 and "must-staple is not offered: Let's Encrypt has ended OCSP" in run.text, run
    assert lab.ca.requests(mark) == []


def test_an_account_key_is_no_certificate_key(lab, product):
    assert issue(lab, product, "-d", "first.ferry.test").code == 0
    [key] = (product.state / "accounts").rglob("key.pem")
    run = issue(lab, product, "--csr", request(product.dir, ["second.ferry.test"], key=key))
    assert run.code == 1, run
    assert "for the key of the account" in run.json["results"][0]["error"]["detail"], run


def test_what_has_no_key_here_is_not_deployed(lab, product):
    """Its name is in the config with servers, but a request of the user's made it: said so, and nothing is broken."""
    name = "nokey.ferry.test"
    assert issue(lab, product, "--csr", request(product.dir, [name])).code == 0
    product.write_config(lab.config([lab.domain(name, ["web-1"])]))
    run = product.run("deploy", name, "--json")
    assert run.code in (1, 3), run
    error = run.deployed(name)["web-1"]["error"]
    assert "its private key is not here" in error["detail"] and "fullchain.pem" in error["hint"], run
    # What else its server is to have goes there all the same.
    neighbour = "haskey.ferry.test"
    product.write_config(lab.config([lab.domain(name, ["web-1"]), lab.domain(neighbour, ["web-1"])]))
    assert product.run("apply", neighbour).code == 0
    run = product.run("deploy", "--force", "--json")
    assert run.code == 3 and run.deployed(neighbour)["web-1"]["result"] == "deployed", run
    assert "its private key is not here" in run.deployed(name)["web-1"]["error"]["detail"], run
    # The config makes it ours: a new key, and then it goes out.
    run = product.run("apply", "--json")
    assert run.code == 0 and run.deployed(name)["web-1"]["result"] == "deployed", run
    assert lab.served("web-1", name) == certificates.fingerprint(product.live(name) / "cert.pem")


def test_killed_between_commit_and_record(lab, product):
    """The live generation tells by itself whose key it is for."""
    name = "crash.ferry.test"
    path = request(product.dir, [name])
    assert issue(lab, product, "--csr", path).code == 0
    (product.state / "renewal" / f"{name}.json").unlink()
    mark = lab.ca.mark()
    run = issue(lab, product, "--csr", path)
    assert run.code == 0 and run.result(name)["action"] == "unchanged", run
    assert lab.ca.orders(mark) == 0
    shutil.rmtree(product.state / "live")
    run = issue(lab, product, "--csr", path)
    assert run.code == 0, run
    assert lab.ca.orders(mark) == 0, "the generation was there"
    assert json.loads((product.state / "renewal" / f"{name}.json").read_text())["csr"]


def test_a_certificate_without_a_key_is_revoked_by_the_account(lab, product):
    name = "revoked.ferry.test"
    path = request(product.dir, [name])
    assert issue(lab, product, "--csr", path).code == 0
    state = ["--state-dir", product.state]
    run = product.run("revoke", name, *state, "--with-certificate-key", config=False)
    assert run.code != 0 and "private key is not here" in run.text, run
    run = product.run("revoke", name, *state, "--reason", "keyCompromise", config=False)
    assert run.code == 0, run
    # Its key may be in other hands: the same request is not sent again.
    run = issue(lab, product, "--csr", path)
    assert run.code == 1 and "revoked" in run.result(name)["error"]["detail"], run
    assert issue(lab, product, "--csr", request(product.dir, [name])).code == 0
