/* SPDX-License-Identifier: Apache-2.0 */
/* Released whole, its credentials wiped. */
#include "transport/ssh_target.h"

#include <stdlib.h>
#include <string.h>

void ssh_target_done(struct ssh_target *target)
{
	free(target->server);
	free(target->host);
	str_list_done(&target->addresses);
	free(target->user);
	free(target->agent);
	str_list_done(&target->known_hosts);
	free(target->sftp_server);
	str_list_done(&target->certificates);
	free(target->host_key_alias);
	for (size_t i = 0; i < target->identity_count; i++)
		secret_done(&target->identities[i]);
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

struct secret *ssh_target_next_identity(struct ssh_target *target)
{
	return target->identity_count < LIMIT_SSH_KEYS ? &target->identities[target->identity_count++] : NULL;
}

bool ssh_identity_is_encrypted(const struct secret *text)
{
	static const char unencrypted[] = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"; /* "openssh-key-v1", cipher "none" */

	if (text->len == 0)
		return false;
	if (strstr(text->data, "BEGIN OPENSSH PRIVATE KEY") != NULL)
		return strstr(text->data, unencrypted) == NULL;
	return strstr(text->data, "ENCRYPTED") != NULL;
}
