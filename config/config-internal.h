/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of config/ share while one file is read. Two kinds of failure: what is wrong with the file goes into
 * the report and reading goes on; a function returns false only when it cannot go on (no memory), with `err` set.
 */
#ifndef CONFIG_CONFIG_INTERNAL_H
#define CONFIG_CONFIG_INTERNAL_H

#include "config/config.h"
#include "config/yaml.h"

#include <sys/types.h>

/* A name that `servers:` of a domain may use: a server's or a group's. */
struct server_name {
	const char *name;
	const struct node *node;
	bool is_group;
	size_t index; /* in config->servers */
};

struct config_build {
	struct config *config;
	struct config_report *report;
	size_t issues_dropped, errors_dropped; /* beyond LIMIT_CONFIG_ISSUES */
	const char *file;
	char *folder; /* of the file, with its final slash; "" for the current one */
	char *home;   /* of the user running this; NULL when unknown */
	char *user;
	mode_t file_mode;                 /* of the file; 0 when it is not known, as for text */
	size_t expanded_total;            /* bytes that ${…} brought in */
	struct server_name *server_names; /* sorted by name */
	size_t server_name_count;
	struct str_list told;       /* of the SSH config, that needs no second time */
	bool implied_dns_providers; /* the file has no such section: a name then stands for itself */
	struct error *err;
};

/* report.c: one sentence about NODE (NULL: the file as a whole), at its value or at its key. */
MUST_CHECK bool report_error(struct config_build *b, const struct node *node, const char *format, ...)
	PRINTF_LIKE(3, 4);
MUST_CHECK bool report_key_error(struct config_build *b, const struct node *node, const char *format, ...)
	PRINTF_LIKE(3, 4);
MUST_CHECK bool report_warning(struct config_build *b, const struct node *node, const char *format, ...)
	PRINTF_LIKE(3, 4);
MUST_CHECK bool report_error_at(struct config_build *b, struct config_position position, const char *message);

/* Into file order; false, with the first error in ERR, when there is one. */
MUST_CHECK bool report_finish(struct config_build *b);

/* NAME as it may be shown: quoted text is the caller's. Returns OUT. */
enum { REPORT_SHOWN_MAX = 120 };
const char *report_shown(char out[REPORT_SHOWN_MAX], const char *text);

/* config_parse() for the text of a file with MODE (0: unknown): literal secrets must then not be open to others. */
MUST_CHECK struct config *config_parse_mode(const char *text, size_t len, const char *file, mode_t mode,
					    struct config_report *report, struct error *err);

/* The typed parts, one file each. They read what the schema let pass, and check what needs more than one key. */
MUST_CHECK bool config_build_cas(struct config_build *b, const struct node *root);
MUST_CHECK bool config_build_servers(struct config_build *b, const struct node *root);
MUST_CHECK bool config_build_server_names(struct config_build *b, const struct node *root);
MUST_CHECK bool config_build_dns_providers(struct config_build *b, const struct node *root);
MUST_CHECK bool config_build_domains(struct config_build *b, const struct node *root);
MUST_CHECK bool config_find_places(struct config_build *b, const struct node *root); /* when all servers are known */
MUST_CHECK bool config_build_times(struct config_build *b, const struct node *root);

/* How DOMAIN is validated (webroot, dns_provider or challenge). */
MUST_CHECK bool config_read_challenge(struct config_build *b, const struct node *node, struct config_domain *domain);

/* `servers:` of a domain: groups expanded. */
MUST_CHECK bool config_resolve_servers(struct config_build *b, const struct node *node, struct str_list *servers);

/* The DNS provider that NODE names; one that is implied is added. */
MUST_CHECK bool config_resolve_dns_provider(struct config_build *b, const struct node *node, char **ret);

/*
 * A server with the defaults that come from its name; NODE may be any node that gives its position. TAKE_KNOWN, unless
 * NULL, has what is known of it from elsewhere, and is left empty.
 */
MUST_CHECK bool config_add_server(struct config_build *b, const struct node *node, const char *name,
				  const struct node *settings, struct config_server *take_known);

/*
 * A server called NAME that is AS to ssh(1): what the SSH config says, else the host itself. *RET_NAMED: a Host of the
 * SSH config is about it, or it was reported already.
 */
struct jump;
MUST_CHECK bool config_add_ssh_host(struct config_build *b, const struct node *node, const char *name,
				    const struct jump *as, bool *ret_named);

/* The way to each server, through its jump hosts. */
MUST_CHECK bool config_build_routes(struct config_build *b, const struct node *root);

/* NAME is a group's; for those that run behind config_build_server_names(). */
bool config_is_group(const struct config_build *b, const char *name);

/* config.c: what SERVER holds. */
void config_server_done(struct config_server *server);

/* Room for COUNT zeroed elements of SIZE bytes in *RET. */
MUST_CHECK bool config_allocate(void *ret, size_t count, size_t size, struct error *err);

#endif
