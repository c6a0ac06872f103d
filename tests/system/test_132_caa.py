# SPDX-License-Identifier: Apache-2.0
"""CAA is looked at beside the order: what may keep the CA from issuing is a warning with what would mend it, and never more."""

import json
import socket
import time

import pytest
from fakes.acme_server import AcmeServer, Fault

CA = "acme-server.test"


@pytest.fixture(scope="module")
def server(lab):
    """A CA that says what CAA records call it, and believes every answer."""
    acme = AcmeServer(lab.dir / "caa-acme").start()
    yield acme
    acme.stop()


@pytest.fixture
def apply(lab, product, server):
    """apply() of one dns-01 certificate for NAME, with CAA records at the names above it."""
    server.reset()

    def run(name, *records, at="ferry.test", names=()):
        for content in records:
            lab.cloudflare.add("ferry.test", at, content, kind="CAA")
        entry = {"name": name, "dns_provider": "cloudflare", "cert_name": "caa", "aliases": list(names)}
        product.write_config(lab.config([entry], provider=lab.provider(server)))
        return product.run("apply", "--json", "--force")

    return run


def account_url(product):
    (path,) = product.state.glob("accounts/*/account.json")
    return json.loads(path.read_text())["url"]


def warnings(run):
    return [line for line in run.err.splitlines() if "CAA" in line]


def test_records_that_allow_are_no_news(apply):
    run = apply("www.fine.ferry.test", f'0 issue "{CA}"', '0 iodef "mailto:a@ferry.test"')
    assert run.code == 0 and not warnings(run), run


def test_without_records_nothing_is_said(apply):
    run = apply("www.none.ferry.test")
    assert run.code == 0 and not warnings(run), run


def test_records_of_another_ca(apply):
    """Seen from www up; issued all the same; the same words once for all names below one set, and in the JSON."""
    run = apply("www.other.ferry.test", '0 issue "letsencrypt.org"', names=["a.other.ferry.test", "other.ferry.test"])
    assert run.code == 0 and run.result("caa")["action"] == "issued", run
    (line,) = warnings(run)
    for words in ("do not name this CA", "At ferry.test stands", '0 issue "letsencrypt.org"',
                  f'ferry.test. IN CAA 0 issue "{CA}"'):  # fmt: skip
        assert words in line, run
    assert any("do not name this CA" in note for note in run.result("caa")["notes"]), run


def test_the_nearest_set_decides(apply, lab):
    lab.cloudflare.add("ferry.test", "near.ferry.test", f'0 issue "{CA}"', kind="CAA")
    run = apply("www.near.ferry.test", '0 issue "letsencrypt.org"')
    assert run.code == 0 and not warnings(run), run


def test_a_wildcard_goes_by_issuewild(apply):
    run = apply("*.wild.ferry.test", f'0 issue "{CA}"', '0 issuewild ";"')
    assert run.code == 0, run
    (line,) = warnings(run)
    assert "*.wild.ferry.test" in line and f'IN CAA 0 issuewild "{CA}"' in line, run


def test_another_account_and_another_method(apply, product, lab):
    run = apply("www.rfc8657.ferry.test", f'0 issue "{CA}; accounturi=https://127.0.0.1/other"')
    assert run.code == 0 and "is for another account: https://127.0.0.1/other" in run.err, run
    assert f'0 issue "{CA}; accounturi={account_url(product)}"' in run.err, run
    lab.cloudflare.reset()
    run = apply("www.rfc8657.ferry.test", f'0 issue "{CA}; validationmethods=http-01"')
    assert run.code == 0 and "does not allow dns-01, only: http-01" in run.err, run
    lab.cloudflare.reset()
    run = apply("www.rfc8657.ferry.test", f'0 issue "{CA}; validationmethods=http-01,dns-01; '
                f'accounturi={account_url(product)}"')  # fmt: skip
    assert run.code == 0 and not warnings(run), run


def test_an_unknown_critical_property(apply):
    run = apply("www.critical.ferry.test", f'0 issue "{CA}"', '128 future "x"')
    assert run.code == 0, run
    (line,) = warnings(run)
    assert 'critical property "future"' in line, run


def test_a_refusal_shows_what_was_found(apply, server):
    server.cue(Fault("finalize", refuse=(403, "caa", "CAA record for ferry.test prevents issuance")))
    run = apply("www.refused.ferry.test", '0 issue "letsencrypt.org"')
    assert run.code == 1, run
    error = run.result("caa")["error"]
    assert error["type"] == "urn:ietf:params:acme:error:caa", run
    assert "has CAA at ferry.test" in error["hint"] and '0 issue "letsencrypt.org"' in error["hint"], run


def test_a_ca_that_does_not_say_its_name(apply, server):
    meta, server.meta = server.meta, {}
    run = apply("www.nameless.ferry.test", '0 issue "letsencrypt.org"')
    assert run.code == 0 and not warnings(run), run
    server.cue(Fault("finalize", refuse=(403, "caa", "no")))
    run = apply("www.nameless.ferry.test")
    server.meta = meta
    assert run.code == 1 and "has CAA at ferry.test" in run.result("caa")["error"]["hint"], run


def test_the_caa_record_for_an_account(apply, product, server):
    """`account show --check` prints it; with it the next order is no news."""
    assert apply("www.account.ferry.test").code == 0
    run = product.run("account", "show", "--check", "--json")
    assert run.code == 0, run
    (view,) = run.json["accounts"]
    assert view["caa"] == f'0 issue "{CA}; accounturi={account_url(product)}"', run
    run = product.run("account", "show", "--check")
    assert view["caa"] in run.out, run
    run = apply("www.account.ferry.test", view["caa"])
    assert run.code == 0 and not warnings(run), run


@pytest.fixture
def silent_resolver():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{mute.getsockname()[1]}"


def test_a_resolver_that_says_nothing_holds_nothing_up(scripted, silent_resolver):
    """http-01 needs no DNS of ours: the order ends as fast as without the look."""
    scripted.server.reset()
    product = scripted.product(["www.ferry.test"])
    assert product.run("apply").code == 0
    product.resolver = silent_resolver
    begin = time.monotonic()
    run = product.run("apply", "--force")
    assert run.code == 0 and time.monotonic() - begin < 4, run
    assert not warnings(run), run
