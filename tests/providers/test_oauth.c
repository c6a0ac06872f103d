/* SPDX-License-Identifier: Apache-2.0 */
/* Access tokens, with a token endpoint in memory. */
#include "dns-providers/oauth.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* What the endpoint does next. */
static struct {
	int fetched;
	int64_t seconds;
	bool fails;
} endpoint;

static bool fetch(void *ctx, struct deadline deadline, struct secret *ret_token, int64_t *ret_seconds,
		  struct error *err)
{
	char token[32];
	(void)ctx;
	if (endpoint.fails)
		return error_set(err, ERROR_DNS, "authorize", "no token today");
	int len = snprintf(token, sizeof(token), "token-%d", ++endpoint.fetched);
	*ret_seconds = endpoint.seconds;
	return deadline_sleep(deadline, 20, "authorize", err) && secret_set(ret_token, token, (size_t)len, err);
}

static void begin(struct oauth *oauth, int64_t seconds)
{
	endpoint.fetched = 0;
	endpoint.seconds = seconds;
	endpoint.fails = false;
	oauth_init(oauth, fetch, NULL);
}

static uint64_t check_header(struct oauth *oauth, const char *want)
{
	struct error err = {0};
	struct provider_headers headers = {0};
	CHECK_OK(oauth_authorize(oauth, deadline_in(5000, NULL), &headers, &err), err);
	CHECK_INT(headers.count, 1);
	CHECK_STR(headers.lines[0].data, want);
	secret_done(&headers.lines[0]);
	return headers.mark;
}

TEST(a_token_is_kept_until_shortly_before_it_expires)
{
	struct oauth oauth;
	begin(&oauth, 3600);
	(void)check_header(&oauth, "Authorization: Bearer token-1");
	(void)check_header(&oauth, "Authorization: Bearer token-1");
	oauth.until_ms -= (3600 - 120) * 1000 - 500;
	(void)check_header(&oauth, "Authorization: Bearer token-1");
	oauth.until_ms -= 1000;
	(void)check_header(&oauth, "Authorization: Bearer token-2");
	oauth_done(&oauth);
	/* One that lives shortly is used for half of its life, one without life not twice. */
	begin(&oauth, 0);
	(void)check_header(&oauth, "Authorization: Bearer token-1");
	(void)check_header(&oauth, "Authorization: Bearer token-2");
	oauth_done(&oauth);
}

TEST(a_refused_token_is_got_anew_unless_that_was_done_already)
{
	struct oauth oauth;
	begin(&oauth, 3600);
	uint64_t first = check_header(&oauth, "Authorization: Bearer token-1");
	oauth_renew(&oauth, first);
	(void)check_header(&oauth, "Authorization: Bearer token-2");
	oauth_renew(&oauth, first);
	(void)check_header(&oauth, "Authorization: Bearer token-2");
	oauth_done(&oauth);
}

static void *authorize(void *ctx)
{
	(void)check_header(ctx, "Authorization: Bearer token-1");
	return NULL;
}

TEST(threads_share_one_token_and_a_failure_is_not_kept)
{
	struct oauth oauth;
	struct error err = {0};
	struct provider_headers headers = {0};
	pthread_t threads[8];
	begin(&oauth, 3600);
	endpoint.fails = true;
	CHECK(!oauth_authorize(&oauth, deadline_in(5000, NULL), &headers, &err));
	CHECK_INT(headers.count, 0);
	CHECK_STR(err.message, "no token today");
	endpoint.fails = false;
	for (size_t i = 0; i < 8; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, authorize, &oauth), 0);
	for (size_t i = 0; i < 8; i++)
		(void)pthread_join(threads[i], NULL);
	CHECK_INT(endpoint.fetched, 1);
	oauth_done(&oauth);
}

TEST(the_answer_says_for_how_long_in_several_ways)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} cases[] = {
		{"{\"access_token\":\"t\",\"expires_in\":3599,\"token_type\":\"Bearer\"}", 3599},
		{"{\"access_token\":\"t\",\"expires_in\":\"3598\"}", 3598},
		{"{\"access_token\":\"t\",\"expires_on\":\"1700000600\"}", 600},
		{"{\"access_token\":\"t\",\"expires_on\":1700000600,\"expires_in\":\"60\"}", 60},
		{"{\"access_token\":\"t\",\"expires_on\":\"1600000000\"}", 300},
		{"{\"access_token\":\"t\",\"expires_in\":-1}", 300},
		{"{\"access_token\":\"t\"}", 300},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct secret token = {0};
		struct error err = {0};
		int64_t seconds = -1;
		CHECK_OK(oauth_read_token(cases[i].text, strlen(cases[i].text), 1700000000, &token, &seconds, &err),
			 err);
		CHECK_STR(token.data, "t");
		CHECK_INT(seconds, cases[i].seconds);
		secret_done(&token);
	}
}

TEST(an_answer_without_a_token_that_can_be_sent_is_refused)
{
	static const char *const texts[] = {"{}",
					    "[]",
					    "<html>",
					    "{\"access_token\":\"\"}",
					    "{\"access_token\":7}",
					    "{\"access_token\":\"a b\"}",
					    "{\"access_token\":\"a\\r\\nX-Evil: yes\"}"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct secret token = {0};
		struct error err = {0};
		int64_t seconds = 0;
		CHECK(!oauth_read_token(texts[i], strlen(texts[i]), 0, &token, &seconds, &err));
		CHECK_INT(err.category, ERROR_DATA);
		CHECK(token.data == NULL);
	}
}

TEST(a_form_s_values_are_encoded)
{
	struct buf form;
	buf_init(&form, 1024);
	oauth_form_add(&form, "grant_type", "urn:ietf:params");
	oauth_form_add(&form, "secret", "a&b=c+d é");
	CHECK_STR(buf_cstr(&form), "grant_type=urn%3Aietf%3Aparams&secret=a%26b%3Dc%2Bd%20%C3%A9");
	buf_done(&form);
}

TEST_MAIN()
