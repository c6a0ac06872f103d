/* SPDX-License-Identifier: Apache-2.0 */
/* A vendor's stand-in (tests/fakes/) as a child process, and a small HTTP client to tell it what to do. */
#ifndef TESTS_PROVIDERS_SUPPORT_STANDIN_H
#define TESTS_PROVIDERS_SUPPORT_STANDIN_H

#include <stddef.h>

struct http_client;
struct standin;

/* Start FILE of tests/fakes/ with ARGS (ends with NULL); aborts the test program where that fails. */
struct standin *standin_start(const char *file, const char *const *args);
void standin_stop(struct standin *standin);

struct http_client *standin_http(struct standin *standin);

/*
 * The same with PROXY, a program of tests/fakes/ that starts FILE and stands before it, told of DESCRIPTION. The API is
 * then reached through it, the laboratory's door is not.
 */
struct standin *standin_start_behind(const char *proxy, const char *description, const char *file,
				     const char *const *args);

struct dns_provider_module;
struct dns_provider;

/*
 * MODULE opened with the pairs of settings (ends with NULL). In a value "URL" stands for the API's address; the value
 * "LAB:" is the address of the stand-in itself, whatever proxy stands before it, and "LAB:WHAT" what /__lab/WHAT says.
 */
struct dns_provider *standin_open(struct standin *standin, const struct dns_provider_module *module,
				  const char *const *pairs);

/* Of the API: "http://127.0.0.1:PORT" */
const char *standin_url(const struct standin *standin);

/* POST JSON to /__lab/WHAT (JSON NULL: GET). The answer's text, valid until the next call. */
const char *standin_tell(struct standin *standin, const char *what, const char *json);

/* How often TEXT occurs in the answer to GET /__lab/WHAT. */
size_t standin_count(struct standin *standin, const char *what, const char *text);

#endif
