/* SPDX-License-Identifier: Apache-2.0 */
/* What is given to sudo is what the config says: nothing else is ever put into these lines. */
#include "transport/sudo.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"

#include <string.h>

static const char word_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/@:=+,%-";

/* Every shell leaves such words as they are, so that sudo is given the very words of the config. */
static bool is_plain(const char *command)
{
	const char *first = command + strspn(command, " ");
	size_t len = strcspn(first, " ");

	for (const char *at = command; *at != '\0'; at++)
		if (*at != ' ' && strchr(word_characters, *at) == NULL)
			return false;
	return len > 0 && first[0] != '-' && memchr(first, '=', len) == NULL;
}

char *sudo_command(const char *command, struct error *err)
{
	struct buf line CLEANUP(buf_done);

	buf_init(&line, LIMIT_REMOTE_COMMAND);
	if (is_plain(command))
		return str_format(err, "sudo -n -- %s", command);
	buf_str(&line, "sudo -n -- sh -c '");
	for (const char *at = command; *at != '\0'; at++) {
		if (*at == '\'')
			buf_str(&line, "'\\''");
		else
			buf_char(&line, *at);
	}
	buf_char(&line, '\'');
	return buf_check(&line, "command through sudo", err) ? str_format(err, "%s", buf_cstr(&line)) : NULL;
}

char *sudo_program(const char *command, struct error *err)
{
	const char *first = is_plain(command) ? command + strspn(command, " ") : "sh";

	return str_format(err, "%.*s", (int)strcspn(first, " "), first);
}

/* ---- sudoers ---- */

/* The words behind the program, as sudoers(5) wants them: some characters mean something there, some are patterns. */
static void put_arguments(struct buf *rule, const char *arguments)
{
	for (const char *at = arguments; *at != '\0'; at++) {
		if (strchr(",:=#*?[]!", *at) != NULL)
			buf_char(rule, '\\');
		buf_char(rule, *at);
	}
}

bool sudo_rule(const char *user, const char *program, const char *command, char **ret, struct error *err)
{
	struct buf rule CLEANUP(buf_done);
	bool plain = is_plain(command);
	const char *arguments = command + strspn(command, " ");

	buf_init(&rule, 2 * (size_t)LIMIT_REMOTE_COMMAND);
	/* How sudo compares backslashes and quotes differs between its versions. */
	if (!plain && strpbrk(command, "\\\"'^\n\t") != NULL)
		return str_set(ret, "", err);
	if (plain) {
		arguments += strcspn(arguments, " ");
		arguments += strspn(arguments, " ");
	}
	buf_printf(&rule, "%s ALL=(root) NOPASSWD: %s ", user, program);
	if (!plain)
		buf_str(&rule, "-c ");
	else if (arguments[0] == '\0')
		buf_str(&rule, "\"\""); /* without it any arguments would be allowed */
	put_arguments(&rule, arguments);
	return buf_check(&rule, "sudoers line", err) && str_set(ret, buf_cstr(&rule), err);
}

bool sudo_refused(const char *text)
{
	static const char own[] = "sudo: ", sorry[] = "Sorry, user ";

	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += line[0] == '\n';
		if (str_starts(line, sorry))
			return true;
		/* A host without an entry of its own is only complained of. */
		if (str_starts(line, own) && !str_starts(line, "sudo: unable to resolve host"))
			return true;
	}
	return false;
}
