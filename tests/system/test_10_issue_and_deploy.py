# SPDX-License-Identifier: Apache-2.0
"""A wildcard certificate by dns-01, on two servers: the main job."""

import os
import stat

from lab import certificates

CERT = "api.ferry.test"
NAMES = ["*.api.ferry.test", "api.ferry.test"]


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_plan_tells_what_apply_would_do_and_touches_nothing(lab, product):
    product.write_config(lab.config([lab.wildcard("*.api.ferry.test", ["web-1", "web-2"])]))
    mark, trees = lab.ca.mark(), [server.tree() for server in lab.servers.values()]
    run = product.run("plan", "--json")
    assert run.code == 0, run
    entry = run.json["plan"][0]
    assert entry["name"] == CERT and entry["action"] not in ("none", "unchanged") and entry["reason"], run
    assert [server["server"] for server in entry["servers"]] == ["web-1", "web-2"], run
    assert not lab.ca.requests(mark), "plan asked the CA"
    assert not lab.cloudflare.requests(), "plan asked the DNS vendor"
    assert trees == [server.tree() for server in lab.servers.values()]
    assert not product.state.exists(), "plan made the state folder"


def test_a_wildcard_is_issued_stored_pushed_and_served(lab, product):
    product.write_config(lab.config([lab.wildcard("*.api.ferry.test", ["web-1", "web-2"])]))
    before = {name: lab.served(name, "x.api.ferry.test") for name in lab.servers}
    run = product.run("apply", "--json")
    assert run.code == 0, run
    result = run.result(CERT)
    assert result["action"] == "issued" and result["error"] is None and result["generation"] == 1, run
    assert {name: entry["result"] for name, entry in run.deployed(CERT).items()} == {
        "web-1": "deployed",
        "web-2": "deployed",
    }, run

    live = product.live(CERT)
    assert os.readlink(live) == f"../archive/{CERT}/1"
    assert certificates.names(live / "cert.pem") == NAMES
    assert "Pebble" in certificates.issuer(live / "cert.pem")
    assert (live / "fullchain.pem").read_text() == (live / "cert.pem").read_text() + (live / "chain.pem").read_text()
    assert mode(live / "privkey.pem") == 0o600
    assert mode(product.state) == 0o700 and mode(live) == 0o700

    wanted = certificates.fingerprint(live / "cert.pem")
    for name, server in lab.servers.items():
        assert before[name] != wanted
        for host in ("x.api.ferry.test", "api.ferry.test"):
            assert lab.verified(name, host) == wanted, f"{name} for {host}"
        folder = server.live / CERT
        assert (folder / "current").is_symlink() and (folder / "privkey.pem").is_symlink()
        assert mode(folder / "privkey.pem") == 0o600
        assert (folder / "fullchain.pem").read_bytes() == (live / "fullchain.pem").read_bytes()
        assert (folder / "privkey.pem").read_bytes() == (live / "privkey.pem").read_bytes()
    lab.assert_pairs_match(product)


def test_both_values_were_published_together_and_taken_away(lab, product):
    product.write_config(lab.config([lab.wildcard("*.two.ferry.test")]))
    foreign = lab.cloudflare.add("ferry.test", "_acme-challenge.two.ferry.test", '"somebody-elses"')
    run = product.run("apply")
    assert run.code == 0, run
    posts = [r for r in lab.cloudflare.requests() if r["method"] == "POST"]
    assert len(posts) == 2 and all("_acme-challenge.two.ferry.test" in r["body"] for r in posts)
    deletes = [i for i, r in enumerate(lab.cloudflare.requests()) if r["method"] == "DELETE"]
    assert len(deletes) == 2 and min(deletes) > lab.cloudflare.requests().index(posts[1])
    assert [record["id"] for record in lab.cloudflare.records()] == [foreign["id"]], "only ours may go, all of ours must"


def test_it_waits_until_the_name_servers_show_the_value(lab, product):
    """The CA asks once; a value that comes late to DNS must not fail the order."""
    lab.cloudflare.lag(2.0)
    product.write_config(lab.config([lab.wildcard("*.late.ferry.test")]))
    run = product.run("apply")
    assert run.code == 0, run
    assert run.seconds > 2.0


def test_the_zone_is_the_longest_suffix(lab, product):
    product.write_config(lab.config([lab.wildcard("*.x.sub.ferry.test"), lab.wildcard("*.notferry.test")]))
    run = product.run("apply")
    assert run.code == 0, run
    used = {r["path"].split("/")[4] for r in lab.cloudflare.requests() if r["method"] == "POST"}
    assert used == {lab.cloudflare.zones["sub.ferry.test"], lab.cloudflare.zones["notferry.test"]}


def test_list_and_show_tell_what_is_stored_and_served(lab, product):
    product.write_config(lab.config([lab.wildcard("*.listed.ferry.test", ["web-1"])]))
    assert product.run("apply").code == 0
    run = product.run("list", "--json")
    assert run.code == 0, run
    entry = run.json["certificates"][0]
    assert entry["name"] == "listed.ferry.test" and entry["status"] == "valid", run
    assert sorted(entry["domains"]) == ["*.listed.ferry.test", "listed.ferry.test"], run
    assert entry["key_type"] == "ecdsa-p256" and entry["generation"] == 1 and entry["days_left"] > 0, run
    server = entry["servers"][0]
    assert server["name"] == "web-1", run
    assert server["fingerprint_sha256"] == lab.served("web-1", "listed.ferry.test"), run
    run = product.run("show", "listed.ferry.test")
    assert run.code == 0 and "listed.ferry.test" in run.out and "web-1" in run.out, run


def test_another_key_type_and_the_ca_bundle_by_option(lab, product):
    config = lab.config([lab.wildcard("*.rsa.ferry.test", key_type="rsa-2048")])
    config["ssl"]["provider"] = lab.ca.url
    product.write_config(config)
    run = product.run("apply")
    assert run.code == 1 and "certificate" in run.text.lower(), "without the bundle the CA's own HTTPS is not trusted"
    run = product.run("--ca-bundle", lab.ca.ca_bundle, "apply", "--force")
    assert run.code == 0, run
    assert certificates.key_bits(product.live("rsa.ferry.test") / "cert.pem") == 2048
