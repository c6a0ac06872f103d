/* SPDX-License-Identifier: Apache-2.0 */
/* The table of answers. All of one owner's come and go together, so that two owners cannot wait for each other. */
#include "transport/answers.h"

#include "base/limits.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <time.h>

enum { SLICE_MS = 250 }; /* a condition cannot be waited for together with a cancellation: look this often */

void answers_init(struct answers *answers, bool any_case, void (*free_value)(void *value))
{
	pthread_condattr_t attributes;

	*answers = (struct answers){.any_case = any_case, .free_value = free_value};
	(void)pthread_mutex_init(&answers->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&answers->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

void answer_done(const struct answers *answers, struct answer *answer)
{
	if (answer->value != NULL && answers->free_value != NULL)
		answers->free_value(answer->value);
	free(answer->name);
	free(answer->key_authorization);
	*answer = (struct answer){0};
}

void answers_done(struct answers *answers)
{
	for (size_t i = 0; i < answers->count; i++)
		answer_done(answers, &answers->items[i]);
	free(answers->items);
	(void)pthread_cond_destroy(&answers->changed);
	(void)pthread_mutex_destroy(&answers->lock);
}

static bool is_called(const struct answers *answers, const struct answer *answer, const char *name, size_t len)
{
	return strlen(answer->name) == len &&
	       (answers->any_case ? strncasecmp(answer->name, name, len) : memcmp(answer->name, name, len)) == 0;
}

/* Whether another's answer stands where ITEM is to go. */
static bool is_taken(const struct answers *answers, const struct answer *item)
{
	for (size_t i = 0; i < answers->count; i++)
		if (is_called(answers, &answers->items[i], item->name, strlen(item->name)) &&
		    !str_equal(answers->items[i].key_authorization, item->key_authorization))
			return true;
	return false;
}

static const struct answer *find_taken(const struct answers *answers, const struct answer *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_taken(answers, &items[i]))
			return &items[i];
	return NULL;
}

/* Under the lock: sleep until something was removed, or a slice has gone. */
static void wait_for_change(struct answers *answers, struct deadline deadline)
{
	enum { MS_PER_S = 1000, NS_PER_MS = 1000 * 1000 };
	int64_t left = deadline_left_ms(deadline);
	int64_t until = clock_monotonic_ms() + (left < SLICE_MS ? left : SLICE_MS);
	struct timespec at = {.tv_sec = (time_t)(until / MS_PER_S), .tv_nsec = (long)(until % MS_PER_S) * NS_PER_MS};
	(void)pthread_cond_timedwait(&answers->changed, &answers->lock, &at);
}

static bool add_locked(struct answers *answers, struct answer *items, size_t count, struct deadline deadline,
		       struct error *err)
{
	const struct answer *taken = NULL;

	while ((taken = find_taken(answers, items, count)) != NULL) {
		if (!deadline_check(deadline, NULL, err)) {
			error_hint(err, "another certificate of this run was validating %s", taken->name);
			return false;
		}
		wait_for_change(answers, deadline);
	}
	if (count > LIMIT_RESPONDER_ANSWERS - answers->count)
		return error_set(err, ERROR_INTERNAL, NULL, "more than %d names are being validated at once",
				 LIMIT_RESPONDER_ANSWERS);
	struct answer *grown = reallocarray(answers->items, answers->count + count + 1, sizeof(*grown));
	if (grown == NULL)
		return error_oom(err);
	answers->items = grown;
	memcpy(&grown[answers->count], items, count * sizeof(*items));
	answers->count += count;
	memset(items, 0, count * sizeof(*items));
	return true;
}

bool answers_add(struct answers *answers, struct answer *take_items, size_t count, struct deadline deadline,
		 struct error *err)
{
	(void)pthread_mutex_lock(&answers->lock);
	bool ok = add_locked(answers, take_items, count, deadline, err);
	(void)pthread_mutex_unlock(&answers->lock);
	for (size_t i = 0; i < count; i++)
		answer_done(answers, &take_items[i]);
	return ok;
}

void answers_remove(struct answers *answers, const void *owner)
{
	size_t kept = 0;

	(void)pthread_mutex_lock(&answers->lock);
	for (size_t i = 0; i < answers->count; i++) {
		if (answers->items[i].owner == owner)
			answer_done(answers, &answers->items[i]);
		else
			answers->items[kept++] = answers->items[i];
	}
	answers->count = kept;
	(void)pthread_cond_broadcast(&answers->changed);
	(void)pthread_mutex_unlock(&answers->lock);
}

bool answers_use(struct answers *answers, const char *name, size_t len,
		 void (*use)(void *ctx, const struct answer *answer), void *ctx)
{
	bool found = false;

	(void)pthread_mutex_lock(&answers->lock);
	for (size_t i = 0; i < answers->count; i++) {
		struct answer *answer = &answers->items[i];
		if (!is_called(answers, answer, name, len))
			continue;
		if (!found)
			use(ctx, answer);
		found = true;
		if (!answer->asked && answer->asked_fd >= 0)
			(void)eventfd_write(answer->asked_fd, 1);
		answer->asked = true;
	}
	(void)pthread_mutex_unlock(&answers->lock);
	return found;
}
