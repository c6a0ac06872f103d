# SPDX-License-Identifier: Apache-2.0
"""Records in renewal/ that cannot be read: their certificates are told as damaged, all others are listed, renewed and deployed as
ever, and what lies there stays as it is, for whoever wants to save something of it.
"""

import json
import os
import shutil

import pytest

GOOD, BAD, BY_HAND = "good.ferry.test", "bad.ferry.test", "by-hand.ferry.test"


@pytest.fixture(scope="module")
def issued(lab):
    """Two certificates of the config, and one that no config describes."""
    product = lab.product()
    product.write_config(lab.config([lab.wildcard(f"*.{name}", ["web-1"]) for name in (GOOD, BAD)]))
    run = product.run("apply")
    assert run.code == 0, run
    lab.servers["web-2"].serve(BY_HAND, [BY_HAND])
    run = product.run("issue", "-d", BY_HAND, "--webroot", lab.webroot, "--agree-tos")
    assert run.code == 0, run
    return product


def half(path):
    text = path.read_text()
    path.write_text(text[: len(text) // 2])


def with_wrong_type(path):
    path.write_text(json.dumps({**json.loads(path.read_text()), "servers": "web-1"}))


def of_a_later_version(path):
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 99}))


def folder(path):
    path.unlink()
    path.mkdir()
    (path / "something").write_text("of somebody's")


def link(path):
    path.rename(path.parent / "kept")
    path.symlink_to("kept")


DAMAGES = {
    "half": half,
    "empty": lambda path: path.write_text(""),
    "no JSON": lambda path: path.write_bytes(b"\0" * 500),
    "a list": lambda path: path.write_text("[]"),
    "wrong type": with_wrong_type,
    "later version": of_a_later_version,
    "folder": folder,
    "link": link,
    "of somebody else": lambda path: os.chown(path, 12345, -1),
    "writable by all": lambda path: path.chmod(0o666),
}


def what_lies_at(path):
    info = os.lstat(path)
    content = path.read_bytes() if path.is_file() else sorted(os.listdir(path))
    return info.st_ino, info.st_mode, info.st_uid, content


@pytest.fixture(params=[name.replace(" ", "-") for name in DAMAGES])
def damaged(request, issued):
    """Both records of one kind damaged alike; afterwards everything is as it was."""
    records = issued.state / "renewal"
    kept = issued.dir / "renewal-as-it-was"
    shutil.copytree(records, kept)
    paths = {name: records / f"{name}.json" for name in (BAD, BY_HAND)}
    for number, path in enumerate(paths.values()):
        DAMAGES[request.param.replace("-", " ")](path)
        if path.is_symlink():
            (records / "kept").rename(records / f"kept-{number}")
            path.unlink()
            path.symlink_to(f"kept-{number}")
    before = {name: what_lies_at(path) for name, path in paths.items()}
    yield issued, paths
    for name, path in paths.items():
        assert what_lies_at(path) == before[name], f"{path} was touched"
    shutil.rmtree(records)
    kept.rename(records)


def entries(run, of):
    return {entry["name"]: entry for entry in run.json[of]}


def test_the_others_are_shown(damaged):
    product, paths = damaged
    run = product.run("list", "--json")
    listed = entries(run, "certificates")
    assert run.code == 3 and set(listed) == {GOOD, *paths}, run
    assert listed[GOOD]["status"] == "valid" and listed[GOOD]["servers"][0]["status"] == "deployed", listed[GOOD]
    for name, path in paths.items():
        error = listed[name]["error"]
        assert listed[name]["status"] == "damaged" and listed[name]["not_after"] is None, listed[name]
        assert f"renewal/{name}.json" in error["detail"] and error["hint"], error
    run = product.run("list")
    assert run.code == 3 and f"{GOOD} " in run.out and "deployed, serves it" in run.out, run
    for name in paths:
        assert f"renewal/{name}.json" in run.out and any(line.split() == [name, "damaged"] for line in run.out.splitlines()), run
    assert run.out.count("  next: ") == 2, run
    for name in paths:
        run = product.run("show", name)
        assert run.code == 1 and "damaged" in run.out and f"renewal/{name}.json" in run.out, run
    run = product.run("show", BAD, GOOD)
    assert run.code == 3 and "not after" in run.out, run

    run = product.run("plan", "--json")
    planned = entries(run, "plan")
    assert run.code == 3 and planned[GOOD]["action"] == "none" and planned[BAD]["action"] == "failed", run
    assert f"renewal/{BAD}.json" in planned[BAD]["error"]["detail"] and planned[BAD]["servers"] == [], run
    run = product.run("plan")
    assert run.code == 3 and "has the live generation" in run.out and f"renewal/{BAD}.json" in run.out, run
    run = product.run("server", "list")
    assert run.code == 0 and "web-1" in run.out, run


@pytest.mark.parametrize("damaged", ["half", "folder", "of-somebody-else"], indirect=True)
def test_the_others_are_served(lab, damaged):
    product, paths = damaged
    for command in (("apply",), ("deploy",)):
        run = product.run(*command, "--json")
        assert run.code == 3 and run.result(GOOD)["action"] == "unchanged" and run.result(GOOD)["error"] is None, run
        assert run.deployed(GOOD)["web-1"]["result"] == "unchanged", run
        assert run.result(BAD)["action"] == "failed" and f"renewal/{BAD}.json" in run.result(BAD)["error"]["detail"], run
        assert f"renewal/{BAD}.json" in run.err, run
    product.make_due(GOOD)
    before = lab.served("web-1", GOOD)
    run = product.run("renew", "--json")
    results = entries(run, "results")
    assert run.code == 3 and set(results) == {GOOD, *paths}, run
    assert results[GOOD]["action"] == "renewed" and lab.served("web-1", GOOD) != before, run
    for name in paths:
        assert results[name]["action"] == "failed" and f"renewal/{name}.json" in results[name]["error"]["detail"], run
    run = product.run("renew")
    assert run.code == 3 and "unchanged" in run.out and "failed" in run.out, run
    again = ("issue", "-d", BY_HAND, "--webroot", lab.webroot, "--agree-tos", "--force")
    for command in (again, ("rollback", BY_HAND), ("revoke", BY_HAND)):
        run = product.run(*command)
        assert run.code != 0 and f"renewal/{BY_HAND}.json" in run.text, run
