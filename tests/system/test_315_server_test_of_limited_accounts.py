# SPDX-License-Identifier: Apache-2.0
"""server test as the accounts of docs/deployment.md: it needs no more than a deployment does, and finds what they lack."""

import pytest
from conftest import need
from lab.accounts import Account, why_no_accounts
from test_313_server_test import failed, rehearse
from test_323_documented_account import limited  # noqa: F401

CERT = "narrow.ferry.test"


def test_what_may_deploy_may_be_tested(lab, limited, product):  # noqa: F811
    server = limited.server
    server.serve(CERT, [CERT])
    server.give_to("root" if limited.sudo else limited.account.name)
    product.write_config(lab.config([lab.wildcard(f"*.{CERT}", ["web-1"], serve=False)], servers={"web-1": limited.entry()}))
    before = server.tree()
    steps = rehearse(product)["web-1"]
    assert failed(steps) == [] and steps["test"]["result"] == "ok", steps
    assert steps["directory"]["result"] == "ok" and "1 there" in steps["directory"]["detail"], steps
    assert server.tree() == before


@pytest.fixture
def files_only(lab):
    """An account that gets SFTP whatever it asks for."""
    need(not why_no_accounts(), why_no_accounts())
    lab.dir.chmod(0o711)
    with Account() as account:
        lab.servers["web-1"].rule_ssh(f"Match User {account.name}\n\tForceCommand internal-sftp\n")
        yield account
        lab.servers["web-1"].rule_ssh()


def test_an_account_without_commands(lab, files_only, product):
    server = lab.servers["web-1"]
    server.serve(CERT, [CERT])
    server.give_to(files_only.name)
    domain = lab.wildcard(f"*.{CERT}", ["web-1"], serve=False)
    product.write_config(lab.config([domain], servers={"web-1": lab.server_entry(server, user=files_only.name)}))
    steps = rehearse(product, code=1)["web-1"]
    assert failed(steps) == ["test"] and "SFTP and no commands" in steps["test"]["error"]["detail"], steps
    entry = lab.server_entry(server, user=files_only.name, test_command="", reload_command="")
    product.write_config(lab.config([domain], servers={"web-1": entry}))
    steps = rehearse(product)["web-1"]
    assert failed(steps) == [] and steps["test"]["result"] == "skipped", steps
