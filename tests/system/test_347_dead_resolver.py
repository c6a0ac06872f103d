# SPDX-License-Identifier: Apache-2.0
"""This machine's own resolver (nsswitch.conf, /etc/hosts, resolv.conf) is asked where no --resolver is given. One that never
answers holds nothing for longer than the time that was meant for a server, and is named as the cause.
"""

import os
import socket
import subprocess

import pytest

from conftest import need

CERT = "slow.ferry.test"
NOBODY, LISTED = "nobody.dead.ferry.test", "listed.dead.ferry.test"
FOR_EVER = 100  # seconds: less than such a resolver takes to give up, more than any busy machine needs


@pytest.fixture
def alone(lab, product):
    """PRODUCT with a certificate on web-1, and from then on with a DNS server of its own that says nothing."""
    need(os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"]).returncode == 0, "mount namespaces")
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"])]))
    assert product.run("apply").code == 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.77.0.53", 53))
        (product.dir / "resolv.conf").write_text("nameserver 127.77.0.53\noptions timeout:30 attempts:5\n")
        (product.dir / "hosts").write_text(f"127.0.0.1 localhost {LISTED}\n")
        mounts = " && ".join(f"mount --bind {product.dir / name} /etc/{name}" for name in ("resolv.conf", "hosts"))
        product.under = ["unshare", "-m", "sh", "-c", f'{mounts} && exec "$@"', "sh"]
        product.resolver = None
        yield product


def reached_as(lab, product, **changes):
    entry = lab.server_entry(lab.servers["web-1"], timeout=4, **changes)
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"])], servers={"web-1": entry}))


def test_what_is_served(lab, alone):
    web = lab.servers["web-1"]
    reached_as(lab, alone, verify={"address": LISTED, "port": web.port})
    (entry,) = alone.run("list", "--json", timeout=FOR_EVER).json["certificates"]
    assert entry["servers"][0]["serves"]["certificate"] == "live", "the hosts file knows it"

    reached_as(lab, alone, verify={"address": NOBODY, "port": web.port})
    run = alone.run("list", "--json", timeout=FOR_EVER)
    (entry,) = run.json["certificates"]
    serves = entry["servers"][0]["serves"]
    assert run.code == 0 and serves["certificate"] == "unseen", run
    assert NOBODY in serves["error"]["detail"] and "looked up in time" in serves["error"]["detail"], serves
    for command in ("list", "plan"):
        run = alone.run(command, timeout=FOR_EVER)
        assert run.code == 0 and f"the address of {NOBODY} could not be looked up in time" in run.out, run


def test_where_to_deploy(lab, alone):
    reached_as(lab, alone, host=NOBODY)
    run = alone.run("deploy", "--force", "--json", timeout=FOR_EVER)
    error = run.deployed(CERT)["web-1"]["error"]
    assert run.code == 1 and error["step"] == "connect", run
    assert f"the address of {NOBODY} could not be looked up in time" in error["detail"] and "resolv.conf" in error["hint"], error
    run = alone.run("server", "test", timeout=FOR_EVER)
    assert run.code == 1 and f"the address of {NOBODY} could not be looked up in time" in run.text, run


def test_where_it_is_verified(lab, alone):
    """The files are there and reloaded, and nobody can tell what is served."""
    reached_as(lab, alone, verify={"address": NOBODY, "port": lab.servers["web-1"].port})
    run = alone.run("deploy", "--force", "--json", timeout=FOR_EVER)
    entry = run.deployed(CERT)["web-1"]
    assert run.code == 1 and entry["result"] == "rolled_back" and entry["error"]["step"] == "verify", run
    assert f"the address of {NOBODY} could not be looked up in time" in entry["error"]["detail"], entry
