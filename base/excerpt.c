/* SPDX-License-Identifier: Apache-2.0 */
/* The first half of the room stays as it was filled; the second half rolls, a quarter of the room at a time. */
#include "base/excerpt.h"

#include <string.h>

void excerpt_init(struct excerpt *excerpt, size_t max)
{
	buf_init(&excerpt->kept, max);
	excerpt->left_out = 0;
}

void excerpt_done(struct excerpt *excerpt)
{
	buf_done(&excerpt->kept);
	excerpt->left_out = 0;
}

/* The room is used up: what is oldest in its second half goes. */
static void make_room(struct excerpt *excerpt)
{
	struct buf *kept = &excerpt->kept;
	size_t from = kept->max / 2, gone = kept->max / 4;

	memmove(kept->data + from, kept->data + from + gone, kept->len - from - gone);
	kept->len -= gone;
	kept->data[kept->len] = '\0';
	excerpt->left_out += gone;
}

void excerpt_add(struct excerpt *excerpt, const void *data, size_t len)
{
	struct buf *kept = &excerpt->kept;
	const char *at = data;

	while (len > 0 && !kept->failed) {
		if (kept->len == kept->max)
			make_room(excerpt);
		size_t room = kept->max - kept->len;
		size_t taken = len < room ? len : room;
		buf_append(kept, at, taken);
		at += taken;
		len -= taken;
	}
}

size_t excerpt_missing(const struct excerpt *excerpt, size_t from)
{
	return from <= excerpt->kept.max / 2 ? excerpt->left_out : 0;
}
