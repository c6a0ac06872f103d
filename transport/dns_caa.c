/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CAA look-ups. Climbing one name at a time would cost a round trip for each label; all labels of all names are asked
 * together instead, and the climb is done on the answers.
 */
#include "transport/dns_caa.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every name to be asked about, once. */
struct climb {
	struct dns_question *questions;
	size_t count;
};

static void climb_done(struct climb *climb)
{
	for (size_t i = 0; i < climb->count; i++)
		dns_answer_done(&climb->questions[i].answer);
	free(climb->questions);
}

void dns_caa_done(struct dns_caa *caa)
{
	str_list_done(&caa->records);
	*caa = (struct dns_caa){0};
}

/* The name above NAME; NULL above a top-level domain: the root's own is not asked (§3). */
static const char *parent(const char *name)
{
	const char *dot = strchr(name, '.');
	return dot != NULL && dot[1] != '\0' ? dot + 1 : NULL;
}

static const struct dns_question *find_question(const struct climb *climb, const char *name)
{
	for (size_t i = 0; i < climb->count; i++)
		if (str_equal_nocase(climb->questions[i].name, name))
			return &climb->questions[i];
	return NULL;
}

static bool add_questions(struct climb *climb, const struct dns_caa *sets, size_t count, struct error *err)
{
	climb->questions = calloc(LIMIT_CAA_QUESTIONS, sizeof(*climb->questions));
	if (climb->questions == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		for (const char *name = sets[i].name; name != NULL; name = parent(name))
			if (climb->count < LIMIT_CAA_QUESTIONS && find_question(climb, name) == NULL)
				climb->questions[climb->count++] =
					(struct dns_question){.name = name, .type = DNS_TYPE_CAA};
	return true;
}

/* The nearest name with a set. A level that did not answer may have one: then nothing is known. */
static bool climb_one(const struct climb *climb, struct dns_caa *set, struct error *err)
{
	for (const char *name = set->name; name != NULL; name = parent(name)) {
		const struct dns_question *question = find_question(climb, name);
		if (question == NULL || question->answer.outcome == DNS_NO_ANSWER) {
			const char *why = question == NULL              ? "too many names to look at"
					  : question->reason[0] == '\0' ? "no answer in time"
									: question->reason;
			(void)snprintf(set->reason, sizeof(set->reason), "%s", why);
			return true;
		}
		if (question->answer.outcome != DNS_FOUND)
			continue;
		(void)snprintf(set->owner, sizeof(set->owner), "%s", name);
		set->known = true;
		return str_list_copy(&set->records, &question->answer.values, err);
	}
	set->known = true;
	return true;
}

bool dns_find_caa(struct dns_resolver *resolver, struct dns_caa *sets, size_t count, struct deadline deadline,
		  struct error *err)
{
	enum { AT_ONCE = 64 }; /* in flight together: a resolver drops what floods it */
	CLEANUP(climb_done) struct climb climb = {0};
	bool asked = true;

	if (!add_questions(&climb, sets, count, err))
		return false;
	for (size_t i = 0; i < climb.count; i++)
		climb.questions[i].answer.outcome = DNS_NO_ANSWER;
	for (size_t i = 0; asked && i < climb.count; i += AT_ONCE) {
		size_t batch = climb.count - i < AT_ONCE ? climb.count - i : AT_ONCE;
		asked = dns_ask(resolver, climb.questions + i, batch, deadline, err);
	}
	for (size_t i = 0; i < count; i++)
		if (!climb_one(&climb, &sets[i], err))
			return false;
	return asked;
}
