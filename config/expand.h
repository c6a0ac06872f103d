/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ${NAME} is an environment variable, ${file:PATH} a file's content without one final newline, and $${ a literal ${.
 * What comes in is not looked at again.
 */
#ifndef CONFIG_EXPAND_H
#define CONFIG_EXPAND_H

#include "base/buf.h"

struct expand_result {
	struct buf text; /* at most LIMIT_CONFIG_VALUE bytes; wiped by buf_done() */
	bool literal;    /* some of it was written out */
	bool changed;    /* there was something to replace */
};

/*
 * Relative files are relative to FOLDER ("" or with its final slash). A SECRET's file must be readable by its owner
 * alone; no file may be writable by others. ERROR_CONFIG otherwise, and for a variable or file that is missing.
 * RET->text is initialized in either case.
 */
MUST_CHECK bool expand_text(const char *text, const char *folder, bool secret, struct expand_result *ret,
			    struct error *err);

#endif
