# SPDX-License-Identifier: Apache-2.0
"""Folders, here and on servers, that others may read or write: nobody gets a key or anything else of root's by them, and what
is refused is refused with what to do.
"""

import json
import os
import re
import shutil
import stat
import sys

import pytest
from conftest import need
from lab import needles
from lab.accounts import Account, why_no_accounts
from lab.product import ROOT
from lab.servers import self_signed, write

CERT = "open.ferry.test"


@pytest.fixture(scope="module")
def somebody(lab):
    need(not why_no_accounts(), why_no_accounts())
    with Account() as account:
        yield account


@pytest.fixture
def place(lab, product):
    """A folder on web-1, and a function that writes the config of a server with its files below it."""
    server = lab.servers["web-1"]
    place = server.home / "slots" / product.dir.name
    place.mkdir(parents=True)

    def configure(**changes):
        server.forget(CERT)
        plain = {"dir": str(place / "live"), "test_command": "", "reload_command": "", "verify": False}
        entry = lab.server_entry(server, **{**plain, **changes})
        product.write_config(lab.config([lab.domain(CERT, ["web-1"], serve=False)], servers={"web-1": entry}))

    return place, configure


def keys_in(product, folder):
    """The files below FOLDER in which a key of PRODUCT's is seen."""
    betray = set().union(*needles.keys_below(product.state).values())
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if any(needle in path.read_bytes() for needle in betray)]


@pytest.mark.parametrize("which, mode", [
    ("live/" + CERT, 0o777), ("live", 0o777), ("copies", 0o777), ("copies", 0o1777), ("", 0o757),
])  # fmt: skip
def test_one_that_anybody_may_write_to(lab, product, place, which, mode):
    place, configure = place
    (place / "live" / CERT).mkdir(parents=True)
    (place / "copies").mkdir()
    (place / which).chmod(mode)
    configure(files={"privkey": str(place / "copies/key.pem")})
    run = product.run("apply", "--json")
    error = run.deployed(CERT)["web-1"]["error"]
    assert run.code == 3 and error["step"] == "upload", run
    assert f"anybody on the server may change what is in {place / which}:" in error["detail"], run
    assert f"{mode:04o}" in error["detail"] and "chmod o-w" in error["hint"], run
    assert keys_in(product, place) == [] and not (place / "copies/key.pem").exists()
    tried = product.run("server", "test", "--json")
    assert tried.code != 0 and "anybody on the server may change" in tried.out, tried

    (place / which).chmod(mode & ~0o1002)
    product.let_time_pass(CERT)
    again = product.run("apply", "--json")
    assert again.code == 0 and again.deployed(CERT)["web-1"]["result"] == "deployed", again
    assert product.run("server", "test").code == 0


def test_in_a_sticky_one_a_folder_of_ours_will_do(lab, product, place):
    place, configure = place
    place.chmod(0o1777)
    (place / "copies").mkdir(mode=0o755)
    configure(files={"combined": str(place / "copies/all.pem")})
    assert product.run("server", "test").code == 0
    run = product.run("apply", "--json")
    assert run.code == 0 and run.deployed(CERT)["web-1"]["result"] == "deployed", run
    assert stat.S_IMODE((place / "copies/all.pem").stat().st_mode) == 0o600


def test_links_planted_where_files_are_made(lab, product, place, somebody):
    """In folders that belong to somebody else: nothing is written, changed or removed where they lead."""
    place, configure = place
    copies, live, victims = place / "copies", place / "live" / CERT, place / "victims"
    victims.mkdir()
    for name in ("a", "privkey.pem", "cert.pem"):
        write(victims / name, "precious\n", 0o600)
    live.mkdir(parents=True)
    copies.mkdir()
    configure(files={"privkey": str(copies / "key.pem"), "combined": str(copies / "all.pem")})
    for name in (".key.pem.certferry-new", ".key.pem.certferry-part", "all.pem", ".all.pem.certferry-new"):
        (copies / name).symlink_to(victims / "a")
    (live / ".certferry-link").symlink_to(victims / "a")
    (live / "generations").mkdir()
    for name in ("0", "1", "7-left", "8-left"):
        (live / "generations" / name).symlink_to(victims)
    for path in (copies, place / "live", live, live / "generations"):
        os.chown(path, *somebody.ids())
    for _ in range(4):
        run = product.run("apply", "--force", "--json")
        assert run.code == 0 and run.deployed(CERT)["web-1"]["result"] == "deployed", run
        assert sorted(path.name for path in victims.iterdir()) == ["a", "cert.pem", "privkey.pem"]
        for path in victims.iterdir():
            assert path.read_text() == "precious\n" and stat.S_IMODE(path.stat().st_mode) == 0o600, path
        for path in keys_in(product, place):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.stat().st_uid == 0, path
    assert not (copies / "all.pem").is_symlink()


@pytest.mark.parametrize("what", ["copy", "live"])
def test_a_link_put_in_place_of_a_file_that_is_looked_at(lab, product, place, somebody, what):
    """What was there before is kept as a copy with its owner. Whoever owns the folder makes root read another file."""
    place, configure = place
    server, control, secret = lab.servers["web-1"], lab.dir / f"control-{product.dir.name}", place / "roots-own"
    server.use_sftp(f"{sys.executable} -S -E {ROOT}/tests/fakes/sftp_server.py {control}")
    (control / product.dir.name).mkdir(parents=True)
    write(secret, "known to root alone\n", 0o600)
    copy, live = place / "copies/key.pem", place / "live" / CERT
    path = copy if what == "copy" else live / "privkey.pem"
    configure(files={"privkey": str(copy)}, test_command="false")

    def theirs():
        for folder in (copy.parent, live):
            shutil.rmtree(folder, ignore_errors=True)
            self_signed(folder, [CERT], key=path.name)
            for inside in [folder, *folder.iterdir()]:
                os.chown(inside, *somebody.ids())
                inside.chmod(0o755 if inside == folder else 0o644)

    try:
        theirs()
        run = product.run("apply", "--json")
        assert run.deployed(CERT)["web-1"]["result"] == "rolled_back", run
        log = (control / product.dir.name / "log").read_text().splitlines()
        opened = [int(line.split()[0]) for line in log if line.split()[1] == "open" and line.endswith(str(path))]
        assert opened, log
        theirs()
        plan = {"at": opened[-1], "do": "run", "command": f"ln -sfn {secret} {path}"}
        (control / product.dir.name / "plan.json").write_text(json.dumps(plan))
        run = product.run("deploy", "--json")
        assert (control / product.dir.name / "reached").exists(), run
    finally:
        server.use_sftp("internal-sftp")
    assert secret.read_text() == "known to root alone\n"
    files = [file for file in place.rglob("*") if file.is_file() and not file.is_symlink()]
    found = [file for file in files if b"root alone" in file.read_bytes()]
    for file in found:
        info = file.stat()
        assert (info.st_uid, stat.S_IMODE(info.st_mode)) == (0, 0o600), f"{file} can be read by others"


@pytest.fixture
def told(lab, product):
    """A function that has web-1's SFTP server follow a plan; and one that tells which requests it got."""
    server, control = lab.servers["web-1"], lab.dir / f"control-{product.dir.name}"
    folder = control / product.dir.name
    folder.mkdir(parents=True)

    def plan(umask="022", **what):
        server.use_sftp(f"umask {umask}; exec {sys.executable} -S -E {ROOT}/tests/fakes/sftp_server.py {control}")
        for name in ("log", "reached"):
            (folder / name).unlink(missing_ok=True)
        if what:
            (folder / "plan.json").write_text(json.dumps(what))

    def requests():
        return [line.split(" ", 2) for line in (folder / "log").read_text().splitlines()]

    plan.requests, plan.reached = requests, (folder / "reached").exists
    yield plan
    server.use_sftp("internal-sftp")


def victim(place, name="roots-own"):
    path = place / name
    write(path, "known to root alone\n", 0o600)
    return path


@pytest.mark.parametrize("umask", ["022", "077"])
@pytest.mark.parametrize("name", ["generations", ".well-known"])
def test_a_link_put_in_place_of_a_folder_that_was_just_made(lab, product, place, somebody, told, umask, name):
    """Whatever is asked for next: what the link leads to keeps its mode."""
    place, configure = place
    secret, above = victim(place), place / ("live/" + CERT if name == "generations" else "webroot")
    configure()
    if name == ".well-known":
        server = lab.servers["web-1"]
        domain = {**lab.domain(CERT, ["web-1"], serve=False), "webroot": str(above)}
        entry = lab.server_entry(server, dir=str(place / "live"), test_command="", reload_command="", verify=False)
        product.write_config(lab.config([domain], servers={"web-1": entry}))

    def run(**plan):
        shutil.rmtree(above, ignore_errors=True)
        above.mkdir(parents=True)
        os.chown(above, *somebody.ids())
        told(umask, **plan)
        return product.run("apply", "--force", "--json", "--timeout", "20")

    first = run()
    requests = told.requests()
    made = next(i for i, (_, kind, paths) in enumerate(requests) if kind == "mkdir" and paths.endswith(f"/{name}"))
    mode = stat.S_IMODE((above / name).stat().st_mode) if (above / name).exists() else 0o755
    assert mode == 0o755, f"{mode:04o}: others cannot read what is in it\n{first}"
    for number, _, _ in requests[made + 1 : made + 6]:
        command = f"rm -rf {above}/{name} && ln -s {secret} {above}/{name}"
        tried = run(at=int(number), do="run", command=command)
        assert told.reached(), tried
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600, f"request {number}\n{tried}"


def test_a_link_put_in_place_of_a_folder_that_is_removed(lab, product, place, somebody, told):
    place, configure = place
    victims, generations = place / "victims", place / "live" / CERT / "generations"
    victims.mkdir()
    precious = victim(victims, "shadow")
    configure()
    for number in range(6):
        for name in ("privkey.pem", "shadow"):
            write(generations / f"0-{number}" / name, "theirs\n")
    for path in [place / "live", *(place / "live").rglob("*")]:
        os.chown(path, *somebody.ids())
    doomed = generations / "0-0"
    command = f"rm -rf {doomed}; ln -s {victims} {doomed}"
    told(when=f"remove .*{doomed}/", do="run", command=command)
    run = product.run("apply", "--json")
    assert told.reached(), told.requests()
    assert precious.exists(), run
    assert run.code == 0 and run.deployed(CERT)["web-1"]["result"] == "deployed", run


def test_links_to_the_folders_of_another_certificate(lab, product, place, somebody):
    """Planted by whoever owns the folder that another certificate goes to."""
    place, configure = place
    roots, theirs = place / "roots" / "bank.ferry.test", place / "live"
    for number in range(1, 7):
        write(roots / f"generations/0-{number}/privkey.pem", f"key {number}\n", 0o600)
    (roots / "current").symlink_to("generations/0-6")
    for name in ("cert", "chain", "fullchain", "privkey"):
        write(roots / f"generations/0-6/{name}.pem", f"{name}\n", 0o600)
        (roots / f"{name}.pem").symlink_to(f"current/{name}.pem")
    before = sorted(str(path) for path in roots.rglob("*"))

    def ends_well_for_root(run, *said):
        assert sorted(str(path) for path in roots.rglob("*")) == before and os.readlink(roots / "current") == "generations/0-6", run
        error = run.deployed(CERT)["web-1"]["error"]
        assert run.code == 3 and all(word in error["detail"] for word in said), run
        assert error["hint"], run
        tried = product.run("server", "test", "--json")
        assert tried.code != 0, tried

    for planted, to in [(theirs / CERT, roots), (theirs / CERT / "generations", roots / "generations")]:
        configure()
        shutil.rmtree(theirs, ignore_errors=True)
        planted.parent.mkdir(parents=True)
        planted.symlink_to(to)
        for path in (planted, *planted.parents):
            if path == place:
                break
            os.chown(path, *somebody.ids(), follow_symlinks=False)
        if (product.state / "renewal").exists():
            product.let_time_pass(CERT)
        ends_well_for_root(product.run("apply", "--json"), str(planted))


def test_links_of_the_administrators_own_are_followed(lab, product, place):
    place, configure = place
    (place / "elsewhere").mkdir()
    (place / "live").mkdir()
    (place / "live" / CERT).symlink_to(place / "elsewhere")
    configure()
    run = product.run("apply", "--json")
    assert run.code == 0 and run.deployed(CERT)["web-1"]["result"] == "deployed", run
    assert (place / "elsewhere" / "privkey.pem").exists()


# Here.


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_any_umask_here(lab, product, umask):
    product.write_config(lab.config([lab.domain(CERT)]))
    before = os.umask(umask)
    try:
        run = product.run("apply")
    finally:
        os.umask(before)
    assert run.code == 0, run
    for path in [product.state, *product.state.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    for path in keys_in(product, product.state):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_state_folder_that_is_there(lab, product):
    product.write_config(lab.config([lab.domain(CERT)]))
    product.state.mkdir(mode=0o755)
    for mode, told in [(0o777, True), (0o1777, True), (0o775, True), (0o755, False)]:
        product.state.chmod(mode)
        run = product.run("apply")
        assert (run.code != 0) == told, run
        if told:
            assert re.search(r"may be changed by others.*\n.*chmod go-w", run.err), run
            assert list(product.state.iterdir()) == []
    for path in keys_in(product, product.state):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.parametrize("name", ["archive", "live", "accounts", "orders", "renewal", "locks"])
def test_a_link_planted_in_the_state_folder(lab, product, name):
    product.write_config(lab.config([lab.domain(CERT)]))
    elsewhere = product.dir / "elsewhere"
    for folder in (product.state, elsewhere):
        folder.mkdir(mode=0o700)
    (product.state / name).symlink_to(elsewhere)
    run = product.run("apply")
    assert run.code != 0 and str(product.state / name) in run.err, run
    assert list(elsewhere.iterdir()) == []
