/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `plan`, `list` and `show` say of a certificate's servers.
 */
#ifndef CLI_OUTPUT_SERVERS_H
#define CLI_OUTPUT_SERVERS_H

#include "base/json.h"
#include "service/inventory.h"
#include "service/plan.h"

/* `plan`: what would be done on each server of ITEM. New reference. */
json_t *output_plan_servers(const struct plan_item *item);
void output_print_plan_servers(const struct plan_item *item);

/* `list` and `show`: what each server of ENTRY has and, where it was looked at, serves. New reference. */
json_t *output_servers(const struct inventory_entry *entry);
void output_print_servers(const struct inventory_entry *entry);
void output_print_server_details(const struct inventory_entry *entry);

/* What failed at them last, each with what to do. */
void output_print_server_errors(const struct inventory_entry *entry);

#endif
