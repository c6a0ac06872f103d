/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks in what other commands print: those that ran, and those that still have to.
 */
#ifndef CLI_OUTPUT_HOOKS_H
#define CLI_OUTPUT_HOOKS_H

#include "base/json.h"
#include "service/result.h"
#include "store/renewal.h"

/* "hooks" of a result: those of the certificate, and those it shared with others. New reference. */
json_t *output_hooks_json(const struct certificate_result *certificate);

/* "pending_hooks" of a record. New reference. */
json_t *output_pending_hooks_json(const struct renewal *record);

/* Under a certificate's own line: its deploy hooks. */
void output_deploy_hooks(const struct certificate_result *certificate);

/* Behind all certificates: the hooks of the run, each once. */
void output_shared_hooks(const struct run_result *results);

/* Every hook that failed, whole, on stderr; each once. */
void output_hook_failures(const struct run_result *results);

/* Under a certificate's own line: what its record says is still to be run. */
void output_pending_hooks(const struct renewal *record);

#endif
