/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many servers are deployed to at once. Each that is begun holds a place. Before anything is changed there, one
 * that keeps us waiting much longer than the others did gives its place away and goes on beside them; before something
 * is changed it takes one again, which it keeps. Pure: whoever calls says what time it is, in monotonic milliseconds,
 * and locks.
 */
#ifndef SERVICE_PLACES_H
#define SERVICE_PLACES_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One server that was begun. Its owner's, linked in until places_leave(). */
struct place {
	int64_t heard_ms; /* begun, or heard of last */
	bool answered;    /* it has let us in */
	bool held;
	bool asking; /* wants one again */
	bool kept;   /* to the end: something is changed there */
	struct place *next;
};

struct places {
	size_t parallel;
	struct place *taken; /* all that were begun */
	size_t answered;     /* how many have let us in so far, */
	int64_t answered_ms; /* and how long they took altogether */
};

/* How many servers may be under way at once, with those that are waited for beside the others. */
size_t places_most(const struct places *places);

/* One that is begun now, zeroed; it holds a place from here on. */
void places_enter(struct places *places, struct place *place, int64_t now_ms);

void places_leave(struct places *places, struct place *place);

/* There was a sign of life. LET_IN: by a server that has let us in. */
void places_heard(struct places *places, struct place *place, bool let_in, int64_t now_ms);

/*
 * Whether one more may begin. *RET_WAKE_MS is when the next place will be given away if nothing is heard; INT64_MAX:
 * none will be.
 */
bool places_free(struct places *places, int64_t now_ms, int64_t *ret_wake_ms);

/* PLACE is to be kept to the end. False: it was given away, and none is free yet; the next one is its. */
bool places_keep(struct places *places, struct place *place, int64_t now_ms);

#endif
