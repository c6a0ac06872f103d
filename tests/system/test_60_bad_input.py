# SPDX-License-Identifier: Apache-2.0
"""Bad input: each names the place, what is wrong and what to do; nothing live changes; the exit codes are as designed."""

import os

import pytest

from lab.lab import BLOCKED, MISSING
from lab.product import yaml
from lab.servers import write


def check_config_error(lab, product, text, *parts, env=None):
    """Exit 2, every one of PARTS told, and nobody was asked anything."""
    product.write_config(text)
    mark = lab.ca.mark()
    for command in ("apply", "plan"):
        run = product.run(command, env=env)
        assert run.code == 2, run
        for part in parts:
            assert part in run.err, f"{part!r} is not told\n{run}"
        assert run.out == "", run
    assert not lab.ca.requests(mark) and not lab.cloudflare.requests()
    assert not product.state.exists(), "something was touched"


def number_of_line(text, part):
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


def test_an_unknown_key_is_named_with_its_place_and_the_nearest(lab, product):
    text = yaml(lab.config([lab.domain("bad.ferry.test")])).replace("webroot:", "webrot:")
    line = number_of_line(text, "webrot:")
    check_config_error(lab, product, text, f"certferry.yaml:{line}:", "webrot", "webroot")


def test_broken_yaml_is_named_with_its_place(lab, product):
    text = yaml(lab.config([lab.domain("bad.ferry.test")])) + "  domains2: [a, b\n"
    check_config_error(lab, product, text, "certferry.yaml:")


def test_a_missing_variable_is_named(lab, product):
    text = yaml(lab.config([lab.wildcard("*.bad.ferry.test")]))
    line = number_of_line(text, "CLOUDFLARE_API_TOKEN")
    check_config_error(lab, product, text, f"certferry.yaml:{line}:", "CLOUDFLARE_API_TOKEN",
                       env={"CLOUDFLARE_API_TOKEN": None})  # fmt: skip


def test_a_provider_without_any_token_is_an_error_before_anything(lab, product):
    config = lab.config([lab.wildcard("*.bad.ferry.test")])
    config["ssl"]["dns_providers"] = {"cloudflare": {"api_url": lab.cloudflare.url}}
    check_config_error(lab, product, yaml(config), "Cloudflare", "api_token", env={"CLOUDFLARE_API_TOKEN": None})


def test_an_unknown_setting_of_a_provider(lab, product):
    config = lab.config([lab.wildcard("*.bad.ferry.test")])
    config["ssl"]["dns_providers"]["cloudflare"]["api_tokn"] = "x"
    text = yaml(config)
    check_config_error(lab, product, text, f"certferry.yaml:{number_of_line(text, 'api_tokn')}:", "api_tokn", "api_token")


def test_a_dns_provider_that_is_not_there(lab, product):
    text = yaml(lab.config([lab.wildcard("*.bad.ferry.test", dns_provider="cloudfare")]))
    line = number_of_line(text, "dns_provider: cloudfare")
    check_config_error(lab, product, text, f"certferry.yaml:{line}:", "cloudfare")


@pytest.mark.parametrize("name", ["bad name.ferry.test", "-x.ferry.test", "ferry", "a..ferry.test", "*.*.ferry.test"])
def test_an_invalid_name(lab, product, name):
    text = yaml(lab.config([lab.domain(name, cert_name="bad")]))
    check_config_error(lab, product, text, "certferry.yaml:")


def test_a_config_with_a_secret_that_others_can_read(lab, product):
    config = lab.config([lab.wildcard("*.bad.ferry.test")])
    config["ssl"]["dns_providers"]["cloudflare"]["api_token"] = "canary-canary-canary-canary-canary-canary"
    product.write_config(config).chmod(0o644)
    run = product.run("apply")
    assert run.code == 2 and "certferry.yaml" in run.err and "canary" not in run.text, run


@pytest.mark.parametrize("args", [["aply"], ["apply", "--forse"], ["apply", "--timeout", "soon"], []])
def test_bad_usage(lab, product, args):
    product.write_config(lab.config([lab.domain("bad.ferry.test")]))
    run = product.run(*args)
    assert run.code == 2 and run.err, run


def test_a_server_taken_for_a_certificate_or_a_ca(lab, product):
    """The two mix-ups of who wants one server only."""
    product.write_config(lab.config([lab.domain("www.ferry.test", ["web-1"])]))
    for args in (["deploy", "web-1"], ["deploy", "--server", "web-1"]):
        run = product.run(*args)
        assert run.code == 2 and "deploy --to" in run.err, run


def test_a_config_file_that_is_not_there(lab, product):
    run = product.run("apply")
    assert run.code == 2 and "certferry.yaml" in run.err, run


def test_an_unknown_host_key_is_shown_with_what_would_accept_it(lab, product):
    known = write(product.dir / "known_hosts", lab.servers["web-2"].known_hosts_line())
    servers = {name: lab.server_entry(server, known_hosts=str(known)) for name, server in lab.servers.items()}
    product.write_config(lab.config([lab.wildcard("*.hostkey.ferry.test", ["web-1", "web-2"])], servers=servers))
    tree = lab.servers["web-1"].tree()
    run = product.run("apply", "--json")
    assert run.code == 3, run
    entries = run.deployed("hostkey.ferry.test")
    assert entries["web-2"]["result"] == "deployed", run
    assert entries["web-1"]["result"] == "failed", run
    assert "SHA256:" in str(entries["web-1"]["error"]), f"the fingerprint is missing\n{run}"
    assert "web-1" in str(entries["web-1"]["error"]["hint"]) or "known_hosts" in entries["web-1"]["error"]["hint"], run
    assert lab.servers["web-1"].tree() == tree


def test_a_changed_host_key_is_refused(lab, product):
    line = lab.servers["web-2"].known_hosts_line().split(" ", 1)[1]
    known = write(product.dir / "known_hosts", f"[127.0.0.1]:{lab.servers['web-1'].ssh_port} {line}")
    servers = {"web-1": lab.server_entry(lab.servers["web-1"], known_hosts=str(known))}
    product.write_config(lab.config([lab.wildcard("*.hostkey2.ferry.test", ["web-1"])], servers=servers))
    tree = lab.servers["web-1"].tree()
    run = product.run("apply", "--json")
    assert run.code == 3 and run.deployed("hostkey2.ferry.test")["web-1"]["result"] == "failed", run
    assert lab.servers["web-1"].tree() == tree


def test_an_order_that_the_ca_refuses(lab, product):
    product.write_config(lab.config([lab.domain(BLOCKED), lab.domain("fine.ferry.test")]))
    run = product.run("apply", "--json")
    assert run.code == 3, run
    refused = run.result(BLOCKED)
    assert refused["action"] == "failed", run
    assert refused["error"]["type"] == "urn:ietf:params:acme:error:rejectedIdentifier", run
    assert "forbidden by policy" in refused["error"]["detail"], run
    assert run.result("fine.ferry.test")["action"] == "issued", run
    product.write_config(lab.config([lab.domain(BLOCKED)]))
    run = product.run("apply", "--force")
    assert run.code == 1 and BLOCKED in run.text and "forbidden by policy" in run.text, run


def test_a_name_that_does_not_exist_in_dns(lab, product):
    product.write_config(lab.config([lab.domain(MISSING)]))
    run = product.run("apply", "--json")
    assert run.code == 1, run
    error = run.result(MISSING)["error"]
    assert MISSING in str(error) and error["type"].startswith("urn:ietf:params:acme:error:"), run
    assert not product.live(MISSING).exists()
    assert not list(lab.webroot.glob(".well-known/acme-challenge/*"))


def test_a_web_root_that_cannot_be_written(lab, product):
    wall = product.dir / "wall"
    wall.write_text("a file where a folder should be\n")
    product.write_config(lab.config([lab.domain("wall.ferry.test", webroot=str(wall))]))
    run = product.run("apply", "--json")
    assert run.code == 1, run
    assert str(wall) in str(run.result("wall.ferry.test")["error"]), run
    assert wall.read_text() == "a file where a folder should be\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_web_root_without_permission(lab, product):
    locked = product.dir / "locked"
    locked.mkdir(mode=0o500)
    product.write_config(lab.config([lab.domain("locked.ferry.test", webroot=str(locked))]))
    run = product.run("apply")
    assert run.code == 1 and str(locked) in run.text and "ermission" in run.text, run


def test_a_token_that_the_vendor_refuses(lab, product):
    product.write_config(lab.config([lab.wildcard("*.token.ferry.test")]))
    run = product.run("apply", env={"CLOUDFLARE_API_TOKEN": "wrong-token-0123456789-0123456789-0123456789"})
    assert run.code == 1, run
    assert "Cloudflare" in run.text and "9109" in run.text and "Invalid access token" in run.text, run
    assert "wrong-token-0123456789" not in run.text, run


def test_a_zone_that_nobody_has(lab, product):
    product.write_config(lab.config([lab.wildcard("*.nobody.invalid")]))
    run = product.run("apply")
    assert run.code == 1 and "nobody.invalid" in run.text and "Cloudflare" in run.text, run


def test_a_ca_that_is_not_there(lab, product):
    config = lab.config([lab.domain("noca.ferry.test")])
    config["ssl"]["provider"]["url"] = "https://127.0.0.1:1/dir"
    product.write_config(config)
    run = product.run("apply", timeout=60)
    assert run.code == 1 and "127.0.0.1" in run.text, run


def test_what_is_live_stays_live_through_all_of_this(lab, product):
    product.write_config(lab.config([lab.wildcard("*.stays.ferry.test", ["web-1"])]))
    assert product.run("apply").code == 0
    served, target = lab.served("web-1", "stays.ferry.test"), os.readlink(product.live("stays.ferry.test"))
    lab.cloudflare.fault("status", status=403, code=10000, message="Authentication error", count=99)
    # A name more, since the CA may reuse the authorizations it has.
    product.write_config(lab.config([lab.wildcard("*.stays.ferry.test", ["web-1"], aliases=["more.ferry.test"])]))
    run = product.run("apply")
    # Its server goes on serving what it should, so this may count as a part that succeeded.
    assert run.code in (1, 3) and "10000" in run.text and "Authentication error" in run.text, run
    assert lab.served("web-1", "stays.ferry.test") == served
    assert os.readlink(product.live("stays.ferry.test")) == target
