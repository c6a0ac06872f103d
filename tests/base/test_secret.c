/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *make_file(const char *name, size_t len, mode_t mode)
{
	static char path[4096];
	(void)snprintf(path, sizeof(path), "%s/%s", test_temp_dir(), name);
	FILE *file = fopen(path, "we");
	CHECK(file != NULL);
	for (size_t i = 0; i < len; i++)
		(void)fputc('k', file);
	CHECK(fclose(file) == 0);
	CHECK(chmod(path, mode) == 0);
	return path;
}

TEST(keeps_a_terminated_copy)
{
	struct secret secret = {0};
	struct error err = {0};
	CHECK_OK(secret_set(&secret, "token", 5, &err), err);
	CHECK_STR(secret.data, "token");
	CHECK_INT(secret.len, 5);
	CHECK_OK(secret_set(&secret, secret.data + 1, 3, &err), err);
	CHECK_STR(secret.data, "oke");
	CHECK_OK(secret_reserve(&secret, 4, &err), err);
	CHECK_MEM(secret.data, secret.len, "\0\0\0\0", 4);
	secret_done(&secret);
	CHECK(secret.data == NULL);
	CHECK_INT(secret.len, 0);
	secret_done(&secret);
	secret_done(NULL);
}

TEST(compares_whole_contents)
{
	struct secret a = {0}, b = {0};
	struct error err = {0};
	CHECK(secret_equal(&a, &b));
	CHECK_OK(secret_set(&a, "same", 4, &err), err);
	CHECK(!secret_equal(&a, &b));
	CHECK_OK(secret_set(&b, "same", 4, &err), err);
	CHECK(secret_equal(&a, &b));
	CHECK_OK(secret_set(&b, "some", 4, &err), err);
	CHECK(!secret_equal(&a, &b));
	CHECK_OK(secret_set(&b, "same!", 5, &err), err);
	CHECK(!secret_equal(&a, &b));
	secret_done(&a);
	secret_done(&b);
}

TEST(setup_forbids_dumps_and_may_be_repeated)
{
	struct rlimit limit;
	bool locked = secret_setup();
	CHECK(secret_setup() == locked);
	CHECK(getrlimit(RLIMIT_CORE, &limit) == 0);
	CHECK_INT(limit.rlim_max, 0);
	CHECK_INT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
}

/* More than the secure heap holds: ordinary memory takes over. */
TEST(holds_more_than_the_secure_heap)
{
	struct secret secrets[12] = {0};
	struct error err = {0};
	(void)secret_setup();
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		CHECK_OK(secret_reserve(&secrets[i], 60 * 1024, &err), err);
		memset(secrets[i].data, 'x', secrets[i].len);
	}
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		secret_done(&secrets[i]);
}

TEST(reads_a_file_at_the_cap_and_refuses_one_above)
{
	struct secret secret = {0};
	struct error err = {0};
	const char *path = make_file("cap", 100, 0600);
	CHECK_OK(secret_read_file(&secret, path, 100, true, &err), err);
	CHECK_INT(secret.len, 100);
	CHECK_INT(strlen(secret.data), 100);
	CHECK(!secret_read_file(&secret, path, 99, true, &err));
	CHECK_INT(err.category, ERROR_CONFIG);
	CHECK_CONTAINS(err.message, "99 bytes");
	CHECK_INT(secret.len, 100);
	secret_done(&secret);
}

TEST(reads_an_empty_file)
{
	struct secret secret = {0};
	struct error err = {0};
	CHECK_OK(secret_read_file(&secret, make_file("empty", 0, 0600), 10, true, &err), err);
	CHECK_INT(secret.len, 0);
	CHECK_STR(secret.data, "");
	secret_done(&secret);
}

TEST(refuses_a_file_that_others_can_read)
{
	struct secret secret = {0};
	struct error err = {0};
	const char *path = make_file("open", 3, 0640);
	CHECK(!secret_read_file(&secret, path, 10, true, &err));
	CHECK_INT(err.category, ERROR_CONFIG);
	CHECK_CONTAINS(err.message, path);
	CHECK_CONTAINS(err.message, "0640");
	CHECK_CONTAINS(err.hint, "chmod 600");
	error_clear(&err);
	CHECK_OK(secret_read_file(&secret, path, 10, false, &err), err);
	secret_done(&secret);
}

TEST(follows_a_symbolic_link)
{
	struct secret secret = {0};
	struct error err = {0};
	char link[4096];
	(void)snprintf(link, sizeof(link), "%s/link", test_temp_dir());
	CHECK(symlink(make_file("target", 3, 0400), link) == 0);
	CHECK_OK(secret_read_file(&secret, link, 10, true, &err), err);
	CHECK_STR(secret.data, "kkk");
	secret_done(&secret);
}

TEST(refuses_what_is_no_regular_file)
{
	struct secret secret = {0};
	struct error err = {0};
	char path[4096];
	CHECK(!secret_read_file(&secret, test_temp_dir(), 10, false, &err));
	CHECK_CONTAINS(err.message, "not a regular file");
	error_clear(&err);
	(void)snprintf(path, sizeof(path), "%s/fifo", test_temp_dir());
	CHECK(mkfifo(path, 0600) == 0);
	CHECK(!secret_read_file(&secret, path, 10, false, &err));
	CHECK_CONTAINS(err.message, "not a regular file");
	error_clear(&err);
	CHECK(!secret_read_file(&secret, "/nonexistent/key", 10, false, &err));
	CHECK_CONTAINS(err.message, "No such file");
}

TEST_MAIN()
