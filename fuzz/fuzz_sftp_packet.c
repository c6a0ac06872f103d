/* SPDX-License-Identifier: Apache-2.0 */
/* SFTP replies from a hostile server; a NAME reply is walked as the client does. */
#include "transport/sftp_packet.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	struct sftp_reply reply;
	struct sftp_space space;
	unsigned extensions;

	if (sftp_packet_parse(data, size, &reply, &err)) {
		const char *name;
		size_t len;
		size_t count = reply.name_count, seen = 0;
		while (sftp_packet_next_name(&reply, &name, &len))
			seen++;
		if (seen != count)
			abort();
		if (reply.bytes != NULL && (reply.bytes < data || reply.bytes + reply.len > data + size))
			abort();
		(void)!sftp_packet_parse_space(reply.bytes, reply.len, &space, &err);
	}
	error_clear(&err);
	(void)!sftp_packet_parse_version(data, size, &extensions, &err);
	return 0;
}
