/* SPDX-License-Identifier: Apache-2.0 */
/* Released whole, its credentials wiped. */
#include "transport/ssh_target.h"

#include <stdlib.h>

void ssh_target_done(struct ssh_target *target)
{
	free(target->server);
	free(target->host);
	str_list_done(&target->addresses);
	free(target->user);
	free(target->agent);
	free(target->known_hosts);
	free(target->sftp_server);
	free(target->certificate);
	free(target->host_key_alias);
	secret_done(&target->identity);
	for (size_t i = 0; i < target->hop_count; i++)
		ssh_target_done(&target->hops[i]); // NOLINT(misc-no-recursion): hops have none
	free(target->hops);
	*target = (struct ssh_target){0};
}

const char *ssh_target_known_name(const struct ssh_target *target)
{
	return target->host_key_alias != NULL ? target->host_key_alias : target->host;
}

uint16_t ssh_target_known_port(const struct ssh_target *target)
{
	enum { SSH_PORT = 22 }; /* an alias stands for host and port both */
	return target->host_key_alias != NULL ? SSH_PORT : target->port;
}
