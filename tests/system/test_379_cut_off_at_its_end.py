# SPDX-License-Identifier: Apache-2.0
"""A deployment that is proven gives up what it would have gone back to. Cut off there, the next one that fails goes back to
what was proven last, with all its files: never to the one before, and never to some of each.
"""

import json
import os
import sys

import pytest
from lab import certificates
from lab.product import ROOT
from lab.wait import until

CERT = "end.ferry.test"
COPIES = {"fullchain": "a.pem", "privkey": "b.pem", "combined": "c.pem"}


class Place:
    def __init__(self, lab, product):
        self.lab, self.product, self.server = lab, product, lab.servers["web-1"]
        self.folder = self.server.home / "slots" / product.dir.name
        self.home, self.extra = self.folder / "live" / CERT, self.folder / "extra"
        self.extra.mkdir(parents=True)
        control = lab.dir / f"control-{product.dir.name}"
        self.control = control / product.dir.name
        self.control.mkdir(parents=True)
        self.server.use_sftp(f"{sys.executable} -S -E {ROOT}/tests/fakes/sftp_server.py {control}")

    def configure(self, copies=True, **changes):
        files = {kind: str(self.extra / name) for kind, name in COPIES.items()} if copies else {}
        plain = {"dir": str(self.folder / "live"), "files": files, "test_command": "", "reload_command": "", "verify": False}
        entry = self.lab.server_entry(self.server, **{**plain, "timeout": 10, **changes})
        self.product.write_config(self.lab.config([self.lab.domain(CERT, ["web-1"], serve=False)], servers={"web-1": entry}))

    def renew(self, **plan):
        (self.control / "reached").unlink(missing_ok=True)
        if plan:
            (self.control / "plan.json").write_text(json.dumps(plan))
        run = self.product.run("apply", "--force", "--json")
        assert not plan or (self.control / "reached").exists(), run
        return run, run.deployed(CERT)["web-1"]["result"]

    def live(self):
        """What is live, which is one generation in all its places."""
        assert certificates.pair_matches(self.home)
        files = {name: (self.home / f"{name}.pem").read_text() for name in ("fullchain", "privkey")}
        copies = {kind: (self.extra / name).read_text() for kind, name in COPIES.items()}
        assert copies == {**files, "combined": files["fullchain"] + files["privkey"]}, sorted(copies)
        return os.readlink(self.home / "current")

    def is_tidy(self):
        return sorted(path.name for path in self.extra.iterdir()) == sorted(COPIES.values()) and sorted(
            path.name for path in self.home.iterdir() if path.name.startswith(".")) == []  # fmt: skip


@pytest.fixture
def place(lab, product):
    one = Place(lab, product)
    yield one
    one.server.use_sftp("internal-sftp")


@pytest.mark.parametrize("at", ["live/.*/.certferry-previous", *(f"extra/.{name}.certferry-previous" for name in COPIES.values())])
@pytest.mark.parametrize("do", ["end", "kill sshd", "refused", "stall"])
def test_and_the_next_one_fails(place, at, do):
    place.configure()
    assert place.renew()[1] == "deployed"
    first = place.live()
    run, result = place.renew(when=f"remove .*{at}$", do=do)
    second = place.live()
    assert second != first, run
    told_as_failed = result == "failed"
    if told_as_failed:
        error = run.deployed(CERT)["web-1"]["error"]
        assert "the new files are live" in error["detail"] and "next run" in error["hint"] and run.code == 3, run
    else:
        assert result == "deployed" and run.code == 0, run
    place.configure(test_command="false")
    run, result = place.renew()
    assert result == "rolled_back", run
    assert place.live() in ({first, second} if told_as_failed else {second}), run
    place.configure()
    run, result = place.renew()
    assert result == "deployed" and place.live() not in (first, second) and place.is_tidy(), run


@pytest.mark.parametrize("name", COPIES.values())
def test_of_copies_alone(place, name):
    """The directory has the files already; the copies come later, in place of others."""
    place.configure(copies=False)
    assert place.renew()[1] == "deployed"
    for copy in COPIES.values():
        (place.extra / copy).write_text(f"before {copy}\n")
    place.configure()
    plan = {"when": f"extended .*{name}.certferry-new.*{name}$", "do": "hold"}
    (place.control / "plan.json").write_text(json.dumps(plan))
    process = place.product.start("deploy")
    until((place.control / "held").exists, f"{name} is put in its place")
    process.kill()
    process.communicate()
    (place.control / "go").touch()
    until(lambda: (place.extra / name).read_text() != f"before {name}\n", f"{name} is in its place")
    place.configure(test_command="false")
    run = place.product.run("deploy", "--json")
    assert run.deployed(CERT)["web-1"]["result"] == "rolled_back", run
    assert {copy: (place.extra / copy).read_text() for copy in COPIES.values()} == {
        copy: f"before {copy}\n" for copy in COPIES.values()}, run  # fmt: skip
    assert place.is_tidy(), run
    place.configure()
    run = place.product.run("deploy", "--json")
    assert run.code == 0 and place.live() and place.is_tidy(), run
