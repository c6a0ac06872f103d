/* SPDX-License-Identifier: Apache-2.0 */
/*
 * example DIRECTORY-URL NAME FOLDER: a certificate for NAME by http-01, where the web server of NAME shows FOLDER as
 * /.well-known/acme-challenge/. Writes key.pem and fullchain.pem into the current folder. A program that lives on would
 * keep the account's key and URL for the next time, and free what it was given. library.md says how to build this.
 */
#include "example.h"

#include <stdio.h>
#include <string.h>

static bool obtain(const char *directory_url, const char *dns_name, char *folder, struct error *err)
{
	struct deadline deadline = deadline_in(/* ms= */ 300 * 1000, /* cancel= */ NULL);
	struct acme_solver solver = example_solver(folder);
	struct acme_account_request agreed = {.terms_agreed = true};
	struct acme_signer signer;
	struct acme_certificate certificate;
	struct identifier name;
	struct secret pem = {0};
	struct buf csr;
	char *account_url = NULL;
	bool created = false;

	/* The account: a key, and the URL under which the CA knows it. */
	struct key *account_key = key_generate(KEY_TYPE_ECDSA_P256, err);
	struct acme_session *session = acme_session_new(&example_port, directory_url, err);
	if (account_key == NULL || session == NULL || !key_signer(account_key, &signer, err) ||
	    !acme_account_register(session, &signer, &agreed, deadline, &account_url, &created, err))
		return false;
	struct acme_identity account = {.signer = &signer, .kid = account_url};

	/* The certificate's own key, safe on disk before it is used, and a request for it. */
	struct key *key = key_generate(KEY_TYPE_ECDSA_P256, err);
	buf_init(&csr, /* max= */ 64 * 1024);
	if (key == NULL || !identifier_parse(dns_name, &name, err) || !key_to_pem(key, &pem, err) ||
	    !example_write("key.pem", pem.data, pem.len, err) || !key_make_csr(key, &name, 1, &csr, err))
		return false;

	/* Order, challenge, finalize, download. Nothing is used before it has been checked. */
	struct acme_certificate_request request = {
		.identifiers = &name, .identifier_count = 1, .csr_der = csr.data, .csr_der_len = csr.len};
	if (!acme_obtain_certificate(session, &account, &request, &solver, NULL, deadline, &certificate, err))
		return false;
	struct chain *chain = chain_parse(certificate.chain, strlen(certificate.chain), err);
	return chain != NULL && chain_verify(chain, key, &name, 1, clock_wall(), err) &&
	       example_write("fullchain.pem", certificate.chain, strlen(certificate.chain), err);
}

int main(int argc, char **argv)
{
	struct error err = {0};
	struct buf text;
	buf_init(&text, /* max= */ 64 * 1024);
	if (argc == 4 && obtain(argv[1], argv[2], argv[3], &err))
		return 0;
	error_format(&err, &text); /* what failed and where, what the CA said, what to do */
	fprintf(stderr, "%s", argc == 4 ? buf_cstr(&text) : "usage: example DIRECTORY-URL NAME FOLDER\n");
	return 1;
}
