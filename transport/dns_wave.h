/* SPDX-License-Identifier: Apache-2.0 */
/* Questions that go out together, each to one server. Internal to dns.c. */
#ifndef TRANSPORT_DNS_WAVE_H
#define TRANSPORT_DNS_WAVE_H

#include "transport/dns.h"

/* How a wave asks. */
struct dns_wave {
	bool tcp;
	int ms; /* for an answer */
};

/* A question on its way. */
struct dns_asking {
	struct dns_question *question;
	const struct dns_address *server; /* in this wave */
	bool settled;                     /* no need to ask again */
	bool silent;                      /* nothing came back in this wave */
	bool tcp;                         /* how this wave asks */
	bool *refused;                    /* of its channel: the server's port is closed */
};

/*
 * Ask every question that is not settled, at its server; those to one server that stand together share a socket. Ends
 * when all are answered, refused or out of time. A question with a usable answer is settled; the others say why not.
 */
MUST_CHECK bool dns_wave_run(struct dns_asking *askings, size_t count, const struct dns_wave *wave,
			     struct deadline deadline, struct error *err);

/* A c-ares status that only says that c-ares itself could not work. Returns false. */
bool dns_ares_failed(int status, struct error *err);

#endif
