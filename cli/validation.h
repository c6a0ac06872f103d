/* SPDX-License-Identifier: Apache-2.0 */
/* How `issue` is told to prove control of its names: one of several options, and which names each can prove. */
#ifndef CLI_VALIDATION_H
#define CLI_VALIDATION_H

#include "cli/options.h"
#include "store/renewal.h"

/* WANTED's challenge and what it needs, from ARGUMENTS; its identifiers are there already. ERROR_USAGE. */
MUST_CHECK bool validation_from_arguments(const struct arguments *arguments, struct renewal *wanted, struct error *err);

#endif
