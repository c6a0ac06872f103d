/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripted port. A script is taken apart into entries (an exchange or a wait) that are used up in order; whatever
 * the engine does that is not the next entry fails the test on the spot.
 */
#include "support_transcript.h"

#include "acme/chain.h"
#include "acme/key.h"
#include "base/base64url.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"
#include "support_keys.h"
#include "support_transcript_account.h"
#include "support_transcript_chains.h"
#include "support_transcript_persist.h"
#include "tests/support/test.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

enum { ENTRIES_MAX = 1024, LINES_MAX = 32, NAMES_MAX = 128, TEXT_MAX = 4 * 1024 * 1024 };

static const char base_url[] = "https://ca.example";
static const char account_url[] = "https://ca.example/acct/1";

struct entry {
	char *request[LINES_MAX]; /* "POST /path", "payload: …" */
	size_t request_count;
	char *response[LINES_MAX]; /* "200", "Name: value" */
	size_t response_count;
	struct buf body;
	char *wait; /* "50 ms"; NULL: an exchange */
};

struct play {
	struct str_list settings; /* "names: …" */
	struct str_list results;  /* "failed: …" */
	struct entry *entries;
	size_t count, at;
	size_t requests, together;
	int64_t now_ms; /* since TRANSCRIPT_START */
	unsigned nonce_counter;
	struct str_list issued; /* nonces not used yet */
	struct str_list placed, presented, noted;
	unsigned cleanups, notes;
	bool present_fails;
	EVP_PKEY *account_key, *other_key; /* a new account key, or a certificate's */
	char *csr;
};

static struct play play;

/* ---- Reading a script. ---- */

static void add(struct str_list *list, const char *text)
{
	struct error err = {0};
	CHECK_OK(str_list_add(list, text, &err), err);
}

static const char *value_of(const struct str_list *list, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < list->len; i++)
		if (strncmp(list->items[i], name, len) == 0 && list->items[i][len] == ':')
			return list->items[i] + len + 1 + strspn(list->items[i] + len + 1, " ");
	return NULL;
}

static const char *line_value(char *const *lines, size_t count, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < count; i++)
		if (strncasecmp(lines[i], name, len) == 0 && lines[i][len] == ':')
			return lines[i] + len + 1 + strspn(lines[i] + len + 1, " ");
	return NULL;
}

static struct entry *new_entry(void)
{
	CHECK(play.count < ENTRIES_MAX);
	struct entry *entry = &play.entries[play.count++];
	buf_init(&entry->body, TEXT_MAX);
	return entry;
}

static void read_file(const char *name, struct buf *ret)
{
	char path[256], block[4096];
	size_t len;
	(void)snprintf(path, sizeof(path), "transcripts/%s", name);
	FILE *file = fopen(test_source_path(path), "rb");
	if (file == NULL)
		test_fail(__FILE__, __LINE__, "no file tests/%s", path);
	while ((len = fread(block, 1, sizeof(block), file)) > 0)
		buf_append(ret, block, len);
	(void)fclose(file);
}

static void parse_script(const char *text);

static void parse_line(const char *line)
{
	struct entry *last = play.count > 0 ? &play.entries[play.count - 1] : NULL;
	const char *rest = line[0] != '\0' ? line + 1 + strspn(line + 1, " ") : line;
	static const char *const methods[] = {"GET ", "HEAD ", "POST "};

	char mark = line[0] != '\0' && line[1] == ' ' ? line[0] : '\0';
	if (mark == '#' || (line[0] == '\0' && last == NULL))
		return;
	if (mark == '+') {
		CLEANUP(buf_done) struct buf part;
		buf_init(&part, TEXT_MAX);
		read_file(rest, &part);
		parse_script(buf_cstr(&part));
	} else if (mark == '.') {
		new_entry()->wait = strdup(rest);
	} else if (mark == '=') {
		add(&play.results, rest);
	} else if (mark == '>') {
		for (size_t i = 0; i < ARRAY_LEN(methods); i++)
			if (str_starts(rest, methods[i]))
				last = new_entry();
		CHECK(last != NULL && last->wait == NULL && last->request_count < LINES_MAX);
		last->request[last->request_count++] = strdup(rest);
	} else if (mark == '<') {
		CHECK(last != NULL && last->wait == NULL && last->response_count < LINES_MAX);
		last->response[last->response_count++] = strdup(rest);
	} else if (last != NULL) {
		if (line[0] != '\0' || last->body.len > 0) {
			buf_str(&last->body, line);
			buf_char(&last->body, '\n');
		}
	} else {
		add(&play.settings, line);
	}
}

static void parse_script(const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		AUTO_FREE char *line = strndup(text, len);
		parse_line(line);
		text += len + (text[len] == '\n');
	}
}

/* A copy of TEXT with the @{…} filled in. */
static char *substitute(const char *text)
{
	const struct {
		const char *name, *value;
	} table[] = {
		{"@{csr}", play.csr != NULL ? play.csr : ""},
		{"@{chain}\n", chain_pem},
		{"@{other-chain}\n", other_chain_pem},
		{"@{token}", "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"},
	};
	struct error err = {0};
	CLEANUP(buf_done) struct buf out;
	buf_init(&out, TEXT_MAX);
	while (*text != '\0') {
		size_t i;
		for (i = 0; i < ARRAY_LEN(table) && !str_starts(text, table[i].name); i++)
			;
		if (i < ARRAY_LEN(table)) {
			buf_str(&out, table[i].value);
			text += strlen(table[i].name);
		} else {
			buf_char(&out, *text++);
		}
	}
	char *copy = buf_take(&out, "script", &err);
	CHECK_OK(copy != NULL, err);
	return copy;
}

/* ---- Checking a request. ---- */

static char *decode(const json_t *object, const char *key)
{
	struct error err = {0};
	CLEANUP(buf_done) struct buf out;
	const char *text = json_string_value(json_object_get(object, key));
	buf_init(&out, TEXT_MAX);
	CHECK(text != NULL);
	CHECK(base64url_decode(&out, text, strlen(text)));
	char *copy = buf_take(&out, key, &err);
	CHECK_OK(copy != NULL, err);
	return copy;
}

/* ES256 by hand: r||s back to DER, verified with the public key alone. */
static void check_signature(const json_t *jws, EVP_PKEY *key)
{
	CLEANUP(buf_done) struct buf raw, input;
	unsigned char *der = NULL;
	const char *signature = json_string_value(json_object_get(jws, "signature"));
	buf_init(&raw, 1024);
	buf_init(&input, TEXT_MAX);
	CHECK(base64url_decode(&raw, signature, strlen(signature)));
	CHECK_INT(raw.len, 64);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	const unsigned char *bytes = (const unsigned char *)raw.data;
	CHECK(ECDSA_SIG_set0(sig, BN_bin2bn(bytes, 32, NULL), BN_bin2bn(bytes + 32, 32, NULL)) == 1);
	int der_len = i2d_ECDSA_SIG(sig, &der);
	buf_printf(&input, "%s.%s", json_string_value(json_object_get(jws, "protected")),
		   json_string_value(json_object_get(jws, "payload")));
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	CHECK(EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key) == 1);
	CHECK(EVP_DigestVerify(md, der, (size_t)der_len, (const unsigned char *)input.data, input.len) == 1);
	EVP_MD_CTX_free(md);
	ECDSA_SIG_free(sig);
	OPENSSL_free(der);
}

static void use_nonce(const char *nonce)
{
	CHECK(nonce != NULL);
	for (size_t i = 0; i < play.issued.len; i++) {
		if (strcmp(play.issued.items[i], nonce) != 0)
			continue;
		free(play.issued.items[i]);
		play.issued.items[i] = play.issued.items[--play.issued.len];
		return;
	}
	test_fail(__FILE__, __LINE__, "the nonce %s was not issued, or is used twice", nonce);
}

static void check_protected(const struct entry *entry, const json_t *jws, const char *url)
{
	struct error err = {0};
	AUTO_FREE char *text = decode(jws, "protected");
	AUTO_JSON json_t *header = json_read(text, strlen(text), "protected header", &err);
	const char *nonce = json_string_value(json_object_get(header, "nonce"));
	const char *wanted = line_value(entry->request, entry->request_count, "nonce");
	bool with_key = false;

	CHECK_OK(header != NULL, err);
	CHECK_INT(json_object_size(header), 4);
	CHECK_STR(json_string_value(json_object_get(header, "alg")), "ES256");
	CHECK_STR(json_string_value(json_object_get(header, "url")), url);
	for (size_t i = 0; i < entry->request_count; i++)
		with_key |= strcmp(entry->request[i], "key") == 0;
	if (with_key)
		CHECK_STR(json_string_value(json_object_get(json_object_get(header, "jwk"), "kty")), "EC");
	else
		CHECK_STR(json_string_value(json_object_get(header, "kid")), account_url);
	if (wanted != NULL)
		CHECK_STR(nonce, wanted);
	use_nonce(nonce);
}

static bool has_line(const struct entry *entry, const char *line)
{
	for (size_t i = 0; i < entry->request_count; i++)
		if (strcmp(entry->request[i], line) == 0)
			return true;
	return false;
}

/* Section 7.3.5: PAYLOAD is a JWS by the other key, without a nonce, for the same URL, that says WANTED. */
static void check_inner(const char *payload, const char *wanted, const char *url)
{
	struct error err = {0};
	AUTO_JSON json_t *inner = json_read(payload, strlen(payload), "inner JWS", &err);
	CHECK_OK(inner != NULL, err);
	CHECK_INT(json_object_size(inner), 3);
	check_signature(inner, play.other_key);
	AUTO_FREE char *header_text = decode(inner, "protected");
	AUTO_FREE char *said = decode(inner, "payload");
	AUTO_JSON json_t *header = json_read(header_text, strlen(header_text), "inner header", &err);
	AUTO_JSON json_t *got = json_read(said, strlen(said), "inner payload", &err);
	AUTO_JSON json_t *want = json_read(wanted, strlen(wanted), "wanted payload", &err);
	CHECK_OK(header != NULL && got != NULL && want != NULL, err);
	CHECK_INT(json_object_size(header), 3);
	CHECK(json_object_get(header, "nonce") == NULL && json_object_get(header, "jwk") != NULL);
	CHECK_STR(json_string_value(json_object_get(header, "url")), url);
	if (!json_equal(got, want))
		test_fail(__FILE__, __LINE__, "inner payload\n   got: %s\n  want: %s", said, wanted);
}

static void check_payload(const struct entry *entry, const json_t *jws, const char *url)
{
	struct error err = {0};
	const char *wanted = line_value(entry->request, entry->request_count, "payload");
	AUTO_FREE char *payload = decode(jws, "payload");
	const char *inner = line_value(entry->request, entry->request_count, "inner");
	if (inner != NULL) {
		check_inner(payload, inner, url);
		return;
	}
	if (wanted == NULL) {
		CHECK_STR(payload, "");
		return;
	}
	AUTO_FREE char *filled = substitute(wanted);
	AUTO_JSON json_t *got = json_read(payload, strlen(payload), "payload", &err);
	AUTO_JSON json_t *want = json_read(filled, strlen(filled), "wanted payload", &err);
	CHECK_OK(got != NULL && want != NULL, err);
	if (!json_equal(got, want))
		test_fail(__FILE__, __LINE__, "payload\n   got: %s\n  want: %s", payload, filled);
}

static void check_request(const struct entry *entry, const struct http_request *request)
{
	struct error err = {0};
	char got[LIMIT_URL + 8], want[LIMIT_URL + 8];
	const char *space = strchr(entry->request[0], ' ');
	const char *accept = line_value(entry->request, entry->request_count, "accept");

	(void)snprintf(got, sizeof(got), "%s %s", http_method_name(request->method), request->url);
	(void)snprintf(want, sizeof(want), "%.*s %s%s", (int)(space - entry->request[0]), entry->request[0],
		       space[1] == '/' ? base_url : "", space + 1);
	CHECK_STR(got, want);
	if (accept != NULL)
		CHECK_STR(request->accept, accept);
	if (request->method != HTTP_POST)
		return;
	CHECK_STR(request->content_type, "application/jose+json");
	CHECK(request->max_response > 0 && !request->follow);
	AUTO_JSON json_t *jws = json_read(request->body, request->body_len, "JWS", &err);
	CHECK_OK(jws != NULL, err);
	CHECK_INT(json_object_size(jws), 3);
	check_signature(jws, has_line(entry, "other key") ? play.other_key : play.account_key);
	check_protected(entry, jws, request->url);
	check_payload(entry, jws, request->url);
}

/* ---- The port. ---- */

static void add_header(struct http_response *response, const char *name, size_t name_len, const char *value)
{
	struct error err = {0};
	CHECK_OK(http_response_add_header(response, name, name_len, value, strlen(value), &err), err);
}

static void answer(const struct entry *entry, struct http_exchange *exchange)
{
	struct http_response *response = &exchange->response;
	const char *nonce = line_value(entry->response, entry->response_count, "Replay-Nonce");
	char fresh[32];
	uint64_t status = 0;

	CHECK(entry->response_count > 0);
	if (strcmp(entry->response[0], "lost") == 0) {
		(void)error_set(&exchange->error, ERROR_NETWORK, NULL, "connection reset");
		return;
	}
	CHECK(parse_u64(entry->response[0], strlen(entry->response[0]), 999, &status));
	response->status = (long)status;
	buf_init(&response->body, TEXT_MAX);
	AUTO_FREE char *body = substitute(buf_cstr(&entry->body));
	buf_str(&response->body, body);
	for (size_t i = 1; i < entry->response_count; i++) {
		const char *line = entry->response[i];
		size_t name_len = strcspn(line, ":");
		if (strncasecmp(line, "Replay-Nonce:", name_len + 1) != 0)
			add_header(response, line, name_len, line + name_len + 1 + strspn(line + name_len + 1, " "));
	}
	if (line_value(entry->response, entry->response_count, "Content-Type") == NULL)
		add_header(response, "Content-Type", strlen("Content-Type"),
			   status < 400 ? "application/json" : "application/problem+json; charset=utf-8");
	if (nonce == NULL && str_starts(entry->request[0], "GET "))
		nonce = "none";
	if (nonce == NULL) {
		(void)snprintf(fresh, sizeof(fresh), "nonce-%u", ++play.nonce_counter);
		nonce = fresh;
	}
	if (strcmp(nonce, "none") != 0) {
		add_header(response, "replay-nonce", strlen("replay-nonce"), nonce);
		add(&play.issued, nonce);
	}
	exchange->ok = true;
}

static bool play_send(void *ctx, struct http_exchange *exchanges, size_t count, struct deadline deadline,
		      struct error *err)
{
	(void)ctx;
	if (!deadline_check(deadline, NULL, err))
		return false;
	if (count > play.together)
		play.together = count;
	/* All are out before the first answer is in, as with a real network. */
	for (size_t i = 0; i < count; i++) {
		if (play.at + i >= play.count || play.entries[play.at + i].wait != NULL)
			test_fail(__FILE__, __LINE__, "request not in the script: %s %s",
				  http_method_name(exchanges[i].request.method), exchanges[i].request.url);
		check_request(&play.entries[play.at + i], &exchanges[i].request);
	}
	for (size_t i = 0; i < count; i++)
		answer(&play.entries[play.at++], &exchanges[i]);
	play.requests += count;
	return true;
}

enum { ASKED = 0 }; /* milliseconds that nobody waits: until the CA has asked our responder */

static bool play_wait(void *ctx, int64_t ms, struct deadline deadline, struct error *err)
{
	char got[32] = "asked";
	(void)ctx;
	if (ms != ASKED)
		(void)snprintf(got, sizeof(got), "%lld ms", (long long)ms);
	if (play.at >= play.count || play.entries[play.at].wait == NULL)
		test_fail(__FILE__, __LINE__, "wait not in the script: %s", got);
	const char *want = play.entries[play.at++].wait;
	if (strcmp(want, "cancelled") == 0)
		return error_set(err, ERROR_CANCELLED, NULL, "interrupted");
	CHECK_STR(got, want);
	play.now_ms += ms;
	return deadline_check(deadline, NULL, err);
}

static int64_t play_now(void *ctx)
{
	(void)ctx;
	return TRANSCRIPT_START + play.now_ms / 1000;
}

/* ---- Solver and observer. ---- */

static bool present(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct deadline deadline,
		    struct error *err)
{
	(void)ctx;
	(void)deadline;
	for (size_t i = 0; i < count; i++) {
		add(&play.presented, tasks[i].identifier.value);
		transcript_check_task(&play.results, i, &tasks[i]);
	}
	return !play.present_fails || error_set(err, ERROR_DNS, NULL, "the zone is not there");
}

static bool await_asked(void *ctx, struct deadline deadline, struct error *err)
{
	return play_wait(ctx, ASKED, deadline, err);
}

static bool cleanup(void *ctx, const struct acme_challenge_task *tasks, size_t count, struct error *err)
{
	(void)ctx;
	(void)tasks;
	CHECK(count > 0);
	play.cleanups++;
	return !play.present_fails || error_set(err, ERROR_DNS, NULL, "nothing could be removed");
}

static bool order_placed(void *ctx, const char *url, struct error *err)
{
	(void)ctx;
	(void)err;
	add(&play.placed, url);
	return true;
}

static void note(void *ctx, const struct error *err)
{
	(void)ctx;
	CHECK(error_is_set(err));
	play.notes++;
	add(&play.noted, err->message);
}

/* ---- What came of it. ---- */

static void join(const struct str_list *list, struct buf *out)
{
	for (size_t i = 0; i < list->len; i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", list->items[i]);
}

static void check_list(const char *name, const struct str_list *list)
{
	const char *want = value_of(&play.results, name);
	CLEANUP(buf_done) struct buf got;
	buf_init(&got, TEXT_MAX);
	join(list, &got);
	if (want != NULL)
		CHECK_STR(buf_cstr(&got), want);
}

/* Each "note:" is part of one that the observer got. */
static void check_notes(void)
{
	CLEANUP(buf_done) struct buf got;
	buf_init(&got, TEXT_MAX);
	join(&play.noted, &got);
	for (size_t i = 0; i < play.results.len; i++)
		if (str_starts(play.results.items[i], "note: "))
			CHECK_CONTAINS(buf_cstr(&got), play.results.items[i] + strlen("note: "));
}

static void check_number(const char *name, long long got)
{
	const char *want = value_of(&play.results, name);
	char text[32];
	(void)snprintf(text, sizeof(text), "%lld", got);
	if (want != NULL)
		CHECK_STR(text, want);
}

static void check_failure(const struct error *err)
{
	static char failed_parts[2 * ERROR_PARTS_MAX];
	struct error_part part;
	const struct {
		const char *name, *text;
	} parts[] = {{"message", err->message}, {"said", err->said}, {"hint", err->hint}, {"part", failed_parts}};
	char got[64];
	const char *want = value_of(&play.results, "failed");

	failed_parts[0] = '\0';
	for (size_t i = 0; error_part_at(err, i, &part); i++)
		(void)snprintf(failed_parts + strlen(failed_parts), sizeof(failed_parts) - strlen(failed_parts),
			       "%s | %s | %s\n", part.identifier, part.type, part.detail);
	if (want == NULL)
		test_check_ok(__FILE__, __LINE__, "the run", false, err);
	(void)snprintf(got, sizeof(got), "%s %s", error_category_name(err->category), err->step ? err->step : "-");
	CHECK_STR(got, want);
	for (size_t i = 0; i < play.results.len; i++)
		for (size_t j = 0; j < ARRAY_LEN(parts); j++)
			if (str_starts(play.results.items[i], parts[j].name))
				CHECK_CONTAINS(parts[j].text,
					       play.results.items[i] + strlen(parts[j].name) + strlen(": "));
	if ((want = value_of(&play.results, "type")) != NULL)
		CHECK_STR(err->type, want);
	if ((want = value_of(&play.results, "transient")) != NULL)
		CHECK_STR(err->transient ? "yes" : "no", want);
	check_number("clock", (long long)err->clock_offset);
	if ((want = value_of(&play.results, "retry")) != NULL) {
		(void)snprintf(got, sizeof(got), "+%lld", (long long)(err->retry_at - TRANSCRIPT_START));
		CHECK_STR(err->retry_at != 0 ? got : "none", want);
	}
}

static void check_results(const struct error *err, bool ok)
{
	if (play.at < play.count) {
		const struct entry *next = &play.entries[play.at];
		if (!ok)
			fprintf(stderr, "failed: %s: %s\n%s\n", err->step ? err->step : "-", err->message, err->said);
		test_fail(__FILE__, __LINE__, "the script goes on, but the engine does not: %s",
			  next->wait != NULL ? next->wait : next->request[0]);
	}
	if (ok)
		CHECK(value_of(&play.results, "failed") == NULL);
	else
		check_failure(err);
	check_list("present", &play.presented);
	check_list("placed", &play.placed);
	check_notes();
	check_number("cleanups", play.cleanups);
	check_number("notes", play.notes);
	check_number("requests", (long long)play.requests);
	CHECK_INT(play.cleanups, play.presented.len > 0);
}

/* ---- Running. ---- */

static const struct acme_port port = {.send = play_send, .wait = play_wait, .now = play_now};

static struct deadline play_deadline(void)
{
	const char *timeout = value_of(&play.settings, "timeout");
	uint64_t seconds = 600;
	if (timeout != NULL)
		CHECK(parse_u64(timeout, strlen(timeout), 100000, &seconds));
	return deadline_in((int64_t)seconds * 1000, NULL);
}

static size_t read_names(struct identifier *identifiers)
{
	struct error err = {0};
	const char *names = value_of(&play.settings, "names");
	size_t count = 0;
	CHECK(names != NULL);
	while (*names != '\0') {
		size_t len = strcspn(names, " ");
		AUTO_FREE char *name = strndup(names, len);
		CHECK(count < NAMES_MAX);
		CHECK_OK(identifier_parse(name, &identifiers[count++], &err), err);
		names += len + strspn(names + len, " ");
	}
	return count;
}

/* The setting NAME as a time; 0: not set. */
static int64_t read_time(const char *name)
{
	const char *text = value_of(&play.settings, name);
	int64_t wall = 0;
	if (text != NULL)
		CHECK(rfc3339_parse(text, strlen(text), &wall));
	return wall;
}

static void check_certificate(const struct acme_certificate *got)
{
	struct error parse = {0};
	struct chain *parsed = chain_parse(got->chain, strlen(got->chain), &parse);
	const char *issuer = value_of(&play.results, "issuer");
	char top[CHAIN_NAME_SIZE];

	CHECK_STR(parsed != NULL ? "yes" : parse.message, value_of(&play.results, "certificate"));
	if (issuer != NULL) {
		chain_top_issuer(parsed, top);
		CHECK_STR(top, issuer);
	}
	chain_free(parsed);
	CHECK_STR(got->fallback != NULL ? "yes" : "no",
		  value_of(&play.results, "fallback") != NULL ? value_of(&play.results, "fallback") : "no");
	if (value_of(&play.results, "profile") != NULL)
		CHECK_STR(got->profile, value_of(&play.results, "profile"));
}

static bool run_certificate(struct acme_session *session, const struct acme_signer *signer, struct error *err)
{
	static struct identifier identifiers[NAMES_MAX];
	const struct acme_identity account = {.signer = signer, .kid = account_url};
	const char *solver_text = value_of(&play.settings, "solver");
	AUTO_FREE char *type = strndup(solver_text, strcspn(solver_text, " "));
	struct acme_solver solver = {.type = challenge_type_parse(type), .present = present, .cleanup = cleanup};
	const struct acme_observer observer = {.order_placed = order_placed, .note = note};
	CLEANUP(acme_certificate_done) struct acme_certificate got = {0};
	play.present_fails = strstr(solver_text, "fails") != NULL;
	if (strstr(solver_text, "standalone") != NULL)
		solver.await_asked = await_asked;

	const struct acme_certificate_request request = {
		.identifiers = identifiers,
		.identifier_count = read_names(identifiers),
		.csr_der = "der",
		.csr_der_len = 3,
		.resume_url = value_of(&play.settings, "resume"),
		.profile = value_of(&play.settings, "profile"),
		.replaces = value_of(&play.settings, "replaces"),
		.not_after = read_time("not-after"),
		.preferred_chain = value_of(&play.settings, "preferred-chain"),
		.pre_authorize = value_of(&play.settings, "pre-authorize") != NULL,
	};
	play.csr = strdup("ZGVy");
	bool ok = acme_obtain_certificate(session, &account, &request, &solver, &observer, play_deadline(), &got, err);
	if (ok)
		check_certificate(&got);
	else
		CHECK(got.chain == NULL && got.fallback == NULL);
	return ok;
}

static bool run_abandon(struct acme_session *session, const struct acme_signer *signer)
{
	const struct acme_identity account = {.signer = signer, .kid = account_url};
	acme_abandon_order(session, &account, value_of(&play.settings, "resume"), play_deadline());
	return true;
}

const char *transcript_setting(const char *name)
{
	return value_of(&play.settings, name);
}

const char *transcript_result(const char *name)
{
	return value_of(&play.results, name);
}

struct deadline transcript_deadline(void)
{
	return play_deadline();
}

static EVP_PKEY *read_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	CHECK(key != NULL);
	return key;
}

static void play_done(void)
{
	for (size_t i = 0; i < play.count; i++) {
		struct entry *entry = &play.entries[i];
		for (size_t j = 0; j < entry->request_count; j++)
			free(entry->request[j]);
		for (size_t j = 0; j < entry->response_count; j++)
			free(entry->response[j]);
		free(entry->wait);
		buf_done(&entry->body);
	}
	free(play.entries);
	free(play.csr);
	str_list_done(&play.settings);
	str_list_done(&play.results);
	str_list_done(&play.issued);
	str_list_done(&play.placed);
	str_list_done(&play.presented);
	str_list_done(&play.noted);
	EVP_PKEY_free(play.account_key);
	EVP_PKEY_free(play.other_key);
	play = (struct play){0};
}

size_t transcript_run_text(const char *text)
{
	struct error err = {0};
	struct acme_signer signer;
	play_done();
	play.entries = calloc(ENTRIES_MAX, sizeof(*play.entries));
	CHECK(play.entries != NULL);
	parse_script(text);

	play.account_key = read_key(vector_ec_pem);
	play.other_key = read_key(vector_short_x_pem);
	struct key *key = vector_key(vector_ec_pem);
	CHECK_OK(key_signer(key, &signer, &err), err);
	struct acme_session *session = acme_session_new(&port, "https://ca.example/directory", &err);
	CHECK_OK(session != NULL, err);

	const char *what = value_of(&play.settings, "run");
	bool ok = what == NULL                 ? run_certificate(session, &signer, &err)
		  : str_equal(what, "abandon") ? run_abandon(session, &signer)
					       : transcript_run_account(session, &signer, what, &err);
	acme_session_free(session);
	key_free(key);
	check_results(&err, ok);
	size_t together = play.together;
	play_done();
	return together;
}

void transcript_run(const char *name)
{
	char file[128];
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, TEXT_MAX);
	(void)snprintf(file, sizeof(file), "%s.txt", name);
	read_file(file, &text);
	(void)transcript_run_text(buf_cstr(&text));
}
