/* SPDX-License-Identifier: Apache-2.0 */
/* Turns the certificates' records, which know their servers, into servers that know their certificates. */
#include "service/server_list.h"

#include "config/config.h"
#include "service/inventory.h"

#include <stdlib.h>
#include <string.h>

void server_list_done(struct server_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct server_view *view = &list->items[i];
		for (size_t j = 0; j < view->certificate_count; j++)
			free(view->certificates[j].name);
		free(view->certificates);
		str_list_done(&view->groups);
		free(view->error);
	}
	free(list->items);
	*list = (struct server_list){0};
}

const struct config_server *server_list_find(struct service *service, const char *name, struct error *err)
{
	const struct config *config = service_options(service)->config;
	const struct config_server *server = config_find_server(config, name);
	if (server == NULL) {
		(void)error_set(err, ERROR_USAGE, "usage", "the config has no server \"%s\"", name);
		if (config_find_domain(config, name) != NULL)
			error_hint(err, "that is a certificate; here the server comes first, and `certferry server "
					"list` shows them");
		error_hint(err, "`certferry server list` shows them");
	}
	return server;
}

const struct config_server **server_list_choose(struct service *service, const struct str_list *names,
						size_t *ret_count, struct error *err)
{
	const struct config *config = service_options(service)->config;
	AUTO_FREE const struct config_server **chosen =
		calloc(names->len + config->server_count + 1, sizeof(const struct config_server *));
	size_t count = 0;

	if (chosen == NULL) {
		(void)error_oom(err);
		return NULL;
	}
	for (size_t i = 0; i < names->len; i++)
		if ((chosen[count++] = server_list_find(service, names->items[i], err)) == NULL)
			return NULL;
	for (size_t i = 0; names->len == 0 && i < config->server_count; i++)
		if (!config->servers[i].hop_only)
			chosen[count++] = &config->servers[i];
	*ret_count = count;
	return STEAL(chosen);
}

bool server_list_plan(struct service *service, struct plan *ret, struct error *err)
{
	CLEANUP(str_list_done) struct str_list names = {0};
	/* No names would mean all that is stored, which is then nothing either. */
	return inventory_names(service, &names, err) && plan_from_store(service, &names, /* force= */ false, ret, err);
}

/* Of two statuses the one that counts more. */
static int weight(const char *status)
{
	static const char *const order[] = {"deployed", "missing", "pending", "rolled_back", "failed", "unknown"};
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (str_equal(status, order[i]))
			return (int)i;
	return -1;
}

static const char *status_of(const struct plan_item *item, const struct renewal_server *server)
{
	if (item->error != NULL)
		return "unknown";
	return item->wanted.generation == 0 ? "missing" : plan_server_status(&item->wanted, server);
}

static bool add_certificate(struct server_view *view, const struct plan_item *item, const struct renewal_server *server,
			    struct error *err)
{
	const char *status = status_of(item, server);
	struct server_certificate *grown =
		reallocarray(view->certificates, view->certificate_count + 1, sizeof(*grown));
	if (grown == NULL)
		return error_oom(err);
	view->certificates = grown;
	grown[view->certificate_count] = (struct server_certificate){.status = status};
	if (!str_set(&grown[view->certificate_count].name, item->wanted.name, err))
		return false;
	view->certificate_count++;
	if (server->last_try > view->last_try)
		view->last_try = server->last_try;
	if (view->status == NULL || weight(status) > weight(view->status)) {
		view->status = status;
		error_keep(&view->error, item->error != NULL ? item->error : server->error);
	}
	return true;
}

static bool add_groups(struct server_view *view, const struct config *config, struct error *err)
{
	for (size_t i = 0; i < config->group_count; i++)
		if (str_list_has(&config->groups[i].servers, view->server->name) &&
		    !str_list_add(&view->groups, config->groups[i].name, err))
			return false;
	return true;
}

static bool fill(struct server_view *view, const struct config *config, const struct plan *plan, struct error *err)
{
	if (!add_groups(view, config, err))
		return false;
	for (size_t i = 0; i < plan->count; i++) {
		const struct renewal *wanted = &plan->items[i].wanted;
		for (size_t j = 0; j < wanted->server_count; j++)
			if (str_equal(wanted->servers[j].name, view->server->name) &&
			    !add_certificate(view, &plan->items[i], &wanted->servers[j], err))
				return false;
	}
	return true;
}

bool server_list_read(struct service *service, const struct str_list *names, struct server_list *ret, struct error *err)
{
	const struct config *config = service_options(service)->config;
	size_t count = 0;
	CLEANUP(server_list_done) struct server_list list = {0};
	CLEANUP(plan_done) struct plan plan = {0};

	AUTO_FREE const struct config_server **chosen = server_list_choose(service, names, &count, err);
	if (chosen == NULL)
		return false;
	list.items = calloc(count ? count : 1, sizeof(*list.items));
	if (list.items == NULL)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		list.items[list.count++].server = chosen[i];
	if (!server_list_plan(service, &plan, err))
		return false;
	for (size_t i = 0; i < list.count; i++)
		if (!fill(&list.items[i], config, &plan, err))
			return false;
	*ret = list;
	list = (struct server_list){0};
	return true;
}
