/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test header: a test file is a list of TEST(name) { … } bodies and one TEST_MAIN() at its end. A failed check
 * prints where and what and ends that test; the others still run. The exit code is the number of failed tests (at most
 * 99).
 */
#ifndef TESTS_SUPPORT_TEST_H
#define TESTS_SUPPORT_TEST_H

#include "base/error.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

typedef void test_body(void);

void test_register(const char *file, const char *name, test_body *body);
int test_run_all(int argc, char **argv);

void test_fail(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4) __attribute__((noreturn));
void test_check_str(const char *file, int line, const char *expression, const char *got, const char *want);
void test_check_int(const char *file, int line, const char *expression, long long got, long long want);
void test_check_mem(const char *file, int line, const char *expression, const void *got, size_t got_len,
		    const void *want, size_t want_len);
void test_check_contains(const char *file, int line, const char *expression, const char *text, const char *part);
void test_check_ok(const char *file, int line, const char *expression, bool ok, const struct error *err);

/* A directory that is emptied and removed when the test program ends. Same for every call in one test program. */
const char *test_temp_dir(void);

/* The path of FILE below the tests/ folder, in a static buffer. */
const char *test_source_path(const char *file);

#define TEST(name)                                                     \
	static void test_##name(void);                                 \
	__attribute__((constructor)) static void register_##name(void) \
	{                                                              \
		test_register(__FILE__, #name, test_##name);           \
	}                                                              \
	static void test_##name(void)

#define TEST_MAIN()                              \
	int main(int argc, char **argv)          \
	{                                        \
		return test_run_all(argc, argv); \
	}

#define CHECK(expression)                                                           \
	do {                                                                        \
		if (!(expression))                                                  \
			test_fail(__FILE__, __LINE__, "not true: %s", #expression); \
	} while (0)
#define CHECK_STR(got, want) test_check_str(__FILE__, __LINE__, #got, got, want)
#define CHECK_INT(got, want) test_check_int(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))
#define CHECK_MEM(got, got_len, want, want_len) test_check_mem(__FILE__, __LINE__, #got, got, got_len, want, want_len)
#define CHECK_CONTAINS(text, part) test_check_contains(__FILE__, __LINE__, #text, text, part)
/* A call that must succeed; its error is printed otherwise. ERR is the struct error itself. */
#define CHECK_OK(call, err) test_check_ok(__FILE__, __LINE__, #call, (call), &(err))

#endif
