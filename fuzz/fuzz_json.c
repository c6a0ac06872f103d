/* SPDX-License-Identifier: Apache-2.0 */
/* Reaches json_read(), the getters and json_write(): what was read must be written and read again as the same tree. */
#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_members(const json_t *json)
{
	static const char *const keys[] = {"status", "a", "", "list"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct error err = {0};
		const char *text = "";
		const json_t *tree = NULL;
		int64_t number = 0;
		bool flag = false;
		if (json_need_str(json, keys[i], 8, &text, &err) && strlen(text) > 8)
			abort();
		error_clear(&err);
		if (json_opt_int(json, keys[i], -5, 5, &number, &err) && (number < -5 || number > 5))
			abort();
		error_clear(&err);
		if (!json_opt_bool(json, keys[i], &flag, &err) && !error_is_set(&err))
			abort();
		error_clear(&err);
		if (json_opt_object(json, keys[i], &tree, &err) && tree != NULL && !json_is_object(tree))
			abort();
		error_clear(&err);
		if (json_opt_array(json, keys[i], &tree, &err) && tree == NULL && error_is_set(&err))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	json_t *json AUTO_JSON = json_read((const char *)data, size, "input", &err);
	if (json == NULL) {
		if (!error_is_set(&err) || strpbrk(err.message, "\n\x1b") != NULL)
			abort();
		return 0;
	}
	read_members(json);

	struct buf text CLEANUP(buf_done);
	buf_init(&text, 8 * size + 1024);
	if (!json_write(json, /* pretty= */ false, &text, &err))
		abort();
	json_t *again AUTO_JSON = json_read(text.data, text.len, "output", &err);
	/* Control characters grow when they are written, so a string at the cap may be refused the second time. */
	if (again == NULL ? size < 10000 : !json_equal(json, again))
		abort();
	return 0;
}
