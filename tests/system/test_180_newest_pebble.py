# SPDX-License-Identifier: Apache-2.0
"""The newest released Pebble: the main job as with Debian's."""

from lab import certificates


def test_the_main_job(lab, newest, product):
    domains = [
        lab.wildcard("*.new.ferry.test", ["web-1", "web-2"]),
        lab.domain("www.ferry.test", ["web-1"], aliases=["ferry.test", "blog.ferry.test"]),
    ]
    product.write_config(lab.config(domains, provider=lab.provider(newest)))
    run = product.run("apply", "--json")
    assert run.code == 0, run
    assert run.result("new.ferry.test")["action"] == "issued", run
    assert certificates.names(product.live("new.ferry.test") / "cert.pem") == ["*.new.ferry.test", "new.ferry.test"]
    assert lab.served("web-2", "x.new.ferry.test") == certificates.fingerprint(product.live("new.ferry.test") / "cert.pem")
    assert lab.assert_pairs_match(product) >= 4
    assert newest.orders() == 2
    run = product.run("apply", "--json")
    assert run.code == 0 and run.result("www.ferry.test")["action"] == "unchanged", run
    assert newest.orders() == 2
