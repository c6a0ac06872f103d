/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of users and groups to numbers, by the server's own /etc/passwd and /etc/group (passwd(5), group(5)): SFTP
 * version 3 sets owners by number only. Pure.
 */
#ifndef TRANSPORT_REMOTE_ACCOUNTS_H
#define TRANSPORT_REMOTE_ACCOUNTS_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number of NAME in TEXT, either file's content: both have "name:password:number:…" lines. First match wins. */
MUST_CHECK bool remote_accounts_find(const char *text, size_t len, const char *name, uint32_t *ret);

/* User NAME of TEXT, /etc/passwd's content, with its first group. */
MUST_CHECK bool remote_accounts_user(const char *text, size_t len, const char *name, uint32_t *ret_uid,
				     uint32_t *ret_gid);

/* The next group in TEXT, /etc/group's content, that lists user NAME; *TEXT and *LEN move behind it. */
MUST_CHECK bool remote_accounts_next_group(const char **text, size_t *len, const char *name, uint32_t *ret);

#endif
