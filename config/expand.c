/* SPDX-License-Identifier: Apache-2.0 */
/* ${…} in values: one pass from left to right. */
#include "config/expand.h"

#include "base/error.h"
#include "base/escape.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWN_MAX = 200 };

#define FILE_PREFIX "file:"

static bool is_variable_name(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	if (name[0] == '\0' || strchr(letters, name[0]) == NULL)
		return false;
	for (const char *c = name; *c != '\0'; c++)
		if (strchr(letters, *c) == NULL && (*c < '0' || *c > '9'))
			return false;
	return true;
}

/* Who can write the file can write the config. */
static bool check_writers(const char *path, struct error *err)
{
	struct stat info;
	if (stat(path, &info) != 0)
		return error_errno(err, ERROR_CONFIG, NULL, errno, "cannot read %s", path);
	if ((info.st_mode & 022) == 0)
		return true;
	error_hint(err, "chmod go-w %s", path);
	return error_set(err, ERROR_CONFIG, NULL, "others may write %s: its mode is %04o", path,
			 (unsigned)(info.st_mode & 07777));
}

static bool append_file(struct buf *out, const char *name, const char *folder, bool secret, struct error *err)
{
	char *path AUTO_FREE = str_format(err, "%s%s", name[0] == '/' ? "" : folder, name);
	struct secret content CLEANUP(secret_done) = {0};
	if (path == NULL)
		return false;
	if (name[0] == '\0')
		return error_set(err, ERROR_CONFIG, NULL, "\"${file:}\" names no file");
	if (!check_writers(path, err) || !secret_read_file(&content, path, LIMIT_CREDENTIAL_FILE, secret, err))
		return false;
	size_t len = content.len;
	if (len > 0 && memchr(content.data, '\0', len) != NULL)
		return error_set(err, ERROR_CONFIG, NULL, "%s holds a NUL character", path);
	if (len > 0 && content.data[len - 1] == '\n')
		len--;
	if (len > 0)
		buf_append(out, content.data, len);
	return true;
}

static bool append_reference(struct buf *out, const char *name, const char *folder, bool secret, struct error *err)
{
	char shown[SHOWN_MAX];
	if (str_starts(name, FILE_PREFIX))
		return append_file(out, name + strlen(FILE_PREFIX), folder, secret, err);
	(void)escape_str(shown, sizeof(shown), name);
	if (!is_variable_name(name))
		return error_set(err, ERROR_CONFIG, NULL,
				 "\"${%s}\" is neither ${NAME} nor ${file:PATH} (write \"$${\" where \"${\" is meant)",
				 shown);
	const char *value = getenv(name);
	if (value == NULL)
		return error_set(err, ERROR_CONFIG, NULL,
				 "the environment variable %s is not set (write \"$${\" where \"${\" is meant)", shown);
	buf_str(out, value);
	return true;
}

bool expand_text(const char *text, const char *folder, bool secret, struct expand_result *ret, struct error *err)
{
	*ret = (struct expand_result){0};
	buf_init(&ret->text, LIMIT_CONFIG_VALUE);
	while (*text != '\0') {
		const char *dollar = strstr(text, "${");
		if (dollar == NULL)
			dollar = text + strlen(text);
		bool escaped = *dollar != '\0' && dollar > text && dollar[-1] == '$';
		size_t before = (size_t)(dollar - text) - escaped;
		buf_append(&ret->text, text, before);
		ret->literal = ret->literal || before > 0 || escaped;
		ret->changed = ret->changed || *dollar != '\0';
		text = dollar;
		if (escaped) {
			buf_str(&ret->text, "${");
			text += 2;
		} else if (*dollar != '\0') {
			const char *end = strchr(dollar, '}');
			char *name AUTO_FREE = NULL;
			if (end == NULL)
				return error_set(err, ERROR_CONFIG, NULL,
						 "\"${\" is not closed by \"}\" (write \"$${\" where \"${\" is meant)");
			if (!str_set_n(&name, dollar + 2, (size_t)(end - dollar) - 2, err) ||
			    !append_reference(&ret->text, name, folder, secret, err))
				return false;
			text = end + 1;
		}
	}
	if (ret->text.failed)
		return error_set(err, ERROR_CONFIG, NULL, "the value is larger than %d bytes", (int)LIMIT_CONFIG_VALUE);
	return true;
}
