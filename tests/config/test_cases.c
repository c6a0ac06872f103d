/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Case folders: each NAME.yaml below invalid/ must give exactly the errors of NAME.expected, each below valid/ must
 * load with exactly the warnings there. CERTFERRY_UPDATE_CASES=1 rewrites the expected files, to be read before they
 * are committed.
 */
#include "base/buf.h"
#include "base/escape.h"
#include "base/limits.h"
#include "base/str.h"
#include "config/config.h"
#include "tests/support/test.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void read_file(const char *path, struct buf *out)
{
	char chunk[4096];
	size_t n = 0;
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		test_fail(__FILE__, __LINE__, "cannot open %s", path);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_append(out, chunk, n);
	(void)fclose(file);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "wb");
	CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0 && chmod(path, mode) == 0);
}

/* The environment that the cases speak of. */
static void set_environment(void)
{
	CHECK(setenv("HOME", "/home/somebody", 1) == 0 && setenv("CLOUDFLARE_API_TOKEN", "cf-token", 1) == 0 &&
	      setenv("EAB_HMAC_KEY", "c2VjcmV0", 1) == 0 &&
	      setenv("SLACK_WEBHOOK", "https://hooks.slack.example/T/B/x", 1) == 0 && unsetenv("NOT_SET") == 0 &&
	      unsetenv("SSH_AUTH_SOCK") == 0);
}

/* The example names a credential file below /etc; a test does not write there, so that path is a temporary file's. */
static void redirect_credential(struct buf *text)
{
	static const char there[] = "/etc/certferry/tsig";
	char path[512];
	struct buf result CLEANUP(buf_done) = {0};
	const char *at = memmem(buf_cstr(text), text->len, there, strlen(there));
	if (at == NULL)
		return;
	(void)snprintf(path, sizeof(path), "%s/tsig", test_temp_dir());
	write_file(path, "dHNpZyBzZWNyZXQ=\n", 0600);
	buf_init(&result, LIMIT_CONFIG_FILE);
	buf_append(&result, text->data, (size_t)(at - text->data));
	buf_str(&result, path);
	buf_str(&result, at + strlen(there));
	buf_reset(text);
	buf_append(text, result.data, result.len);
}

static void list_issues(const struct config_report *report, bool errors, struct buf *out)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct config_issue *issue = &report->issues[i];
		if (issue->is_error == errors)
			buf_printf(out, "%d:%d: %s: %s\n", issue->position.line, issue->position.column, issue->path,
				   issue->message);
	}
}

/* The report must be in file order and the error its first line. */
static void check_error(const struct config_report *report, const struct error *err)
{
	char first[ERROR_TEXT_MAX] = "";
	for (size_t i = 0; i < report->count; i++) {
		const struct config_issue *issue = &report->issues[i];
		if (i > 0)
			CHECK(issue[-1].position.line <= issue->position.line);
		if (issue->is_error && first[0] == '\0' && issue->position.line > 0)
			(void)snprintf(first, sizeof(first), "case.yaml:%d:%d: ", issue->position.line,
				       issue->position.column);
	}
	CHECK_INT(err->category, ERROR_CONFIG);
	CHECK_CONTAINS(err->message, first);
}

static void run_case(const char *folder, const char *name, bool valid)
{
	char path[1024], expected_path[1024];
	struct buf text CLEANUP(buf_done) = {0}, expected CLEANUP(buf_done) = {0}, got CLEANUP(buf_done) = {0};
	struct config_report report CLEANUP(config_report_done) = {0};
	struct error err = {0};
	size_t stem = strlen(name) - strlen(".yaml");
	buf_init(&text, LIMIT_CONFIG_FILE);
	buf_init(&expected, LIMIT_CONFIG_FILE);
	buf_init(&got, LIMIT_CONFIG_FILE);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	(void)snprintf(expected_path, sizeof(expected_path), "%s/%.*s.expected", folder, (int)stem, name);
	read_file(path, &text);
	redirect_credential(&text);

	struct config *config CLEANUP(config_freep) =
		config_parse(buf_cstr(&text), text.len, "case.yaml", &report, &err);
	list_issues(&report, /* errors= */ !valid, &got);
	if ((config != NULL) != valid)
		test_fail(__FILE__, __LINE__, "%s: %s %s", path, valid ? "refused:" : "accepted", err.message);
	if (!valid)
		check_error(&report, &err);
	if (getenv("CERTFERRY_UPDATE_CASES") != NULL)
		write_file(expected_path, buf_cstr(&got), 0644);
	read_file(expected_path, &expected);
	if (strcmp(buf_cstr(&got), buf_cstr(&expected)) != 0)
		test_fail(__FILE__, __LINE__, "%s\n   got:\n%s  want:\n%s", path, buf_cstr(&got), buf_cstr(&expected));
}

static int run_folder(const char *relative, bool valid)
{
	int count = 0;
	char folder[1024];
	(void)snprintf(folder, sizeof(folder), "%s", test_source_path(relative));
	set_environment();
	DIR *dir = opendir(folder);
	CHECK(dir != NULL);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (str_ends(entry->d_name, ".yaml")) {
			run_case(folder, entry->d_name, valid);
			count++;
		}
	(void)closedir(dir);
	return count;
}

TEST(invalid_cases)
{
	CHECK(run_folder("cases/config/invalid", /* valid= */ false) >= 40);
}

TEST(valid_cases)
{
	CHECK(run_folder("cases/config/valid", /* valid= */ true) >= 12);
}

TEST_MAIN()
