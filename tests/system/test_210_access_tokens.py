# SPDX-License-Identifier: Apache-2.0
"""Vendors with access tokens, end to end: every way in which a machine or an operator gets one, a token that is refused in
mid-run, and nothing secret in any output, however verbose.
"""

import json
import os

import pytest
from lab import certificates
from lab.servers import write


def private_file(folder, name, text):
    path = write(folder / name, text)
    os.chmod(path, 0o600)
    return str(path)


def google_key_file(vendor, folder):
    return {"credentials_file": private_file(folder, "google.json", json.dumps(vendor.lab("credentials")))}, {}


def google_user(vendor, folder):
    user = {**vendor.lab("user")}
    return {"credentials_file": private_file(folder, "user.json", json.dumps(user)), "project": "lab-project"}, {}


def google_machine(vendor, folder):
    return {}, {"GCE_METADATA_HOST": vendor.url.removeprefix("http://"), "CLOUDSDK_CONFIG": str(folder)}


def google_environment(vendor, folder):
    settings, _ = google_key_file(vendor, folder)
    return {}, {"GOOGLE_APPLICATION_CREDENTIALS": settings["credentials_file"]}


def azure_certificate(vendor, folder):
    settings = {key: value for key, value in vendor.settings().items() if key != "client_secret"}
    return {**settings, "certificate_file": private_file(folder, "app.pem", vendor.lab("certificate")["pem"])}, {}


def azure_workload(vendor, folder):
    settings = {key: value for key, value in vendor.settings().items() if key != "client_secret"}
    return {**settings, "token_file": private_file(folder, "token", vendor.lab("federated")["token"])}, {}


def azure_machine(vendor, folder):
    return {"subscription_id": vendor.subscription}, {"AZURE_POD_IDENTITY_AUTHORITY_HOST": vendor.url}


def azure_environment(vendor, folder):
    known = vendor.settings()
    return {}, {"AZURE_TENANT_ID": known["tenant_id"], "AZURE_CLIENT_ID": known["client_id"],
                "AZURE_CLIENT_SECRET": known["client_secret"], "AZURE_SUBSCRIPTION_ID": known["subscription_id"],
                "AZURE_AUTHORITY_HOST": known["authority_host"]}  # fmt: skip


WAYS = [("google", google_key_file), ("google", google_user), ("google", google_machine), ("google", google_environment),
        ("azure", azure_certificate), ("azure", azure_workload), ("azure", azure_machine),
        ("azure", azure_environment)]  # fmt: skip


def configure(lab, product, vendor, name, settings):
    ca = lab.another_ca(resolver=vendor.resolver)
    product.resolver = vendor.resolver
    domains = [{"name": "*.ferry.test", "type": "wildcard", "dns_provider": name}]
    settings = {**settings, "api_url": vendor.url}
    product.write_config(lab.config(domains, servers={}, provider=lab.provider(ca), dns_providers={name: settings}))


def check_issued(product, vendor, run):
    assert run.code == 0, run
    assert certificates.names(product.live("ferry.test") / "cert.pem") == ["*.ferry.test", "ferry.test"]
    assert vendor.records() == []


def secrets_of(vendor):
    """Everything that must not be told: tokens that were given, keys, what proves who we are."""
    told = {*vendor.lab("tokens")["given"]}
    for what in vendor.secret_documents:
        for value in vendor.lab(what).values():
            told |= {line for line in str(value).splitlines() if len(line) >= 24 and "---" not in line and "@" not in line}
    return {secret for secret in told if not secret.startswith("http")}


@pytest.mark.parametrize("name, way", WAYS, ids=[way.__name__ for _, way in WAYS])
def test_each_way_to_a_token_issues_a_certificate_and_is_not_told(lab, product, tmp_path, name, way):
    vendor = lab.another_vendor(name, ["ferry.test"])
    settings, environment = way(vendor, tmp_path)
    configure(lab, product, vendor, name, settings)
    run = product.run("apply", "-vv", env=environment)
    check_issued(product, vendor, run)
    asked = [entry for entry in vendor.requests() if entry["path"].endswith("/token")]
    assert len(asked) == 1, asked
    secrets = secrets_of(vendor)
    assert len(secrets) >= 2
    # What a JWT consists of is in the form that was sent.
    assert len(run.err.splitlines()) > 10
    for secret in secrets:
        assert secret not in run.text, "a secret is told"
    assert "eyJ" not in run.text and "Bearer" not in run.text


@pytest.mark.parametrize("name", ["google", "azure"])
def test_a_token_that_is_refused_in_mid_run_costs_one_more(lab, product, name):
    vendor = lab.another_vendor(name, ["ferry.test"])
    configure(lab, product, vendor, name, vendor.settings())
    # The first write and the first removal find the token refused.
    vendor.fault("status", method="POST" if name == "google" else "PUT", path="(changes|TXT)", status=401, count=1)
    check_issued(product, vendor, product.run("apply"))
    assert sum(entry["path"].endswith("/token") for entry in vendor.requests()) == 2


@pytest.mark.parametrize("name, said", [("google", "invalid_grant: as the laboratory wishes"),
                                        ("azure", "AADSTS7000222: The provided client secret keys are expired")])  # fmt: skip
def test_a_login_that_is_refused_ends_with_its_words_and_no_record(lab, product, name, said):
    vendor = lab.another_vendor(name, ["ferry.test"])
    configure(lab, product, vendor, name, vendor.settings())
    code, _, text = said.partition(": ")
    body = {"error": code if name == "google" else "invalid_client",
            "error_description": text if name == "google" else said}  # fmt: skip
    vendor.fault("body", path="/token", status=401, body=json.dumps(body), count=99)
    run = product.run("apply")
    assert run.code == 1, run
    assert said in run.err
    assert ("clock" if name == "google" else "make a new one") in run.err
    assert vendor.records() == []


def test_certbot_s_ini_for_azure_is_taken_as_it_is(lab, product, tmp_path):
    vendor = lab.another_vendor("azure", ["ferry.test"])
    known, group = vendor.settings(), f"/subscriptions/{vendor.subscription}/resourceGroups/ferry-group_(1)"
    lines = {"sp_client_id": known["client_id"], "sp_client_secret": known["client_secret"],
             "tenant_id": known["tenant_id"], "environment": "AzurePublicCloud", "zone1": f"ferry.test:{group}"}  # fmt: skip
    text = "".join(f"dns_azure_{key} = {value}\n" for key, value in lines.items())
    # What a laboratory needs besides.
    text += f"authority_host = {vendor.url}\napi_url = {vendor.url}\n"
    product.resolver = vendor.resolver
    credentials = private_file(tmp_path, "azure.ini", text)
    run = product.run("dns", "test", "azure", "www.ferry.test", "--credentials", credentials, config=False)
    assert run.code == 0, run
    assert known["client_secret"] not in run.text
    assert vendor.records() == []
