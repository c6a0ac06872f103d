/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and certificates for the store's tests, made with OpenSSL directly, and a check of a live folder that uses
 * nothing of the code under test.
 */
#ifndef TESTS_STORE_SUPPORT_PAIR_H
#define TESTS_STORE_SUPPORT_PAIR_H

#include "base/secret.h"

#include <stdbool.h>
#include <stdint.h>

struct pair {
	struct secret key;
	char *cert;      /* PEM */
	char *chain;     /* PEM of an issuer; empty for even SERIALs */
	char *fullchain; /* both */
};

/* A fresh P-256 key with a certificate for DNS. Ends the program when OpenSSL fails. */
void pair_init(struct pair *pair, const char *dns, long serial);
void pair_done(struct pair *pair);

enum live_state { LIVE_ABSENT, LIVE_MATCHES, LIVE_BROKEN };

/* What a web server would find under <dir>/live/<name>/: nothing, or a key and certificates that belong together. */
enum live_state live_look(const char *dir, const char *name);

/* The number at the end of the link <dir>/live/<name>; 0 when there is none. */
uint64_t live_number(const char *dir, const char *name);

/* "<test_temp_dir()>/<what>", in one of a few rotating buffers. */
const char *scratch(const char *what);

/* The entries below DIR, at any depth, whose names begin with PREFIX. */
int count_entries(const char *dir, const char *prefix);

/* Write TEXT over the file (or make it, 0600), as an accident would. */
void spoil(const char *path, const char *text, size_t len);

#endif
