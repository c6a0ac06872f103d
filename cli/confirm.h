/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cannot be undone is asked about first.
 */
#ifndef CLI_CONFIRM_H
#define CLI_CONFIRM_H

#include "base/error.h"

/*
 * On a terminal: show QUESTION and true only for "yes". Elsewhere nobody can answer: ERROR_USAGE saying that WHAT
 * ("deleting a certificate") needs --yes.
 */
MUST_CHECK bool confirm(const char *question, const char *what, struct error *err);

#endif
