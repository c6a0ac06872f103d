/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSH's client configuration (ssh_config(5)), as far as it says how a host is reached and whom it trusts. Pure
 * functions of a file's text, fuzzed; who reads the files is config_ssh_host.c.
 */
#ifndef CONFIG_SSH_CONFIG_H
#define CONFIG_SSH_CONFIG_H

#include "base/str.h"

/* Values in order, each with where it stands, "FILE:LINE". */
struct ssh_config_values {
	struct str_list texts, places;
};

/* What the files say about one host. The first value found for a keyword stays; lists grow. As written: not expanded.
 */
struct ssh_config_host {
	const char *alias;      /* the name looked for; borrowed */
	const char *local_user; /* who runs this; borrowed; "" when unknown */
	bool named;             /* a block that does not fit every host fits this one */
	bool wants_final;       /* some Match is about a second reading: see ssh_config_begin_final() */
	bool final;             /* that one is under way */
	unsigned decided;       /* keywords that have their value, a bit for each */
	char *host_name, *user, *host_key_alias;
	struct ssh_config_values identity_files, certificate_files, known_hosts, global_known_hosts;
	struct ssh_config_values identity_agent, proxy_jump; /* one at most */
	bool identities_only;
	uint16_t port;      /* 0: not said */
	bool proxy_decided; /* by the first of ProxyJump and ProxyCommand */

	char *refused;        /* a sentence with its place: what it says that must not be passed over; NULL: nothing */
	struct str_list told; /* sentences: what it says that is not followed, and does no harm */

	/* CanonicalizeHostname, which is only looked at by ssh_config_is_canonicalized(). */
	char *canonicalize; /* where it is turned on; NULL: it is not */
	bool canonicalize_always;
	bool canonical_domains;
	bool canonical_dots_said;
	unsigned canonical_dots; /* 1 where it is not said */
};

void ssh_config_host_done(struct ssh_config_host *host);

/* Reads what an Include names, by ssh_config_read() for each file, or passes it over. */
typedef bool ssh_config_include(void *ctx, const char *pattern, struct error *err);

/* The name that is connected to, malloc'd: HostName with its tokens replaced, else the alias; lower-case. */
MUST_CHECK char *ssh_config_host_name(const struct ssh_config_host *host, struct error *err);

/*
 * As ssh(1) does where a Match names "final": the files are read once more, now with Host patterns held against the
 * host's real name. What was found before stays.
 */
MUST_CHECK bool ssh_config_begin_final(struct ssh_config_host *host, struct error *err);

/* Whether CanonicalizeHostname would look for the host under other names, which is not done here. */
bool ssh_config_is_canonicalized(const struct ssh_config_host *host);

/*
 * Take what TEXT, the content of FILE, says about HOST. ERROR_CONFIG naming file and line for what cannot be understood
 * and what decides by running programs (Match exec); keywords that do not concern us are passed over.
 */
MUST_CHECK bool ssh_config_read(struct ssh_config_host *host, const char *text, size_t len, const char *file,
				ssh_config_include *include, void *ctx, struct error *err);

#endif
