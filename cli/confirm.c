/* SPDX-License-Identifier: Apache-2.0 */
/* Asks on stderr, reads stdin: stdout belongs to results. */
#include "cli/confirm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool confirm(const char *question, const char *what, struct error *err)
{
	char line[16] = "";
	if (isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0) {
		error_set(err, ERROR_USAGE, "usage", "%s is for good and has to be confirmed", what);
		error_hint(err, "add --yes");
		return false;
	}
	fprintf(stderr, "%s\nType \"yes\" to do it: ", question);
	if (fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "yes\n") == 0)
		return true;
	error_set(err, ERROR_USAGE, "usage", "not confirmed: nothing was changed");
	error_hint(err, "type yes, or add --yes");
	return false;
}
