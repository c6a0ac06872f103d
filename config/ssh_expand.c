/* SPDX-License-Identifier: Apache-2.0 */
/* One pass from left to right; what was put in is not looked at again. */
#include "config/ssh_expand.h"

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static bool refuse(const char *place, struct error *err, const char *what, const char *name, size_t len)
{
	return error_set(err, ERROR_CONFIG, NULL, "%s: %s: %.*s", place, what, (int)len, name);
}

/* False: it is none. */
static bool put_token(const struct ssh_expand *expand, char which, struct buf *out)
{
	switch (which) {
	case '%':
		buf_char(out, '%');
		return true;
	case 'd':
		buf_str(out, expand->home != NULL ? expand->home : "");
		return expand->home != NULL;
	case 'h':
		buf_str(out, expand->host);
		return true;
	case 'i':
		buf_printf(out, "%lu", (unsigned long)expand->uid);
		return true;
	case 'j':
		buf_str(out, expand->jump != NULL ? expand->jump : "");
		return true;
	case 'k':
		buf_str(out, expand->key_alias != NULL ? expand->key_alias : expand->alias);
		return true;
	case 'L':
		buf_append(out, expand->local_host, strcspn(expand->local_host, "."));
		return true;
	case 'l':
		buf_str(out, expand->local_host);
		return true;
	case 'n':
		buf_str(out, expand->alias);
		return true;
	case 'p':
		buf_printf(out, "%u", (unsigned)expand->port);
		return true;
	case 'r':
		buf_str(out, expand->user);
		return true;
	case 'u':
		buf_str(out, expand->local_user);
		return true;
	default:
		return false;
	}
}

/* "~" and "~user", at the beginning of *TEXT, which moves behind it. */
static bool put_home(const struct ssh_expand *expand, const char **text, const char *place, struct buf *out,
		     struct error *err)
{
	AUTO_FREE char *user = NULL;
	AUTO_FREE char *home = NULL;
	size_t len = strcspn(*text + 1, "/");

	if (len == 0 && expand->home == NULL)
		return refuse(place, err, "nobody's home is known here", "~", 1);
	if (len > 0) {
		if (!str_set_n(&user, *text + 1, len, err))
			return false;
		home = expand->home_of(user);
		if (home == NULL)
			return refuse(place, err, "there is no such user", *text + 1, len);
	}
	buf_str(out, home != NULL ? home : expand->home);
	*text += len + 1;
	return true;
}

/* "${NAME}" at *TEXT, which moves to its last character. */
static bool put_variable(const struct ssh_expand *expand, const char **text, const char *place, struct buf *out,
			 struct error *err)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	AUTO_FREE char *name = NULL;
	size_t len = strspn(*text + 2, allowed);

	if (len == 0 || (*text)[2 + len] != '}')
		return refuse(place, err, "no variable's name, with braces around it", *text, strlen(*text));
	if (!str_set_n(&name, *text + 2, len, err))
		return false;
	const char *value = expand->variable(name);
	if (value == NULL)
		return refuse(place, err, "a variable that is not set", name, len);
	buf_str(out, value);
	*text += len + 2;
	return true;
}

char *ssh_expand_path(const struct ssh_expand *expand, const char *text, const char *place, struct error *err)
{
	CLEANUP(buf_done) struct buf out = {0};

	buf_init(&out, LIMIT_PATH);
	if (text[0] == '~' && !put_home(expand, &text, place, &out, err))
		return NULL;
	for (; *text != '\0'; text++) {
		if (text[0] == '$' && text[1] == '{') {
			if (!put_variable(expand, &text, place, &out, err))
				return NULL;
		} else if (*text != '%') {
			buf_char(&out, *text);
		} else if (!put_token(expand, *++text, &out)) {
			(void)refuse(place, err, "a token that is not understood here", text - 1,
				     *text != '\0' ? 2 : 1);
			return NULL;
		}
	}
	return buf_take(&out, "path", err);
}

char *ssh_expand_jump(const struct ssh_expand *expand, const char *text, const char *place, struct error *err)
{
	CLEANUP(buf_done) struct buf out = {0};

	buf_init(&out, LIMIT_PATH);
	for (; *text != '\0'; text++) {
		if (*text != '%') {
			buf_char(&out, *text);
			continue;
		}
		if (*++text == '\0' || strchr("%hnpr", *text) == NULL || !put_token(expand, *text, &out)) {
			(void)refuse(place, err, "a token that is not understood in a ProxyJump", text - 1,
				     *text != '\0' ? 2 : 1);
			return NULL;
		}
	}
	return buf_take(&out, "ProxyJump", err);
}
