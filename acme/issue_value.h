/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issue-value of RFC 8659 §4.2, "ca.example; tag=value; …": what CAA `issue` and `issuewild` properties and
 * dns-persist-01 records are made of. Pure.
 */
#ifndef ACME_ISSUE_VALUE_H
#define ACME_ISSUE_VALUE_H

#include "base/compiler.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct issue_parameter {
	char *tag; /* lower case: tags are not sensitive to it */
	char *value;
};

struct issue_value {
	char *issuer; /* lower case; empty: nobody is named */
	struct issue_parameter *parameters;
	size_t count;
};

/* LEN bytes of TEXT (fuzzed). Repeated tags are kept: what they mean is the caller's. ERROR_DATA saying what is wrong.
 */
MUST_CHECK bool issue_value_parse(const char *text, size_t len, struct issue_value *ret, struct error *err);
void issue_value_done(struct issue_value *value);

/* The value of the first parameter TAG (lower case), or NULL; *RET_COUNT, where it is not NULL, how many there are. */
const char *issue_value_get(const struct issue_value *value, const char *tag, size_t *ret_count);

/*
 * Whether the first LEN bytes of TEXT name ISSUER, however broken what follows is: a record that was meant for us is
 * told from one that is not.
 */
bool issue_value_names(const char *text, size_t len, const char *issuer);

/* Whether TEXT can be a parameter's value: visible ASCII without ";". The empty text can. */
bool issue_value_is_valid(const char *text);

/* Whether TEXT is an issuer's name as it is written: lower-case letter-digit-hyphen labels, no final dot, at most 253
 * characters. */
bool issuer_name_is_valid(const char *text);

#endif
