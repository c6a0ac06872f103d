/* SPDX-License-Identifier: Apache-2.0 */
/* The three forms of dns-persist-01: offers, records with the published values, and what stands in DNS judged. */
#include "acme/persist.h"

#include "acme/session.h"
#include "base/json.h"
#include "tests/support/test.h"

#include <string.h>

#define ACCOUNT "https://ca.example/acct/123"
#define THUMBPRINT "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define PREFIX "https://ca.example/account-hash/"
#define HASHED PREFIX "sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
#define SHARED PREFIX "sha-256/NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug"

enum { NOW = 1721000000 };

static const struct persist_account account = {.url = ACCOUNT, .thumbprint = THUMBPRINT, .hash_prefix = PREFIX};

static bool read_offer(const char *text, struct persist_offer *ret, struct error *err)
{
	AUTO_JSON json_t *object = json_read(text, strlen(text), "challenge", err);
	return object != NULL && persist_offer_parse(object, ret, err);
}

static bool expect(const char *offer_text, const char *name, const struct persist_account *whose,
		   struct persist_expectation *ret, struct error *err)
{
	CLEANUP(persist_offer_done) struct persist_offer offer = {0};
	struct identifier identifier;
	CHECK_OK(read_offer(offer_text, &offer, err), *err);
	CHECK_OK(identifier_parse(name, &identifier, err), *err);
	return persist_expect(&offer, whose, &identifier, ret, err);
}

static void check_record(const char *offer, const char *name, const struct persist_account *whose, int64_t until,
			 const char *want)
{
	CLEANUP(persist_expectation_done) struct persist_expectation expectation = {0};
	CLEANUP(buf_done) struct buf record;
	struct error err = {0};
	buf_init(&record, 4096);
	CHECK_OK(expect(offer, name, whose, &expectation, &err), err);
	CHECK_OK(persist_record(&expectation, until, &record, &err), err);
	CHECK_STR(buf_cstr(&record), want);
}

#define OLD "{\"issuer-domain-names\":[\"authority.example\",\"second.example\"]}"
#define MIDDLE "{\"issuer-domain-names\":[\"authority.example\"],\"accounturi\":\"" ACCOUNT "\"}"
#define NEW "{\"issuerDomainNames\":[\"authority.example\"]}"

TEST(forms)
{
	static const struct {
		const char *text;
		enum persist_form form;
	} cases[] = {
		{OLD, PERSIST_FORM_00},
		{MIDDLE, PERSIST_FORM_01},
		{NEW, PERSIST_FORM_02},
		{"{\"issuerDomainNames\":[\"a.example\"],\"issuer-domain-names\":[\"b.example\"],\"accounturi\":\"x\"}",
		 PERSIST_FORM_02},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(persist_offer_done) struct persist_offer offer = {0};
		struct error err = {0};
		CHECK_OK(read_offer(cases[i].text, &offer, &err), err);
		CHECK_INT(offer.form, cases[i].form);
	}
}

TEST(malformed_offers)
{
	static const char *const cases[] = {
		"{}",
		"{\"issuer-domain-names\":[]}",
		"{\"issuerDomainNames\":[]}",
		"{\"issuerDomainNames\":\"a.example\"}",
		"{\"issuerDomainNames\":[\"A.example\"]}",
		"{\"issuerDomainNames\":[\"a.example.\"]}",
		"{\"issuerDomainNames\":[7]}",
		"{\"issuerDomainNames\":[\"a.example; accounturi=https://evil/\"]}",
		"{\"issuer-domain-names\":[\"a.example\"],\"accounturi\":7}",
		"{\"issuerDomainNames\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\"]}",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct persist_offer offer = {0};
		struct error err = {0};
		if (read_offer(cases[i], &offer, &err))
			test_fail(__FILE__, __LINE__, "taken: %s", cases[i]);
		CHECK_INT(err.category, ERROR_DATA);
	}
}

TEST(records_of_the_drafts)
{
	check_record(OLD, "example.com", &account, 0, "authority.example; accounturi=" ACCOUNT);
	check_record(MIDDLE, "*.example.com", &account, 1721952000,
		     "authority.example; accounturi=" ACCOUNT "; policy=wildcard; persistUntil=1721952000");
	check_record(NEW, "example.com", &account, 0, "authority.example; accounturi=" HASHED);
	check_record(NEW, "*.example.com", &account, 0, "authority.example; accounturi=" HASHED "; policy=wildcard");
}

TEST(hashes_of_the_vectors)
{
	static const struct persist_account other = {
		.url = "https://example.com/acme/acct/evOfKhNU60wg",
		.thumbprint = "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
		.hash_prefix = "",
	};
	check_record(NEW, "example.org", &other, 0,
		     "authority.example; accounturi=sha-256/acpg3a3IAIJdwIjbzjL_NISjpxhrZ26z8NKIO97Qy-Y");
	check_record(NEW, "xn--bcher-kva.example", &other, 0,
		     "authority.example; accounturi=sha-256/G0DRr-imcAGI792pfPVoSxWGSAcuWCctLXym4FjaWYs");
}

/* Who could change the challenge could have us publish a record for an account of his. */
TEST(another_account_is_refused)
{
	static const struct persist_account ours = {.url = ACCOUNT "4", .thumbprint = THUMBPRINT};
	struct persist_expectation expectation = {0};
	struct error err = {0};
	CHECK(!expect(MIDDLE, "example.com", &ours, &expectation, &err));
	CHECK_INT(err.category, ERROR_CA);
	CHECK_CONTAINS(err.message, ACCOUNT);
	CHECK_CONTAINS(err.message, "not ours");
	CHECK_CONTAINS(err.hint, "publish none");
}

TEST(hashed_without_a_prefix)
{
	static const struct persist_account bare = {.url = ACCOUNT, .thumbprint = THUMBPRINT};
	struct persist_expectation expectation = {0};
	struct error err = {0};
	CHECK(!expect(NEW, "example.com", &bare, &expectation, &err));
	CHECK_CONTAINS(err.message, "accountHashPrefix");
}

TEST(addresses_have_no_record)
{
	struct persist_expectation expectation = {0};
	struct error err = {0};
	CHECK(!expect(OLD, "192.0.2.1", &account, &expectation, &err));
}

static char authority[] = "authority.example", second[] = "second.example";

TEST(challenge_against_directory)
{
	char *d[] = {authority}, *both[] = {authority, second}, *i[] = {second};
	const struct persist_offer one = {.form = PERSIST_FORM_02, .issuers = {d, 1}};
	const struct persist_offer two = {.form = PERSIST_FORM_02, .issuers = {both, 2}};
	const struct acme_directory plain = {0}, wants_both = {.issuer_names = {both, 2}},
				    identities = {.issuer_names = {d, 1}, .caa_identities = {d, 1}},
				    others = {.caa_identities = {i, 1}};
	struct error err = {0};
	CHECK_OK(persist_offer_check(&one, &plain, &err), err);
	CHECK_OK(persist_offer_check(&one, &identities, &err), err);
	CHECK_OK(persist_offer_check(&two, &wants_both, &err), err);
	CHECK(!persist_offer_check(&one, &wants_both, &err));
	CHECK_CONTAINS(err.message, "second.example");
	error_clear(&err);
	CHECK(!persist_offer_check(&two, &identities, &err));
	CHECK_CONTAINS(err.message, "caaIdentities");
	error_clear(&err);
	CHECK(!persist_offer_check(&one, &others, &err));
	const struct persist_offer old = {.form = PERSIST_FORM_01, .issuers = {d, 1}};
	error_clear(&err);
	CHECK_OK(persist_offer_check(&old, &others, &err), err);
}

TEST(known_before_any_order)
{
	char *d[] = {authority};
	char prefix[] = PREFIX;
	const struct acme_directory none = {0}, half = {.issuer_names = {d, 1}},
				    whole = {.issuer_names = {d, 1}, .account_hash_prefix = prefix};
	CLEANUP(persist_offer_done) struct persist_offer offer = {0};
	struct error err = {0};
	bool found = true;
	CHECK_OK(persist_offer_from_directory(&none, &offer, &found, &err), err);
	CHECK(!found);
	CHECK_OK(persist_offer_from_directory(&half, &offer, &found, &err), err);
	CHECK(!found);
	CHECK_OK(persist_offer_from_directory(&whole, &offer, &found, &err), err);
	CHECK(found && offer.form == PERSIST_FORM_02);
	CHECK_STR(offer.issuers.items[0], authority);
}

static bool parse(const char *text, struct persist_record *ret, struct error *err)
{
	return persist_record_parse(text, strlen(text), ret, err);
}

TEST(records_as_a_ca_reads_them)
{
	static const struct {
		const char *text;
		bool wildcard;
	} good[] = {
		{"a.example; policy=WILDCARD; accounturi=u", true},
		{"a.example; policy=other; accounturi=u", false},
		{"a.example; accounturi=u; foo=bar", false},
		{"a.example; accounturi=u; policy=", false},
	};
	static const char *const bad[] = {
		"a.example; accounturi=u;",
		"a.example; accounturi=u; ACCOUNTURI=v",
		"a.example",
		"a.example; accounturi=",
		"a.example; accounturi=u; persistUntil=12x",
		"a.example; accounturi=u; persistUntil=",
		"a.example; accounturi=u; persistUntil=-1",
		"a.example; accounturi=u; foo=1; FOO=2",
	};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		CLEANUP(persist_record_done) struct persist_record record = {0};
		struct error err = {0};
		CHECK_OK(parse(good[i].text, &record, &err), err);
		CHECK_STR(record.issuer, "a.example");
		CHECK_STR(record.account_uri, "u");
		CHECK_INT(record.wildcard, good[i].wildcard);
		CHECK_INT(record.until, 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct persist_record record = {0};
		struct error err = {0};
		if (parse(bad[i], &record, &err))
			test_fail(__FILE__, __LINE__, "taken: %s", bad[i]);
		CHECK_INT(err.category, ERROR_DATA);
	}
	CLEANUP(persist_record_done) struct persist_record nobody = {0};
	struct error err = {0};
	CHECK_OK(parse("; accounturi=u", &nobody, &err), err);
	CHECK_STR(nobody.issuer, "");
}

static struct persist_finding judge(const char *offer, const char *name, const char *const *texts, size_t count)
{
	CLEANUP(persist_expectation_done) struct persist_expectation expectation = {0};
	CLEANUP(str_list_done) struct str_list values = {0};
	struct persist_finding finding = {0};
	struct error err = {0};
	CHECK_OK(expect(offer, name, &account, &expectation, &err), err);
	for (size_t i = 0; i < count; i++)
		CHECK_OK(str_list_add(&values, texts[i], &err), err);
	CHECK_OK(persist_judge(&expectation, &values, NOW, &finding, &err), err);
	return finding;
}

#define OURS "authority.example; accounturi=" ACCOUNT
#define JUDGE(offer, name, ...) \
	judge(offer, name, (const char *const[]){__VA_ARGS__}, ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

TEST(what_stands_judged)
{
	CHECK_INT(judge(MIDDLE, "example.com", NULL, 0).verdict, PERSIST_ABSENT);
	CHECK_INT(JUDGE(MIDDLE, "example.com", OURS).verdict, PERSIST_FITS);
	CHECK_INT(JUDGE(MIDDLE, "*.example.com", OURS).verdict, PERSIST_NO_WILDCARD);
	CHECK_INT(JUDGE(MIDDLE, "*.example.com", OURS "; policy=wildcard").verdict, PERSIST_FITS);
	CHECK_INT(JUDGE(MIDDLE, "example.com", OURS "; policy=wildcard").verdict, PERSIST_FITS);
	CHECK_INT(JUDGE(MIDDLE, "example.com", OURS "; persistUntil=1720999999").verdict, PERSIST_EXPIRED);
	CHECK_INT(JUDGE(MIDDLE, "example.com", OURS "; persistUntil=1721000001").verdict, PERSIST_FITS);
	CHECK_INT(JUDGE(MIDDLE, "example.com", OURS "; persistUntil=0").verdict, PERSIST_EXPIRED);
	CHECK_INT(JUDGE(MIDDLE, "example.com", OURS "4").verdict, PERSIST_OTHER_ACCOUNT);
	CHECK_INT(JUDGE(MIDDLE, "example.com", OURS ";").verdict, PERSIST_MALFORMED);
	/* Another CA's record, however broken, is none of ours. */
	CHECK_INT(JUDGE(MIDDLE, "example.com", "other.example; accounturi=" ACCOUNT, "v=spf1 -all", "broken;;").verdict,
		  PERSIST_ABSENT);
	CHECK_INT(JUDGE(OLD, "example.com", "second.example; accounturi=" ACCOUNT).verdict, PERSIST_FITS);
	/* One that fits is enough, wherever it stands; of several, the one that lasts. */
	CHECK_INT(JUDGE(MIDDLE, "example.com", OURS ";", OURS "4", OURS).verdict, PERSIST_FITS);
	struct persist_finding finding =
		JUDGE(MIDDLE, "example.com", OURS "; persistUntil=1721000005", OURS "; persistUntil=1721000009");
	CHECK_INT(finding.until, 1721000009);
	CHECK_INT(JUDGE(MIDDLE, "example.com", OURS "; persistUntil=1721000005", OURS).until, 0);
}

TEST(hashed_accounts_judged)
{
	CHECK_INT(JUDGE(NEW, "example.com", "authority.example; accounturi=" HASHED).verdict, PERSIST_FITS);
	CHECK_INT(JUDGE(NEW, "example.com", "authority.example; accounturi=" SHARED).verdict, PERSIST_FITS);
	CHECK_INT(JUDGE(NEW, "example.org", "authority.example; accounturi=" HASHED).verdict, PERSIST_OTHER_ACCOUNT);
	CHECK_INT(JUDGE(NEW, "example.org", "authority.example; accounturi=" SHARED).verdict, PERSIST_FITS);
	/* -02 takes the account's own URL no more. */
	CHECK_INT(JUDGE(NEW, "example.com", OURS).verdict, PERSIST_OTHER_ACCOUNT);
}

TEST(described)
{
	CLEANUP(buf_done) struct buf text;
	buf_init(&text, 4096);
	struct persist_finding finding = JUDGE(MIDDLE, "example.com", OURS "4\x1b[31m");
	persist_describe(&finding, PERSIST_FORM_01, &text);
	CHECK_CONTAINS(buf_cstr(&text), "is malformed");
	buf_reset(&text);
	finding = JUDGE(MIDDLE, "example.com", OURS "4");
	persist_describe(&finding, PERSIST_FORM_01, &text);
	CHECK_STR(buf_cstr(&text), "names another account: " ACCOUNT "4");
	buf_reset(&text);
	finding = JUDGE(MIDDLE, "example.com", OURS "; persistUntil=1");
	persist_describe(&finding, PERSIST_FORM_01, &text);
	CHECK_STR(buf_cstr(&text), "has ended at 1970-01-01T00:00:01Z");
}

TEST(zone_file_line)
{
	CLEANUP(buf_done) struct buf line, value, want;
	buf_init(&line, 4096);
	buf_init(&value, 4096);
	buf_init(&want, 4096);
	persist_zone_line("_validation-persist.example.com", OURS, &line);
	CHECK_STR(buf_cstr(&line), "_validation-persist.example.com. IN TXT \"" OURS "\"");
	buf_reset(&line);
	for (int i = 0; i < 255; i++)
		buf_char(&value, 'a');
	buf_printf(&want, "x. IN TXT \"%s\"", buf_cstr(&value));
	persist_zone_line("x", buf_cstr(&value), &line);
	CHECK_STR(buf_cstr(&line), buf_cstr(&want));
	buf_reset(&line);
	buf_reset(&want);
	buf_printf(&want, "x. IN TXT \"%s\" \"\\\"\"", buf_cstr(&value));
	buf_char(&value, '"');
	persist_zone_line("x", buf_cstr(&value), &line);
	CHECK_STR(buf_cstr(&line), buf_cstr(&want));
}

TEST_MAIN()
