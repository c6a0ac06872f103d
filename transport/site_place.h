/* SPDX-License-Identifier: Apache-2.0 */
/* What is on the server already, before a virtual host is put there (site.h): folders, files, and other sites. */
#ifndef TRANSPORT_SITE_PLACE_H
#define TRANSPORT_SITE_PLACE_H

#include "transport/site.h"

struct sftp;

/* The first of JOB's places whose folders are there, as an index. */
MUST_CHECK bool site_place_choose(struct sftp *sftp, const struct site_job *job, size_t *ret, struct error *err);

/*
 * What somebody wrote by hand stays: fails where there is another content than TEXT, or than what is PRINTED, which he
 * may have put there himself.
 */
MUST_CHECK bool site_place_check_content(struct sftp *sftp, const struct site_place *place, const char *text,
					 const char *printed, struct error *err);

/* Whether the link is there; fails where it, or anything else of its name, leads elsewhere. No link wanted: it is. */
MUST_CHECK bool site_place_check_link(struct sftp *sftp, const struct site_place *place, bool *ret_linked,
				      struct error *err);

/*
 * Fails where another file of those that the web server reads beside PLACE's has a site for the same (site_rival.h). Of
 * very many files those are looked into that time suffices for, UNTIL a deadline: it is no reason to install nothing.
 */
MUST_CHECK bool site_place_check_rivals(struct sftp *sftp, const struct site_job *job, const struct site_place *place,
					struct deadline until, struct error *err);

/* The same of what the web server said in its test. */
MUST_CHECK bool site_place_check_output(const struct site_job *job, const char *text, size_t len, struct error *err);

/* The folder that PATH is in, malloc'd. */
char *site_place_folder(const char *path, struct error *err);

#endif
