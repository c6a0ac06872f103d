/* SPDX-License-Identifier: Apache-2.0 */
/* The services that hand out temporary keys: STS, a container's endpoint, an instance's metadata. One call each. */
#ifndef DNS_PROVIDERS_AWS_FETCH_H
#define DNS_PROVIDERS_AWS_FETCH_H

#include "dns-providers/aws_message.h"

/* A role to take on. Borrowed strings; NULL: not given. */
struct aws_role {
	const char *arn;
	const char *session_name; /* NULL: "certferry" */
	const char *external_id;
	const char *duration; /* seconds, digits; NULL: 3600 */
};

struct aws_services {
	struct http_client *client;
	const char *sts_url;      /* without a final "/" */
	const char *region;       /* that STS requests are signed for */
	const char *metadata_url; /* of the instance, without a final "/" */
};

/* AssumeRole, signed with KEY. */
MUST_CHECK bool aws_assume_role(const struct aws_services *services, const struct sigv4_key *key,
				const struct aws_role *role, struct deadline deadline, struct aws_keys *ret,
				struct error *err);

/* AssumeRoleWithWebIdentity, with the token that stands in the file now. */
MUST_CHECK bool aws_assume_role_with_token(const struct aws_services *services, const char *token_file,
					   const struct aws_role *role, struct deadline deadline, struct aws_keys *ret,
					   struct error *err);

/* Of a container: URL answers this machine alone; AUTHORIZATION is sent with the request (empty: none). */
MUST_CHECK bool aws_container_keys(const struct aws_services *services, const char *url,
				   const struct secret *authorization, struct deadline deadline, struct aws_keys *ret,
				   struct error *err);

/* Of the instance's role, by IMDSv2 alone. */
MUST_CHECK bool aws_instance_keys(const struct aws_services *services, struct deadline deadline, struct aws_keys *ret,
				  struct error *err);

#endif
