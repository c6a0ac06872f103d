/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, variables and homes in a value of an SSH config: it is replaced, or refused with its place. */
#include "base/error.h"
#include "base/str.h"
#include "config/ssh_expand.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *variable(const char *name)
{
	return strcmp(name, "HOME") == 0 ? "/home/x" : NULL;
}

static char *home_of(const char *user)
{
	return strcmp(user, "root") == 0 ? strdup("/root") : NULL;
}

/* Where nothing asks for a "%", none is left. */
static void check(const char *text, char *take_value, const struct error *err)
{
	if ((take_value == NULL) != error_is_set(err))
		abort();
	if (take_value == NULL && strstr(text, "%") != NULL && err->message[0] == '\0')
		abort();
	if (take_value != NULL && strstr(text, "%%") == NULL && strchr(take_value, '%') != NULL)
		abort();
	free(take_value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ssh_expand expand = {.home = "/home/x",
						 .local_user = "x",
						 .local_host = "here.example",
						 .alias = "web-1",
						 .host = "web-1.example",
						 .user = "root",
						 .port = 22,
						 .variable = variable,
						 .home_of = home_of};
	AUTO_FREE char *text = NULL;
	struct error err = {0};

	if (!str_set_n(&text, size > 0 ? (const char *)data : "", size, &err))
		return 0;
	check(text, ssh_expand_path(&expand, text, "f:1", &err), &err);
	error_clear(&err);
	check(text, ssh_expand_jump(&expand, text, "f:1", &err), &err);
	return 0;
}
