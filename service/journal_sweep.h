/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs before this one left published, and could not remove any more.
 */
#ifndef SERVICE_JOURNAL_SWEEP_H
#define SERVICE_JOURNAL_SWEEP_H

#include "service/service.h"

/*
 * Remove what the journals of all certificates list, unless a run is at work on the certificate. What cannot be removed
 * is told as a warning and stays listed. Costs one look at a folder when there is nothing.
 */
void journal_sweep(struct service *service);

#endif
