/* SPDX-License-Identifier: Apache-2.0 */
/* Tells whoever watches a run, if anybody does. */
#include "service/progress.h"

void progress_step(const struct progress *progress, const char *certificate, const char *server, const char *step)
{
	if (progress != NULL)
		progress->step(progress->ctx, certificate, server, step);
}

void progress_finished(const struct progress *progress, const char *certificate, const char *server,
		       const char *outcome, const struct error *err)
{
	if (progress != NULL)
		progress->finished(progress->ctx, certificate, server, outcome, err);
}

void progress_fleet(const struct progress *progress, const struct progress_fleet *fleet)
{
	if (progress != NULL)
		progress->fleet(progress->ctx, fleet);
}
