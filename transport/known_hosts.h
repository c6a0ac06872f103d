/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSH's known_hosts format (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"), as far as libssh leaves it out: libssh skips
 * lines with a marker, so a key revoked on one line and listed on another is good to it. Pure functions of the file's
 * text.
 */
#ifndef TRANSPORT_KNOWN_HOSTS_H
#define TRANSPORT_KNOWN_HOSTS_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct error;

enum known_hosts_verdict {
	KNOWN_HOSTS_OK,        /* a line for this host has this key */
	KNOWN_HOSTS_UNKNOWN,   /* no line for this host */
	KNOWN_HOSTS_OTHER_KEY, /* lines for this host, but none with this key */
	KNOWN_HOSTS_REVOKED,   /* a @revoked line has this key: never accept it, whatever else is listed */
};

/* A host's key as it stands in such a file. */
struct known_hosts_key {
	const char *host; /* lower-case name or address */
	uint16_t port;
	const char *type;   /* "ssh-ed25519", … */
	const char *base64; /* of the public key blob */
};

/*
 * What TEXT, the content of a known_hosts file, says about KEY. Plain, wildcard, negated and hashed host patterns are
 * understood; @cert-authority lines and malformed lines are passed over. *RET_LINE is the line that decided, counted
 * from 1, or 0.
 */
enum known_hosts_verdict known_hosts_check(const char *text, size_t len, const struct known_hosts_key *key,
					   unsigned *ret_line);

/* Whether SAID, by one line or file, counts more than WAS, by another: revoked, known, another key, nothing. */
bool known_hosts_weighs_more(enum known_hosts_verdict said, enum known_hosts_verdict was);

/*
 * Which of TYPES ("ssh-ed25519", …; at most 32) TEXT lists keys of for HOST at PORT, as a bit for each: a server is to
 * be asked for a key of these.
 */
unsigned known_hosts_types(const char *text, size_t len, const char *host, uint16_t port, const char *const *types,
			   size_t count);

/* The line that would make KEY known, without newline: "[host]:port type base64". */
void known_hosts_line(const struct known_hosts_key *key, struct buf *out);

/*
 * TEXT with KEY as the only one of its host and type, appended to OUT: lines with other keys of that type lose this
 * host (and go where they name no other), KEY's line comes behind the last one, everything else stays as it is.
 * *RET_REMOVED counts the lines that were changed. ERROR_CONFIG naming a line whose pattern stands for more hosts.
 */
MUST_CHECK bool known_hosts_replace(const char *text, size_t len, const struct known_hosts_key *key, struct buf *out,
				    unsigned *ret_removed, struct error *err);

/* The first line of TEXT that has another key of KEY's host and type, counted from 1; 0: there is none. */
unsigned known_hosts_find_other(const char *text, size_t len, const struct known_hosts_key *key);

#endif
