/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "config/expand.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void check(const char *text, const char *want, bool literal)
{
	struct expand_result result;
	struct error err = {0};
	CHECK_OK(expand_text(text, "", /* secret= */ false, &result, &err), err);
	CHECK_STR(buf_cstr(&result.text), want);
	CHECK_INT(result.literal, literal);
	buf_done(&result.text);
}

static void check_refused(const char *text, const char *folder, bool secret, const char *reason)
{
	struct expand_result result;
	struct error err = {0};
	bool ok = expand_text(text, folder, secret, &result, &err);
	buf_done(&result.text);
	CHECK(!ok);
	CHECK_INT(err.category, ERROR_CONFIG);
	CHECK_CONTAINS(err.message, reason);
}

/* FILE in the temporary folder; the folder, with its slash, is given back. */
static const char *write_file(const char *file, const char *content, mode_t mode)
{
	static char folder[512];
	char path[1024];
	(void)snprintf(folder, sizeof(folder), "%s/", test_temp_dir());
	(void)snprintf(path, sizeof(path), "%s%s", folder, file);
	FILE *out = fopen(path, "w");
	CHECK(out != NULL && fputs(content, out) >= 0 && fclose(out) == 0 && chmod(path, mode) == 0);
	return folder;
}

TEST(variables)
{
	CHECK(setenv("A", "one", 1) == 0 && setenv("B", "${A}", 1) == 0 && setenv("EMPTY", "", 1) == 0);
	check("${A}", "one", false);
	check("${A}${A}", "oneone", false);
	check("x${A}y", "xoney", true);
	check("${B}", "${A}", false); /* what comes in is not looked at again */
	check("${EMPTY}", "", false);
	check("$A and $ and }", "$A and $ and }", true);
	check("", "", false);
}

TEST(a_literal_dollar_brace)
{
	CHECK(setenv("A", "one", 1) == 0);
	check("$${A}", "${A}", true);
	check("$${", "${", true);
	check("${A}$${A}${A}", "one${A}one", true);
	check("$$", "$$", true);
}

TEST(files_lose_one_newline)
{
	struct expand_result result;
	struct error err = {0};
	const char *folder = write_file("token", "secret\n\n", 0600);
	CHECK_OK(expand_text("${file:token}", folder, /* secret= */ true, &result, &err), err);
	CHECK_STR(buf_cstr(&result.text), "secret\n");
	CHECK(!result.literal);
	buf_done(&result.text);
}

TEST(files_that_others_use_are_refused)
{
	const char *folder = write_file("open", "secret", 0644);
	check_refused("${file:open}", folder, /* secret= */ true, "its mode is 0644");
	folder = write_file("writable", "value", 0666);
	check_refused("${file:writable}", folder, /* secret= */ false, "others may write");
}

TEST(missing_and_malformed)
{
	CHECK(unsetenv("NOT_SET") == 0);
	check_refused("${NOT_SET}", "", false, "NOT_SET is not set");
	check_refused("${}", "", false, "neither");
	check_refused("${1A}", "", false, "neither");
	check_refused("${A-B}", "", false, "neither");
	check_refused("${A", "", false, "not closed");
	check_refused("${file:}", "", false, "names no file");
	check_refused("${file:/}", "", false, "not a regular file");
	check_refused("${file:no-such}", "/nowhere/", false, "/nowhere/no-such: No such file");
}

TEST(a_value_is_bounded)
{
	static char big[LIMIT_CONFIG_VALUE + 1];
	memset(big, 'a', LIMIT_CONFIG_VALUE / 2);
	CHECK(setenv("BIG", big, 1) == 0);
	check_refused("${BIG}${BIG}x", "", false, "larger than");
	struct expand_result result;
	struct error err = {0};
	CHECK_OK(expand_text("${BIG}${BIG}", "", false, &result, &err), err);
	CHECK_INT(result.text.len, LIMIT_CONFIG_VALUE);
	buf_done(&result.text);
	CHECK(unsetenv("BIG") == 0);
}

TEST_MAIN()
