/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config file as checked structures. Every string is owned by the config; names are canonical; references (servers,
 * groups, DNS providers) are resolved; defaults are filled in. YAML does not leave this layer.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/error.h"
#include "base/identifier.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/terms.h"

#include <stdint.h>

/* Where in the file something stands, for messages by later layers. Lines and columns count from 1; 0: nowhere. */
struct config_position {
	int line;
	int column;
};

/* A CA: one entry of `provider`. */
struct config_ca {
	char *name; /* as written: "letsencrypt", or the URL */
	char *url;  /* directory */
	char *ca_bundle;
	char *profile;
	char *preferred_chain;
	char *eab_kid;
	char *eab_algorithm;        /* "HS256", "HS384", "HS512"; NULL: HS256 */
	struct secret eab_hmac_key; /* as given: base64url or base64 text */
	struct config_position position;
};

/* A hook: a string is a shell line, a list is run without a shell. */
struct config_command {
	bool is_shell;
	struct str_list words; /* one word when is_shell; empty: no hook */
};

struct config_hooks {
	struct config_command pre, post, deploy;
};

struct config_rollout {
	bool given;       /* otherwise no server waits for another, and no failure stops anything */
	int canary;       /* servers first, default 0 */
	int parallel;     /* servers at once, default 10 */
	int max_failures; /* servers that may fail before it stops, default 0 */
};

struct config_domain {
	char *cert_name;                /* store name: cert_name, else identifier_certificate_name() of the name */
	struct identifier *identifiers; /* name, base name of a wildcard, aliases; no duplicates */
	size_t identifier_count;
	enum challenge_type challenge;
	char *webroot;           /* http-01 */
	char *listen;            /* http-01 and tls-alpn-01 responders; "ADDR:PORT" or ":PORT" */
	char *dns_provider;      /* dns-01: a key of dns_providers */
	struct str_list servers; /* keys of servers, groups expanded, in order, without duplicates */
	enum key_type key_type;
	bool reuse_key;
	char *profile; /* NULL: the CA entry's, else the CA's default */
	bool pre_authorize;
	struct config_rollout rollout;
	struct config_hooks hooks;
	struct config_position position;
};

enum config_webserver {
	CONFIG_WEBSERVER_CUSTOM,
	CONFIG_WEBSERVER_NGINX,
	CONFIG_WEBSERVER_APACHE,
	CONFIG_WEBSERVER_HAPROXY,
	CONFIG_WEBSERVER_POSTFIX,
	CONFIG_WEBSERVER_DOVECOT,
	CONFIG_WEBSERVER_POSTGRESQL,
};

/* A file kind of `files:`, in the order of the table in config_server.c. */
struct config_copy {
	char *file; /* "cert", "chain", "fullchain", "privkey", "combined", "pkcs12" */
	char *path; /* CONFIG_COPY_NAME in it stands for the certificate's name */
};

#define CONFIG_COPY_NAME "{name}"

enum config_verify_via { CONFIG_VIA_UNSAID, CONFIG_VIA_DIRECT, CONFIG_VIA_JUMP };

struct config_verify {
	bool enabled;     /* whether a handshake follows a deployment: `verify` given, or the preset has a port */
	char *address;    /* default: host */
	bool own_address; /* that was given */
	enum config_verify_via via;
	bool through_jump; /* from the last jump host: as `via` says, else where there are jump hosts and no own address
			    */
	uint16_t port;     /* default: the preset's, else 443 */
	char *server_name; /* NULL: the certificate's first name */
	char *starttls;    /* protocol that TLS begins in: "none", "smtp", "imap", … (transport/starttls.h);
			    * default: what is usual at the port, else the preset's */
};

/* Where `vhost --install` puts a virtual host: its file, and where the distribution has it, a link to that. */
struct config_vhosts {
	char *available, *enabled; /* folders; both NULL: the distributions' usual ones; enabled alone NULL: no link */
	uint16_t http_port;        /* default 80 */
};

struct config_server {
	char *name;
	char *host;
	uint16_t port;                     /* default 22 */
	char *user;                        /* default: the user running this */
	struct str_list identity_files;    /* private keys, in the order in which they are tried */
	bool identities_given;             /* the usual ones are not looked for */
	struct str_list certificate_files; /* of those keys; where none is given, what stands beside each */
	char *agent;
	bool offers_agent;                  /* its keys are tried where the files let nobody in */
	bool no_agent;                      /* the SSH config says so */
	struct str_list known_hosts;        /* the user's files; `server trust` writes to the first */
	struct str_list global_known_hosts; /* the system's */
	bool global_given;                  /* by the SSH config: the usual ones are not read */
	int timeout;                        /* seconds for one deployment, commands apart; default 60 */
	int command_timeout;                /* seconds for each command; default 120 */
	char *proxy_jump;                   /* as written; NULL: none */
	struct str_list jumps;              /* what it names: keys of servers, in order */
	const struct config_server **hops;  /* the whole way: those, and what they are reached through; borrowed */
	size_t hop_count;
	bool hop_only;        /* not a server of the config: something is reached through it */
	char *host_key_alias; /* of the SSH config: what known_hosts calls it; NULL: host and port */
	bool sudo;
	char *sftp_server; /* path there; NULL: the usual one */
	enum config_webserver webserver;
	char *dir; /* default /etc/letsencrypt/live */
	struct config_copy *copies;
	size_t copy_count;
	struct secret pkcs12_password; /* of the copy of that kind; empty: there is none */
	bool combined;                 /* combined.pem beside the four files: a preset's */
	char *owner, *group;
	uint32_t key_mode;    /* default 0600 */
	char *test_command;   /* NULL: none; presets fill it in */
	char *reload_command; /* NULL: none; presets fill it in */
	struct config_verify verify;
	struct config_vhosts vhosts;
	const char *place; /* the first server that is this same host, port and dir: maybe itself */
	struct config_position position;
};

/* "nginx", "custom", … */
const char *config_webserver_name(enum config_webserver webserver);

/* An entry of `groups`. */
struct config_group {
	char *name;
	struct str_list servers;
};

/* One key of a DNS provider's mapping; what keys it may have is the provider's own table, checked above this layer. */
struct config_setting {
	char *key;
	struct secret value;
	struct config_position position;
};

struct config_dns_provider {
	char *name; /* its key */
	char *type; /* `type`, else its key */
	struct config_setting *settings;
	size_t setting_count;
	struct config_position position;
};

struct config_renewal {
	char *schedule;         /* cron syntax, checked */
	int days_before_expiry; /* default 30 */
	int hook_timeout;       /* seconds that one hook may take; default 300 */
	int retry_attempts;     /* how often one run tries to reach a CA for a certificate; default 3 */
};

struct config_notifications {
	bool email_set, slack_set, pagerduty_set, webhook_set;
	char *email_to, *email_from, *email_smtp, *email_username;
	struct secret email_password;
	struct secret slack_webhook;
	char *slack_channel;
	struct secret pagerduty_routing_key;
	struct secret webhook_url;
	struct config_command command;
	bool on_failure, on_expiring, on_deployed, on_recovered; /* default: all */
};

struct config_monitoring {
	bool enabled;
	uint16_t port;      /* default 3001 */
	char *address;      /* default 127.0.0.1 */
	int check_interval; /* seconds, default 3600 */
	struct secret token;
};

struct config {
	char *path;
	char *email;
	struct config_ca *cas; /* at least one, the preferred one first */
	size_t ca_count;
	enum key_type key_type;
	char *state_dir; /* NULL: the command line's or the default */
	char *store_url; /* etcd://…; NULL: state_dir */
	struct config_domain *domains;
	size_t domain_count;
	struct config_domain **domains_by_name; /* the same, sorted by cert_name; NULL: not there */
	struct config_server *servers;
	size_t server_count;
	struct config_group *groups; /* sorted by name */
	size_t group_count;
	struct config_dns_provider *dns_providers;
	size_t dns_provider_count;
	struct config_renewal renewal;
	struct config_notifications notifications;
	struct config_monitoring monitoring;
	char *audit_log;
};

/* One finding about the file; an error, or a warning such as a key that has no effect in this version. */
struct config_issue {
	bool is_error;
	struct config_position position;
	char *path;    /* "ssl.domains[1].webroot"; empty for the file as a whole */
	char *message; /* one sentence, with the nearest known key for an unknown one */
};

struct config_report {
	struct config_issue *issues; /* in file order */
	size_t count;
};

void config_report_done(struct config_report *report);

/*
 * Read and check FILE. REPORT (zeroed by the caller) receives every finding, errors and warnings; on success only
 * warnings. On failure NULL, and ERR (ERROR_CONFIG) tells the first error as "FILE:LINE:COLUMN: PATH: MESSAGE" and how
 * many more there are. Relative paths in the file are relative to its folder.
 */
MUST_CHECK struct config *config_load(const char *file, struct config_report *report, struct error *err);

/* The same for text; FILE is only a name for messages and the base of relative paths. Checks no file modes. */
MUST_CHECK struct config *config_parse(const char *text, size_t len, const char *file, struct config_report *report,
				       struct error *err);

void config_free(struct config *config);
DEFINE_FREEP(config_freep, struct config, config_free)

/* Look up by name; NULL when there is none. Borrowed. */
const struct config_server *config_find_server(const struct config *config, const char *name);
const struct config_domain *config_find_domain(const struct config *config, const char *cert_name);
const struct config_dns_provider *config_find_dns_provider(const struct config *config, const char *name);

/*
 * The path of a copy on SERVER that can hold one certificate only, and does hold one other than CERT_NAME: *RET_HOLDER.
 * NULL: there is none. Borrowed.
 */
const char *config_copy_taken(const struct config *config, const struct config_server *server, const char *cert_name,
			      const char **ret_holder);

#endif
