/* SPDX-License-Identifier: Apache-2.0 */
/* Released whole, its credential wiped. */
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
	secret_done(&target->identity);
	*target = (struct ssh_target){0};
}
