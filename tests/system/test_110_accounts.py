# SPDX-License-Identifier: Apache-2.0
"""Accounts by hand on Pebble: made, shown, changed, ended; found again by their keys; never made behind one's back."""

import json
import os
import pty
import shutil
import stat
import subprocess

import pytest

MAC_KEYS = {
    "kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W",
    "kid-2": "b10lLJs8l1GPIzsLP0s6pMt8O0XVGnfTaCeROxQM0BIt2XrJMDHJZBM5NuQmQJQH",
}


@pytest.fixture(scope="module")
def eab_ca(lab):
    """A CA that makes accounts only with external credentials."""
    return lab.another_ca(eab=MAC_KEYS, nonce_reject=5)


def account(product, ca, *args, **more):
    """certferry account without a config, at this CA."""
    return product.run("account", *args, "--server", ca.url, "--ca-bundle", ca.ca_bundle, "--state-dir", product.state,
                       config=False, **more)  # fmt: skip


def registered(product, ca, *args):
    run = account(product, ca, "register", "--agree-tos", "--json", *args)
    assert run.code == 0, run
    (view,) = run.json["accounts"]
    assert view["action"] == "registered" and view["url"].startswith(ca.url.removesuffix("/dir")), run
    return view


def folders(product):
    return sorted((product.state / "accounts").iterdir())


def record(product):
    (folder,) = folders(product)
    return folder / "account.json"


def issue(product, lab, ca, *args, name="www.ferry.test"):
    return product.run("issue", "-d", name, "--webroot", lab.webroot, "--server", ca.url, "--ca-bundle", ca.ca_bundle,
                       "--state-dir", product.state, *args, config=False)  # fmt: skip


def test_made_shown_and_used(lab, product):
    run = account(product, lab.ca, "register", "--email", "admin@ferry.test")
    assert run.code == 2 and "--agree-tos" in run.err and not lab_accounts(product), run
    view = registered(product, lab.ca, "--email", "admin@ferry.test")
    assert view["key_type"] == "ecdsa-p256" and view["email"] == "admin@ferry.test" and view["status"] == "valid"
    again = account(product, lab.ca, "register", "--agree-tos", "--email", "admin@ferry.test", "--json")
    assert again.code == 0 and again.json["accounts"][0]["action"] == "unchanged", again
    assert again.json["accounts"][0]["url"] == view["url"]

    # Shown without a network, and with one.
    mark = lab.ca.mark()
    run = account(product, lab.ca, "show", "--json")
    assert run.json["accounts"][0]["url"] == view["url"] and not lab.ca.requests(mark), run
    run = account(product, lab.ca, "show", "--check", "--json")
    assert run.json["accounts"][0]["status"] == "valid" and lab.ca.requests(mark), run
    assert "admin@ferry.test" in account(product, lab.ca, "show").out

    # A certificate without --email takes the one account there is, and makes none.
    run = issue(product, lab, lab.ca)
    assert run.code == 0 and len(folders(product)) == 1, run
    assert json.loads((product.state / "renewal/www.ferry.test.json").read_text())["account"] == view["url"]
    assert stat.S_IMODE((folders(product)[0] / "key.pem").stat().st_mode) == 0o600


def lab_accounts(product):
    """URLs of the accounts that are stored."""
    folder = product.state / "accounts"
    texts = [json.loads((entry / "account.json").read_text()) for entry in folder.iterdir() if (entry / "account.json").exists()] if folder.exists() else []
    return [text["url"] for text in texts if "url" in text]


def test_contact_changes_and_goes(lab, product):
    view = registered(product, lab.ca, "--email", "old@ferry.test")
    run = account(product, lab.ca, "update")
    assert run.code == 2 and "nothing to update" in run.err, run
    run = account(product, lab.ca, "update", "--email", "not an address")
    assert run.code == 2 and "plain e-mail address" in run.err, run
    run = account(product, lab.ca, "update", "--email", "new@ferry.test", "--json")
    assert run.code == 0 and run.json["accounts"][0]["email"] == "new@ferry.test", run
    run = account(product, lab.ca, "show", "--check", "--json")
    assert run.json["accounts"][0]["email"] == "new@ferry.test", run
    # Both the old and the new address mean this account from now on: no second one is made.
    for email in ("old@ferry.test", "new@ferry.test"):
        run = account(product, lab.ca, "register", "--agree-tos", "--email", email, "--json")
        assert run.json["accounts"][0]["url"] == view["url"], run
    run = account(product, lab.ca, "update", "--no-email", "--json")
    assert run.code == 0 and run.json["accounts"][0]["email"] is None, run
    assert lab_accounts(product) == [view["url"]]


def test_deactivated_is_the_end(lab, product):
    view = registered(product, lab.ca, "--email", "admin@ferry.test")
    run = account(product, lab.ca, "deactivate")
    assert run.code == 2 and "--yes" in run.err, run
    run = account(product, lab.ca, "deactivate", "--yes", "--json")
    assert run.code == 0 and run.json["accounts"][0]["status"] == "deactivated", run
    # Clear failures from now on, without a request, and no account behind one's back.
    mark = lab.ca.mark()
    run = issue(product, lab, lab.ca, "--agree-tos", "--email", "admin@ferry.test")
    assert run.code == 1, run
    assert "was deactivated" in run.err and "account register" in run.err, run
    assert not [path for _, path in lab.ca.requests(mark) if path not in ("/dir", "/nonce-plz")]
    # Nor by leaving the contact out.
    run = issue(product, lab, lab.ca, "--agree-tos")
    assert run.code == 1 and "was deactivated" in run.err and len(lab_accounts(product)) == 1, run
    # The explicit act: another account with another key, the old key kept.
    old_key = (folders(product)[0] / "key.pem").read_text()
    new = registered(product, lab.ca, "--email", "admin@ferry.test")
    assert new["url"] != view["url"]
    assert (folders(product)[0] / "key.pem").read_text() != old_key
    assert (folders(product)[0] / "key-former-1.pem").read_text() == old_key
    assert issue(product, lab, lab.ca, "--email", "admin@ferry.test").code == 0


def test_deactivated_elsewhere(lab, product):
    """The CA says that the account is deactivated although the record does not know."""
    registered(product, lab.ca)
    path = record(product)
    text = path.read_text()
    assert account(product, lab.ca, "deactivate", "--yes").code == 0
    path.write_text(text)
    run = issue(product, lab, lab.ca)
    assert run.code == 1 and "deactivated" in run.err, run
    assert len(lab_accounts(product)) == 1
    run = account(product, lab.ca, "show", "--check", "--json")
    assert run.code == 1 and run.json["accounts"][0]["error"]["type"].endswith(":unauthorized"), run


def test_found_again_by_its_key(lab, product):
    view = registered(product, lab.ca, "--email", "admin@ferry.test")
    # The URL is lost.
    path = record(product)
    text = json.loads(path.read_text())
    del text["url"]
    path.write_text(json.dumps(text))
    run = issue(product, lab, lab.ca, "--email", "admin@ferry.test")
    assert run.code == 0 and "found the account" in run.err, run
    assert lab_accounts(product) == [view["url"]]
    # The whole record is lost.
    path.unlink()
    run = account(product, lab.ca, "register", "--agree-tos", "--email", "admin@ferry.test", "--json")
    assert run.json["accounts"][0]["url"] == view["url"] and run.json["accounts"][0]["action"] == "unchanged", run


def test_a_ca_that_lost_the_account(lab, product):
    view = registered(product, lab.ca)
    path = record(product)
    text = json.loads(path.read_text())
    text["url"] = view["url"] + "1234"
    path.write_text(json.dumps(text))
    run = issue(product, lab, lab.ca)
    assert run.code == 1 and "account register" in run.err, run
    # Its key is known under another URL: that is the account, and register finds it.
    run = account(product, lab.ca, "register", "--agree-tos", "--json")
    assert run.json["accounts"][0]["action"] == "unchanged" and run.json["accounts"][0]["url"] == view["url"], run
    assert issue(product, lab, lab.ca).code == 0


def test_an_account_that_was_lost_here_is_not_replaced_in_silence(lab, product):
    run = issue(product, lab, lab.ca, "--agree-tos", "--email", "admin@ferry.test")
    assert run.code == 0 and "before: CAA records" not in run.err, run
    before = lab_accounts(product)[0]
    run = issue(product, lab, lab.ca, "--agree-tos", "--email", "admin@ferry.test", "--force")
    assert run.code == 0 and "before: CAA records" not in run.err, run
    shutil.rmtree(product.state / "accounts")
    run = product.run("renew", "--force", "--state-dir", product.state, config=False)
    assert run.code == 0, run
    after = lab_accounts(product)[0]
    assert f"ordered by the account {after} now, and was by {before} before" in run.err, run


def test_a_ca_without_memory(lab, product):
    """Pebble forgets everything when it is started again, as a private CA restored from nothing would."""
    ca = lab.another_ca()
    view = registered(product, ca, "--email", "admin@ferry.test")
    old_key = (folders(product)[0] / "key.pem").read_text()
    ca.stop()
    ca.start()
    run = issue(product, lab, ca, "--email", "admin@ferry.test", "--agree-tos")
    assert run.code == 1 and "account register" in run.err, run
    assert lab_accounts(product) == [view["url"]]
    new = registered(product, ca, "--email", "admin@ferry.test")
    assert (folders(product)[0] / "key.pem").read_text() != old_key
    assert issue(product, lab, ca, "--email", "admin@ferry.test").code == 0, new


@pytest.mark.parametrize("key_type", ["rsa-2048", "ecdsa-p384"])
def test_other_account_keys(lab, product, key_type):
    view = registered(product, lab.ca, "--key-type", key_type)
    assert view["key_type"] == key_type
    assert issue(product, lab, lab.ca).code == 0


def test_ed25519_is_refused_in_the_cas_words(lab, product):
    run = account(product, lab.ca, "register", "--agree-tos", "--key-type", "ed25519")
    assert run.code == 1 and "--key-type" in run.err and "said:" in run.err, run
    assert not lab_accounts(product)
    registered(product, lab.ca)  # nothing is left of the refused key
    run = account(product, lab.ca, "register", "--agree-tos", "--key-type", "dsa")
    assert run.code == 2 and "ed25519" in run.err, run


def test_several_cas_side_by_side(lab, product, eab_ca):
    key = product.dir / "hmac"
    key.write_text(MAC_KEYS["kid-1"])
    key.chmod(0o600)
    first = registered(product, lab.ca)
    second = registered(product, eab_ca, "--eab-kid", "kid-1", "--eab-hmac-key-file", str(key))
    assert first["url"] != second["url"]
    run = product.run("account", "show", "--json", "--state-dir", product.state, config=False)
    assert {view["directory"] for view in run.json["accounts"]} == {lab.ca.url, eab_ca.url}, run
    run = product.run("account", "deactivate", "--yes", "--state-dir", product.state, config=False)
    assert run.code == 2 and "2 accounts are meant" in run.err and first["name"] in run.err, run
    run = product.run("account", "show", second["name"], "--json", "--state-dir", product.state, config=False)
    assert [view["url"] for view in run.json["accounts"]] == [second["url"]], run


# External account binding.


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_external_account_binding(lab, product, eab_ca, algorithm):
    run = account(product, eab_ca, "register", "--agree-tos")
    assert run.code in (1, 2) and "external account" in run.err and "eab" in run.err, run
    key = product.dir / "hmac"
    key.write_text(MAC_KEYS["kid-2"] + "\n")
    key.chmod(0o644)
    options = ("--eab-kid", "kid-2", "--eab-hmac-key-file", str(key), "--eab-algorithm", algorithm)
    run = account(product, eab_ca, "register", "--agree-tos", *options)
    assert run.code == 2 and "others may use it" in run.err, run
    key.chmod(0o600)
    registered(product, eab_ca, *options)
    assert issue(product, lab, eab_ca).code == 0


def test_binding_that_is_wrong(lab, product, eab_ca):
    key = product.dir / "hmac"
    key.write_text(MAC_KEYS["kid-1"])
    key.chmod(0o600)
    run = account(product, eab_ca, "register", "--agree-tos", "--eab-kid", "kid-2", "--eab-hmac-key-file", str(key), "-vv")
    assert run.code == 1 and "key id and HMAC key" in run.err, run
    assert MAC_KEYS["kid-1"] not in run.text
    for text in ("", "not base64!", "===="):
        key.write_text(text)
        run = account(product, eab_ca, "register", "--agree-tos", "--eab-kid", "kid-1", "--eab-hmac-key-file", str(key))
        assert run.code == 2 and "HMAC key" in run.err, run
    assert not lab_accounts(product)


def test_binding_from_the_config(lab, product, eab_ca):
    """Pre-set in the config; padded, as some CAs show it."""
    entry = lab.provider(eab_ca, eab={"kid": "kid-2", "hmac_key": "${EAB_KEY}"})
    product.write_config(lab.config([lab.domain("www.ferry.test")], provider=entry))
    run = product.run("apply", env={"EAB_KEY": MAC_KEYS["kid-2"]})
    assert run.code == 0 and "no effect" not in run.err, run
    assert MAC_KEYS["kid-2"] not in run.text
    for path in product.state.rglob("*"):
        assert not path.is_file() or MAC_KEYS["kid-2"] not in path.read_text(errors="replace"), path


def test_confirmed_on_a_terminal(lab, product):
    """Anything but "yes" changes nothing."""
    registered(product, lab.ca, "--email", "admin@ferry.test")
    argv = product.argv("account", "deactivate", "--server", lab.ca.url, "--ca-bundle", lab.ca.ca_bundle, "--state-dir",
                        product.state, config=False)  # fmt: skip

    def typed(text):
        master, slave = pty.openpty()
        process = subprocess.Popen(argv, stdin=slave, stdout=subprocess.PIPE, stderr=slave, env=product.env(), text=True)
        os.close(slave)
        os.write(master, text.encode())
        out, shown = process.communicate(timeout=30)[0], b""
        while True:
            try:
                shown += os.read(master, 4096)
            except OSError:
                break
        os.close(master)
        return process.returncode, out + shown.decode()

    code, text = typed("no\n")
    assert code == 2 and "admin@ferry.test" in text and "not confirmed" in text, text
    assert account(product, lab.ca, "show", "--check", "--json").json["accounts"][0]["status"] == "valid"
    code, text = typed("yes\n")
    assert code == 0 and "deactivated" in text, text


def test_orders_are_counted_over_pages(lab, product, newest_program):
    """The newest Pebble gives an account's orders page by page."""
    ca = lab.another_ca(program=newest_program)
    registered(product, ca)
    for name in ("www.ferry.test", "blog.ferry.test", "ferry.test", "one.ferry.test"):
        assert issue(product, lab, ca, name=name).code == 0
    run = account(product, ca, "show", "--check", "--json")
    assert run.code == 0 and run.json["accounts"][0]["orders"] == 4, run
