# SPDX-License-Identifier: Apache-2.0
"""A second run has nothing to do, says so, and disturbs nobody."""


def test_second_apply_asks_and_writes_nothing(lab, product):
    product.write_config(lab.config([
        lab.wildcard("*.same.ferry.test", ["web-1", "web-2"]),
        lab.domain("same-www.ferry.test"),
    ]))  # fmt: skip
    assert product.run("apply").code == 0
    mark, trees = lab.ca.mark(), [server.tree() for server in lab.servers.values()]
    vendor = len(lab.cloudflare.requests())
    served = [lab.served(name, "same.ferry.test") for name in lab.servers]
    sessions = [server.ssh_sessions() for server in lab.servers.values()]
    reloads = [(server.dir / "error.log").read_text().count("signal process started") for server in lab.servers.values()]

    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert [entry["action"] for entry in run.json["results"]] == ["unchanged", "unchanged"], run
    for entry in run.deployed("same.ferry.test").values():
        assert entry["result"] == "unchanged" and entry["error"] is None, run

    assert lab.ca.requests(mark) == [], "the CA was asked"
    assert len(lab.cloudflare.requests()) == vendor, "the DNS vendor was asked"
    assert trees == [server.tree() for server in lab.servers.values()], "something was written on a server"
    assert served == [lab.served(name, "same.ferry.test") for name in lab.servers]
    assert sessions == [server.ssh_sessions() for server in lab.servers.values()], "a server was connected to for nothing"
    after = [(server.dir / "error.log").read_text().count("signal process started") for server in lab.servers.values()]
    assert reloads == after, "nginx was reloaded for nothing"

    run = product.run("apply")
    assert run.code == 0 and "unchanged" in run.out, run


def test_what_was_changed_by_hand_on_a_server_is_put_right_without_the_ca(lab, product):
    product.write_config(lab.config([lab.wildcard("*.hand.ferry.test", ["web-1", "web-2"])]))
    assert product.run("apply").code == 0
    wanted = lab.served("web-1", "hand.ferry.test")
    server = lab.servers["web-2"]
    server.forget("hand.ferry.test")
    server.serve("hand.ferry.test", ["*.hand.ferry.test", "hand.ferry.test"])
    assert lab.served("web-2", "hand.ferry.test") != wanted
    mark = lab.ca.mark()
    run = product.run("deploy", "--json")
    assert run.code == 0, run
    results = {name: entry["result"] for name, entry in run.deployed("hand.ferry.test").items()}
    assert results == {"web-1": "unchanged", "web-2": "deployed"}, run
    assert lab.served("web-2", "hand.ferry.test") == wanted
    assert lab.ca.requests(mark) == []


def test_only_the_named_certificate_is_looked_at(lab, product):
    product.write_config(lab.config([lab.wildcard("*.one.ferry.test"), lab.wildcard("*.other.ferry.test")]))
    run = product.run("apply", "one.ferry.test", "--json")
    assert run.code == 0, run
    assert [entry["name"] for entry in run.json["results"]] == ["one.ferry.test"], run
    assert not product.live("other.ferry.test").exists()
