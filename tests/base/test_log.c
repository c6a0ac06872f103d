/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"
#include "base/json.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

struct capture {
	struct buf text;
	int lines;
};

static void keep(void *ctx, enum log_level level, const char *line)
{
	struct capture *capture = ctx;
	(void)level;
	buf_printf(&capture->text, "%s\n", line);
	capture->lines++;
}

static void capture_begin(struct capture *capture, enum log_level level, enum log_format format)
{
	capture->lines = 0;
	buf_init(&capture->text, 1 << 20);
	log_setup(level, format, keep, capture);
}

TEST(levels_filter_and_prefix)
{
	struct capture capture;
	capture_begin(&capture, LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
	log_write(LOG_LEVEL_ERROR, "no");
	log_warning("careful %d", 1);
	log_info("done");
	log_debug("step");
	log_trace("hidden");
	CHECK(log_enabled(LOG_LEVEL_DEBUG) && !log_enabled(LOG_LEVEL_TRACE));
	CHECK_STR(buf_cstr(&capture.text), "error: no\nwarning: careful 1\ndone\ndebug: step\n");
	buf_done(&capture.text);
}

TEST(foreign_text_stays_on_its_line)
{
	struct capture capture;
	capture_begin(&capture, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_info("CA says %s", "x\nerror: forged\x1b[2J");
	CHECK_INT(capture.lines, 1);
	CHECK_STR(buf_cstr(&capture.text), "CA says x\\x0aerror: forged\\x1b[2J\n");
	buf_done(&capture.text);
}

TEST(long_messages_are_cut)
{
	struct capture capture;
	char text[40000];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	capture_begin(&capture, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_info("%s", text);
	CHECK_INT(capture.lines, 1);
	CHECK_CONTAINS(buf_cstr(&capture.text), "…\n");
	buf_done(&capture.text);
}

static void make_error(struct error *err)
{
	(void)error_set(err, ERROR_CA, "new-order", "the CA refused \"it\"");
	error_context(err, NULL, "example.com", NULL);
	error_said(err, "too many\n  next: forged \\ text", 30);
	error_hint(err, "wait");
	err->http_status = 429;
	err->retry_at = 1795489445;
	err->transient = true;
}

TEST(a_failure_in_text)
{
	struct capture capture;
	struct error err = {0};
	make_error(&err);
	capture_begin(&capture, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	log_failure(LOG_LEVEL_ERROR, &err);
	CHECK_STR(buf_cstr(&capture.text), "error: example.com: new-order: the CA refused \"it\"\n"
					   "  said: too many\n"
					   "          next: forged \\ text\n"
					   "  retry: not before 2026-11-24T03:04:05Z\n"
					   "  next: wait\n");
	buf_done(&capture.text);
}

TEST(a_failure_in_json_is_one_object)
{
	struct capture capture;
	struct error err = {0}, parse = {0};
	const char *said = NULL, *message = NULL, *retry_at = NULL, *level = NULL;
	int64_t status = 0;
	make_error(&err);
	capture_begin(&capture, LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_failure(LOG_LEVEL_WARNING, &err);
	CHECK_INT(capture.lines, 1);
	json_t *json AUTO_JSON = json_read(capture.text.data, capture.text.len, "log line", &parse);
	CHECK_OK(json != NULL, parse);
	CHECK_OK(json_need_str(json, "said", 100, &said, &parse), parse);
	CHECK_STR(said, err.said);
	CHECK_OK(json_need_str(json, "message", 100, &message, &parse), parse);
	CHECK_STR(message, err.message);
	CHECK_OK(json_need_str(json, "retry_at", 100, &retry_at, &parse), parse);
	CHECK_STR(retry_at, "2026-11-24T03:04:05Z");
	CHECK_OK(json_need_str(json, "level", 100, &level, &parse), parse);
	CHECK_STR(level, "warning");
	CHECK_OK(json_need_int(json, "http_status", 0, 999, &status, &parse), parse);
	CHECK_INT(status, 429);
	CHECK(json_object_get(json, "server") == NULL);
	buf_done(&capture.text);
}

TEST(a_line_in_json_is_one_object)
{
	struct capture capture;
	struct error err = {0};
	capture_begin(&capture, LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_info("a \"b\" \\ %s", "\n\xff");
	CHECK_INT(capture.lines, 1);
	json_t *json AUTO_JSON = json_read(capture.text.data, capture.text.len, "log line", &err);
	CHECK_OK(json != NULL, err);
	CHECK_STR(json_string_value(json_object_get(json, "message")), "a \"b\" \\ \\x0a\\xff");
	buf_done(&capture.text);
}

static void *write_many(void *unused)
{
	(void)unused;
	for (int i = 0; i < 200; i++)
		log_info("line of %s", "several words");
	return NULL;
}

/* On stderr, through a pipe: lines of four threads come out whole. */
TEST(threads_do_not_mix_lines)
{
	pthread_t threads[4];
	int fds[2], saved = dup(STDERR_FILENO);
	static char got[1 << 16];
	size_t len = 0;
	CHECK(saved >= 0 && pipe(fds) == 0);
	CHECK(dup2(fds[1], STDERR_FILENO) >= 0);
	(void)close(fds[1]);
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, NULL, NULL);
	/* 800 lines of 22 bytes fit into a pipe of 64 KiB. */
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		(void)pthread_create(&threads[i], NULL, write_many, NULL);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		(void)pthread_join(threads[i], NULL);
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	for (ssize_t n; (n = read(fds[0], got + len, sizeof(got) - len)) > 0;)
		len += (size_t)n;
	(void)close(fds[0]);
	static const char line[] = "line of several words\n";
	CHECK_INT(len, 800 * strlen(line));
	for (size_t at = 0; at < len; at += strlen(line))
		CHECK_MEM(got + at, strlen(line), line, strlen(line));
}

TEST_MAIN()
