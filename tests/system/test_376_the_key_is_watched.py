# SPDX-License-Identifier: Apache-2.0
"""The private key is on no command line, in no environment, in no log, in no file readable by others even for an instant:
every system call of ours that could put it there, and every one of the servers' SFTP, is looked at.
"""

import grp
import os
import re
import stat
import sys

import pytest
from conftest import need
from lab import needles
from lab.accounts import Account, why_no_accounts
from lab.processes import run
from lab.product import binary
from lab.servers import write
from lab.watch import Judge, Watch, why_not

CERT, OTHER, BY_HAND = "watched.ferry.test", "rsa.watched.ferry.test", "hand.watched.ferry.test"
PASSWORD = "a keystore's p4ssword"
# Sanitizers look for leaks by tracing, and what is traced already cannot be.
WITHOUT_LEAKS = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
COPIES = {"combined": "{name}.combined.pem", "privkey": "{name}.key", "pkcs12": "{name}.p12"}


class Job:
    """All that is ever done with a key, done once and watched."""

    def __init__(self, lab, account):
        self.lab, self.account = lab, account
        self.product = lab.product()
        self.product.environment = {}  # the token comes from a file
        self.group = grp.getgrgid(account.ids()[1])
        self.copies = {name: lab.servers[name].home / "copies" for name in lab.servers}
        for folder in self.copies.values():
            folder.mkdir()
        self.runs = []

    def entry(self, name, **changes):
        secret = write(self.product.dir / "keystore-password", PASSWORD, 0o600)
        files = {kind: str(self.copies[name] / file) for kind, file in COPIES.items()}
        return self.lab.server_entry(self.lab.servers[name], files=files, pkcs12_password=f"${{file:{secret}}}", **changes)

    def configure(self):
        token = write(self.product.dir / "token", self.lab.cloudflare.token, 0o600)
        servers = {
            "web-1": self.entry("web-1", webserver="nginx", owner="root", group=self.group.gr_name, key_mode="0640"),
            "web-2": self.entry("web-2", user=self.account.name, sudo=True),
        }
        domains = [
            self.lab.wildcard(f"*.{CERT}", ["web-1", "web-2"], hooks={"deploy": "env", "pre": "env", "post": "env"}),
            self.lab.domain(OTHER, ["web-1"], key_type="rsa-2048"),
        ]
        providers = {"cloudflare": {"api_token": f"${{file:{token}}}", "api_url": self.lab.cloudflare.url}}
        self.product.write_config(self.lab.config(domains, servers=servers, dns_providers=providers))

    def run(self, *args, code=0, config=True):
        before = os.umask(0)  # whoever starts it may have any
        try:
            run = self.product.run(*args, "-vv", env=WITHOUT_LEAKS, config=config, timeout=180)
        finally:
            os.umask(before)
        assert run.code == code, run
        self.runs.append(run)
        return run

    def run_all(self):
        web = self.lab.servers["web-1"]
        self.run("config", "check")
        self.run("server", "test")
        self.run("apply", "--json")
        self.run("apply", "--force", "--log-format", "json")
        self.run("deploy", "--force")
        web.break_nginx()
        assert self.run("apply", "--force", "--json", code=3).deployed(CERT)["web-1"]["result"] == "rolled_back"
        web.mend_nginx()
        self.run("rollback", CERT, "--json")
        self.run("deploy")
        self.run("vhost", "web-1", CERT)
        for command in (["plan"], ["list"], ["show", CERT], ["server", "list"]):
            self.run(*command, "--json")
        self.account_keys = needles.keys_below(self.product.state / "accounts")
        self.run("account", "rotate-key", "--json")
        self.run("issue", "--state-dir", self.product.state, "--server", self.lab.ca.url, "--ca-bundle", self.lab.ca.ca_bundle,
                 "--agree-tos", "--email", "admin@ferry.test", "-d", BY_HAND, "--webroot", self.lab.webroot,
                 "--deploy-hook", "env", config=False)  # fmt: skip
        self.run("revoke", CERT, "--json")

    def needles(self):
        """Name -> what betrays it, of everything that is secret here."""
        found = needles.keys_below(self.product.state)
        found.update({f"former accounts/{name}": key for name, key in self.account_keys.items()})
        found["the SSH key"] = needles.of_key(self.lab.client_key)
        for name, folder in self.copies.items():
            for path in folder.glob("*.p12"):
                found[f"{path.name} of {name}"] = needles.of_pkcs12(path)
        found["the password"] = {PASSWORD.encode()}
        found["the token"] = {self.lab.cloudflare.token.encode()}
        return found


@pytest.fixture(scope="module")
def job(lab):
    need(not why_not(), why_not())
    need(not why_no_accounts(), why_no_accounts())
    lab.dir.chmod(0o711)  # sshd reads authorized_keys as the user who logs in
    with Account() as account:
        account.sudo(f"{account.name} ALL=(root) NOPASSWD: ALL")
        job = Job(lab, account)
        job.configure()
        for server in lab.servers.values():
            server.use_sftp("internal-sftp -u 0")
        masters = [server.sshd.process.pid for server in lab.servers.values()]
        with Watch(lab.dir, "there", masters) as there, Watch(lab.dir, "here") as here:
            job.product.under = here.argv
            job.run_all()
        job.here, job.there, job.secrets = here.events(), there.events(), job.needles()
        yield job


def couriers_sockets(events):
    """The ends of all sockets between us and our couriers, as strace calls them."""
    made = (event.arguments for event in events if event.call == "socketpair" and "SOCK_SEQPACKET" in event.arguments)
    return {number for arguments in made for number in re.findall(r"UNIX[^\[]*\[(\d+)", arguments)}


def test_here(job):
    """Keys leave us for files that are nobody else's from their first byte on, and through the couriers' sockets."""
    sockets, vendor = couriers_sockets(job.here), f"->127.0.0.1:{job.lab.cloudflare.port}]"

    def allowed(event, secret):
        if secret == "the token":
            return event.target.startswith("TCP:") and event.target.endswith(vendor)
        ends = re.match(r"UNIX[^\[]*\[(\d+)->(\d+)\]", event.target or "")
        return ends and {*ends.groups()} <= sockets and secret != "the password"

    judge = Judge(job.secrets, allowed)
    assert judge.problems(job.here)[:10] == []
    # It was really seen, each of them.
    archived = {name for name in job.secrets if name.startswith("archive/")}
    accounts = {name for name in job.secrets if "accounts/" in name}
    assert len(archived) == 7 and len(accounts) == 2, list(job.secrets)
    assert archived | accounts == set(judge.written), judge.written
    assert all(path.startswith(f"{job.product.state}/") for paths in judge.written.values() for path in paths), judge.written
    assert {"the SSH key", "the token", *(name for name in archived if BY_HAND not in name)} <= set(judge.sent), list(judge.sent)


def test_on_the_servers(job):
    """The same there: owner and group before the mode, and all before anybody sees a file under its name."""

    def allowed(event, secret):  # sshd hands everything to the SFTP server that it started, and the answers back
        return re.match(r"pipe:|UNIX", event.target or "") and ("archive/" in secret or ".p12" in secret)

    def final(path):
        return (0o640, 0, job.group.gr_gid) if path.startswith(f"{job.lab.servers['web-1'].home}/") else None

    judge = Judge(job.secrets, allowed, final)
    assert judge.problems(job.there)[:10] == []
    for name, paths in judge.written.items():
        assert name.startswith("archive/") or ".p12" in name, (name, paths)
    seen = {re.sub(r".*/(?=live|copies)", "", path) for paths in judge.written.values() for path in paths}
    for kind in ("privkey.pem", ".key.certferry-new", ".combined.pem.certferry-new", ".p12.certferry-new", ".key.certferry-part"):
        assert [path for path in seen if path.endswith(kind)], (kind, seen)
    assert any(file.mode == 0o640 and file.secret and file.visible for file in judge.files.values())


def test_nothing_to_dump(job):
    """Every process of ours gives up core dumps before it reads anything, and for good."""
    confined, reading, started = {}, re.compile(re.escape(f"{job.product.dir}/")), 0
    sanitized = b"__asan_init" in binary().read_bytes()
    for event in job.here:
        if event.call == "execve":
            confined.pop(event.pid, None)
            if event.strings[0] == b"/proc/self/exe" or event.strings[0] == str(binary()).encode():
                confined[event.pid] = {"PR_SET_DUMPABLE", "RLIMIT_CORE"}
                started += 1
        missing = confined.get(event.pid)
        if event.call == "prctl" and "PR_SET_DUMPABLE, " in event.arguments:
            assert "SUID_DUMP_DISABLE" in event.arguments or (sanitized and not missing), event
            missing.discard("PR_SET_DUMPABLE")
        elif "RLIMIT_CORE, {rlim_cur=0, rlim_max=0}" in event.arguments:
            missing.discard("RLIMIT_CORE")
        elif missing and (event.call == "recvmsg" or (event.call.startswith("open") and reading.match(event.target or ""))):
            pytest.fail(f"{event} before {missing}")
    assert started > 25, started


def test_hooks_and_commands_get_names_only(job):
    """Their arguments and environments were looked at with all others; that they had any is what is left to see."""
    for events, program, words in [
        (job.here, b"env", [b"RENEWED_LINEAGE=", b"RENEWED_DOMAINS="]),
        (job.there, b"nginx", [b"-s", b"reload"]),
        (job.there, b"sudo", [b"-n", b"/usr/lib/openssh/sftp-server"]),
    ]:
        found = [event for event in events if event.call == "execve" and event.strings[0].endswith(b"/" + program)]
        assert any(all(any(word in string for string in event.strings) for word in words) for event in found), program


def test_output_and_logs(job):
    for done in job.runs:
        shown = [name for name, found in job.secrets.items() if any(needle in done.text.encode() for needle in found)]
        assert not shown, (done.argv, shown)
    assert sum(len(done.err) for done in job.runs) > 20000, "-vv is expected to tell more"
    logs = [path for path in job.lab.dir.rglob("*.log") if path.is_file()]
    assert len(logs) > 5
    for path in logs:
        content = path.read_bytes()
        shown = [name for name, found in job.secrets.items() if any(needle in content for needle in found)]
        # The CA and the vendor write down what they are asked.
        assert not set(shown) - ({"the token"} if "cloudflare" in path.parts[-2] else set()), (path, shown)


def test_folders_here_are_ours_alone(job):
    """Whatever the umask of whoever starts it."""
    for path in [job.product.state, *job.product.state.rglob("*")]:
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 or path.suffix == ".pem" and path.name != "privkey.pem", path
    made = [event for event in job.here if event.call in ("mkdir", "mkdirat") and event.octal() & 0o077]
    assert not [event for event in made if "state" in event.arguments], made


# What each does wrong, and what is to be said of it.
MISHAPS = """
import os, sys
key, work = open(sys.argv[1]).read(), sys.argv[3]
name, new = work + "/file", work + "/file.new"
def make(name, mode=0o600, flags=os.O_EXCL):
    return os.open(name, os.O_WRONLY | os.O_CREAT | flags, mode)
def write(*how):
    file = make(*how)
    os.write(file, key.encode())
    return file
def wide():  # to a file of mode 0644
    write(name, 0o644)
def no_exclusive():  # may have been there before
    write(name, 0o600, 0)
def not_made():  # not made for it
    os.write(os.open(work + "/there", os.O_WRONLY), key.encode())
def widened():  # the mode becomes 0644
    os.fchmod(write(name), 0o644)
def before_its_group():  # mode 0640 while it belongs to None
    os.fchmod(write(name), 0o640)
def group_later():  # the owner is changed when it can be read already
    file = make(name); os.fchown(file, 0, 1); os.fchmod(file, 0o640); os.fchmod(file, 0o600); os.write(file, key.encode())
    os.fchmod(file, 0o640); os.chown(name, 0, 2)
def when_visible():  # the mode is changed when it can be seen already
    os.fchown(write(new), 0, 1); os.rename(new, name); os.chmod(name, 0o640)
def in_a_visible_folder():  # the mode is changed when it can be seen already
    os.mkdir(work + "/1"); os.fchown(write(work + "/1/key"), 0, 1)
    os.symlink("1", work + "/link"); os.rename(work + "/link", work + "/live"); os.chmod(work + "/1/key", 0o640)
def second_name():  # another name
    write(name); os.link(name, new)
def copied():  # is copied
    write(name); os.copy_file_range(os.open(name, os.O_RDONLY), make(new), 100)
def printed():  # written
    os.writev(1, [b"x", key[60:].encode()])
def argument():  # in the arguments
    os.spawnv(os.P_WAIT, "/bin/true", ["true", key])
def environment():  # in the arguments
    os.spawnve(os.P_WAIT, "/bin/true", ["true"], {"KEY": key.splitlines()[1]})
def name_of_a_file():  # in the arguments
    make(work + "/" + key.splitlines()[2].replace("/", "_"))
def none():  #
    file = write(new); os.fchown(file, 0, 1); os.fchmod(file, 0o640); os.rename(new, name)
globals()[sys.argv[2]]()
"""


@pytest.mark.parametrize("mishap, told", re.findall(r"^def (\w+)\(\):  # ?(.*)", MISHAPS, re.MULTILINE))
def test_the_alarm_rings(tmp_path, mishap, told):
    need(not why_not(), why_not())
    script, key = write(tmp_path / "mishaps.py", MISHAPS), tmp_path / "key.pem"
    while not key.exists() or "/" in key.read_text().splitlines()[2]:
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key])
    write(tmp_path / "work/there", "")
    watch = Watch(tmp_path, "mishaps")
    run([*watch.argv, sys.executable, script, key, mishap, tmp_path / "work"])
    judge = Judge({"the key": needles.of_key(key)}, lambda event, secret: False, lambda path: (0o640, 0, 1))
    problems = judge.problems(watch.events())
    assert bool(problems) == bool(told) and all(told in problem for problem in problems), problems
