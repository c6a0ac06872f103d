# SPDX-License-Identifier: Apache-2.0
"""One deployment target many times over: a real sshd on which each slot, a folder and an nginx, is a server of its own, so
that one run of the product meets as many failures at once as there are slots, each with what must hold whatever happens.

    slots = Slots(lab)                          # stop() at the end
    slots.settle("ours")                        # every slot has one generation; the store's live one is another
    slots["s0"].plan(at=17, do="stall")         # see fakes/sftp_server.py
    with slots.watched():                       # key and certificate match at every instant
        run = slots.deploy(timeout=3)
    slots.check(run)                            # what must hold after a failure
    slots.recover()                             # the next run succeeds and leaves no rubbish
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
import stat
import sys
import threading
import time

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import pkcs12

from . import certificates
from .processes import descendants, run
from .product import ROOT
from .servers import Nginx, self_signed, write

FILES = ("cert.pem", "chain.pem", "fullchain.pem", "privkey.pem")
COPIES = {"combined": "combined.pem", "chain": "chain.pem", "privkey": "key.pem", "pkcs12": "keystore.p12"}
PASSWORD = "of every slot's keystore"
RESULTS = ("deployed", "unchanged", "rolled_back", "failed")

VHOST = """\
server {{
	listen 127.0.0.1:{port} ssl;
	server_name {name};
	ssl_certificate {home}/fullchain.pem;
	ssl_certificate_key {home}/privkey.pem;
}}
"""


def read(path):
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def identity(path):
    try:
        info = os.lstat(path)
        return info.st_ino, info.st_ctime_ns, info.st_size
    except FileNotFoundError:
        return None


class Planned:
    """One that fakes/sftp_server.py is told of, by files in its folder `control`."""

    control = None

    def plan(self, **plan):
        (self.control / "plan.json").write_text(json.dumps(plan))

    def clear(self):
        for path in self.control.iterdir():
            path.unlink()

    def reached(self):
        return (self.control / "reached").exists()

    def requests(self):
        """The requests of the sessions since clear(), each as (number, kind, paths)."""
        lines = (self.control / "log").read_text().splitlines() if (self.control / "log").exists() else []
        return [(int(number), kind, paths) for number, kind, paths in (line.split(" ", 2) for line in lines)]


class Slot(Planned):
    def __init__(self, slots, name):
        self.slots, self.name = slots, name
        self.server_name = f"{name}.slots.ferry.test"
        self.dir = slots.server.home / "slots" / name
        self.live, self.extra = self.dir / "live", self.dir / "extra"
        self.home = self.live / slots.cert
        self.nginx = Nginx(slots.server.home / "nginxes" / name)
        write(self.nginx.dir / "vhosts/slot.conf", VHOST.format(port=self.nginx.port, home=self.home, name=self.server_name))
        self.control = slots.control / name
        self.control.mkdir(parents=True)
        self.before, self.state, self.changes = None, "empty", {}

    def entry(self, **changes):
        entry = self.slots.lab.server_entry(
            self.slots.server,
            dir=str(self.live),
            files={kind: str(self.extra / name) for kind, name in COPIES.items()},
            pkcs12_password=PASSWORD,
            test_command=self.nginx.test_command,
            reload_command=self.nginx.reload_command,
            verify={"address": "127.0.0.1", "port": self.nginx.port},
        )
        if self.state == "empty":  # nothing there that a web server could be started with
            entry.update(test_command="", reload_command="", verify=False)
        return {**entry, **changes, **self.changes}

    # What is there before a run.

    def reset(self, state):
        """STATE: "empty", "plain" (files as certbot or a hand leaves them) or "ours" (deployed to by the product)."""
        self.state = state
        shutil.rmtree(self.dir, ignore_errors=True)
        if state == "empty":
            self.extra.mkdir(parents=True)
            return
        shutil.copytree(self.slots.plain, self.home)
        shutil.copytree(self.slots.plain_copies, self.extra)
        self.nginx.reload() if self.nginx.child else self.nginx.start()

    # What a reader sees.

    def look_at_each(self):
        """What generation the four files are, and each copy: the names of those that it may be, as a set. What cannot be
        told for the change of a file meanwhile is "changing"."""
        paths = [self.home / name for name in (*FILES, "current")] + [self.extra / name for name in COPIES.values()]
        before = [identity(path) for path in paths]
        contents = [read(path) for path in paths if path.name != "current"]
        if [identity(path) for path in paths] != before:
            return [{"changing"}] * (1 + len(COPIES))
        return [{self.slots.which(contents[:4])}, *map(self.slots.which_copy, COPIES, contents[4:])]

    def look(self):
        """(generation, generation of all the copies), each None where nothing is there."""
        (live,), *copies = self.look_at_each()
        common = set.intersection(*copies)
        return live, common.pop() if len(common) == 1 else f"not one generation: {dict(zip(COPIES, copies))}"

    def seen(self):
        """What it serves, by a handshake."""
        context = ssl._create_unverified_context()
        with socket.create_connection(("127.0.0.1", self.nginx.port), timeout=10) as raw:
            with context.wrap_socket(raw, server_hostname=self.server_name) as tls:
                found = hashlib.sha256(tls.getpeercert(binary_form=True)).hexdigest()
        return self.slots.fingerprints.get(found, found)

    def served(self, allowed, seconds=5):
        """The same once the workers of before are gone, as far as it is one of ALLOWED."""
        end = time.monotonic() + seconds
        while (seen := self.seen()) not in allowed and time.monotonic() < end:
            time.sleep(0.02)
        return seen

    # What must hold.

    def check_secrets(self):
        for path in self.dir.rglob("*"):
            secret = path.is_file() and not path.is_symlink() and (b"PRIVATE KEY" in path.read_bytes() or ".p12" in path.name)
            if secret:
                assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"{path} can be read by others"

    def check(self, entry, new):
        """After a run that ended as ENTRY of the JSON result says, in which NEW was to be deployed."""
        assert entry["result"] in RESULTS, entry
        live = self.look_at_each()
        allowed = {"deployed": {new}, "unchanged": {new}, "rolled_back": {self.before}, "failed": {self.before, new}}
        may = allowed[entry["result"]]
        assert all(one & may for one in live), f"{self.name}: {live} live, not {may}: {entry}"
        if self.state != "empty":
            assert (seen := self.served(may)) in may, f"{self.name}: {seen} is served, not {may}: {entry}"
        self.check_secrets()
        if entry["result"] in ("rolled_back", "failed"):
            error = entry["error"]
            assert error["step"] and error["detail"], f"{self.name}: {error}"
            assert error["hint"] or error["type"] or len(error["detail"]) > 20, f"{self.name}: {error}"
        else:
            assert entry["error"] is None, entry

    def check_tidy(self, new):
        """Exactly what a server that never failed has."""
        assert self.look() == (new, new), f"{self.name}: {self.look()}, not {new}"
        found = sorted(path.name for path in self.home.iterdir())
        assert found == sorted([*FILES, "current", "generations"]), f"{self.name}: {found}"
        assert sorted(path.name for path in self.extra.iterdir()) == sorted(COPIES.values()), list(self.extra.iterdir())
        assert [path.name for path in self.live.iterdir()] == [self.slots.cert]
        assert all(os.readlink(self.home / name) == f"current/{name}" for name in FILES)
        generations = list((self.home / "generations").iterdir())
        assert len(generations) <= 3, generations
        for folder in generations:
            inside = sorted(path.name for path in folder.iterdir())
            assert inside == list(FILES), f"{folder}: {inside}"
            assert self.slots.which([read(folder / name) for name in FILES]) in self.slots.known, folder
        self.check_secrets()
        if self.state != "empty":
            assert (seen := self.served({new})) == new, f"{self.name}: {seen} is served, not {new}"


def spread(last, count):
    """COUNT numbers from 1 to LAST, spread evenly, or all of them where everything is tried (CERTFERRY_THOROUGH=1)."""
    if count >= last or os.environ.get("CERTFERRY_THOROUGH") == "1":
        return list(range(1, last + 1))
    return [1 + at * (last - 1) // (count - 1) for at in range(count)]


class Watcher(threading.Thread):
    """Reads what servers read, again and again."""

    def __init__(self, slots):
        super().__init__()
        self.slots, self.over, self.looks, self.problems = slots, threading.Event(), 0, []

    def run(self):
        while not self.over.is_set():
            for slot in self.slots:
                seen = slot.look_at_each()
                self.looks += {"changing"} not in seen
                for at, what in enumerate(seen):
                    if not what & {*self.slots.known, "changing"} and not (None in what and slot.before is None):
                        self.problems.append(f"{slot.name}: a reader sees {what} as {['files', *COPIES][at]}")


class Slots:
    def __init__(self, lab, count=10, cert="slots.ferry.test"):
        self.lab, self.server, self.cert = lab, lab.servers["web-1"], cert
        self.control = lab.dir / f"control-{cert}"
        self.slots = [Slot(self, f"s{number}") for number in range(count)]
        self.plain = lab.dir / f"plain-{cert}"
        self_signed(self.plain, [cert])
        shutil.copy(self.plain / "fullchain.pem", self.plain / "cert.pem")
        write(self.plain / "chain.pem", "# none\n")
        self.plain_copies, self.keystores = self.copy_plain(lab.dir / f"plain-copies-{cert}"), {}
        self.server.use_sftp(f"{sys.executable} -S -E {ROOT}/tests/fakes/sftp_server.py {self.control}")
        self.product = lab.product()
        self.beside = {}  # further servers of the config, such as jump hosts
        self.known, self.fingerprints, self.new, self.tidy = {}, {}, None, False
        self.learn("plain", self.plain)
        self.issue()

    def __iter__(self):
        return iter(self.slots)

    def __len__(self):
        return len(self.slots)

    def __getitem__(self, name):
        return next(slot for slot in self.slots if slot.name == name)

    def stop(self):
        for slot in self:
            slot.nginx.stop()

    @contextlib.contextmanager
    def commands_ended(self):
        """What commands left running, by its number in a file "pid" of their slot's control folder, is gone afterwards."""
        try:
            yield
        finally:
            for path in self.control.glob("*/pid"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(path.read_text()), signal.SIGKILL)

    # Two generations in the store, of which the one that is live here is to be live there.

    def issue(self):
        self.product.write_config(self.lab.config([self.lab.domain(self.cert)]))
        for number in ("1", "2"):
            run = self.product.run("apply", *(["--force"] if number == "2" else []))
            assert run.code == 0, run
            self.learn(number, self.product.state / "archive" / self.cert / number)
        self.new = "2"

    def learn(self, name, folder):
        contents = [read(folder / file) for file in FILES]
        self.known[name] = contents
        self.fingerprints[certificates.fingerprint(folder / "cert.pem")] = name

    def which(self, contents):
        """The generation that these contents of the four files are, None for nothing at all."""
        for name, known in self.known.items():
            if contents == known:
                return name
        if contents == [None] * 4:
            return None
        return "not one generation: " + " ".join(
            f"{file}={[name for name, known in self.known.items() if known[at] == contents[at]] or repr(contents[at])[:60]}"
            for at, file in enumerate(FILES))  # fmt: skip

    def which_copy(self, kind, content):
        """The names of the generations that CONTENT is the copy of KIND of: a chain may be the same in several."""
        if content is None:
            return {None}
        if kind == "pkcs12":
            found = {self.which_keystore(content)}
        else:
            copies = {"combined": lambda files: files[2] + files[3], "chain": lambda files: files[1], "privkey": lambda files: files[3]}
            found = {name for name, files in self.known.items() if copies[kind](files) == content}
        return found - {None} or {f"no generation: {content[:60]!r}"}

    def which_keystore(self, content):
        """The generation whose key and certificate are in it, whole; None: of none."""
        if content not in self.keystores:
            try:
                key, leaf, _ = pkcs12.load_key_and_certificates(content, PASSWORD.encode())
                fits = key.public_key().public_numbers() == leaf.public_key().public_numbers()
                self.keystores[content] = self.fingerprints.get(leaf.fingerprint(SHA256()).hex()) if fits else None
            except ValueError:
                self.keystores[content] = None
        return self.keystores[content]

    def copy_plain(self, folder):
        """The copies that are there before the product was, in FOLDER."""
        folder.mkdir()
        shutil.copy(self.plain / "chain.pem", folder / COPIES["chain"])
        shutil.copy(self.plain / "privkey.pem", folder / COPIES["privkey"])
        combined = (self.plain / "fullchain.pem").read_text() + (self.plain / "privkey.pem").read_text()
        write(folder / COPIES["combined"], combined, mode=0o600)
        run(["openssl", "pkcs12", "-export", "-inkey", self.plain / "privkey.pem", "-in", self.plain / "fullchain.pem",
             "-passout", f"pass:{PASSWORD}", "-out", folder / COPIES["pkcs12"]])  # fmt: skip
        (folder / COPIES["pkcs12"]).chmod(0o600)
        return folder

    def flip(self):
        """The other of the two generations is the live one of the store."""
        self.new = "1" if self.new == "2" else "2"
        link = self.product.live(self.cert)
        link.unlink()
        link.symlink_to(f"../archive/{self.cert}/{self.new}")

    # Runs.

    def configure(self, **changes):
        """CHANGES of each slot's server, over which a slot's own `changes` go."""
        self.tidy = False
        servers = {slot.name: slot.entry(**changes) for slot in self}
        domain = self.lab.domain(self.cert, list(servers), serve=False)
        self.product.write_config(self.lab.config([domain], servers={**servers, **self.beside}))

    def settle(self, state):
        """Every slot begins in STATE: what it has is not what the store has."""
        for slot in self:
            slot.changes = {}
            slot.clear()
            if state != "ours" or slot.state != "ours":
                slot.reset(state)
                self.tidy = False
        if state == "ours":
            if not self.tidy:
                self.recover()
            self.flip()
        for slot in self:
            slot.before = slot.look()[0]
            slot.clear()

    def start(self, *args, **changes):
        self.configure(**changes)
        return self.product.start("deploy", "--json", *args)

    def deploy(self, *args, within=120, **changes):
        self.configure(**changes)
        return self.product.run("deploy", "--json", *args, timeout=within)

    @contextlib.contextmanager
    def watched(self):
        watcher = Watcher(self)
        watcher.start()
        try:
            yield watcher
        finally:
            watcher.over.set()
            watcher.join()
        assert watcher.looks and not watcher.problems, watcher.problems[:5]

    def check(self, run):
        """What must hold after RUN, whatever happened. Slot -> its result."""
        deployed = run.deployed(self.cert)
        for slot in self:
            slot.check(deployed[slot.name], self.new)
        results = [entry["result"] for entry in deployed.values()]
        good = sum(result in ("deployed", "unchanged") for result in results)
        assert run.code == (0 if good == len(results) else 3 if good else 1), f"exit {run.code} with {results}\n{run}"
        return deployed

    def clean_run(self, state):
        """How many requests a deployment takes that begins in STATE and that nothing happens to."""
        self.settle(state)
        run = self.deploy()
        assert run.code == 0, run
        self.check(run)
        return max(number for number, _, _ in self.slots[0].requests())

    def rounds(self, points):
        """POINTS, as many at a time as there are slots."""
        return [points[at : at + len(self.slots)] for at in range(0, len(points), len(self.slots))]

    def recover(self, sessions=False):
        """The next run, without any failure, and what is there after it; SESSIONS of before may be left."""
        for slot in self:
            slot.changes = {}
            slot.clear()
        run = self.deploy()
        assert run.code == 0, run
        for slot in self:
            slot.check_tidy(self.new)
        if not sessions:
            self.check_no_sessions()
        self.tidy = True
        return run

    def check_no_sessions(self, seconds=10):
        """No session of ours outlives a run there."""
        end = time.monotonic() + seconds
        while left := descendants(self.server.sshd.process.pid):
            assert time.monotonic() < end, f"processes of sessions are left: {left}"
            time.sleep(0.02)
