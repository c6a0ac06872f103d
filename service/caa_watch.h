/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CAA of a certificate's names, looked at beside the CA's work: a mismatch is warned about with what would mend it, and
 * nothing is ever held up or given up for it. The CA looks for itself, and decides.
 */
#ifndef SERVICE_CAA_WATCH_H
#define SERVICE_CAA_WATCH_H

#include "acme/session.h"
#include "service/service.h"

struct caa_watch;

/*
 * Begin. Everything is borrowed until caa_watch_end(). NULL when there is nothing to look at, or no thread to be had.
 * Warnings are logged as soon as they are known. DIRECTORY is the CA's: one that does not say what CAA records call it
 * (caaIdentities) is not warned about.
 */
struct caa_watch *caa_watch_begin(struct service *service, const struct renewal *wanted,
				  const struct acme_directory *directory, const struct acme_identity *account);

/*
 * End, without waiting for what is not known yet: what was warned about is added to NOTES. But where ERR is the CA's
 * refusal for CAA, the look-up is finished (it is bounded by a few seconds) and ERR's advice shows the records found.
 * WATCH may be NULL.
 */
void caa_watch_end(struct caa_watch *watch, struct str_list *notes, struct error *err);

#endif
