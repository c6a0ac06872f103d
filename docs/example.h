/* SPDX-License-Identifier: Apache-2.0 */
/* What example.c needs of the world, made by example_world.c: the part that each program writes its own way. */
#ifndef DOCS_EXAMPLE_H
#define DOCS_EXAMPLE_H

#include <certferry/acme.h>

/* How to send a request (over libcurl), how to wait, what time it is. */
extern const struct acme_port example_port;

/* http-01 by files in FOLDER, which the web server shows as /.well-known/acme-challenge/. Borrows FOLDER. */
struct acme_solver example_solver(char *folder);

/* Write a file that only its owner can read. */
bool example_write(const char *path, const void *data, size_t len, struct error *err);

#endif
