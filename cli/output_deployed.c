/* SPDX-License-Identifier: Apache-2.0 */
/* Failures are equal when step and words are, numbers, names and times in the words apart. */
#include "cli/output_deployed.h"

#include "base/clock.h"
#include "base/log.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FEW_SERVERS = 8, /* up to which each gets its line */
	KEY_MAX = 512,
};

/* --- Names --- */

/* "web-1", or "3 servers (web-1, web-2, web-3)", with as many as fit. Returns OUT. */
static const char *names_text(const struct str_list *names, const char *noun, char out[ERROR_NAME_MAX])
{
	enum { TAIL = sizeof(" and 1000000 more)") };
	size_t len = 0, shown = 0;

	if (names->len == 1) {
		(void)snprintf(out, ERROR_NAME_MAX, "%s", names->items[0]);
		return out;
	}
	len = (size_t)snprintf(out, ERROR_NAME_MAX, "%zu %s (", names->len, noun);
	for (; shown < names->len; shown++) {
		size_t more = strlen(names->items[shown]) + 2;
		if (len + more + TAIL >= ERROR_NAME_MAX)
			break;
		len += (size_t)snprintf(out + len, ERROR_NAME_MAX - len, "%s%s", shown > 0 ? ", " : "",
					names->items[shown]);
	}
	if (shown < names->len)
		(void)snprintf(out + len, ERROR_NAME_MAX - len, " and %zu more)", names->len - shown);
	else
		(void)snprintf(out + len, ERROR_NAME_MAX - len, ")");
	return out;
}

/* --- Results --- */

static bool has_step(const struct error *err, const char *step)
{
	return err != NULL && str_equal(err->step, step);
}

const char *output_result_words(const char *word)
{
	return str_equal(word, push_result_name(PUSH_ROLLED_BACK)) ? "rolled back" : word;
}

static const char *result_word(const struct server_result *server)
{
	if (has_step(server->error, "rollout"))
		return "not tried";
	if (has_step(server->error, "back-off"))
		return "held back";
	return output_result_words(push_result_name(server->result));
}

/* All servers with the same word in one line, in the order in which the words first appear. */
static void print_grouped(const struct certificate_result *certificate)
{
	struct error ignored = {0};
	char text[ERROR_NAME_MAX];

	for (size_t i = 0; i < certificate->server_count; i++) {
		CLEANUP(str_list_done) struct str_list names = {0};
		const char *word = result_word(&certificate->servers[i]);
		bool first = true;
		for (size_t j = 0; j < certificate->server_count; j++) {
			if (!str_equal(result_word(&certificate->servers[j]), word))
				continue;
			first = first && j >= i;
			if (!str_list_add(&names, certificate->servers[j].server, &ignored))
				return;
		}
		if (first)
			printf("  -> %-11s %s\n", word, names_text(&names, "servers", text));
	}
}

void output_deployed(const struct certificate_result *certificate)
{
	if (certificate->server_count > FEW_SERVERS) {
		print_grouped(certificate);
		return;
	}
	for (size_t i = 0; i < certificate->server_count; i++)
		printf("  -> %-27s %s\n", certificate->servers[i].server, result_word(&certificate->servers[i]));
}

void output_pending(const struct run_result *results)
{
	CLEANUP(str_list_done) struct str_list names = {0};
	struct error ignored = {0};
	char text[ERROR_NAME_MAX], when[RFC3339_SIZE];
	int64_t retry_at = 0;

	for (size_t i = 0; i < results->count; i++) {
		for (size_t j = 0; j < results->certificates[i].server_count; j++) {
			const struct server_result *server = &results->certificates[i].servers[j];
			if (server->result != PUSH_FAILED && server->result != PUSH_ROLLED_BACK)
				continue;
			if (!str_list_add_once(&names, server->server, &ignored))
				return;
			int64_t at = server->error != NULL ? server->error->retry_at : 0;
			if (at != 0 && (retry_at == 0 || at < retry_at))
				retry_at = at;
		}
	}
	if (names.len == 0)
		return;
	printf("pending: %s", names_text(&names, "servers", text));
	if (retry_at != 0)
		printf("; runs after %s try again", rfc3339_format(retry_at, when));
	puts(retry_at != 0 ? ", `certferry deploy` does now" : "; the next run tries again");
}

/* --- Failures --- */

/* One cause, and whom it concerns. */
struct group {
	char key[KEY_MAX];
	const struct error *first;
	struct str_list certificates, servers;
	int64_t retry_at; /* the soonest; 0: unknown */
};

struct groups {
	struct group *items;
	size_t count;
};

static void groups_done(struct groups *groups)
{
	for (size_t i = 0; i < groups->count; i++) {
		str_list_done(&groups->items[i].certificates);
		str_list_done(&groups->items[i].servers);
	}
	free(groups->items);
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '.' || c == '-' || c == '_' || c == '/';
}

/* TEXT behind KEY, without what tells one server from another. */
static size_t add_words(char key[KEY_MAX], size_t len, const char *text, const struct error *err)
{
	while (*text != '\0' && len + 1 < KEY_MAX) {
		size_t word = 0;
		bool digit = false;
		for (; is_word(text[word]); word++)
			digit = digit || isdigit((unsigned char)text[word]);
		bool name = word > 0 && word == strlen(err->server) && strncmp(text, err->server, word) == 0;
		if (word == 0)
			key[len++] = *text++;
		else if (digit || name)
			key[len++] = '#';
		for (size_t i = 0; i < word && !digit && !name && len + 1 < KEY_MAX; i++)
			key[len++] = text[i];
		text += word;
	}
	key[len] = '\0';
	return len;
}

static void make_key(const struct error *err, char key[KEY_MAX])
{
	int len = snprintf(key, KEY_MAX, "%s %d ", err->step != NULL ? err->step : "", (int)err->category);
	size_t end = add_words(key, (size_t)len, err->message, err);
	/* What holds it back says nothing; what failed then does. */
	if (has_step(err, "back-off"))
		(void)add_words(key, end, err->said, err);
}

static bool add_failure(struct groups *groups, const struct error *failure, struct error *err)
{
	char key[KEY_MAX];
	struct group *group = NULL;

	make_key(failure, key);
	for (size_t i = 0; i < groups->count && group == NULL; i++) {
		if (strcmp(groups->items[i].key, key) == 0)
			group = &groups->items[i];
	}
	if (group == NULL) {
		struct group *grown = reallocarray(groups->items, groups->count + 1, sizeof(*grown));
		if (grown == NULL)
			return error_oom(err);
		groups->items = grown;
		group = &grown[groups->count++];
		*group = (struct group){.first = failure};
		memcpy(group->key, key, sizeof(key));
	}
	if (failure->retry_at != 0 && (group->retry_at == 0 || failure->retry_at < group->retry_at))
		group->retry_at = failure->retry_at;
	return str_list_add_once(&group->certificates, failure->certificate, err) &&
	       str_list_add_once(&group->servers, failure->server, err);
}

static void log_group(const struct group *group)
{
	struct error all = *group->first;
	char names[ERROR_NAME_MAX];

	if (group->servers.len > 1 || group->certificates.len > 1) {
		(void)snprintf(all.certificate, sizeof(all.certificate), "%s",
			       names_text(&group->certificates, "certificates", names));
		(void)snprintf(all.server, sizeof(all.server), "%s", names_text(&group->servers, "servers", names));
		all.retry_at = group->retry_at;
		if (has_step(&all, "back-off"))
			(void)snprintf(all.hint, sizeof(all.hint),
				       "the next run after that time tries again; `certferry deploy` tries now");
	}
	log_failure(LOG_LEVEL_ERROR, &all);
}

void output_server_failures(const struct run_result *results)
{
	CLEANUP(groups_done) struct groups groups = {0};
	struct error err = {0};

	for (size_t i = 0; i < results->count; i++) {
		for (size_t j = 0; j < results->certificates[i].server_count; j++) {
			const struct error *failure = results->certificates[i].servers[j].error;
			/* Without memory to compare it, it is told alone. */
			if (failure != NULL && !add_failure(&groups, failure, &err))
				log_failure(LOG_LEVEL_ERROR, failure);
		}
	}
	for (size_t i = 0; i < groups.count; i++)
		log_group(&groups.items[i]);
}
