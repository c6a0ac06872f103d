/* SPDX-License-Identifier: Apache-2.0 */
/* Every command, one file each: cmd_<name>.c. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/options.h"

extern const struct command command_apply;
extern const struct command command_plan;
extern const struct command command_issue;
extern const struct command command_renew;
extern const struct command command_list;
extern const struct command command_show;
extern const struct command command_deploy;
extern const struct command command_rollback;
extern const struct command command_revoke;
extern const struct command command_delete;
extern const struct command command_account;
extern const struct command command_dns;
extern const struct command command_server;
extern const struct command command_config;
extern const struct command command_persist;
extern const struct command command_vhost;
extern const struct command command_version;
extern const struct command command_help;

#endif
