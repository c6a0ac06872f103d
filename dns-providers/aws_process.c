/* SPDX-License-Identifier: Apache-2.0 */
/* Keys from a program: its line taken apart without a shell, run, and its JSON read. */
#include "dns-providers/aws_process.h"

#include "base/limits.h"
#include "transport/exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROCESS_MS = 60 * 1000 /* it may ask a service of its own */ };

/* One word of what AT points to, which is no blank; AT ends behind it. False for a quote without its end. */
static bool take_word(const char **at, struct buf *word)
{
	char quote = '\0';
	for (; **at != '\0' && (quote != '\0' || strchr(" \t", **at) == NULL); ++*at) {
		char c = **at;
		if (c == quote) {
			quote = '\0';
		} else if (quote == '\0' && (c == '"' || c == '\'')) {
			quote = c;
		} else if (c == '\\' && quote != '\'' && (*at)[1] != '\0') {
			++*at;
			/* Within "" it is itself before anything but a quote and a backslash, as in a shell. */
			if (quote == '"' && **at != '"' && **at != '\\')
				buf_char(word, c);
			buf_char(word, **at);
		} else {
			buf_char(word, c);
		}
	}
	return quote == '\0';
}

bool aws_process_split(const char *line, struct str_list *ret_words, struct error *err)
{
	CLEANUP(str_list_done) struct str_list words = {0};
	for (const char *at = line + strspn(line, " \t"); *at != '\0'; at += strspn(at, " \t")) {
		CLEANUP(buf_done) struct buf word;
		buf_init(&word, LIMIT_CREDENTIAL_FILE);
		if (!take_word(&at, &word))
			return error_set(err, ERROR_CONFIG, NULL, "a quote in it has no end");
		if (!buf_check(&word, "command", err) || !str_list_add(&words, buf_cstr(&word), err))
			return false;
	}
	if (words.len == 0)
		return error_set(err, ERROR_CONFIG, NULL, "it is empty");
	*ret_words = words;
	words = (struct str_list){0};
	return true;
}

/* What such a program may go by. Keys that our own environment holds are not among it. */
static bool pass_variables(struct str_list *environment, struct error *err)
{
	static const char *const passed[] = {"HOME",         "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
					     "AWS_PROFILE",  "AWS_REGION",      "AWS_DEFAULT_REGION",
					     "AWS_CA_BUNDLE"};
	for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
		const char *value = getenv(passed[i]);
		if (str_is_empty(value))
			continue;
		AUTO_FREE char *line = str_format(err, "%s=%s", passed[i], value);
		if (line == NULL || !str_list_add(environment, line, err))
			return false;
	}
	return true;
}

static bool run(const struct str_list *words, struct deadline deadline, struct exec_result *ret, struct error *err)
{
	CLEANUP(str_list_done) struct str_list environment = {0};
	CLEANUP(str_list_done) struct str_list arguments = {0};
	const struct exec_request request = {
		.program = words->items[0], .arguments = &arguments, .environment = &environment};
	for (size_t i = 1; i < words->len; i++) {
		if (!str_list_add(&arguments, words->items[i], err))
			return false;
	}
	if (!pass_variables(&environment, err) || !exec_run(&request, deadline_within(deadline, PROCESS_MS), ret, err))
		return false;
	if (ret->ending == EXEC_EXITED && ret->code == EXIT_SUCCESS)
		return true;
	excerpt_done(&ret->out); /* it may hold keys, and is not to be quoted */
	return exec_failed(request.program, ret, ERROR_CONFIG, "credentials", err);
}

bool aws_process_keys(const char *profile, const char *line, struct deadline deadline, struct aws_keys *ret,
		      struct error *err)
{
	CLEANUP(str_list_done) struct str_list words = {0};
	CLEANUP(exec_result_done) struct exec_result result = {0};
	struct error cause = {0};

	bool printed = aws_process_split(line, &words, &cause) && run(&words, deadline, &result, &cause);
	if (printed && result.out.left_out == 0 &&
	    aws_read_keys_json(buf_cstr(&result.out.kept), result.out.kept.len, ret, &cause)) {
		(void)snprintf(ret->source, sizeof(ret->source), "the credential_process of the profile \"%s\"",
			       profile);
		return true;
	}
	/* A parser quotes what it does not understand, which may be a key. */
	if (printed) {
		error_clear(&cause);
		(void)error_set(&cause, ERROR_CONFIG, NULL, "it printed no keys that can be used");
	}
	err->transient = cause.transient;
	error_said(err, cause.said, strlen(cause.said));
	error_hint(err, "%s",
		   cause.hint[0] != '\0'
			   ? cause.hint
			   : "it has to print {\"Version\": 1, \"AccessKeyId\": …, \"SecretAccessKey\": …}");
	return error_set(err, cause.category, "credentials", "AWS: the credential_process of the profile \"%s\": %s",
			 profile, cause.message);
}
