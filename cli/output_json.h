/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files that print JSON documents share.
 */
#ifndef CLI_OUTPUT_JSON_H
#define CLI_OUTPUT_JSON_H

#include "base/error.h"
#include "base/json.h"

/* Print DOCUMENT (taken over; NULL: out of memory) on stdout. */
MUST_CHECK bool output_json(json_t *take_document, struct error *err);

/* A string member; null for NULL and "". A time member; null for 0. */
void output_set_str(json_t *object, const char *key, const char *value);
void output_set_time(json_t *object, const char *key, int64_t wall);

/* ERR as documents show it; null for none. New reference. */
json_t *output_error_object(const struct error *err);

#endif
