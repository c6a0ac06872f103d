/* SPDX-License-Identifier: Apache-2.0 */
/* A deployment of one certificate to one server, but for its last step. */
#include "service/vhost_bring.h"

#include "service/apply.h"

bool vhost_bring_wanted(const struct renewal *wanted, const char *server)
{
	for (size_t i = 0; i < wanted->server_count; i++)
		if (str_equal(wanted->servers[i].name, server))
			return wanted->from_config && wanted->generation > 0 && wanted->servers[i].pushed == 0;
	return false;
}

bool vhost_bring(struct service *service, const struct renewal *wanted, const char *server, struct error **ret_failure,
		 struct error *err)
{
	CLEANUP(str_list_done) struct str_list names = {0};
	CLEANUP(str_list_done) struct str_list servers = {0};
	CLEANUP(plan_done) struct plan plan = {0};
	CLEANUP(run_result_done) struct run_result results = {0};
	const struct deploy_options options = {.only = &servers, .compare = true, .by_hand = true, .unverified = true};

	if (!str_list_add(&names, wanted->name, err) || !str_list_add(&servers, server, err) ||
	    !plan_from_config(service, &names, /* force= */ false, &plan, err) ||
	    !deploy_only(service, &plan, &options, &results, err))
		return false;
	const struct certificate_result *result = &results.certificates[0];
	error_keep(ret_failure, result->error);
	for (size_t i = 0; i < result->server_count && *ret_failure == NULL; i++)
		error_keep(ret_failure, result->servers[i].error);
	return true;
}
