/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every option is set anew for every request, on a handle that was reset: a stale option is a known class of bugs. The
 * caps are enforced in the callbacks, because libcurl's own limit looks only at an announced length.
 */
#include "transport/http_transfer.h"

#include "base/escape.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "transport/http_policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CONNECT_MS = 10 * 1000,
	EXCHANGE_MS = 60 * 1000, /* however far away the caller's deadline is */
	STALL_SECONDS = 20,
	CONNECTION_SECONDS = 300,
	NAME_SIZE = 300,
};

static const struct {
	CURLoption option;
	long value;
} fixed_options[] = {
	{CURLOPT_FOLLOWLOCATION, 0},
	{CURLOPT_NOSIGNAL, 1},
	{CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS},
	{CURLOPT_LOW_SPEED_LIMIT, 1},
	{CURLOPT_LOW_SPEED_TIME, STALL_SECONDS},
	{CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
	{CURLOPT_SSL_VERIFYPEER, 1},
	{CURLOPT_SSL_VERIFYHOST, 2},
	{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS},
	{CURLOPT_HTTP09_ALLOWED, 0},
	{CURLOPT_PIPEWAIT, 1},
	{CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
	{CURLOPT_NETRC, CURL_NETRC_IGNORED},
	{CURLOPT_MAXLIFETIME_CONN, CONNECTION_SECONDS},
	{CURLOPT_QUICK_EXIT, 1}, /* a look-up in progress must not hold up a cancellation */
};

/* A failure seen by a callback, which libcurl then only knows as its own refusal. */
static struct error *refuse(struct http_transfer *transfer)
{
	transfer->own_error = true;
	return &transfer->exchange->error;
}

static size_t refuse_with_host(struct http_transfer *transfer, const char *what, size_t limit)
{
	char name[NAME_SIZE];
	(void)error_set(refuse(transfer), ERROR_NETWORK, NULL, "the answer of %s has more than %zu bytes of %s",
			http_target_name(&transfer->target, name, sizeof(name)), limit, what);
	return 0;
}

static size_t on_body(char *data, size_t unit, size_t count, void *ctx)
{
	struct http_transfer *transfer = ctx;
	struct buf *body = &transfer->exchange->response.body;
	size_t len = unit * count, max = transfer->exchange->request.max_response;
	if (len > max || body->len > max - len)
		return refuse_with_host(transfer, "body", max);
	buf_append(body, data, len);
	if (!body->failed)
		return len;
	(void)error_oom(refuse(transfer));
	return 0;
}

static size_t keep_header(struct http_transfer *transfer, const char *line, size_t len)
{
	struct http_exchange *exchange = transfer->exchange;
	const char *colon = memchr(line, ':', len);
	size_t name_len = colon == NULL ? len : (size_t)(colon - line);
	size_t value_len = colon == NULL ? 0 : len - name_len - 1;
	if (http_response_add_header(&exchange->response, line, name_len, colon == NULL ? "" : colon + 1, value_len,
				     &exchange->error))
		return len;
	return error_attribute(refuse(transfer), ERROR_NETWORK, NULL) ? len : 0;
}

/* One line at a time: status lines (of interim answers too), headers, the empty line, trailers. */
static size_t on_header(char *data, size_t unit, size_t count, void *ctx)
{
	struct http_transfer *transfer = ctx;
	struct http_response *response = &transfer->exchange->response;
	size_t whole = unit * count, len = whole;
	transfer->header_bytes += whole;
	if (transfer->header_bytes > LIMIT_HTTP_HEADERS_TOTAL)
		return refuse_with_host(transfer, "headers", LIMIT_HTTP_HEADERS_TOTAL);
	while (len > 0 && (data[len - 1] == '\n' || data[len - 1] == '\r'))
		len--;
	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		http_response_done(response);
		buf_init(&response->body, transfer->exchange->request.max_response);
		transfer->headers_complete = false;
	} else if (len == 0) {
		transfer->headers_complete = true;
	} else if (!transfer->headers_complete && keep_header(transfer, data, len) == 0) {
		return 0;
	}
	return whole;
}

/* The body of an unrepeatable request, which goes out from its beginning once. */
static size_t on_read(char *out, size_t unit, size_t count, void *ctx)
{
	struct http_transfer *transfer = ctx;
	const struct http_request *request = &transfer->exchange->request;
	size_t room = unit * count, left = request->body_len - transfer->body_sent;
	size_t len = left < room ? left : room;
	if (len > 0)
		memcpy(out, request->body + transfer->body_sent, len);
	transfer->body_sent += len;
	return len;
}

/* libcurl wants to send it again. */
static int refuse_rewind(void *ctx, curl_off_t offset, int origin)
{
	(void)ctx;
	(void)offset;
	(void)origin;
	return CURL_SEEKFUNC_FAIL;
}

static curl_socket_t on_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_transfer *transfer = ctx;
	bool loopback = transfer->settings->allow_loopback || http_host_is_loopback(transfer->target.host);
	const char *kind = http_address_refused(&address->addr, address->addrlen, loopback);
	(void)purpose;
	/* The host is the very address, so nobody else's name leads there. */
	if (transfer->exchange->request.metadata && http_host_is_metadata(transfer->target.host))
		kind = NULL;
	if (kind == NULL)
		return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	transfer->refused_kind = kind;
	return CURL_SOCKET_BAD;
}

static bool add_line(struct curl_slist **list, const char *line, struct error *err)
{
	struct curl_slist *longer = curl_slist_append(*list, line);
	if (longer == NULL)
		return error_oom(err);
	*list = longer;
	return true;
}

static bool add_header(struct http_transfer *transfer, const char *name, const char *value, struct error *err)
{
	char *line AUTO_FREE = str_format(err, "%s: %s", name, value);
	if (line == NULL)
		return false;
	if (strpbrk(line, "\r\n") != NULL)
		return error_set(err, ERROR_INTERNAL, NULL, "a request header contains a line break");
	return add_line(&transfer->headers, line, err);
}

static bool build_headers(struct http_transfer *transfer, struct error *err)
{
	const struct http_request *request = &transfer->exchange->request;
	if (!add_line(&transfer->headers, "Expect:", err) || !add_header(transfer, "Accept-Language", "en", err))
		return false;
	if (request->accept != NULL && !add_header(transfer, "Accept", request->accept, err))
		return false;
	/* libcurl would call any body a form. */
	if (request->content_type == NULL ? !add_line(&transfer->headers, "Content-Type:", err)
					  : !add_header(transfer, "Content-Type", request->content_type, err))
		return false;
	for (size_t i = 0; i < request->header_count; i++) {
		if (strpbrk(request->headers[i], "\r\n") != NULL)
			return error_set(err, ERROR_INTERNAL, NULL, "a request header contains a line break");
		if (!add_line(&transfer->headers, request->headers[i], err))
			return false;
	}
	return true;
}

/* "+host:port:addresses": for this look-up, and forgotten like any other. */
static bool build_addresses(struct http_transfer *transfer, const char *addresses, struct error *err)
{
	const struct http_target *target = &transfer->target;
	if (addresses == NULL)
		return true;
	char *line AUTO_FREE = str_format(err, "+%s:%s:%s", target->host, target->port, addresses);
	return line != NULL && add_line(&transfer->addresses, line, err);
}

static CURLcode set_trust(CURL *easy, const struct http_trust *trust)
{
	CURLcode code = curl_easy_setopt(easy, CURLOPT_CAPATH, trust->directory);
	if (code == CURLE_OK && trust->blob.len > 0) {
		struct curl_blob blob = {trust->blob.data, trust->blob.len, CURL_BLOB_NOCOPY};
		code = curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
	}
	/* NULL takes Debian's built-in bundle away, which would be parsed for nothing. */
	return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_CAINFO, trust->file) : code;
}

static CURLcode set_body(struct http_transfer *transfer)
{
	CURL *easy = transfer->job.easy;
	const struct http_request *request = &transfer->exchange->request;
	CURLcode code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
	if (code == CURLE_OK && !request->unrepeatable)
		return curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body_len > 0 ? request->body : "");
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_POST, 1L);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
	return code == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, refuse_rewind) : code;
}

static CURLcode set_method(struct http_transfer *transfer)
{
	CURL *easy = transfer->job.easy;
	const struct http_request *request = &transfer->exchange->request;
	bool wants_body = request->method != HTTP_GET && request->method != HTTP_DELETE;
	bool body = wants_body || (request->method == HTTP_DELETE && request->body_len > 0);
	CURLcode code = CURLE_OK;
	if (request->method == HTTP_HEAD)
		return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (body)
		code = set_body(transfer);
	if (code == CURLE_OK && request->method != HTTP_GET && request->method != HTTP_POST)
		code = curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, http_method_name(request->method));
	return code;
}

static CURLcode set_options(struct http_transfer *transfer, struct deadline deadline)
{
	CURL *easy = transfer->job.easy;
	const char *scheme = transfer->target.scheme;
	int64_t left = deadline_left_ms(deadline);
	const struct {
		CURLoption option;
		const void *value;
	} pointers[] = {
		{CURLOPT_URL, transfer->target.url},
		{CURLOPT_PROTOCOLS_STR, scheme},
		{CURLOPT_REDIR_PROTOCOLS_STR, scheme},
		{CURLOPT_PROXY, ""},
		{CURLOPT_USERAGENT, transfer->settings->agent},
		{CURLOPT_HTTPHEADER, transfer->headers},
		{CURLOPT_RESOLVE, transfer->addresses},
		{CURLOPT_ERRORBUFFER, transfer->text},
		{CURLOPT_PRIVATE, &transfer->job},
		{CURLOPT_WRITEDATA, transfer},
		{CURLOPT_HEADERDATA, transfer},
		{CURLOPT_OPENSOCKETDATA, transfer},
	};
	CURLcode code = curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left < EXCHANGE_MS ? (long)left + 1 : EXCHANGE_MS);
	for (size_t i = 0; code == CURLE_OK && i < ARRAY_LEN(fixed_options); i++)
		code = curl_easy_setopt(easy, fixed_options[i].option, fixed_options[i].value);
	for (size_t i = 0; code == CURLE_OK && i < ARRAY_LEN(pointers); i++)
		code = curl_easy_setopt(easy, pointers[i].option, pointers[i].value);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	if (code == CURLE_OK)
		code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	if (code == CURLE_OK)
		code = set_trust(easy, &transfer->settings->trust);
	/* On a reused connection that ends without an answer, libcurl sends any request again by itself. */
	if (code == CURLE_OK && transfer->exchange->request.once)
		code = curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	return code == CURLE_OK ? set_method(transfer) : code;
}

bool http_transfer_prepare(struct http_transfer *transfer, const char *addresses, struct deadline deadline,
			   struct error *err)
{
	curl_easy_reset(transfer->job.easy);
	curl_slist_free_all(STEAL(transfer->headers));
	curl_slist_free_all(STEAL(transfer->addresses));
	transfer->header_bytes = 0;
	transfer->body_sent = 0;
	transfer->headers_complete = false;
	transfer->own_error = false;
	transfer->refused_kind = NULL;
	transfer->text[0] = '\0';
	buf_init(&transfer->exchange->response.body, transfer->exchange->request.max_response);
	if (!build_headers(transfer, err) || !build_addresses(transfer, addresses, err))
		return false;
	CURLcode code = set_options(transfer, deadline);
	if (code == CURLE_OUT_OF_MEMORY)
		return error_oom(err);
	if (code != CURLE_OK)
		return error_set(err, ERROR_INTERNAL, NULL, "libcurl refuses an option: %s", curl_easy_strerror(code));
	return true;
}

/* What a user reads: BEFORE host AFTER, and then libcurl's own text unless OWN_WORDS. */
struct failure {
	CURLcode code;
	const char *before;
	const char *after;
	bool transient;
	bool own_words;
};

static const struct failure failures[] = {
	{CURLE_COULDNT_RESOLVE_HOST, "cannot find the address of ", "", true, true},
	{CURLE_COULDNT_CONNECT, "cannot connect to ", "", true, false},
	{CURLE_OPERATION_TIMEDOUT, "", " does not answer", true, false},
	{CURLE_PEER_FAILED_VERIFICATION, "the TLS certificate of ", " is not trusted", false, false},
	{CURLE_SSL_CACERT_BADFILE, "the trust anchors cannot be read to check ", "", false, false},
	{CURLE_SSL_CONNECT_ERROR, "the TLS handshake with ", " failed", true, false},
	{CURLE_GOT_NOTHING, "", " closed the connection without an answer", true, true},
	{CURLE_SEND_FAIL_REWIND, "", " closed the connection without an answer", true, true},
	{CURLE_PARTIAL_FILE, "", " closed the connection in the middle of its answer", true, true},
	{CURLE_SEND_ERROR, "the connection to ", " broke off", true, false},
	{CURLE_RECV_ERROR, "the connection to ", " broke off", true, false},
	{CURLE_HTTP2, "the HTTP/2 connection to ", " failed", true, false},
	{CURLE_HTTP2_STREAM, "the HTTP/2 connection to ", " failed", true, false},
	{CURLE_UNSUPPORTED_PROTOCOL, "", " does not speak HTTP", false, false},
	{CURLE_WEIRD_SERVER_REPLY, "", " does not speak HTTP", false, false},
};

static const struct failure *find_failure(CURLcode code)
{
	static const struct failure other = {CURLE_OK, "the exchange with ", " failed", true, false};
	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (failures[i].code == code)
			return &failures[i];
	return &other;
}

/* X509_V_ERR_… as libcurl hands it through: why a chain was not accepted decides what helps. */
static void hint_verification(struct http_transfer *transfer)
{
	enum {
		NOT_YET_VALID = 9,
		EXPIRED = 10,
		SELF_SIGNED = 18,
		SELF_SIGNED_CHAIN = 19,
		NO_ISSUER = 20,
		UNVERIFIED = 21
	};
	struct error *err = &transfer->exchange->error;
	long why = 0;
	(void)curl_easy_getinfo(transfer->job.easy, CURLINFO_SSL_VERIFYRESULT, &why);
	if (why == NOT_YET_VALID || why == EXPIRED)
		error_hint(err, "check this host's clock; otherwise the server's certificate has to be renewed");
	else if (why == SELF_SIGNED || why == SELF_SIGNED_CHAIN || why == NO_ISSUER || why == UNVERIFIED)
		error_hint(err, "if the server is meant to have a private CA, give that CA's root certificate with "
				"--ca-bundle FILE (ca_bundle in the config)");
}

static void explain(struct http_transfer *transfer, CURLcode code)
{
	struct error *err = &transfer->exchange->error;
	const struct failure *failure = find_failure(code);
	char name[NAME_SIZE], what[2 * NAME_SIZE], reason[CURL_ERROR_SIZE];
	long os_errno = 0;
	if (code == CURLE_OUT_OF_MEMORY) {
		(void)error_oom(err);
		return;
	}
	(void)snprintf(what, sizeof(what), "%s%s%s", failure->before,
		       http_target_name(&transfer->target, name, sizeof(name)), failure->after);
	(void)curl_easy_getinfo(transfer->job.easy, CURLINFO_OS_ERRNO, &os_errno);
	err->transient = failure->transient;
	if (failure->own_words)
		(void)error_set(err, ERROR_NETWORK, NULL, "%s", what);
	else if (code == CURLE_COULDNT_CONNECT && os_errno != 0)
		(void)error_errno(err, ERROR_NETWORK, NULL, (int)os_errno, "%s", what);
	else
		(void)error_set(err, ERROR_NETWORK, NULL, "%s: %s", what,
				escape_str(reason, sizeof(reason),
					   transfer->text[0] != '\0' ? transfer->text : curl_easy_strerror(code)));
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		hint_verification(transfer);
}

/* We ask for no compression and undo none, so that no answer can grow here. */
static bool check_encoding(struct http_transfer *transfer)
{
	const char *encoding = http_response_header(&transfer->exchange->response, "Content-Encoding", 0);
	char name[NAME_SIZE], safe[64];
	if (encoding == NULL || str_equal_nocase(encoding, "identity"))
		return true;
	return error_set(&transfer->exchange->error, ERROR_NETWORK, NULL,
			 "%s answers with Content-Encoding \"%s\", which was not asked for",
			 http_target_name(&transfer->target, name, sizeof(name)),
			 escape_str(safe, sizeof(safe), encoding));
}

/* The query stays out: some APIs put a token there. */
static void trace(const struct http_transfer *transfer)
{
	const struct http_exchange *exchange = transfer->exchange;
	const char *url = transfer->target.url;
	curl_off_t spent_us = 0;
	if (!log_enabled(LOG_LEVEL_TRACE))
		return;
	(void)curl_easy_getinfo(transfer->job.easy, CURLINFO_TOTAL_TIME_T, &spent_us);
	log_trace("%s %.*s: status %ld, sent %zu, received %zu bytes, %lld ms%s%s",
		  http_method_name(exchange->request.method), (int)strcspn(url, "?"), url, exchange->response.status,
		  exchange->request.body_len, exchange->response.body.len, (long long)(spent_us / 1000),
		  exchange->ok ? "" : ", ", exchange->ok ? "" : exchange->error.message);
}

void http_transfer_finish(struct http_transfer *transfer, struct deadline deadline)
{
	struct http_exchange *exchange = transfer->exchange;
	struct error *err = &exchange->error;
	long status = 0;
	CURLcode code = transfer->job.result;
	char name[NAME_SIZE];
	(void)curl_easy_getinfo(transfer->job.easy, CURLINFO_RESPONSE_CODE, &status);
	if (!transfer->job.done || (code == CURLE_OPERATION_TIMEDOUT && deadline_left_ms(deadline) == 0)) {
		error_clear(err);
		if (cancel_requested(deadline.cancel))
			(void)error_set(err, ERROR_CANCELLED, NULL, "interrupted");
		else
			(void)error_set(err, ERROR_TIMEOUT, NULL, "%s did not answer in the time allowed",
					http_target_name(&transfer->target, name, sizeof(name)));
		err->transient = err->category == ERROR_TIMEOUT;
	} else if (code == CURLE_COULDNT_CONNECT && transfer->refused_kind != NULL) {
		/* If the host had other addresses, those did not answer either. */
		(void)error_set(err, ERROR_NETWORK, NULL, "%s leads to a %s address, which is refused",
				http_target_name(&transfer->target, name, sizeof(name)), transfer->refused_kind);
	} else if (code != CURLE_OK && !transfer->own_error) {
		explain(transfer, code);
	}
	exchange->response.status = status;
	exchange->ok = !error_is_set(err) && check_encoding(transfer);
	trace(transfer);
	if (exchange->ok)
		return;
	err->http_status = status;
	http_response_done(&exchange->response);
}

void http_transfer_done(struct http_transfer *transfer)
{
	curl_slist_free_all(STEAL(transfer->headers));
	curl_slist_free_all(STEAL(transfer->addresses));
	http_target_done(&transfer->target);
}
