/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the solver. */
#include "service/solver.h"

#include <stdlib.h>

struct solver {
	void *ctx;
	void (*close)(void *ctx);
};

bool solver_uses_servers(const struct renewal *wanted)
{
	return wanted->challenge == CHALLENGE_HTTP_01 && wanted->webroot != NULL && wanted->from_config &&
	       wanted->server_count > 0;
}

struct solver *solver_open(struct service *service, const struct renewal *wanted, struct acme_solver *ret_port,
			   struct error *err)
{
	struct solver solver = {0};

	if (solver_uses_servers(wanted))
		solver = (struct solver){solver_servers_open(service, wanted, ret_port, err), solver_servers_close};
	else if (wanted->challenge == CHALLENGE_HTTP_01 && wanted->webroot != NULL)
		solver = (struct solver){solver_webroot_open(service, wanted, ret_port, err), solver_webroot_close};
	else if ((wanted->challenge == CHALLENGE_HTTP_01 || wanted->challenge == CHALLENGE_TLS_ALPN_01) &&
		 wanted->listen != NULL)
		solver = (struct solver){solver_standalone_open(service, wanted, ret_port, err),
					 solver_standalone_close};
	else if ((wanted->challenge == CHALLENGE_DNS_01 || wanted->challenge == CHALLENGE_DNS_ACCOUNT_01) &&
		 wanted->dns_provider != NULL)
		solver = (struct solver){solver_dns_open(service, wanted, ret_port, err), solver_dns_close};
	else if (wanted->challenge == CHALLENGE_DNS_PERSIST_01)
		solver = (struct solver){solver_persist_open(service, wanted, ret_port, err), solver_persist_close};
	else
		error_set(err, ERROR_CONFIG, "challenge", "this version cannot solve %s as %s is set up for it",
			  challenge_type_name(wanted->challenge), wanted->name);
	if (solver.ctx == NULL)
		return NULL;

	struct solver *ret = malloc(sizeof(*ret));
	if (ret == NULL) {
		solver.close(solver.ctx);
		error_oom(err);
		return NULL;
	}
	*ret = solver;
	return ret;
}

void solver_close(struct solver *solver)
{
	if (solver == NULL)
		return;
	solver->close(solver->ctx);
	free(solver);
}
