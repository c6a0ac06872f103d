/* SPDX-License-Identifier: Apache-2.0 */
/* known_hosts files: who is known, who has changed, who is revoked. */
#include "base/buf.h"
#include "base/error.h"
#include "tests/support/test.h"
#include "transport/known_hosts.h"

#include <string.h>

#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIAAA"
#define OTHER "AAAAC3NzaC1lZDI1NTE5AAAAIBBB"

static enum known_hosts_verdict check(const char *text, const char *host, uint16_t port)
{
	const struct known_hosts_key key = {host, port, "ssh-ed25519", KEY};
	unsigned line;
	return known_hosts_check(text, strlen(text), &key, &line);
}

TEST(patterns)
{
	static const struct {
		const char *text;
		const char *host;
		uint16_t port;
		enum known_hosts_verdict want;
	} cases[] = {
		{"web-1 ssh-ed25519 " KEY " comment\n", "web-1", 22, KNOWN_HOSTS_OK},
		{"web-1 ssh-ed25519 " KEY, "web-1", 22, KNOWN_HOSTS_OK},
		{"WEB-1,192.0.2.1\tssh-ed25519\t" KEY "\r\n", "192.0.2.1", 22, KNOWN_HOSTS_OK},
		{"# web-1 ssh-ed25519 " KEY "\n", "web-1", 22, KNOWN_HOSTS_UNKNOWN},
		{"web-1 ssh-ed25519 " KEY "\n", "web-1", 2222, KNOWN_HOSTS_UNKNOWN},
		{"[web-1]:2222 ssh-ed25519 " KEY "\n", "web-1", 2222, KNOWN_HOSTS_OK},
		{"*.example.com ssh-ed25519 " KEY "\n", "a.example.com", 22, KNOWN_HOSTS_OK},
		{"*.example.com,!b.example.com ssh-ed25519 " KEY "\n", "b.example.com", 22, KNOWN_HOSTS_UNKNOWN},
		{"web-? ssh-ed25519 " KEY "\n", "web-12", 22, KNOWN_HOSTS_UNKNOWN},
		{"web-1 ssh-ed25519 " OTHER "\n", "web-1", 22, KNOWN_HOSTS_OTHER_KEY},
		{"web-1 ssh-rsa AAAA\nweb-1 ssh-ed25519 " KEY "\n", "web-1", 22, KNOWN_HOSTS_OK},
		{"@cert-authority * ssh-ed25519 " KEY "\n", "web-1", 22, KNOWN_HOSTS_UNKNOWN},
		{"web-1 ssh-ed25519\n", "web-1", 22, KNOWN_HOSTS_UNKNOWN},
		{"", "web-1", 22, KNOWN_HOSTS_UNKNOWN},
		{"**********a ssh-ed25519 " KEY "\n", "bbbbbbbbbbbbbbbbbbbb", 22, KNOWN_HOSTS_UNKNOWN},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT(check(cases[i].text, cases[i].host, cases[i].port), cases[i].want);
}

TEST(a_revoked_key_is_never_good)
{
	const struct known_hosts_key key = {"web-1", 22, "ssh-ed25519", KEY};
	const char *text = "web-1 ssh-ed25519 " KEY "\n@revoked * ssh-ed25519 " KEY "\n";
	unsigned line;
	CHECK_INT(known_hosts_check(text, strlen(text), &key, &line), KNOWN_HOSTS_REVOKED);
	CHECK_INT(line, 2);
	CHECK_INT(check("@revoked * ssh-ed25519 " OTHER "\nweb-1 ssh-ed25519 " KEY "\n", "web-1", 22), KNOWN_HOSTS_OK);
}

/* Made by `ssh-keygen -H` for "web.example". */
TEST(hashed_names)
{
	static const char hashed[] =
		"|1|uhKexKL4cRgqEmAmfTawyJS6mKA=|ySogTbShxfYIItJgn+4gK4h043M= ssh-ed25519 " KEY "\n";
	CHECK_INT(check(hashed, "web.example", 22), KNOWN_HOSTS_OK);
	CHECK_INT(check(hashed, "other.example", 22), KNOWN_HOSTS_UNKNOWN);
	CHECK_INT(check("|1|short|AAAA ssh-ed25519 " KEY "\n", "web.example", 22), KNOWN_HOSTS_UNKNOWN);
	CHECK_INT(check("|1 ssh-ed25519 " KEY "\n", "web.example", 22), KNOWN_HOSTS_UNKNOWN);
}

TEST(the_line_to_add)
{
	struct known_hosts_key key = {"web-1", 22, "ssh-ed25519", KEY};
	struct buf line;
	buf_init(&line, 1000);
	known_hosts_line(&key, &line);
	CHECK_STR(buf_cstr(&line), "web-1 ssh-ed25519 " KEY);
	CHECK_INT(check(buf_cstr(&line), "web-1", 22), KNOWN_HOSTS_OK);
	buf_reset(&line);
	key.port = 2222;
	known_hosts_line(&key, &line);
	CHECK_STR(buf_cstr(&line), "[web-1]:2222 ssh-ed25519 " KEY);
	buf_done(&line);
}

TEST(types_that_a_host_is_known_by)
{
	static const char *const types[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"};
	static const char text[] =
		"web-1 ssh-rsa AAAA\n[web-1]:2222,db ssh-ed25519 BBBB\n"
		"@revoked web-1 ssh-ed25519 CCCC\n#web-1 ecdsa-sha2-nistp256 DDDD\nweb-1 ssh-ed25519\n";
	CHECK_INT(known_hosts_types(text, strlen(text), "web-1", 22, types, ARRAY_LEN(types)), 4);
	CHECK_INT(known_hosts_types(text, strlen(text), "web-1", 2222, types, ARRAY_LEN(types)), 1);
	CHECK_INT(known_hosts_types(text, strlen(text), "other", 22, types, ARRAY_LEN(types)), 0);
}

TEST(another_key_of_the_same_type)
{
	const struct known_hosts_key key = {"web-1", 22, "ssh-ed25519", KEY};
	static const char none[] = "web-1 ssh-rsa AAAA\nweb-2 ssh-ed25519 " OTHER "\nweb-1 ssh-ed25519 " KEY "\n";
	static const char third[] = "#\nweb-1 ssh-ed25519 " KEY "\nweb-* ssh-ed25519 " OTHER "\n";
	CHECK_INT(known_hosts_find_other(none, strlen(none), &key), 0);
	CHECK_INT(known_hosts_find_other(third, strlen(third), &key), 3);
}

static void check_replaced(const char *text, const char *host, uint16_t port, const char *want, unsigned removed)
{
	const struct known_hosts_key key = {host, port, "ssh-ed25519", KEY};
	struct buf out CLEANUP(buf_done);
	struct error err = {0};
	unsigned seen = 99;
	buf_init(&out, 4096);
	CHECK_OK(known_hosts_replace(text, strlen(text), &key, &out, &seen, &err), err);
	CHECK_STR(buf_cstr(&out), want);
	CHECK_INT(seen, removed);
	CHECK_INT(check(buf_cstr(&out), host, port), KNOWN_HOSTS_OK);
}

TEST(a_key_takes_the_place_of_its_hosts_old_one)
{
	check_replaced("", "web-1", 22, "web-1 ssh-ed25519 " KEY "\n", 0);
	/* Whatever is there stays, a missing newline apart. */
	check_replaced("# ours\n\nother ssh-ed25519 " OTHER " x", "web-1", 2222,
		       "# ours\n\nother ssh-ed25519 " OTHER " x\n[web-1]:2222 ssh-ed25519 " KEY "\n", 0);
	/* Only this host's, and only of this type. */
	check_replaced("web-1 ssh-ed25519 " OTHER "\nweb-1 ssh-rsa AAAA\n[web-1]:22 ssh-ed25519 " OTHER "\n", "web-1",
		       22, "web-1 ssh-rsa AAAA\n[web-1]:22 ssh-ed25519 " OTHER "\nweb-1 ssh-ed25519 " KEY "\n", 1);
	check_replaced("a,WEB-1,b  ssh-ed25519 " OTHER " of three\n", "web-1", 22,
		       "a,b  ssh-ed25519 " OTHER " of three\nweb-1 ssh-ed25519 " KEY "\n", 1);
	check_replaced("|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA= ssh-ed25519 " OTHER "\n", "web-1",
		       22,
		       "|1|AAAAAAAAAAAAAAAAAAAAAAAAAAA=|AAAAAAAAAAAAAAAAAAAAAAAAAAA= ssh-ed25519 " OTHER
		       "\nweb-1 ssh-ed25519 " KEY "\n",
		       0);
	check_replaced("@revoked web-1 ssh-ed25519 " OTHER "\n@cert-authority web-1 ssh-ed25519 " OTHER "\n", "web-1",
		       22,
		       "@revoked web-1 ssh-ed25519 " OTHER "\n@cert-authority web-1 ssh-ed25519 " OTHER
		       "\nweb-1 ssh-ed25519 " KEY "\n",
		       0);
}

TEST(a_line_for_more_hosts_is_left_to_its_owner)
{
	static const char text[] = "# x\nweb-* ssh-ed25519 " OTHER "\n";
	const struct known_hosts_key key = {"web-1", 22, "ssh-ed25519", KEY};
	struct buf out CLEANUP(buf_done);
	struct error err = {0};
	unsigned removed = 0;
	buf_init(&out, 4096);
	CHECK(!known_hosts_replace(text, sizeof(text) - 1, &key, &out, &removed, &err));
	CHECK_CONTAINS(err.message, "line 2 stands for more hosts");
}

TEST_MAIN()
