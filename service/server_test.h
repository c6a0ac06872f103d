/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `server test`: a deployment's rehearsal on servers of the config, all at once. Nothing is changed anywhere.
 */
#ifndef SERVICE_SERVER_TEST_H
#define SERVICE_SERVER_TEST_H

#include "service/service.h"
#include "transport/rehearsal.h"

struct config_server;

/* One step that ended. */
struct server_test_step {
	const char *name; /* see rehearsal.h */
	enum rehearsal_result result;
	uint32_t ms;
	char detail[ERROR_TEXT_MAX];
	struct error *error; /* owned; where it failed */
};

struct server_test {
	const struct config_server *server; /* borrowed from the config */
	struct server_test_step *steps;
	size_t step_count;
	struct error *error; /* owned; the first failure, or why there was no test; NULL: nothing failed */
};

struct server_tests {
	struct server_test *items; /* as they were asked for */
	size_t count;
};

void server_tests_done(struct server_tests *tests);

/*
 * Test the servers called NAMES, or all of the config. True whatever came of it; false, with ERROR_USAGE, for one that
 * the config does not have.
 */
MUST_CHECK bool server_test_run(struct service *service, const struct str_list *names, struct server_tests *ret,
				struct error *err);

#endif
