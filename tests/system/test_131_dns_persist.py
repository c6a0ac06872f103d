# SPDX-License-Identifier: Apache-2.0
"""dns-persist-01: a record that stays. It is looked at before the CA is told to look, printed, published, never removed."""

import json
import time

import pytest

from lab import certificates

ISSUER = "pebble.letsencrypt.org"


@pytest.fixture(scope="module")
def ca(lab, newest_program):
    """The newest Pebble without memory: every order needs its own validation."""
    return lab.another_ca(program=newest_program, retry_after=(1, 1), authz_reuse=0,
                          more={"caaIdentities": [ISSUER]})  # fmt: skip


def entry(name, **more):
    return {"name": name, "challenge": "dns-persist-01", "cert_name": "persist", **more}


def configure(lab, product, ca, *entries):
    product.write_config(lab.config(list(entries), provider=lab.provider(ca)))


def account_url(product):
    (path,) = product.state.glob("accounts/*/account.json")
    return json.loads(path.read_text())["url"]


def persist(product, *args):
    run = product.run("persist", "--json", *args)
    assert run.code == 0, run
    return {record["domain"]: record for record in run.json["records"]}


def challenges_answered(ca, mark):
    """How many of them: one whose nonce was rejected is sent again."""
    return len({path for method, path in ca.requests(mark) if method == "POST" and path.startswith("/chalZ/")})


def test_a_missing_record_is_told_before_the_ca_is(lab, product, ca):
    configure(lab, product, ca, entry("missing.ferry.test"))
    mark = ca.mark()
    run = product.run("apply", "--json")
    assert run.code == 1, run
    error = run.result("persist")["error"]
    assert "_validation-persist.missing.ferry.test is missing" in error["detail"], run
    line = f'_validation-persist.missing.ferry.test. IN TXT "{ISSUER}; accounturi={account_url(product)}"'
    assert line in error["hint"], run
    assert "certferry persist missing.ferry.test" in error["hint"], run
    assert not challenges_answered(ca, mark), "a validation was wasted"
    # Published as told, the order that waits is taken up.
    lab.cloudflare.add("ferry.test", "_validation-persist.missing.ferry.test", line.split('"')[1])
    run = product.run("apply", "--json", "--force")
    assert run.code == 0 and run.result("persist")["action"] == "issued", run
    assert ca.orders(mark) == 1, "the order of the first run was thrown away"
    assert challenges_answered(ca, mark) == 1
    assert len(lab.cloudflare.records()) == 1, "the record stays, and nothing is added"


def test_printed_then_published_then_used(lab, product, ca):
    """A name and its wildcard need one record; other values at the name are left alone."""
    configure(lab, product, ca, entry("*.print.ferry.test"))
    name = "_validation-persist.print.ferry.test"
    lab.cloudflare.add("ferry.test", name, "other.example; accounturi=https://other.example/1")
    records = persist(product)
    assert list(records) == ["print.ferry.test"]
    record = records["print.ferry.test"]
    assert record["status"] == "missing" and record["name"] == name and record["wildcard"], record
    assert record["value"] == f"{ISSUER}; accounturi={account_url(product)}; policy=wildcard"
    assert record["caa"] == (f'print.ferry.test. IN CAA 0 issue "{ISSUER}; accounturi={account_url(product)}; '
                             'validationmethods=dns-persist-01"')  # fmt: skip
    assert record["zone_line"] == f'{name}. IN TXT "{record["value"]}"'
    assert len(lab.cloudflare.records(name)) == 1, "printing published something"

    run = product.run("persist", "--publish", "--dns", "cloudflare")
    assert run.code == 0 and "published now" in run.out, run
    contents = sorted(r["content"].strip('"') for r in lab.cloudflare.records(name))
    assert contents == sorted(["other.example; accounturi=https://other.example/1", record["value"]])

    requests = len(lab.cloudflare.requests())
    run = product.run("apply", "--json", env={"CLOUDFLARE_API_TOKEN": "no-write-access"})
    assert run.code == 0 and run.result("persist")["action"] == "issued", run
    assert certificates.names(product.live("persist") / "cert.pem") == ["*.print.ferry.test", "print.ferry.test"]
    assert len(lab.cloudflare.requests()) == requests, "no provider is needed"
    assert len(lab.cloudflare.records(name)) == 2, "the record stays"

    # Again: nothing to do, for the command and for the names.
    assert persist(product, "--publish", "--dns", "cloudflare")["print.ferry.test"]["status"] == "published"
    assert len(lab.cloudflare.records(name)) == 2


def test_the_order_to_learn_the_form_is_given_up(lab, product, ca):
    configure(lab, product, ca, entry("learn.ferry.test"))
    mark = ca.mark()
    persist(product)
    assert ca.orders(mark) == 1
    # newOrder, its authorization read, the order and the authorization read again, the authorization ended; any of them
    # once more whose nonce was rejected.
    authz = [path for method, path in ca.requests(mark) if "/authZ/" in path]
    assert 3 <= len(authz) <= 6 and len(set(authz)) == 1, ca.requests(mark)


def test_what_is_wrong_is_told(lab, product, ca):
    configure(lab, product, ca, entry("*.wrong.ferry.test"))
    name = "_validation-persist.wrong.ferry.test"
    ours = persist(product)["wrong.ferry.test"]["value"]
    cases = [
        (ours.replace("; policy=wildcard", ""), "policy=wildcard"),
        (f"{ours}; persistUntil={int(time.time()) - 3600}", "has ended at"),
        (ours.replace("accounturi=", "accounturi=x"), "names another account"),
        (ours + ";", "malformed"),
    ]
    for content, words in cases:
        lab.cloudflare.reset()
        lab.cloudflare.add("ferry.test", name, content)
        mark = ca.mark()
        run = product.run("apply", "--json", "--force")
        assert run.code == 1, run
        assert words in run.result("persist")["error"]["detail"], run
        assert ours in run.result("persist")["error"]["hint"], run
        assert not challenges_answered(ca, mark), "a validation was wasted"
        record = persist(product)["wrong.ferry.test"]
        assert record["status"] == "wrong" and words in record["detail"], record
    assert not product.live("persist").exists()


def test_the_record_of_an_earlier_account_of_ours(lab, product, ca):
    """A new contact makes a new account, whose record is another one."""
    configure(lab, product, ca, entry("moved.ferry.test"))
    ours = persist(product)["moved.ferry.test"]["value"]
    lab.cloudflare.add("ferry.test", "_validation-persist.moved.ferry.test", ours)
    product.write_config(lab.config([entry("moved.ferry.test")], provider=lab.provider(ca), email="new@ferry.test"))
    run = product.run("apply", "--json")
    assert run.code == 1, run
    assert "an account of ours" in run.result("persist")["error"]["detail"], run


def test_a_record_that_ends_soon_is_warned_about(lab, product, ca):
    configure(lab, product, ca, entry("soon.ferry.test"))
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 20 * 86400))
    record = persist(product, "--publish", "--dns", "cloudflare", "--until", day)["soon.ferry.test"]
    assert record["status"] == "published" and record["until"] == f"{day}T23:59:59Z", record
    run = product.run("apply")
    assert run.code == 0 and f"ends at {day}T23:59:59Z" in run.err, run
    # One that lasts is published beside it, and then nobody is warned.
    far = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 300 * 86400))
    assert persist(product, "--publish", "--dns", "cloudflare", "--until", far)["soon.ferry.test"]["published_now"]
    assert len(lab.cloudflare.records("_validation-persist.soon.ferry.test")) == 2
    run = product.run("apply", "--force")
    assert run.code == 0 and "ends at" not in run.err, run


def test_where_the_cname_leads(lab, product, ca):
    alias = "_validation-persist.alias.ferry.test"
    lab.cloudflare.add("ferry.test", alias, "persist.sub.ferry.test", kind="CNAME")
    configure(lab, product, ca, entry("alias.ferry.test"))
    assert persist(product, "--publish", "--dns", "cloudflare")["alias.ferry.test"]["status"] == "published"
    assert len(lab.cloudflare.records("persist.sub.ferry.test")) == 1
    run = product.run("apply")
    assert run.code == 0, run


def test_without_a_config(lab, product, ca):
    common = ["--server", ca.url, "--ca-bundle", ca.ca_bundle, "--state-dir", product.state, "--agree-tos", "--email",
              "admin@ferry.test"]  # fmt: skip
    env = {"CLOUDFLARE_API_URL": lab.cloudflare.url}
    run = product.run("persist", "cli-persist.ferry.test", "--wildcard", "--publish", "--dns", "cloudflare", *common,
                      config=False, env=env)  # fmt: skip
    assert run.code == 0 and "policy=wildcard" in run.out, run
    run = product.run("issue", "-d", "cli-persist.ferry.test", "-d", "*.cli-persist.ferry.test", "--dns-persist", *common,
                      "--json", config=False)  # fmt: skip
    assert run.code == 0 and run.json["results"][0]["action"] == "issued", run


def test_a_long_account_url_takes_several_strings(lab, product, ca):
    """More than 255 bytes of text: a TXT record of several strings, seen as one."""
    configure(lab, product, ca, entry("long.ferry.test"))
    value = persist(product)["long.ferry.test"]["value"] + "; x=" + "y" * 300
    lab.cloudflare.add("ferry.test", "_validation-persist.long.ferry.test", value)
    assert persist(product)["long.ferry.test"]["status"] == "published"


def test_a_ca_without_it_says_what_it_offers(lab, product):
    configure(lab, product, lab.ca, entry("none.ferry.test"))
    for command in (["apply"], ["persist"]):
        run = product.run(*command)
        assert run.code == 1 and "does not offer dns-persist-01" in run.err and "dns-01" in run.err, run


@pytest.mark.parametrize("args, words", [
    (["192.0.2.1"], "cannot be proven by a DNS record"),
    ([], "no name given"),
    (["a.ferry.test", "--publish"], "--publish and --dns go together"),
    (["a.ferry.test", "--until", "2020-01-01"], "in the past"),
    (["a.ferry.test", "--until", "soon"], "a day or a time"),
])  # fmt: skip
def test_bad_usage(lab, product, args, words):
    product.write_config(lab.config([lab.domain("a.ferry.test")]))
    mark = lab.ca.mark()
    run = product.run("persist", *args)
    assert run.code == 2 and words in run.err, run
    assert not lab.ca.requests(mark)
