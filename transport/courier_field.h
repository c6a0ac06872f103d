/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields that the courier's messages are made of, as bytes: lengths before texts, flags of 0 or 1, nothing that is
 * not checked while it is read. A reader that meets anything else fails and stays failed (base/reader.h). Only for
 * courier_message*.c.
 */
#ifndef TRANSPORT_COURIER_FIELD_H
#define TRANSPORT_COURIER_FIELD_H

#include "base/buf.h"
#include "base/error.h"
#include "base/reader.h"
#include "base/secret.h"
#include "base/str.h"
#include "transport/ssh_target.h"
#include "transport/starttls.h"

void courier_put_text(struct buf *out, const char *text);
char *courier_get_text(struct reader *reader, size_t max); /* malloc'd; NULL on failure */

/* A text that may be NULL. */
void courier_put_optional(struct buf *out, const char *text);
char *courier_get_optional(struct reader *reader, size_t max);

bool courier_get_bool(struct reader *reader);
/* Any bytes; and bytes that others use as a C string, with no NUL inside. */
void courier_get_secret_bytes(struct reader *reader, size_t max, struct secret *ret);
void courier_get_secret(struct reader *reader, size_t max, struct secret *ret);

/* Lower-case hex of a SHA-256, or with MAY_BE_EMPTY nothing. */
void courier_get_fingerprint(struct reader *reader, bool may_be_empty, char ret[65]);

/* Addresses of a host, which stay text: nothing but what inet_pton() takes. */
void courier_put_addresses(struct buf *out, const struct str_list *addresses);
void courier_get_addresses(struct reader *reader, struct str_list *ret);

enum starttls_protocol courier_get_starttls(struct reader *reader);

void courier_put_target(struct buf *out, const struct ssh_target *target);
void courier_get_target(struct reader *reader, struct ssh_target *ret);

/* NULL, or why TARGET must not be connected to. */
const char *courier_why_unreachable(const struct ssh_target *target);

/* An absolute path of characters that no shell and no config file gives a meaning. */
bool courier_is_plain_path(const char *path);

/* The number of entries, of at least one byte each, that follow: no allocation beyond what the message can hold. */
size_t courier_get_count(struct reader *reader, size_t max);

/* Through the error's own functions, so that a courier gone bad cannot smuggle anything to a terminal. */
void courier_put_error(struct buf *out, const struct error *err);
void courier_get_error(struct reader *reader, struct error *ret);

#endif
