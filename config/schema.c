/* SPDX-License-Identifier: Apache-2.0 */
/* The table of keys. A new key is one row here, and the code that reads its member. */
#include "config/schema.h"

#include "base/limits.h"
#include "config/jump.h"
#include "config/values.h"

#include <limits.h>
#include <string.h>

#define ONE SCHEMA_ONE
#define LIST SCHEMA_LIST
#define MAP SCHEMA_MAP
#define INTO(type, member) .stored = true, .offset = offsetof(struct type, member)

enum { DAY = 24 * 3600, NUMBER_MAX = 1000 * 1000 };

static const struct schema_word domain_types[] = {{"standard", 0, false}, {"wildcard", 1, false}, {NULL, 0, false}};

static const struct schema_word challenges[] = {
	{"http-01", CHALLENGE_HTTP_01, false},
	{"dns-01", CHALLENGE_DNS_01, false},
	{"tls-alpn-01", CHALLENGE_TLS_ALPN_01, false},
	{"dns-account-01", CHALLENGE_DNS_ACCOUNT_01, false},
	{"dns-persist-01", CHALLENGE_DNS_PERSIST_01, false},
	{NULL, 0, false},
};

static const struct schema_word webservers[] = {
	{"custom", CONFIG_WEBSERVER_CUSTOM, false},         {"nginx", CONFIG_WEBSERVER_NGINX, false},
	{"apache", CONFIG_WEBSERVER_APACHE, false},         {"haproxy", CONFIG_WEBSERVER_HAPROXY, false},
	{"postfix", CONFIG_WEBSERVER_POSTFIX, false},       {"dovecot", CONFIG_WEBSERVER_DOVECOT, false},
	{"postgresql", CONFIG_WEBSERVER_POSTGRESQL, false}, {NULL, 0, false},
};

static const struct schema_word verify_ways[] = {
	{"direct", CONFIG_VIA_DIRECT, false},
	{"jump", CONFIG_VIA_JUMP, false},
	{NULL, 0, false},
};

static const struct schema_word starttls[] = {
	{"none", 0, false}, {"smtp", 0, false},     {"imap", 0, false}, {"pop3", 0, false}, {"sieve", 0, false},
	{"ftp", 0, false},  {"postgres", 0, false}, {"ldap", 0, false}, {"xmpp", 0, false}, {NULL, 0, false},
};

static const struct schema_word eab_algorithms[] = {
	{"HS256", 0, false},
	{"HS384", 0, false},
	{"HS512", 0, false},
	{NULL, 0, false},
};

static const struct schema_word events[] = {
	{"failure", 0, false},   {"expiring", 0, false}, {"deployed", 0, false},
	{"recovered", 0, false}, {NULL, 0, false},
};

/* clang-format off */
static const struct schema_key keys[] = {
	/* The account and where things are */
	{"email", ONE, VALUE_TEXT, INTO(config, email), .check = value_email, .help = "contact of the ACME account"},
	{"key_type", ONE, VALUE_KEY_TYPE, INTO(config, key_type), .help = "of certificates; default ecdsa-p256"},
	{"state_dir", ONE, VALUE_PATH, INTO(config, state_dir), .help = "where certificates, keys and accounts are kept"},
	{"store", ONE, VALUE_TEXT, SCHEMA_NO_EFFECT, INTO(config, store_url), .check = value_store_url,
	 .help = "etcd://HOST:PORT/PREFIX instead of state_dir"},
	{"audit_log", ONE, VALUE_PATH, SCHEMA_NO_EFFECT, INTO(config, audit_log), .help = "file of the audit log"},

	/* CAs */
	{"provider", ONE | MAP | LIST, VALUE_TEXT,
	 .help = "a known CA, a directory URL, a mapping, or a list of these, of which the next is used while the earlier "
		 "ones have been failing for long; default letsencrypt"},
	{"provider.name", ONE, VALUE_TEXT, .help = "a known CA"},
	{"provider.url", ONE, VALUE_TEXT, .help = "an ACME directory"},
	{"provider.ca_bundle", ONE, VALUE_PATH, INTO(config_ca, ca_bundle), .help = "trust anchors for the CA's HTTPS"},
	{"provider.profile", ONE, VALUE_TEXT, INTO(config_ca, profile), .check = value_profile,
	 .help = "certificate profile, as the directory lists it"},
	{"provider.preferred_chain", ONE, VALUE_TEXT, INTO(config_ca, preferred_chain), .check = value_issuer,
	 .help = "common name of the chain's issuer"},
	{"provider.eab", MAP, VALUE_TEXT, .help = "external account binding"},
	{"provider.eab.kid", ONE, VALUE_TEXT, SCHEMA_REQUIRED, INTO(config_ca, eab_kid), .help = "key id"},
	{"provider.eab.hmac_key", ONE, VALUE_SECRET, SCHEMA_REQUIRED, INTO(config_ca, eab_hmac_key), .help = "base64url"},
	{"provider.eab.algorithm", ONE, VALUE_TEXT, INTO(config_ca, eab_algorithm), .words = eab_algorithms,
	 .help = "HS256 (default), HS384 or HS512"},

	/* Certificates */
	{"domains", LIST | MAP, VALUE_TEXT, .help = "one entry per certificate"},
	{"domains.name", ONE, VALUE_TEXT, SCHEMA_REQUIRED, .check = value_dns_name, .help = "first name of the certificate"},
	{"domains.cert_name", ONE, VALUE_TEXT, INTO(config_domain, cert_name), .check = value_name,
	 .help = "what the certificate is called; default: name without \"*.\", and with \"-\" for \":\""},
	{"domains.type", ONE, VALUE_WORD, .words = domain_types, .help = "follows from the name"},
	{"domains.aliases", ONE | LIST, VALUE_TEXT, .check = value_dns_name, .help = "further names and IP addresses"},
	{"domains.include_base", ONE, VALUE_BOOL, .help = "a wildcard's own base name too; default true"},
	{"domains.servers", ONE | LIST, VALUE_TEXT, .help = "servers and groups that get the certificate"},
	{"domains.webroot", ONE, VALUE_TEXT, .help = "http-01: folder that the web server serves"},
	{"domains.dns_provider", ONE, VALUE_TEXT, .help = "dns-01: a key of dns_providers"},
	{"domains.challenge", ONE | MAP, VALUE_WORD, .words = challenges, .help = "how names are validated, written out"},
	{"domains.challenge.type", ONE, VALUE_WORD, SCHEMA_REQUIRED, .words = challenges, .help = "http-01, dns-01, …"},
	{"domains.challenge.webroot", ONE, VALUE_TEXT, .help = "for http-01"},
	{"domains.challenge.listen", ONE, VALUE_TEXT, INTO(config_domain, listen), .check = value_listen,
	 .help = "answer http-01 or tls-alpn-01 (default \":443\") here: [ADDR]:PORT"},
	{"domains.challenge.provider", ONE, VALUE_TEXT, .help = "for dns-01 and dns-account-01: a key of dns_providers"},
	{"domains.key_type", ONE, VALUE_KEY_TYPE, INTO(config_domain, key_type), .help = "default: the file's key_type"},
	{"domains.must_staple", ONE, VALUE_TEXT, .check = value_must_staple, .help = "refused: see the message"},
	{"domains.reuse_key", ONE, VALUE_BOOL, INTO(config_domain, reuse_key), .help = "keep the key when renewing"},
	{"domains.profile", ONE, VALUE_TEXT, INTO(config_domain, profile), .check = value_profile,
	 .help = "default: the provider's profile"},
	{"domains.pre_authorize", ONE, VALUE_BOOL, INTO(config_domain, pre_authorize),
	 .help = "authorize the names before the order, at CAs that can; default false"},
	{"domains.rollout", MAP, VALUE_TEXT, .help = "in which order servers get the certificate"},
	{"domains.rollout.canary", ONE, VALUE_NUMBER, INTO(config_domain, rollout.canary),
	 .max = NUMBER_MAX, .help = "servers that go first, one at a time; default 0"},
	{"domains.rollout.parallel", ONE, VALUE_NUMBER, INTO(config_domain, rollout.parallel), .min = 1,
	 .max = LIMIT_PARALLEL_SERVERS, .help = "servers at once; default 10"},
	{"domains.rollout.max_failures", ONE, VALUE_NUMBER, INTO(config_domain, rollout.max_failures),
	 .max = NUMBER_MAX, .help = "servers that may fail before it stops; default 0"},
	{"domains.hooks", MAP, VALUE_TEXT, .help = "commands here: a string for the shell, or a list run without one"},
	{"domains.hooks.pre", ONE | LIST, VALUE_COMMAND, SCHEMA_MANY_LINES, INTO(config_domain, hooks.pre),
	 .help = "before it is issued; once per run"},
	{"domains.hooks.post", ONE | LIST, VALUE_COMMAND, SCHEMA_MANY_LINES, INTO(config_domain, hooks.post),
	 .help = "after issuing, also when it failed; once per run"},
	{"domains.hooks.deploy", ONE | LIST, VALUE_COMMAND, SCHEMA_MANY_LINES, INTO(config_domain, hooks.deploy),
	 .help = "after a new certificate is stored"},

	/* Servers */
	{"servers", SCHEMA_NAMED, VALUE_TEXT, .help = "where certificates go, by name"},
	{"servers.*", MAP, VALUE_TEXT, .check = value_name, .help = "a server"},
	{"servers.*.host", ONE, VALUE_TEXT, INTO(config_server, host), .check = value_host, .help = "default: the name"},
	{"servers.*.port", ONE, VALUE_PORT, INTO(config_server, port), .help = "of SSH; default 22"},
	{"servers.*.user", ONE, VALUE_TEXT, INTO(config_server, user), .check = value_account,
	 .help = "default: the user running this"},
	{"servers.*.identity_file", ONE | LIST, VALUE_PATH, .help = "private key for SSH, or several to be tried in turn"},
	{"servers.*.certificate_file", ONE | LIST, VALUE_PATH, .help = "OpenSSH certificate of a key"},
	{"servers.*.agent", ONE, VALUE_TEXT, .help = "socket of an SSH agent; true: the one of SSH_AUTH_SOCK"},
	{"servers.*.known_hosts", ONE | LIST, VALUE_PATH,
	 .help = "files; default ~/.ssh/known_hosts and known_hosts2; the system's are read as well"},
	{"servers.*.timeout", ONE, VALUE_NUMBER, INTO(config_server, timeout), .min = 1, .max = DAY,
	 .help = "seconds for a deployment of one certificate, commands apart; default 60"},
	{"servers.*.command_timeout", ONE, VALUE_NUMBER, INTO(config_server, command_timeout), .min = 1, .max = DAY,
	 .help = "seconds for each of test_command and reload_command; default 120"},
	{"servers.*.proxy_jump", ONE, VALUE_TEXT, INTO(config_server, proxy_jump), .check = value_jump,
	 .help = "server to go through"},
	{"servers.*.sudo", ONE, VALUE_BOOL, INTO(config_server, sudo),
	 .help = "files and commands as root, through sudo -n; default false"},
	{"servers.*.sftp_server", ONE, VALUE_TEXT, INTO(config_server, sftp_server), .check = value_remote_path,
	 .help = "path of its SFTP server, started by a command; default: the subsystem, with sudo the usual paths"},
	{"servers.*.webserver", ONE, VALUE_WORD, INTO(config_server, webserver), .words = webservers,
	 .help = "presets for the commands; default custom"},
	{"servers.*.dir", ONE, VALUE_TEXT, INTO(config_server, dir), .check = value_remote_path,
	 .help = "files arrive below it; default /etc/letsencrypt/live"},
	{"servers.*.files", MAP, VALUE_TEXT, .help = "further copies at exact paths; {name} in them is the certificate's"},
	{"servers.*.files.cert", ONE, VALUE_TEXT, .check = value_copy_path, .help = "the certificate alone"},
	{"servers.*.files.chain", ONE, VALUE_TEXT, .check = value_copy_path, .help = "the intermediates"},
	{"servers.*.files.fullchain", ONE, VALUE_TEXT, .check = value_copy_path, .help = "certificate and chain"},
	{"servers.*.files.privkey", ONE, VALUE_TEXT, .check = value_copy_path, .help = "the key"},
	{"servers.*.files.combined", ONE, VALUE_TEXT, .check = value_copy_path, .help = "fullchain and key"},
	{"servers.*.files.pkcs12", ONE, VALUE_TEXT, .check = value_copy_path, .help = "PKCS #12 with key and chain"},
	{"servers.*.pkcs12_password", ONE, VALUE_SECRET, INTO(config_server, pkcs12_password), .check = value_password,
	 .help = "of files.pkcs12"},
	{"servers.*.owner", ONE, VALUE_TEXT, INTO(config_server, owner), .check = value_account, .help = "of the files"},
	{"servers.*.group", ONE, VALUE_TEXT, INTO(config_server, group), .check = value_account, .help = "of the files"},
	{"servers.*.key_mode", ONE, VALUE_MODE, INTO(config_server, key_mode), .help = "default \"0600\""},
	{"servers.*.test_command", ONE, VALUE_TEXT, SCHEMA_MAY_BE_EMPTY, INTO(config_server, test_command),
	 .check = value_remote_command, .help = "run there before the reload; \"\": none"},
	{"servers.*.reload_command", ONE, VALUE_TEXT, SCHEMA_MAY_BE_EMPTY, INTO(config_server, reload_command),
	 .check = value_remote_command, .help = "run there after the switch; \"\": none"},
	{"servers.*.verify", ONE | MAP, VALUE_BOOL, INTO(config_server, verify.enabled),
	 .help = "a TLS handshake after the reload; false: none"},
	{"servers.*.verify.address", ONE, VALUE_TEXT, INTO(config_server, verify.address), .check = value_host,
	 .help = "default: host"},
	{"servers.*.verify.via", ONE, VALUE_WORD, INTO(config_server, verify.via), .words = verify_ways,
	 .help = "jump: from the last jump host; direct: from here; default: as SSH goes, direct with an address"},
	{"servers.*.verify.port", ONE, VALUE_PORT, INTO(config_server, verify.port),
	 .help = "default: the preset's, else the usual one of starttls, else 443"},
	{"servers.*.verify.server_name", ONE, VALUE_TEXT, INTO(config_server, verify.server_name), .check = value_host,
	 .help = "default: the certificate's first name"},
	{"servers.*.verify.starttls", ONE, VALUE_TEXT, INTO(config_server, verify.starttls), .words = starttls,
	 .help = "protocol that TLS begins in: smtp, imap, pop3, sieve, ftp, postgres, ldap, xmpp, none; default: the port's usual one"},
	{"servers.*.vhosts", MAP, VALUE_TEXT, .help = "where vhost --install puts virtual hosts; default: the usual places"},
	{"servers.*.vhosts.available", ONE, VALUE_TEXT, INTO(config_server, vhosts.available), .check = value_remote_path,
	 .help = "folder of their files"},
	{"servers.*.vhosts.enabled", ONE, VALUE_TEXT, INTO(config_server, vhosts.enabled), .check = value_remote_path,
	 .help = "folder of links to them; default: none beside an available of one's own"},
	{"servers.*.vhosts.http_port", ONE, VALUE_PORT, INTO(config_server, vhosts.http_port), .help = "default 80"},
	{"groups", SCHEMA_NAMED, VALUE_TEXT, .help = "lists of servers, by name"},
	{"groups.*", ONE | LIST, VALUE_TEXT, .check = value_name, .help = "the servers of a group"},

	/* DNS providers: their other keys are checked by the providers' own table. */
	{"dns_providers", SCHEMA_NAMED, VALUE_TEXT, .help = "credentials of DNS providers, by name"},
	{"dns_providers.*", SCHEMA_SETTINGS, VALUE_SECRET, SCHEMA_MANY_LINES, .check = value_name,
	 .help = "type (default: the name) and the provider's settings"},

	{"renewal", MAP, VALUE_TEXT, .help = "when certificates are renewed"},
	{"renewal.schedule", ONE, VALUE_TEXT, SCHEMA_NO_EFFECT, INTO(config, renewal.schedule), .check = value_schedule,
	 .help = "cron syntax, local time"},
	{"renewal.days_before_expiry", ONE, VALUE_NUMBER, INTO(config, renewal.days_before_expiry), .min = 1, .max = 365,
	 .help = "at most; default 30"},
	{"renewal.hook_timeout", ONE, VALUE_NUMBER, INTO(config, renewal.hook_timeout), .min = 1, .max = DAY,
	 .help = "seconds that one hook may take; default 300"},
	{"renewal.retry_attempts", ONE, VALUE_NUMBER, INTO(config, renewal.retry_attempts), .max = 100,
	 .help = "how often one run tries to reach a CA for a certificate; default 3"},

	{"notifications", MAP, VALUE_TEXT, .help = "who is told, and of what"},
	{"notifications.email", MAP, VALUE_TEXT, SCHEMA_NO_EFFECT, .help = "by mail"},
	{"notifications.email.to", ONE, VALUE_TEXT, SCHEMA_REQUIRED, INTO(config, notifications.email_to),
	 .check = value_email, .help = "recipient"},
	{"notifications.email.from", ONE, VALUE_TEXT, INTO(config, notifications.email_from), .check = value_email,
	 .help = "sender"},
	{"notifications.email.smtp", ONE, VALUE_TEXT, INTO(config, notifications.email_smtp), .check = value_smtp_url,
	 .help = "smtps://HOST or smtp://HOST"},
	{"notifications.email.username", ONE, VALUE_TEXT, INTO(config, notifications.email_username), .help = "for SMTP"},
	{"notifications.email.password", ONE, VALUE_SECRET, INTO(config, notifications.email_password), .help = "for SMTP"},
	{"notifications.slack", MAP, VALUE_TEXT, SCHEMA_NO_EFFECT, .help = "to Slack"},
	{"notifications.slack.webhook", ONE, VALUE_SECRET, SCHEMA_REQUIRED, INTO(config, notifications.slack_webhook),
	 .help = "URL, which is a secret"},
	{"notifications.slack.channel", ONE, VALUE_TEXT, INTO(config, notifications.slack_channel), .help = "#channel"},
	{"notifications.pagerduty", MAP, VALUE_TEXT, SCHEMA_NO_EFFECT, .help = "to PagerDuty"},
	{"notifications.pagerduty.routing_key", ONE, VALUE_SECRET, SCHEMA_REQUIRED,
	 INTO(config, notifications.pagerduty_routing_key), .help = "integration key"},
	{"notifications.webhook", MAP, VALUE_TEXT, SCHEMA_NO_EFFECT, .help = "POST of a JSON document"},
	{"notifications.webhook.url", ONE, VALUE_SECRET, SCHEMA_REQUIRED, INTO(config, notifications.webhook_url),
	 .help = "URL, which may hold a secret"},
	{"notifications.command", ONE | LIST, VALUE_COMMAND, SCHEMA_NO_EFFECT | SCHEMA_MANY_LINES,
	 INTO(config, notifications.command), .help = "a string for the shell, or a list"},
	{"notifications.on", ONE | LIST, VALUE_WORD, SCHEMA_NO_EFFECT, .words = events, .help = "default: all of them"},

	{"monitoring", MAP, VALUE_TEXT, .help = "the dashboard and its checks"},
	{"monitoring.enabled", ONE, VALUE_BOOL, SCHEMA_NO_EFFECT, INTO(config, monitoring.enabled), .help = "default false"},
	{"monitoring.port", ONE, VALUE_PORT, SCHEMA_NO_EFFECT, INTO(config, monitoring.port), .help = "default 3001"},
	{"monitoring.address", ONE, VALUE_TEXT, SCHEMA_NO_EFFECT, INTO(config, monitoring.address), .check = value_host,
	 .help = "default 127.0.0.1"},
	{"monitoring.check_interval", ONE, VALUE_NUMBER, SCHEMA_NO_EFFECT, INTO(config, monitoring.check_interval),
	 .min = 1, .max = 30 * DAY, .help = "seconds; default 3600"},
	{"monitoring.token", ONE, VALUE_SECRET, SCHEMA_NO_EFFECT, INTO(config, monitoring.token), .help = "for the dashboard"},
};
/* clang-format on */

/* Settings of DNS providers that are no credential. Whatever is not here is taken for one. */
static const char *const harmless_settings[] = {
	"type", "api_url", "server",         "port",     "ttl",    "zone",       "zone_id",
	"add",  "remove",  "tsig_algorithm", "tsig_key", "region", "convention", "project",
};

const struct schema_key *schema_keys(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(keys);
	return keys;
}

const char *schema_below(const struct schema_key *row, const char *parent)
{
	size_t len = strlen(parent);
	if (len > 0 && (!str_starts(row->path, parent) || row->path[len] != '.'))
		return NULL;
	const char *last = row->path + len + (len > 0);
	return strchr(last, '.') == NULL ? last : NULL;
}

const struct schema_key *schema_find(const char *parent, const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (str_equal(schema_below(&keys[i], parent), key))
			return &keys[i];
	return NULL;
}

const struct schema_word *schema_word_find(const struct schema_word *words, const char *text)
{
	for (; words->word != NULL; words++)
		if (str_equal(words->word, text))
			return words;
	return NULL;
}

const char *config_webserver_name(enum config_webserver webserver)
{
	for (const struct schema_word *word = webservers; word->word != NULL; word++)
		if (word->value == (int)webserver)
			return word->word;
	return "custom";
}

bool schema_setting_is_harmless(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(harmless_settings); i++)
		if (str_equal(harmless_settings[i], key))
			return true;
	return false;
}
