/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a certificate's challenges answerable, by what its config says: files in a webroot, here or on the servers, a
 * responder of our own, TXT records at a DNS provider.
 */
#ifndef SERVICE_SOLVER_H
#define SERVICE_SOLVER_H

#include "acme/port.h"
#include "service/service.h"
#include "store/renewal.h"

struct solver;

/*
 * The solver for WANTED (borrowed); checks before any order is placed what can be checked without changing anything:
 * the webroot can be written, the port can be had, the provider is known and has its credentials. *RET_PORT is what the
 * engine is given.
 */
MUST_CHECK struct solver *solver_open(struct service *service, const struct renewal *wanted,
				      struct acme_solver *ret_port, struct error *err);
void solver_close(struct solver *solver);
DEFINE_FREEP(solver_closep, struct solver, solver_close)

/*
 * Whether WANTED is validated through its servers: a webroot in the config is theirs where there are any; one given to
 * `issue` is a folder here.
 */
bool solver_uses_servers(const struct renewal *wanted);

/* The kinds, for solver.c. CTX is freed by its close function. */
MUST_CHECK void *solver_servers_open(struct service *service, const struct renewal *wanted,
				     struct acme_solver *ret_port, struct error *err);
void solver_servers_close(void *ctx);
MUST_CHECK void *solver_webroot_open(struct service *service, const struct renewal *wanted,
				     struct acme_solver *ret_port, struct error *err);
void solver_webroot_close(void *ctx);
/* The challenge file TOKEN below WEBROOT is gone afterwards, if it holds KEY_AUTHORIZATION or a beginning of it. */
MUST_CHECK bool solver_webroot_remove(const char *webroot, const char *token, const char *key_authorization,
				      struct error *err);
MUST_CHECK void *solver_standalone_open(struct service *service, const struct renewal *wanted,
					struct acme_solver *ret_port, struct error *err);
void solver_standalone_close(void *ctx);
MUST_CHECK void *solver_dns_open(struct service *service, const struct renewal *wanted, struct acme_solver *ret_port,
				 struct error *err);
void solver_dns_close(void *ctx);
MUST_CHECK void *solver_persist_open(struct service *service, const struct renewal *wanted,
				     struct acme_solver *ret_port, struct error *err);
void solver_persist_close(void *ctx);

#endif
