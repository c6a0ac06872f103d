# SPDX-License-Identifier: Apache-2.0
"""One renewal at a CA that misbehaves, and what must hold whatever it did.

A certificate is issued once for a file of tests. Each case starts from a copy of that state with the renewal due, cues
its faults, and runs `apply`; check() then looks at everything a hostile CA must not achieve, and whether the next run,
at a CA that behaves again, succeeds.
"""

import re
import shutil
import unicodedata
from dataclasses import dataclass, field

from . import certificates

NAMES = ["www.ferry.test", "ferry.test"]
CERT = NAMES[0]
SLACK = 6  # seconds over --timeout that a run may take to stop, clean up and write, on a busy machine with sanitizers


@dataclass
class Case:
    """FAULTS are cued (a callable gets the server and returns them). The error's step is STEP (one of several, if a
    tuple), and every text of SAYS stands in what it says. TIMEOUT: seconds the run is given."""

    name: str
    faults: object
    step: object
    says: tuple = ()
    timeout: int = 20
    resume: bool = True  # whether the run after it must succeed without --force where no time was named
    new_accounts: int = 0
    options: dict = field(default_factory=dict)

    def __str__(self):
        return self.name


def case(name, *faults, step, says=(), **more):
    return Case(name, faults, step, (says,) if isinstance(says, str) else tuple(says), **more)


def dangerous(text):
    """The characters in TEXT that no output may hold: controls, bidirectional marks and the like."""
    allowed = "\n\t"
    kinds = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"}
    return sorted({hex(ord(c)) for c in text if c not in allowed and unicodedata.category(c) in kinds})


class Hostile:
    def __init__(self, scripted):
        self.lab, self.server = scripted, scripted.server
        self.first = scripted.product(NAMES)
        run = self.first.run("apply", "--json")
        assert run.code == 0, run
        assert self.server.violations == []
        self.accounts = {number: dict(account) for number, account in self.server.accounts.items()}
        self.first.make_due(CERT)

    def prepare(self):
        """A copy of the product with its renewal due, at a server that behaves."""
        self.server.reset()
        self.server.accounts = {number: dict(account) for number, account in self.accounts.items()}
        product = self.lab.product(NAMES)
        shutil.copytree(self.first.state, product.state, symlinks=True)
        return product

    def secrets(self, product):
        """What may be seen nowhere: the inside of every private key in the store, and every piece of it on a line."""
        found = []
        for path in product.state.rglob("*key*.pem"):
            lines = [line for line in path.read_text().splitlines() if line and not line.startswith("-----")]
            found += lines[1:] or lines
        return found

    def run(self, one):
        """The case's run: (product, run). Everything that must hold for every case is checked."""
        product = self.prepare()
        live = product.live(CERT)
        before = {name: (live / name).read_bytes() for name in ("cert.pem", "chain.pem", "fullchain.pem", "privkey.pem")}
        faults = one.faults(self.server) if callable(one.faults) else one.faults
        for fault in faults:
            fault.seen = fault.used = 0
            self.server.cue(fault)
        run = product.run("apply", "--json", "--timeout", str(one.timeout), timeout=one.timeout + 30)
        self.check(one, product, run, before)
        return product, run

    def check(self, one, product, run, before):
        assert run.code == 1, f"{one}: exit code {run.code}\n{run}"
        assert run.seconds < one.timeout + SLACK, f"{one}: {run.seconds:.1f} s\n{run}"
        live = product.live(CERT)
        assert live.resolve().name == "1" and {name: (live / name).read_bytes() for name in before} == before, run
        assert certificates.pair_matches(live)
        assert not dangerous(run.text), f"{one}: {dangerous(run.text)}\n{run}"
        for secret in self.secrets(product):
            assert secret not in run.text, f"{one}: a key is shown\n{run}"
        assert "PRIVATE KEY" not in run.text, run
        assert self.lab.challenge_files() == [], f"{one}: left in the web root\n{run}"
        assert self.server.count("new-account") == one.new_accounts, f"{one}: an account was made\n{self.server.requests}"
        assert not self.server.violations, f"{one}: {self.server.violations}"
        unused = [fault for fault in self.server.faults if fault.used == 0]
        assert not unused, f"{one}: never came to {unused}\n{run}\n{self.server.requests}"
        self.check_message(one, run)

    def check_message(self, one, run):
        result = run.result(CERT)
        assert result["action"] == "failed", run
        error = result["error"]
        steps = one.step if isinstance(one.step, tuple) else (one.step,)
        assert error["step"] in steps, f"{one}: the step is {error['step']}\n{run}"
        for text in one.says:
            assert text in error["detail"] or text in (error["type"] or "") or text in (error["hint"] or ""), (
                f"{one}: does not say {text!r}\n{run}")  # fmt: skip
        assert error["hint"], f"{one}: does not say what to do next\n{run}"
        assert re.search(rf"{re.escape(CERT)}.*\b{re.escape(error['step'])}\b", run.err, re.S), run

    def recovers(self, product):
        """The CA behaves again: the next run that is asked for by hand succeeds, with nothing left to do by hand."""
        self.server.reset()
        run = product.run("apply", "--force", "--json")
        assert run.code == 0, run
        assert self.server.violations == [], self.server.violations
        assert certificates.pair_matches(product.live(CERT))
        assert sorted(certificates.names(product.live(CERT) / "cert.pem")) == sorted(NAMES)
        return run

    def play(self, one):
        product, run = self.run(one)
        self.recovers(product)
        return run
