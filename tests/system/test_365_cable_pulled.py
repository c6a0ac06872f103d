# SPDX-License-Identifier: Apache-2.0
"""The network goes away while a command runs on a server, and nobody says goodbye: that is noticed long before the command's
own time is over. In a network of its own, whose cable can be pulled.
"""

import os
import subprocess
import time

import pytest
from conftest import need
from lab.processes import run as run_tool

CERT = "cable.ferry.test"
HERE, THERE = "198.18.77.1", "198.18.77.2"
SPACE, CABLE = "certferry-cable", "certferry-c0"


@pytest.fixture
def space():
    """A network namespace at the other end of a cable from this machine."""
    need(os.geteuid() == 0, "root, who makes network namespaces")
    remove = [["ip", "link", "del", CABLE], ["ip", "netns", "del", SPACE]]
    for argv in remove:
        subprocess.run(argv, capture_output=True, check=False)
    for line in (f"netns add {SPACE}", f"link add {CABLE} type veth peer name eth0 netns {SPACE}", f"addr add {HERE}/30 dev {CABLE}",
                 f"link set {CABLE} up", f"-n {SPACE} addr add {THERE}/30 dev eth0", f"-n {SPACE} link set eth0 up",
                 f"-n {SPACE} link set lo up"):  # fmt: skip
        run_tool(["ip", *line.split()])
    yield SPACE
    for argv in remove:
        subprocess.run(argv, capture_output=True, check=False)


@pytest.mark.skipif(os.environ.get("CERTFERRY_THOROUGH") != "1", reason="half a minute of waiting: CERTFERRY_THOROUGH=1")
def test_the_cable_is_pulled_while_a_command_runs(lab, product, space):
    server = lab.servers["web-1"]
    began = product.dir / "began"
    known = product.dir / "known_hosts"
    known.write_text(server.known_hosts_line().replace("127.0.0.1", HERE) + server.known_hosts_line())
    server.rule_ssh("".join(f"ListenAddress {address}:{server.ssh_port}\n" for address in ("127.0.0.1", HERE)))

    def configure(**changes):
        entry = lab.server_entry(server, known_hosts=str(known), timeout=5, **changes)
        product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"])], servers={"web-1": entry}))

    configure()
    assert product.run("apply").code == 0
    served = lab.served("web-1", CERT)
    configure(host=HERE, test_command=f"touch {began}; sleep 100", verify=False)
    begin = time.monotonic()
    argv = ["ip", "netns", "exec", space, *product.argv("deploy", "--force", "--json")]
    with subprocess.Popen(argv, env=product.env(), cwd=product.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not began.exists():
            assert process.poll() is None and time.monotonic() < begin + 60, process.communicate()
            time.sleep(0.05)
        pulled = time.monotonic()
        run_tool(["ip", "link", "set", CABLE, "down"])
        out, err = process.communicate(timeout=150)
    assert process.returncode == 1 and "the SSH connection was cut while a command ran" in out, out + err
    assert time.monotonic() - pulled < 60, out + err
    lab.assert_pairs_match(product)
    assert lab.served("web-1", CERT) == served

    configure()
    run = product.run("deploy", "--json")
    assert run.code == 0, run
    server.rule_ssh()
