/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the registered tests one after another; a failed check jumps back here. */
#include "test.h"

#include "base/buf.h"

#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TESTS_MAX = 512 };

static struct {
	const char *name;
	test_body *body;
} tests[TESTS_MAX];
static size_t test_count;
static jmp_buf test_exit;
static char temp_dir[PATH_MAX];

void test_register(const char *file, const char *name, test_body *body)
{
	(void)file;
	if (test_count == TESTS_MAX)
		abort();
	tests[test_count].name = name;
	tests[test_count++].body = body;
}

void test_fail(const char *file, int line, const char *format, ...)
{
	va_list args;
	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	longjmp(test_exit, 1);
}

void test_check_str(const char *file, int line, const char *expression, const char *got, const char *want)
{
	if (got == NULL && want == NULL)
		return;
	if (got == NULL || want == NULL || strcmp(got, want) != 0)
		test_fail(file, line, "%s\n   got: %s\n  want: %s", expression, got ? got : "(null)",
			  want ? want : "(null)");
}

void test_check_int(const char *file, int line, const char *expression, long long got, long long want)
{
	if (got != want)
		test_fail(file, line, "%s: got %lld, want %lld", expression, got, want);
}

static void print_hex(const char *label, const unsigned char *data, size_t len)
{
	fprintf(stderr, "%s (%zu):", label, len);
	for (size_t i = 0; i < len && i < 256; i++)
		fprintf(stderr, " %02x", data[i]);
	fputc('\n', stderr);
}

void test_check_mem(const char *file, int line, const char *expression, const void *got, size_t got_len,
		    const void *want, size_t want_len)
{
	if (got_len == want_len && (got_len == 0 || memcmp(got, want, got_len) == 0))
		return;
	print_hex("   got", got, got_len);
	print_hex("  want", want, want_len);
	test_fail(file, line, "%s: bytes differ", expression);
}

void test_check_contains(const char *file, int line, const char *expression, const char *text, const char *part)
{
	if (text == NULL || strstr(text, part) == NULL)
		test_fail(file, line, "%s\n        got: %s\n  without: %s", expression, text ? text : "(null)", part);
}

void test_check_ok(const char *file, int line, const char *expression, bool ok, const struct error *err)
{
	struct buf text;
	if (ok)
		return;
	buf_init(&text, 16384);
	error_format(err, &text);
	fprintf(stderr, "%s", buf_cstr(&text));
	buf_done(&text);
	test_fail(file, line, "failed: %s", expression);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info;
	(void)type;
	(void)where;
	return remove(path);
}

static void remove_temp_dir(void)
{
	if (temp_dir[0] != '\0')
		(void)nftw(temp_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *test_temp_dir(void)
{
	if (temp_dir[0] == '\0') {
		const char *base = getenv("TMPDIR");
		(void)snprintf(temp_dir, sizeof(temp_dir), "%s/certferry-test-XXXXXX", base ? base : "/tmp");
		if (mkdtemp(temp_dir) == NULL) {
			perror("mkdtemp");
			exit(99);
		}
		(void)atexit(remove_temp_dir);
	}
	return temp_dir;
}

const char *test_source_path(const char *file)
{
	static char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/%s", TESTS_SOURCE_DIR, file);
	return path;
}

int test_run_all(int argc, char **argv)
{
	/* Written between setjmp and longjmp, so they must not live in registers. */
	volatile int failed = 0, passed = 0;
	for (volatile size_t i = 0; i < test_count; i++) {
		if (argc > 1 && strcmp(argv[1], tests[i].name) != 0)
			continue;
		if (setjmp(test_exit) == 0) {
			tests[i].body();
			passed++;
		} else {
			fprintf(stderr, "FAILED %s\n", tests[i].name);
			failed++;
		}
	}
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 99 ? 99 : failed;
}
