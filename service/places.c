/* SPDX-License-Identifier: Apache-2.0 */
/* Silence costs no CPU, so it needs no place; but each courier needs memory, so only so many wait beside the others. */
#include "service/places.h"

#include "base/limits.h"

enum {
	TIMES = 4, /* as long as the others took on average is much longer, */
	LEAST_MS = 250,
	LONGEST_MS = 3000, /* also as long as none has let us in: a server that is well does so sooner */
};

size_t places_most(const struct places *places)
{
	return places->parallel > LIMIT_COURIERS ? places->parallel : LIMIT_COURIERS;
}

static int64_t patience_ms(const struct places *places)
{
	if (places->answered == 0)
		return LONGEST_MS;
	int64_t ms = TIMES * places->answered_ms / (int64_t)places->answered;
	if (ms < LEAST_MS)
		return LEAST_MS;
	return ms < LONGEST_MS ? ms : LONGEST_MS;
}

void places_enter(struct places *places, struct place *place, int64_t now_ms)
{
	place->held = true;
	place->heard_ms = now_ms;
	place->next = places->taken;
	places->taken = place;
}

void places_leave(struct places *places, struct place *place)
{
	struct place **at = &places->taken;
	while (*at != place)
		at = &(*at)->next;
	*at = place->next;
}

void places_heard(struct places *places, struct place *place, bool let_in, int64_t now_ms)
{
	if (let_in && !place->answered) {
		place->answered = true;
		places->answered++;
		places->answered_ms += now_ms - place->heard_ms;
	}
	place->heard_ms = now_ms;
}

/* Those that have kept us waiting for too long give theirs away. Returns how many are held still, or asked for. */
static size_t review(struct places *places, int64_t now_ms, int64_t *ret_wake_ms)
{
	int64_t patience = patience_ms(places);
	size_t beside = 0, wanted = 0;

	for (const struct place *place = places->taken; place != NULL; place = place->next)
		beside += !place->held;
	*ret_wake_ms = INT64_MAX;
	for (struct place *place = places->taken; place != NULL; place = place->next) {
		int64_t until = place->heard_ms + patience;
		/* Those that are too many to be waited for beside the others keep theirs. */
		bool may_give = place->held && !place->kept && beside < places_most(places) - places->parallel;
		if (may_give && now_ms >= until) {
			place->held = false;
			beside++;
		} else if (may_give && until < *ret_wake_ms) {
			*ret_wake_ms = until;
		}
		wanted += place->held || place->asking;
	}
	return wanted;
}

bool places_free(struct places *places, int64_t now_ms, int64_t *ret_wake_ms)
{
	return review(places, now_ms, ret_wake_ms) < places->parallel;
}

bool places_keep(struct places *places, struct place *place, int64_t now_ms)
{
	size_t held = 0;

	place->heard_ms = now_ms;
	for (const struct place *other = places->taken; other != NULL; other = other->next)
		held += other->held;
	if (place->held || held < places->parallel)
		place->held = place->kept = true;
	place->asking = !place->held;
	return place->held;
}
