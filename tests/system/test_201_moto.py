# SPDX-License-Identifier: Apache-2.0
"""Route 53 against moto, an emulation of AWS that others wrote: two values at one name, and a role."""

import os
import subprocess
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import need
from lab.processes import Child, free_port, listening
from lab.product import binary

ROOT = Path(__file__).resolve().parent.parent.parent
MOTO = Path(os.environ.get("CERTFERRY_MOTO", ROOT / "build/tools/moto/bin/moto_server"))
SPACE = "{https://route53.amazonaws.com/doc/2013-04-01/}"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
SIGNED = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/route53/aws4_request, SignedHeaders=host, Signature=0"


class Moto:
    def __init__(self, folder):
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.child = Child("moto", [str(MOTO), "-H", "127.0.0.1", "-p", str(port)], folder / "moto.log")
        self.child.wait_ready(lambda: listening(port), seconds=60)

    def ask(self, path, body=None):
        request = urllib.request.Request(self.url + "/2013-04-01" + path, data=body.encode() if body else None,
                                         headers={"Authorization": SIGNED, "Content-Type": "text/xml"})  # fmt: skip
        with urllib.request.urlopen(request, timeout=20) as answer:
            return ElementTree.fromstring(answer.read())

    def zone(self, name):
        answer = self.ask("/hostedzone", f'<CreateHostedZoneRequest xmlns="{SPACE[1:-1]}"><Name>{name}.</Name>'
                          f"<CallerReference>{name}</CallerReference></CreateHostedZoneRequest>")  # fmt: skip
        return answer.find(f"{SPACE}HostedZone/{SPACE}Id").text.split("/")[-1]

    def values(self, zone):
        answer = self.ask(f"/hostedzone/{zone}/rrset")
        found = {}
        for record_set in answer.iter(f"{SPACE}ResourceRecordSet"):
            if record_set.find(f"{SPACE}Type").text == "TXT":
                name = record_set.find(f"{SPACE}Name").text.rstrip(".")
                found[name] = sorted(value.text for value in record_set.iter(f"{SPACE}Value"))
        return found


@pytest.fixture(scope="module")
def moto(tmp_path_factory):
    need(os.access(MOTO, os.X_OK), "moto, which ./dev test --all installs below build/tools with pip")
    server = Moto(tmp_path_factory.mktemp("moto"))
    yield server
    server.child.stop()


def test_two_values_come_and_go_with_keys_and_with_a_role(moto):
    """Without a foreign value: unlike AWS, moto lets a CREATE pass that meets another set."""
    for name in ("aaa.test", "notferry.test", "ferry.test"):
        zone = moto.zone(name)
    program = binary().parent / "tests/test_moto"
    need(os.access(program, os.X_OK), "test_moto, built beside the binary")
    done = subprocess.run([program], env={**os.environ, **KEYS, "CERTFERRY_MOTO_URL": moto.url},
                          capture_output=True, text=True, timeout=120)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert moto.values(zone) == {}
