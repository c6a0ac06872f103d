/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run as it happens, on stderr: on a terminal one live line per certificate and server with its current step, as many
 * as fit, and a count of the servers; elsewhere one plain line for each that is finished.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "base/clock.h"
#include "cli/options.h"
#include "service/progress.h"

struct live_progress;

/*
 * Start showing; RET is what the service is given, CANCEL the run's cancellation. Log lines are routed so that they
 * stand above the live ones. NULL (and nothing is shown) with --quiet, or when out of memory.
 */
struct live_progress *live_progress_start(const struct arguments *arguments, const struct cancel *cancel,
					  struct progress *ret);

/* Leave the last state on the screen and give the log back. Accepts NULL. */
void live_progress_stop(struct live_progress *live);

#endif
