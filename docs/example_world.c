/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world of example.c: requests over libcurl, one after the other, and challenges as files. $EXAMPLE_CA_BUNDLE names
 * the trust anchors of a private CA. A real program would keep connections open and check every allocation.
 */
#define _POSIX_C_SOURCE 200809L

#include "example.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- The port ---- */

static size_t on_body(char *data, size_t unit, size_t count, void *ctx)
{
	struct http_exchange *exchange = ctx;
	buf_append(&exchange->response.body, data, unit * count);
	return buf_check(&exchange->response.body, "response", &exchange->error) ? unit * count : 0;
}

static size_t on_header(char *line, size_t unit, size_t count, void *ctx)
{
	struct http_exchange *exchange = ctx;
	size_t len = unit * count, name_len;
	const char *colon = memchr(line, ':', len);
	if (colon == NULL) /* the status line, and the empty one behind the headers */
		return len;
	name_len = (size_t)(colon - line);
	len -= strlen("\r\n");
	if (!http_response_add_header(&exchange->response, line, name_len, colon + 1, len - name_len - 1,
				      &exchange->error))
		return 0;
	return unit * count;
}

/* libcurl follows no redirect and verifies the server unless told otherwise: just what a port must do. */
static void perform(struct http_exchange *exchange, struct deadline deadline)
{
	const struct http_request *request = &exchange->request;
	char accept[128];
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/jose+json");

	snprintf(accept, sizeof(accept), "Accept: %s", request->accept != NULL ? request->accept : "*/*");
	headers = curl_slist_append(headers, accept);
	buf_init(&exchange->response.body, request->max_response);
	curl_easy_setopt(curl, CURLOPT_URL, request->url);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "example/1.0 libcertferry-acme");
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)deadline_left_ms(deadline) + 1);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
	if (getenv("EXAMPLE_CA_BUNDLE") != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("EXAMPLE_CA_BUNDLE"));
	if (request->method == HTTP_HEAD)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	if (request->method == HTTP_POST) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->body_len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
	}

	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &exchange->response.status);
	exchange->ok = code == CURLE_OK;
	if (!exchange->ok)
		error_set(&exchange->error, ERROR_NETWORK, NULL, "%s: %s", request->url, curl_easy_strerror(code));
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
}

static bool send_all(void *ctx, struct http_exchange *exchanges, size_t count, struct deadline deadline,
		     struct error *err)
{
	(void)ctx;
	for (size_t i = 0; i < count; i++) {
		if (!deadline_check(deadline, NULL, err))
			return false;
		perform(&exchanges[i], deadline);
	}
	return true;
}

static bool wait_ms(void *ctx, int64_t ms, struct deadline deadline, struct error *err)
{
	(void)ctx;
	return deadline_sleep(deadline, ms, NULL, err);
}

static int64_t now(void *ctx)
{
	(void)ctx;
	return clock_wall();
}

const struct acme_port example_port = {.send = send_all, .wait = wait_ms, .now = now};

/* ---- The solver ---- */

static bool write_file(const char *path, mode_t mode, const void *data, size_t len, struct error *err)
{
	FILE *file = fopen(path, "w");
	if (file == NULL)
		return error_errno(err, ERROR_STORE, NULL, errno, "cannot write %s", path);
	bool ok = fchmod(fileno(file), mode) == 0 && fwrite(data, 1, len, file) == len;
	return (fclose(file) == 0 && ok) || error_errno(err, ERROR_STORE, NULL, errno, "cannot write %s", path);
}

bool example_write(const char *path, const void *data, size_t len, struct error *err)
{
	return write_file(path, 0600, data, len, err);
}

/* A token is a plain file name: the engine has checked it. */
static bool present(void *folder, const struct acme_challenge_task *tasks, size_t count, struct deadline deadline,
		    struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		AUTO_FREE char *path = str_format(err, "%s/%s", (const char *)folder, tasks[i].token);
		if (path == NULL || !deadline_check(deadline, NULL, err) ||
		    !write_file(path, 0644, tasks[i].key_authorization, strlen(tasks[i].key_authorization), err))
			return false;
	}
	return true;
}

static bool cleanup(void *folder, const struct acme_challenge_task *tasks, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		AUTO_FREE char *path = str_format(err, "%s/%s", (const char *)folder, tasks[i].token);
		if (path == NULL || remove(path) != 0)
			return error_set(err, ERROR_STORE, NULL, "a challenge stays in %s", (const char *)folder);
	}
	return true;
}

struct acme_solver example_solver(char *folder)
{
	return (struct acme_solver){.ctx = folder, .type = CHALLENGE_HTTP_01, .present = present, .cleanup = cleanup};
}
