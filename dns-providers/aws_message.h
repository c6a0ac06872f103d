/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What AWS's services answer, as far as all of them do it alike: keys (JSON of metadata services, XML of STS) and
 * errors. Pure and fuzzed; readers fail with ERROR_DATA.
 */
#ifndef DNS_PROVIDERS_AWS_MESSAGE_H
#define DNS_PROVIDERS_AWS_MESSAGE_H

#include "dns-providers/common.h"
#include "dns-providers/sigv4.h"

/* Keys and until when they are good. */
struct aws_keys {
	struct sigv4_key key;
	int64_t expires;  /* wall clock; 0: never */
	char source[256]; /* "$AWS_ACCESS_KEY_ID", "the profile \"acme\"; then the role arn:…" */
};

void aws_keys_done(struct aws_keys *keys);
MUST_CHECK bool aws_keys_copy(struct aws_keys *ret, const struct aws_keys *keys, struct error *err);

/* {"AccessKeyId", "SecretAccessKey", "Token" or "SessionToken", "Expiration"}; "Code", if there, "Success", and
 * "Version" 1. */
MUST_CHECK bool aws_read_keys_json(const char *text, size_t len, struct aws_keys *ret, struct error *err);

/* The Credentials of an AssumeRole… answer. */
MUST_CHECK bool aws_read_keys_xml(const char *text, size_t len, struct aws_keys *ret, struct error *err);

/*
 * provider_api.read_failure for XML: <ErrorResponse><Error><Code>, or <InvalidChangeBatch><Messages>, whose code its
 * name is. A wrong clock, told by the answer's Date, adds the code "ClockSkew" and says by how much.
 */
bool aws_read_failure(const struct http_response *answer, struct provider_failure *ret);

/* The headers that sign CALL. */
MUST_CHECK bool aws_sign_call(const struct provider_call *call, const struct sigv4_key *key, const char *region,
			      const char *service, struct provider_headers *ret, struct error *err);

#endif
