/* SPDX-License-Identifier: Apache-2.0 */
/* renewal/<name>.json: everything comes back, and nothing damaged passes for "not there". */
#include "store/renewal.h"

#include "base/limits.h"
#include "tests/store/support_pair.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static struct store *fresh(const char *what)
{
	struct error err = {0};
	struct store *store = store_open(scratch(what), true, &err);
	CHECK_OK(store != NULL, err);
	return store;
}

static void set(char **field, const char *text)
{
	struct error err = {0};
	CHECK_OK(str_set(field, text, &err), err);
}

static void add_names(struct renewal *renewal, const char *const *names, size_t count)
{
	struct error err = {0};
	renewal->identifiers = calloc(count, sizeof(*renewal->identifiers));
	CHECK(renewal->identifiers != NULL);
	renewal->identifier_count = count;
	for (size_t i = 0; i < count; i++)
		CHECK_OK(identifier_parse(names[i], &renewal->identifiers[i], &err), err);
}

static void add_hooks(struct renewal *renewal, const struct error *failed)
{
	struct error err = {0};
	set(&renewal->pre_hook, "systemctl stop nginx");
	set(&renewal->post_hook, "systemctl start nginx\n");
	set(&renewal->deploy_hook, "cat $RENEWED_LINEAGE/*.pem > \"/x\"");
	renewal->deploy_hooks_due = true;
	struct renewal_hook *hook = renewal_hook(renewal, "deploy/50-copy", &err);
	CHECK_OK(hook != NULL, err);
	*hook = (struct renewal_hook){
		.name = hook->name, .failures = 4, .last_try = 1795000003, .retry_at = 1795000063};
	error_keep(&hook->error, failed);
	CHECK_OK(renewal_hook(renewal, "deploy_hook", &err) != NULL, err);
	CHECK(renewal_hook(renewal, "deploy/50-copy", &err) == &renewal->hooks[0]);
}

static struct renewal full_record(void)
{
	static const char *const names[] = {"example.com", "*.example.com", "198.51.100.7", "2001:db8::1"};
	struct renewal renewal = {.key_type = KEY_TYPE_RSA_3072,
				  .reuse_key = true,
				  .challenge = CHALLENGE_DNS_PERSIST_01,
				  .from_config = true,
				  .generation = 12,
				  .rolled_back_from = 14,
				  .not_before = 1790000000,
				  .not_after = 253402300799,
				  .renew_at = 1795000000,
				  .failures = 3,
				  .last_failure = -1,
				  .retry_at = 1796000000,
				  .lifetime = 864000};
	struct error err = {0};
	set(&renewal.name, "example.com");
	add_names(&renewal, names, ARRAY_LEN(names));
	set(&renewal.ca_url, "https://ca.test/directory");
	set(&renewal.ca_name, "letsencrypt");
	set(&renewal.ca_bundle, "/etc/ca.pem");
	set(&renewal.account, "ca.test-01234567");
	set(&renewal.email, "admin@example.com");
	set(&renewal.profile, "shortlived");
	set(&renewal.profile_issued, "classic");
	set(&renewal.preferred_chain, "Some Root");
	set(&renewal.webroot, "/var/www/h\xc3\xa4us");
	set(&renewal.dns_provider, "cloudflare");
	set(&renewal.dns_credentials, "/etc/cf.ini");
	set(&renewal.serial, "04ab");
	set(&renewal.issuer, "Some CA");
	set(&renewal.fingerprint_sha256, "aa");
	set(&renewal.revoked_before, "1,4");

	set(&renewal.ari.id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
	set(&renewal.ari.explanation, "https://ca.test/incident");
	renewal.ari.start = 1795000000;
	renewal.ari.end = 1795086400;
	renewal.ari.next = 1794000000;
	renewal.ari.failures = 2;
	set(&renewal.tries.what, "0123456789abcdef");
	renewal.tries.unfinished = 4;
	renewal.tries.begun_at = 1795000002;
	renewal.tries.orders = 9;
	renewal.tries.orders_since = 1794999999;
	renewal.tries.refusals = 1;
	renewal.tries.refusals_since = 1794999998;
	struct renewal_ca *ca = renewal_ca(&renewal, "https://ca.test/directory", &err);
	CHECK_OK(ca != NULL, err);
	*ca = (struct renewal_ca){.url = ca->url, .failures = 3, .since = 1794000000, .retry_at = 1796000000};
	CHECK_OK(renewal_ca(&renewal, "https://other.test/directory", &err) != NULL, err);
	CHECK(renewal_ca(&renewal, "https://ca.test/directory", &err) == &renewal.tries.cas[0]);
	CHECK_INT(renewal.tries.ca_count, 2);

	struct error last = {.transient = true};
	last.clock_offset = -7200;
	last.http_status = 429;
	last.retry_at = 1796000000;
	error_context(&last, "new-order", "example.com", NULL);
	error_type(&last, "urn:ietf:params:acme:error:rateLimited");
	error_said(&last, "too many\ncertificates", 21);
	error_hint(&last, "wait");
	error_part(&last, NULL, "urn:x", "all of them");
	error_part(&last, "www.example.com", NULL, NULL);
	(void)error_set(&last, ERROR_CA, NULL, "the CA refused");
	error_keep(&renewal.last_error, &last);

	struct renewal_server *server = renewal_server(&renewal, "web-1", &err);
	CHECK_OK(server != NULL, err);
	server->wanted = 12;
	server->pushed = 11;
	server->last_try = 1795000001;
	server->seen_at = 1795000000;
	server->failures = 3;
	server->retry_at = 1795000241;
	memset(server->served_sha256, 'f', sizeof(server->served_sha256) - 1);
	(void)snprintf(server->result, sizeof(server->result), "rolled_back");
	struct error failed = {0};
	error_context(&failed, "test", NULL, "web-1");
	(void)error_set(&failed, ERROR_REMOTE, NULL, "nginx -t failed");
	error_keep(&server->error, &failed);
	CHECK_OK(renewal_server(&renewal, "web-2", &err) != NULL, err);
	CHECK(renewal_server(&renewal, "web-1", &err) == &renewal.servers[0]);
	CHECK_INT(renewal.server_count, 2);

	add_hooks(&renewal, &failed);
	return renewal;
}

static void check_full(const struct renewal *got, const struct renewal *want)
{
	CHECK_STR(got->name, want->name);
	CHECK_INT(got->identifier_count, want->identifier_count);
	for (size_t i = 0; i < want->identifier_count; i++)
		CHECK(identifier_equal(&got->identifiers[i], &want->identifiers[i]));
	CHECK_INT(got->key_type, want->key_type);
	CHECK_INT(got->challenge, want->challenge);
	CHECK(got->reuse_key && got->from_config);
	CHECK_STR(got->ca_url, want->ca_url);
	CHECK_STR(got->ca_name, want->ca_name);
	CHECK_STR(got->ca_bundle, want->ca_bundle);
	CHECK_STR(got->account, want->account);
	CHECK_STR(got->email, want->email);
	CHECK_STR(got->profile, want->profile);
	CHECK_STR(got->profile_issued, want->profile_issued);
	CHECK_STR(got->preferred_chain, want->preferred_chain);
	CHECK_INT(got->lifetime, want->lifetime);
	CHECK_STR(got->webroot, want->webroot);
	CHECK_STR(got->dns_provider, want->dns_provider);
	CHECK_STR(got->dns_credentials, want->dns_credentials);
	CHECK_STR(got->serial, want->serial);
	CHECK_STR(got->issuer, want->issuer);
	CHECK_STR(got->fingerprint_sha256, want->fingerprint_sha256);
	CHECK_INT(got->generation, 12);
	CHECK_INT(got->rolled_back_from, 14);
	CHECK_STR(got->revoked_before, "1,4");
	CHECK_INT(got->not_before, want->not_before);
	CHECK_INT(got->not_after, want->not_after);
	CHECK_INT(got->renew_at, want->renew_at);
	CHECK_INT(got->failures, 3);
	CHECK_INT(got->last_failure, -1);
	CHECK_INT(got->retry_at, want->retry_at);
}

static void check_timing(const struct renewal *got, const struct renewal *want)
{
	CHECK_STR(got->ari.id, want->ari.id);
	CHECK_STR(got->ari.explanation, want->ari.explanation);
	CHECK_INT(got->ari.start, want->ari.start);
	CHECK_INT(got->ari.end, want->ari.end);
	CHECK_INT(got->ari.next, want->ari.next);
	CHECK_INT(got->ari.failures, want->ari.failures);
	CHECK_STR(got->tries.what, want->tries.what);
	CHECK_INT(got->tries.unfinished, want->tries.unfinished);
	CHECK_INT(got->tries.begun_at, want->tries.begun_at);
	CHECK_INT(got->tries.orders, want->tries.orders);
	CHECK_INT(got->tries.orders_since, want->tries.orders_since);
	CHECK_INT(got->tries.refusals, want->tries.refusals);
	CHECK_INT(got->tries.refusals_since, want->tries.refusals_since);
	CHECK_INT(got->tries.ca_count, want->tries.ca_count);
	for (size_t i = 0; i < want->tries.ca_count; i++) {
		CHECK_STR(got->tries.cas[i].url, want->tries.cas[i].url);
		CHECK_INT(got->tries.cas[i].failures, want->tries.cas[i].failures);
		CHECK_INT(got->tries.cas[i].since, want->tries.cas[i].since);
		CHECK_INT(got->tries.cas[i].retry_at, want->tries.cas[i].retry_at);
	}
}

static void check_error(const struct error *got, const struct error *want);

static void check_hooks(const struct renewal *got, const struct renewal *want)
{
	CHECK_STR(got->pre_hook, want->pre_hook);
	CHECK_STR(got->post_hook, want->post_hook);
	CHECK_STR(got->deploy_hook, want->deploy_hook);
	CHECK(got->deploy_hooks_due);
	CHECK_INT(got->hook_count, 2);
	const struct renewal_hook *hook = renewal_find_hook(got, "deploy/50-copy");
	CHECK(hook != NULL && renewal_find_hook(got, "deploy_hook") != NULL && renewal_find_hook(got, "50") == NULL);
	CHECK_INT(hook->failures, 4);
	CHECK_INT(hook->last_try, want->hooks[0].last_try);
	CHECK_INT(hook->retry_at, want->hooks[0].retry_at);
	check_error(hook->error, want->hooks[0].error);
}

static void check_error(const struct error *got, const struct error *want)
{
	struct error_part part, back;
	CHECK_INT(got->category, want->category);
	CHECK_INT(got->transient, want->transient);
	CHECK_INT(got->http_status, want->http_status);
	CHECK_INT(got->retry_at, want->retry_at);
	CHECK_INT(got->clock_offset, want->clock_offset);
	CHECK_STR(got->step, want->step);
	CHECK_STR(got->certificate, want->certificate);
	CHECK_STR(got->server, want->server);
	CHECK_STR(got->type, want->type);
	CHECK_STR(got->message, want->message);
	CHECK_STR(got->said, want->said);
	for (size_t i = 0; error_part_at(want, i, &part); i++) {
		CHECK(error_part_at(got, i, &back));
		CHECK_STR(back.identifier, part.identifier);
		CHECK_STR(back.type, part.type);
		CHECK_STR(back.detail, part.detail);
	}
	CHECK_STR(got->hint, want->hint);
}

TEST(everything_comes_back)
{
	struct store *store CLEANUP(store_closep) = fresh("full");
	struct renewal saved CLEANUP(renewal_done) = full_record();
	struct renewal loaded CLEANUP(renewal_done) = {0};
	struct renewal copied CLEANUP(renewal_done) = {0};
	struct error err = {0};
	bool found = false;
	CHECK_OK(renewal_save(store, &saved, &err), err);
	CHECK_OK(renewal_load(store, "example.com", &loaded, &found, &err), err);
	CHECK(found);
	check_full(&loaded, &saved);
	check_timing(&loaded, &saved);
	check_hooks(&loaded, &saved);
	CHECK_OK(renewal_copy_tries(&copied, &loaded, &err), err);
	CHECK_INT(copied.failures, loaded.failures);
	CHECK_INT(copied.tries.ca_count, 2);
	check_error(copied.last_error, saved.last_error);
	renewal_forget_failures(&copied);
	CHECK(copied.failures == 0 && copied.tries.ca_count == 0 && copied.last_error == NULL);
	CHECK_INT(copied.tries.orders, 9); /* the caps are not forgotten */
	renewal_done(&copied);
	check_error(loaded.last_error, saved.last_error);
	CHECK_INT(loaded.server_count, 2);
	CHECK_STR(loaded.servers[0].name, "web-1");
	CHECK_INT(loaded.servers[0].pushed, 11);
	CHECK_INT(loaded.servers[0].last_try, 1795000001);
	CHECK_INT(loaded.servers[0].wanted, 12);
	CHECK_INT(loaded.servers[0].seen_at, 1795000000);
	CHECK_INT(loaded.servers[0].failures, 3);
	CHECK_INT(loaded.servers[0].retry_at, 1795000241);
	CHECK_STR(loaded.servers[0].served_sha256, saved.servers[0].served_sha256);
	CHECK_STR(loaded.servers[0].result, "rolled_back");
	check_error(loaded.servers[0].error, saved.servers[0].error);
	CHECK(loaded.servers[1].error == NULL);
}

/* As long as can be, and made of what JSON writes as two characters. */
static void fail_at_length(struct renewal_server *server)
{
	struct error failed = {.category = ERROR_REMOTE, .step = "test"};
	memset(failed.message, '"', sizeof(failed.message) - 1);
	memset(failed.said, '\n', sizeof(failed.said) - 1);
	memset(failed.hint, '\\', sizeof(failed.hint) - 1);
	memset(failed.server, '"', sizeof(failed.server) - 1);
	memset(failed.certificate, '"', sizeof(failed.certificate) - 1);
	memset(failed.said, 's', 16);
	failed.said[sizeof(failed.said) - 2] = 's';
	error_keep(&server->error, &failed);
}

/* One record that grows too large to be written would keep the certificate from being renewed. */
TEST(servers_that_all_failed_with_many_words_fit)
{
	static const size_t counts[] = {1, 200, LIMIT_JSON_ARRAY};
	static const char *const names[] = {"example.com"};
	struct store *store CLEANUP(store_closep) = fresh("many");
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct renewal saved CLEANUP(renewal_done) = {0};
		struct renewal loaded CLEANUP(renewal_done) = {0};
		struct error err = {0};
		bool found = false;
		set(&saved.name, names[0]);
		add_names(&saved, names, ARRAY_LEN(names));
		for (size_t j = 0; j < counts[i]; j++) {
			char name[32];
			(void)snprintf(name, sizeof(name), "node-%zu", j);
			struct renewal_server *server = renewal_server(&saved, name, &err);
			CHECK_OK(server != NULL, err);
			fail_at_length(server);
		}
		CHECK_OK(renewal_save(store, &saved, &err), err);
		CHECK_OK(renewal_load(store, saved.name, &loaded, &found, &err), err);
		CHECK_INT(loaded.server_count, counts[i]);
		const struct error *got = loaded.servers[counts[i] - 1].error, *want = saved.servers[0].error;
		CHECK_STR(got->message, want->message);
		CHECK_STR(got->hint, want->hint);
		if (counts[i] <= 256)
			CHECK_STR(got->said, want->said);
		else
			CHECK(str_starts(got->said, "ssssssssssssssss\n") &&
			      str_ends(got->said, "bytes left out …\ns"));
	}
}

TEST(no_record_is_no_failure)
{
	struct store *store CLEANUP(store_closep) = fresh("none");
	struct renewal loaded CLEANUP(renewal_done) = {0};
	struct error err = {0};
	bool found = true;
	CHECK_OK(renewal_load(store, "example.com", &loaded, &found, &err), err);
	CHECK(!found);
}

TEST(a_small_record_is_enough)
{
	static const char text[] = "{\"version\":1,\"domains\":[\"a.test\"],\"key_type\":\"ecdsa-p256\","
				   "\"challenge\":\"http-01\",\"later_addition\":{}}";
	struct renewal renewal CLEANUP(renewal_done) = {0};
	struct error err = {0};
	CHECK_OK(renewal_parse(text, strlen(text), "a", &renewal, &err), err);
	CHECK_STR(renewal.name, "a");
	CHECK(renewal.email == NULL && renewal.webroot == NULL);
	CHECK_INT(renewal.generation, 0);
	CHECK(renewal.last_error == NULL);
}

TEST(a_server_of_an_older_version_is_read)
{
	static const char text[] = "{\"version\":1,\"domains\":[\"a.test\"],\"key_type\":\"ecdsa-p256\","
				   "\"challenge\":\"http-01\",\"generation\":4,\"servers\":[{\"name\":\"web-1\","
				   "\"pushed\":3,\"last_try\":1795000001,\"result\":\"failed\"}]}";
	struct renewal renewal CLEANUP(renewal_done) = {0};
	struct error err = {0};
	CHECK_OK(renewal_parse(text, strlen(text), "a", &renewal, &err), err);
	CHECK_INT(renewal.server_count, 1);
	CHECK_INT(renewal.servers[0].pushed, 3);
	CHECK_STR(renewal.servers[0].result, "failed");
	CHECK(renewal.servers[0].wanted == 0 && renewal.servers[0].failures == 0 && renewal.servers[0].retry_at == 0);
}

#define START "{\"version\":1,\"domains\":[\"a.test\"],\"key_type\":\"ecdsa-p256\",\"challenge\":\"http-01\""

TEST(damaged_records_are_told_apart_and_named)
{
	static const struct {
		const char *text;
		const char *says;
	} cases[] = {
		{"", "a.json is damaged"},
		{"{\"version\":1,\"domains\":[\"a.te", "not valid JSON"},
		{"[]", "damaged"},
		{"null", "damaged"},
		{"{}", "\"version\" is missing"},
		{"{\"version\":2}", "cannot be used: it has version 2"},
		{"{\"version\":\"1\"}", "\"version\" is not an integer"},
		{"{\"version\":1,\"version\":1}", "not valid JSON"},
		{"{\"version\":1}", "\"domains\" has no entry"},
		{"{\"version\":1,\"domains\":\"a.test\"}", "\"domains\" is not a list"},
		{"{\"version\":1,\"domains\":[7]}", "not a string"},
		{"{\"version\":1,\"domains\":[\"../etc\"]}", "no domain name"},
		{"{\"version\":1,\"domains\":[\"a.test\"]}", "\"key_type\" is missing"},
		{"{\"version\":1,\"domains\":[\"a.test\"],\"key_type\":\"dsa\",\"challenge\":\"x\"}",
		 "\"key_type\" is none"},
		{START ",\"generation\":-1}", "\"generation\""},
		{START ",\"generation\":\"1\"}", "\"generation\" is not an integer"},
		{START ",\"generation\":1.0}", "\"generation\" is not an integer"},
		{START ",\"failures\":4294967296}", "\"failures\""},
		{START ",\"reuse_key\":1}", "\"reuse_key\""},
		{START ",\"email\":[]}", "\"email\" is not a string"},
		{START ",\"last_error\":\"x\"}", "\"last_error\" is not an object"},
		{START ",\"last_error\":{}}", "\"category\" is missing"},
		{START ",\"last_error\":{\"category\":\"odd\"}}", "\"category\" is none"},
		{START ",\"last_error\":{\"category\":\"none\"}}", "\"category\" is none"},
		{START ",\"last_error\":{\"category\":\"ca\",\"step\":\"A b\"}}", "\"step\""},
		{START ",\"servers\":{}}", "\"servers\" is not a list"},
		{START ",\"servers\":[7]}", "not an object"},
		{START ",\"servers\":[{}]}", "\"name\" is missing"},
		{START ",\"servers\":[{\"name\":\"\"}]}", "\"name\" is missing"},
		{START ",\"servers\":[{\"name\":\"w\",\"result\":\"12345678901234567\"}]}", "\"result\" is longer"},
		{START "}}", "not valid JSON"},
	};
	struct store *store CLEANUP(store_closep) = fresh("damaged");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct renewal renewal CLEANUP(renewal_done) = {0};
		struct error err = {0}, load_err = {0};
		bool found = false;
		CHECK(!renewal_parse(cases[i].text, strlen(cases[i].text), "a", &renewal, &err));
		CHECK_INT(err.category, ERROR_STORE);
		CHECK_CONTAINS(err.message, "renewal/a.json");
		CHECK_CONTAINS(err.message, cases[i].says);
		/* Through the store the advice names the whole path. */
		spoil(scratch("damaged/renewal/a.json"), cases[i].text, strlen(cases[i].text));
		CHECK(!renewal_load(store, "a", &renewal, &found, &load_err));
		CHECK_INT(load_err.category, ERROR_STORE);
		CHECK_CONTAINS(load_err.message, "renewal/a.json");
		bool version = strstr(cases[i].says, "version 2") != NULL;
		CHECK_CONTAINS(load_err.hint, version ? "the version of certferry" : scratch("damaged/renewal/a.json"));
	}
}

TEST(text_in_a_record_cannot_reach_the_terminal_raw)
{
	static const char text[] = START ",\"last_error\":{\"category\":\"ca\",\"message\":\"a\\u001b[31mb\","
					 "\"said\":\"one\\ntwo\\u0007\"}}";
	struct renewal renewal CLEANUP(renewal_done) = {0};
	struct error err = {0};
	CHECK_OK(renewal_parse(text, strlen(text), "a", &renewal, &err), err);
	CHECK(strchr(renewal.last_error->message, '\x1b') == NULL);
	CHECK_CONTAINS(renewal.last_error->said, "one\ntwo");
	CHECK(strchr(renewal.last_error->said, '\a') == NULL);
}

TEST(what_could_not_be_read_again_is_not_written)
{
	struct store *store CLEANUP(store_closep) = fresh("unwritable");
	char *long_path AUTO_FREE = calloc(1, LIMIT_PATH + 2);
	struct error err = {0};
	CHECK(long_path != NULL);
	memset(long_path, 'x', LIMIT_PATH + 1);

	struct renewal good CLEANUP(renewal_done) = full_record();
	CHECK_OK(renewal_save(store, &good, &err), err);
	struct renewal bad CLEANUP(renewal_done) = full_record();
	set(&bad.webroot, long_path);
	CHECK(!renewal_save(store, &bad, &err));
	CHECK_CONTAINS(err.message, "\"webroot\"");
	error_clear(&err);
	set(&bad.webroot, "/var/\xff");
	CHECK(!renewal_save(store, &bad, &err));
	CHECK_CONTAINS(err.message, "\"webroot\"");
	error_clear(&err);
	set(&bad.webroot, "/ok");
	bad.generation = UINT64_MAX;
	CHECK(!renewal_save(store, &bad, &err));
	error_clear(&err);
	bad.generation = 1;
	bad.identifier_count = 0;
	CHECK(!renewal_save(store, &bad, &err));

	struct renewal loaded CLEANUP(renewal_done) = {0};
	bool found = false;
	error_clear(&err);
	CHECK_OK(renewal_load(store, "example.com", &loaded, &found, &err), err);
	CHECK_STR(loaded.webroot, good.webroot);
}

TEST(the_largest_record_fits)
{
	struct store *store CLEANUP(store_closep) = fresh("largest");
	struct renewal renewal CLEANUP(renewal_done) = {0};
	struct renewal loaded CLEANUP(renewal_done) = {0};
	struct error err = {0};
	bool found = false;
	set(&renewal.name, "example.com");
	renewal.identifiers = calloc(LIMIT_IDENTIFIERS, sizeof(*renewal.identifiers));
	CHECK(renewal.identifiers != NULL);
	renewal.identifier_count = LIMIT_IDENTIFIERS;
	for (size_t i = 0; i < LIMIT_IDENTIFIERS; i++) {
		char text[IDENTIFIER_MAX];
		(void)snprintf(text, sizeof(text), "%059zu.%060d.%060d.%060d.test", i, 1, 2, 3);
		CHECK_OK(identifier_parse(text, &renewal.identifiers[i], &err), err);
	}
	CHECK_OK(renewal_save(store, &renewal, &err), err);
	CHECK_OK(renewal_load(store, "example.com", &loaded, &found, &err), err);
	CHECK_INT(loaded.identifier_count, LIMIT_IDENTIFIERS);
}

TEST_MAIN()
