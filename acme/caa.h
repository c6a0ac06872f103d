/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CAA records (RFC 8659) with their parameters for ACME (RFC 8657), as a client can judge them beforehand: only to
 * warn, since the CA looks for itself, and decides. Pure.
 */
#ifndef ACME_CAA_H
#define ACME_CAA_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "base/terms.h"

#include <stdint.h>

/* Who wants to issue, and how. Borrowed. */
struct caa_question {
	const struct str_list *identities; /* names that the CA goes by (meta's caaIdentities); at least one */
	const char *account_url;           /* ours, byte for byte */
	enum challenge_type method;
	bool wildcard;
};

struct caa_finding {
	bool allowed;
	char reason[ERROR_NAME_MAX];   /* why not: "its records name other CAs only"; terminal-safe */
	char critical[ERROR_NAME_MAX]; /* a critical property that a CA may not know, and then refuses for; or empty */
	char fix[ERROR_TEXT_MAX];      /* the property that would allow it, as in a zone file: `0 issue "…"` */
};

/*
 * RECORDS, the set that holds for a name (RFC 8659 §3), each as "FLAGS TAG VALUE" with the tag in lower case; an empty
 * set allows everybody. Out of memory alone makes it fail.
 */
MUST_CHECK bool caa_judge(const struct str_list *records, const struct caa_question *question, struct caa_finding *ret,
			  struct error *err);

/*
 * Append the property that lets IDENTITY issue, for this account alone (ACCOUNT_URL NULL: any) and by this METHOD alone
 * (CHALLENGE_UNKNOWN: any): `0 issue "ca.example; accounturi=…; validationmethods=dns-01"`.
 */
void caa_property(const char *identity, const char *account_url, enum challenge_type method, bool wildcard,
		  struct buf *out);

/* Append RECORDS as a zone file has them, terminal-safe: `0 issue "ca.example", 0 iodef "mailto:…"`. */
void caa_show(const struct str_list *records, struct buf *out);

#endif
