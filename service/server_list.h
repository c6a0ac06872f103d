/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config's servers, with what is meant for each and what came of it last: the records' word, no server is asked.
 */
#ifndef SERVICE_SERVER_LIST_H
#define SERVICE_SERVER_LIST_H

#include "service/plan.h"

struct config_server;

/* One certificate that is meant for a server. */
struct server_certificate {
	char *name;
	const char *status; /* as plan_server_status() has it; "missing": not issued yet; "unknown": its record is
			       damaged */
};

struct server_view {
	const struct config_server *server; /* borrowed from the config */
	struct str_list groups;
	struct server_certificate *certificates;
	size_t certificate_count;
	const char *status;  /* the worst of its certificates'; NULL: none is meant for it */
	int64_t last_try;    /* wall clock seconds; 0: never */
	struct error *error; /* owned; of the certificate whose status that is; NULL: none */
};

struct server_list {
	struct server_view *items; /* as the config has them */
	size_t count;
};

void server_list_done(struct server_list *list);

/* Every certificate of the config or the store, with the servers it is meant for: `issue --deploy` names some too. */
MUST_CHECK bool server_list_plan(struct service *service, struct plan *ret, struct error *err);

/* All servers, or those called NAMES (ERROR_USAGE naming one that the config does not have). Needs a config. */
MUST_CHECK bool server_list_read(struct service *service, const struct str_list *names, struct server_list *ret,
				 struct error *err);

/*
 * The servers called NAMES, or all of the config but those that only others are reached through: malloc'd array of
 * *RET_COUNT, borrowed themselves. NULL with ERROR_USAGE for a name that is none.
 */
MUST_CHECK const struct config_server **server_list_choose(struct service *service, const struct str_list *names,
							   size_t *ret_count, struct error *err);

/* The server of the service's config called NAME; NULL with ERROR_USAGE. Borrowed. */
MUST_CHECK const struct config_server *server_list_find(struct service *service, const char *name, struct error *err);

#endif
