/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSH's client configuration (ssh_config(5)), as far as it says how a host is reached and whom it trusts. Pure
 * functions of a file's text, fuzzed; who reads the files is config_ssh_host.c.
 */
#ifndef CONFIG_SSH_CONFIG_H
#define CONFIG_SSH_CONFIG_H

#include "base/str.h"

/* What the files say about one host. The first value found for a keyword stays; lists grow. As written: not expanded.
 */
struct ssh_config_host {
	const char *alias;      /* the name looked for; borrowed */
	const char *local_user; /* who runs this; borrowed; "" when unknown */
	bool named;             /* a block that does not fit every host fits this one */
	bool trusts_anybody;    /* StrictHostKeyChecking is off, which is not followed */
	char *host_name, *user, *identity_agent, *proxy_jump, *host_key_alias;
	struct str_list identity_files, certificate_files, known_hosts;
	uint16_t port;       /* 0: not said */
	bool proxy_decided;  /* by the first of ProxyJump and ProxyCommand */
	char *proxy_command; /* where it stands, "FILE:LINE", unless it says "none": it is not followed */
};

void ssh_config_host_done(struct ssh_config_host *host);

/* Reads what an Include names, by ssh_config_read() for each file, or passes it over. */
typedef bool ssh_config_include(void *ctx, const char *pattern, struct error *err);

/*
 * Take what TEXT, the content of FILE, says about HOST. ERROR_CONFIG naming file and line for what cannot be understood
 * and what decides by running programs (Match exec); keywords that do not concern us are passed over.
 */
MUST_CHECK bool ssh_config_read(struct ssh_config_host *host, const char *text, size_t len, const char *file,
				ssh_config_include *include, void *ctx, struct error *err);

#endif
