/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the config's server and the store's generations to the one job that a courier is given.
 */
#ifndef SERVICE_DEPLOY_JOB_H
#define SERVICE_DEPLOY_JOB_H

#include "service/service.h"
#include "store/renewal.h"
#include "transport/push.h"

struct config_copy;
struct config_server;

/* Who deploys: this machine and its store, by SERVER's entry of the config. For people to read, and to compare.
 * malloc'd. */
MUST_CHECK char *deploy_job_holder(struct service *service, const struct config_server *server, struct error *err);

/* A job for SERVER without certificates yet: its settings, its SSH key's content, its addresses. ERROR_CONFIG naming
 * file and key. */
MUST_CHECK bool deploy_job_open(struct service *service, const struct config_server *server, struct push_job *ret,
				struct error *err);

/*
 * Add the live generation of WANTED's certificate. *RET_GENERATION is its number. What the server is to be asked for in
 * the verifying handshake is its `server_name`, else the certificate's first name. On failure JOB is as it was.
 */
MUST_CHECK bool deploy_job_add(struct push_job *job, struct service *service, const struct config_server *server,
			       const struct renewal *wanted, uint64_t *ret_generation, struct error *err);

/* What SERVER is asked for in a handshake, to see WANTED's certificate. malloc'd; NULL and ERR. */
MUST_CHECK char *deploy_job_server_name(const struct config_server *server, const struct renewal *wanted,
					struct error *err);

/* The paths of SERVER's extra copies of certificate NAME's files, added to RET. */
MUST_CHECK bool deploy_job_copies(const struct config_server *server, const char *name, struct str_list *ret,
				  struct error *err);

/* Where COPY of the certificate NAME goes. malloc'd. */
MUST_CHECK char *deploy_job_copy_path(const struct config_copy *copy, const char *name, struct error *err);

#endif
