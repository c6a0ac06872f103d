/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which CA of the config's list a certificate is ordered from: the first, unless it has been failing for too long.
 * Pure; what it knows of the CAs stands in the certificate's record.
 */
#ifndef SERVICE_FAILOVER_H
#define SERVICE_FAILOVER_H

#include "store/renewal.h"

/*
 * Whether the CA at URL has failed RECORD's certificate for so long that the next one is better: three times over a day
 * at least; three times where nothing is live; once where less than a third of the time between when it was due and
 * its end is left. In the latter two also when the CA wants to be left alone for more than an hour.
 */
bool failover_gives_up(const struct renewal *record, const char *url, int64_t now);

/* The index of the CA to ask among COUNT directories (at least one): the first that is not given up, or, where all are,
 * the one with the fewest failures. */
size_t failover_choose(const struct renewal *record, const char *const *urls, size_t count, int64_t now);

#endif
