/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where AWS keys come from, in AWS's order, stopping at the first source that has something: the config; the
 * environment; a web identity; the shared files' profile; the container; the instance. Then, on top of any of them, a
 * role to take on. What is kept is the means: temporary keys are fetched anew before they expire.
 */
#ifndef DNS_PROVIDERS_AWS_CREDENTIALS_H
#define DNS_PROVIDERS_AWS_CREDENTIALS_H

#include "dns-providers/aws_message.h"

struct aws_credentials;

/* Nobody is asked yet. CLIENT is borrowed. MODULE has the keys of struct route53_module. */
struct aws_credentials *aws_credentials_new(const struct dns_provider_module *module,
					    const struct dns_setting *settings, size_t count,
					    struct http_client *client, struct error *err);
void aws_credentials_free(struct aws_credentials *credentials);

/* Keys that are good for some minutes at least. RET (zeroed) is the caller's. Thread-safe. */
MUST_CHECK bool aws_credentials_get(struct aws_credentials *credentials, struct deadline deadline, struct aws_keys *ret,
				    struct error *err);

/* AWS says they have expired: the next call fetches new ones, if there is a source of those. */
void aws_credentials_forget(struct aws_credentials *credentials);

/* The configured region, or "us-east-1". Borrowed. */
const char *aws_credentials_region(const struct aws_credentials *credentials);

#endif
