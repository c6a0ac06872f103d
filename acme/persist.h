/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns-persist-01: a TXT record at _validation-persist.<name> that stays and lets one account of one CA validate the
 * name again and again. Three drafts differ in how the CA offers it and how the record names the account; one table
 * holds what differs. Pure.
 */
#ifndef ACME_PERSIST_H
#define ACME_PERSIST_H

#include "base/buf.h"
#include "base/error.h"
#include "base/identifier.h"
#include "base/str.h"

#include <stdint.h>

struct acme_directory;
struct json_t;

/* draft-ietf-acme-dns-persist-00, -01, -02. */
enum persist_form { PERSIST_FORM_00, PERSIST_FORM_01, PERSIST_FORM_02 };

/* "-00", "-01", "-02". */
const char *persist_form_name(enum persist_form form);

/* What a challenge offers. */
struct persist_offer {
	enum persist_form form;
	struct str_list issuers; /* 1 to 10 names of the CA; the record holds one of them */
	char *account_uri;       /* -01: the account the CA expects the record to name; else NULL */
};

/* A challenge object. ERROR_DATA saying what is wrong with it. */
MUST_CHECK bool persist_offer_parse(const struct json_t *challenge, struct persist_offer *ret, struct error *err);
void persist_offer_done(struct persist_offer *offer);

/*
 * What the directory of a -02 CA says beforehand (meta's issuerDomainNames and accountHashPrefix): *RET_FOUND false
 * where it says nothing, or nothing of use.
 */
MUST_CHECK bool persist_offer_from_directory(const struct acme_directory *directory, struct persist_offer *ret,
					     bool *ret_found, struct error *err);

/* -02 §3.2: a challenge must agree with the directory. ERROR_CA otherwise. Other forms pass. */
MUST_CHECK bool persist_offer_check(const struct persist_offer *offer, const struct acme_directory *directory,
				    struct error *err);

/* Whose record it is. Borrowed. */
struct persist_account {
	const char *url;         /* byte for byte as in Location */
	const char *thumbprint;  /* of the account's current key */
	const char *hash_prefix; /* meta's accountHashPrefix; NULL: none */
};

/* What must stand at a name. */
struct persist_expectation {
	enum persist_form form;
	char name[IDENTIFIER_MAX + 24]; /* _validation-persist.<base name> */
	struct str_list issuers;        /* any of these; the first is what is published */
	struct str_list account_uris;   /* the same */
	bool wildcard;                  /* policy=wildcard is needed */
};

/*
 * For IDENTIFIER of ACCOUNT by OFFER. An account URL in the challenge that is not ours is refused as ERROR_CA: the
 * record would let somebody else's account have certificates for the name.
 */
MUST_CHECK bool persist_expect(const struct persist_offer *offer, const struct persist_account *account,
			       const struct identifier *identifier, struct persist_expectation *ret, struct error *err);
void persist_expectation_done(struct persist_expectation *expectation);

/* A record's text, to be published: for EXPECTATION, until UNTIL (seconds since 1970; 0: without end). */
MUST_CHECK bool persist_record(const struct persist_expectation *expectation, int64_t until, struct buf *ret,
			       struct error *err);

/* A record as it stands. */
struct persist_record {
	char *issuer; /* empty: it names nobody and is to be passed over */
	char *account_uri;
	bool wildcard;
	int64_t until; /* 0: without end */
};

/* LEN bytes of TEXT (fuzzed). ERROR_DATA saying what is wrong. */
MUST_CHECK bool persist_record_parse(const char *text, size_t len, struct persist_record *ret, struct error *err);
void persist_record_done(struct persist_record *record);

enum persist_verdict {
	PERSIST_FITS,
	PERSIST_NO_WILDCARD, /* it would, but for the missing policy=wildcard */
	PERSIST_EXPIRED,
	PERSIST_OTHER_ACCOUNT,
	PERSIST_MALFORMED,
	PERSIST_ABSENT, /* no record for this CA */
};

struct persist_finding {
	enum persist_verdict verdict;
	int64_t until;             /* of a record that fits or has expired; 0: without end */
	char text[ERROR_NAME_MAX]; /* the other account's URI, or what is malformed; terminal-safe */
};

/* The best of VALUES, the TXT records at the name (each joined), by the CA's rules at the time NOW. */
MUST_CHECK bool persist_judge(const struct persist_expectation *expectation, const struct str_list *values, int64_t now,
			      struct persist_finding *ret, struct error *err);

/* Append FINDING as what can be said of "the record at NAME …": "is missing", "ended at 2026-…". */
void persist_describe(const struct persist_finding *finding, enum persist_form form, struct buf *out);

/*
 * Append `NAME. IN TXT "…"` as a zone file has it, cut into strings of 255 bytes (RFC 1035 §3.3.14).
 */
void persist_zone_line(const char *name, const char *value, struct buf *out);

#endif
