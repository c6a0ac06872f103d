/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A courier's process as the parent has it: started with one end of a socket, ended and reaped. Only for the courier's
 * own files.
 */
#ifndef TRANSPORT_COURIER_PROCESS_H
#define TRANSPORT_COURIER_PROCESS_H

#include "base/error.h"

#include <signal.h>
#include <sys/types.h>

struct courier_process {
	pid_t pid;
	int socket;
};

/*
 * PROGRAM in the courier's role, in a process group of its own, with no environment and no file but its socket, and
 * KEPT, a descriptor that need only stay open there (a lock's); -1: none.
 */
MUST_CHECK bool courier_process_start(const char *program, int kept, struct courier_process *ret, struct error *err);

/*
 * Tell it that it is interrupted, whatever it waits for. A signal that nobody sends by accident, and no message: in the
 * courier one thread does everything, and hears only what it listens for. Blocked in it until it is listened for.
 */
void courier_process_interrupt(const struct courier_process *process);
enum { COURIER_INTERRUPT = SIGUSR1 };

/* Close its socket and wait for its end, MS milliseconds at most before it is killed. Returns the wait status. */
int courier_process_end(struct courier_process *process, int ms);

/* The same without the kill: what it has begun on the server it undoes by itself, within limits of its own. */
void courier_process_leave(struct courier_process *process, int ms);

#endif
