/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines through `sudo -n` (never asking for a password), and the sudoers(5) lines that allow exactly these.
 * Pure.
 */
#ifndef TRANSPORT_SUDO_H
#define TRANSPORT_SUDO_H

#include "base/compiler.h"
#include "base/error.h"

#include <stdbool.h>

/*
 * COMMAND as root, malloc'd: `sudo -n -- COMMAND` where it is plain words, so that a sudoers line can name exactly it;
 * `sudo -n -- sh -c 'COMMAND'` where it needs a shell. Plain words hold letters, digits and ._/@:=+,%- only, and the
 * first of them is no assignment.
 */
MUST_CHECK char *sudo_command(const char *command, struct error *err);

/* The program that sudo_command() has sudo start, up to its first blank: COMMAND's first word, or `sh`. Malloc'd. */
MUST_CHECK char *sudo_program(const char *command, struct error *err);

/*
 * The sudoers line that lets USER run COMMAND as root without a password and nothing else, malloc'd. PROGRAM is the
 * full path of sudo_program(COMMAND). "" in *RET where no line can say it.
 */
MUST_CHECK bool sudo_rule(const char *user, const char *program, const char *command, char **ret, struct error *err);

/* Whether TEXT, all that a command through sudo wrote, is sudo itself refusing to run it. */
bool sudo_refused(const char *text);

#endif
