# SPDX-License-Identifier: Apache-2.0
"""A wildcard and its apex in one certificate, from Pebble, through every DNS vendor in turn: two values at one name."""

import pytest
from lab import certificates
from lab.vendor import VENDORS


@pytest.mark.parametrize("name", sorted(VENDORS))
def test_a_wildcard_with_its_apex(lab, product, name):
    vendor = lab.another_vendor(name, ["ferry.test", "sub.ferry.test", "notferry.test"])
    ca = lab.another_ca(resolver=vendor.resolver)
    product.resolver = vendor.resolver
    vendor.add("sub.ferry.test", "_acme-challenge.sub.ferry.test", "somebody-elses")
    domains = [
        {"name": "*.sub.ferry.test", "type": "wildcard", "dns_provider": name},
        {"name": "*.ferry.test", "type": "wildcard", "dns_provider": name},
    ]
    product.write_config(lab.config(domains, servers={}, provider=lab.provider(ca),
                                    dns_providers={name: vendor.settings()}))  # fmt: skip
    run = product.run("apply", "--json")
    assert run.code == 0, run
    for cert in ("sub.ferry.test", "ferry.test"):
        assert run.result(cert)["action"] == "issued", run
        assert certificates.names(product.live(cert) / "cert.pem") == [f"*.{cert}", cert]
    left = [record["content"].strip('"') for record in vendor.records()]
    assert left == ["somebody-elses"], "ours are gone, the other one is not: " + repr(left)
    for secret in (value for key, value in vendor.settings().items() if key.endswith(("token", "key", "secret"))):
        assert secret not in run.text
    # Two values at each of two names, whatever the vendor's unit is; one access token, where it has those.
    writes = [entry for entry in vendor.requests() if entry["method"] != "GET" and entry["status"] < 300
              and not entry["path"].endswith("/token")]  # fmt: skip
    assert len(writes) <= 8, writes
    assert sum(entry["path"].endswith("/token") for entry in vendor.requests()) <= 1
