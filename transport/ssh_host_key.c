/* SPDX-License-Identifier: Apache-2.0 */
/* The host's key, and what known_hosts says about it. Both parsers must agree that it is good: ours and libssh's. */
#include "transport/ssh_link.h"

#include "base/limits.h"
#include "base/log.h"
#include "transport/known_hosts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void ssh_host_key_done(struct ssh_host_key *key)
{
	free(key->fingerprint);
	free(key->base64);
	free(key->line_to_add);
	free(key->file);
	*key = (struct ssh_host_key){0};
}

/* libssh's TEXT as one of ours. */
static bool take_text(char *text, char **ret, struct error *err)
{
	bool ok = str_set(ret, text, err);
	ssh_string_free_char(text);
	return ok;
}

static bool export_key(ssh_key key, struct ssh_host_key *ret, struct error *err)
{
	char *base64 = NULL, *fingerprint = NULL;
	unsigned char *hash = NULL;
	size_t hash_len = 0;

	ret->type = ssh_key_type_to_char(ssh_key_type(key));
	if (ssh_pki_export_pubkey_base64(key, &base64) != SSH_OK)
		base64 = NULL;
	if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &hash_len) == SSH_OK)
		fingerprint = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, hash_len);
	ssh_clean_pubkey_hash(&hash);
	bool ok = take_text(base64, &ret->base64, err);
	return take_text(fingerprint, &ret->fingerprint, err) && ok;
}

/* A file that is not there, or that stands for none, as /dev/null does, knows nobody. */
static bool knows_nobody(const char *path)
{
	struct stat info;
	if (stat(path, &info) != 0)
		return errno == ENOENT || errno == ENOTDIR;
	return S_ISCHR(info.st_mode) || (S_ISREG(info.st_mode) && info.st_size == 0);
}

/* The given file as our own parser sees it. One that cannot be read may say that the key is revoked. */
static bool ask_known_hosts(const char *path, const struct known_hosts_key *key, enum known_hosts_verdict *ret,
			    unsigned *ret_line, struct error *err)
{
	struct secret text CLEANUP(secret_done) = {0};

	*ret = KNOWN_HOSTS_UNKNOWN;
	*ret_line = 0;
	if (knows_nobody(path))
		return true;
	if (!secret_read_file(&text, path, LIMIT_CONFIG_FILE, false, err)) {
		error_hint(err,
			   "it is a known_hosts file: what it says of %s, which may be that its key is revoked, is not "
			   "known; make it readable, or name others by `known_hosts`",
			   key->host);
		return false;
	}
	*ret = known_hosts_check(text.data, text.len, key, ret_line);
	return true;
}

/* The key as it is listed in such a file. */
static struct known_hosts_key listed(const struct ssh_target *target, const struct ssh_host_key *key)
{
	return (struct known_hosts_key){ssh_target_known_name(target), ssh_target_known_port(target), key->type,
					key->base64};
}

/* The files as if they were one: what weighs most in any of them counts, and a revoked key is revoked by any. */
static bool judge_key(const struct ssh_target *target, struct ssh_host_key *key, struct error *err)
{
	const struct known_hosts_key looked_for = listed(target, key);
	const struct str_list *files = &target->known_hosts;
	struct buf line CLEANUP(buf_done);
	size_t decided = 0;

	key->verdict = KNOWN_HOSTS_UNKNOWN;
	for (size_t i = 0; i < files->len; i++) {
		unsigned number = 0;
		enum known_hosts_verdict said;
		if (!ask_known_hosts(files->items[i], &looked_for, &said, &number, err))
			return false;
		if (!known_hosts_weighs_more(said, key->verdict))
			continue;
		key->verdict = said;
		key->line = number;
		decided = i;
	}
	if (!str_set(&key->file, files->items[decided], err))
		return false;
	buf_init(&line, LIMIT_KEY_FILE);
	known_hosts_line(&looked_for, &line);
	key->line_to_add = buf_take(&line, "known_hosts line", err);
	return key->line_to_add != NULL;
}

/* libssh does not know what @revoked means, but where it doubts what we find good, it is heeded. */
static bool is_doubted(struct ssh_link *link, const struct ssh_host_key *key)
{
	return ssh_options_set(link->session, SSH_OPTIONS_KNOWNHOSTS, key->file) != SSH_OK ||
	       ssh_session_is_known_server(link->session) != SSH_KNOWN_HOSTS_OK;
}

bool ssh_link_read_host_key(struct ssh_link *link, const struct ssh_target *target, struct ssh_host_key *ret,
			    struct error *err)
{
	ssh_key key = NULL;
	bool read = ssh_get_server_publickey(link->session, &key) == SSH_OK && export_key(key, ret, err);

	ssh_key_free(key);
	if (!read || ret->type == NULL || ret->base64 == NULL || ret->fingerprint == NULL)
		return ssh_link_fail(link, ERROR_REMOTE, "cannot read the server's host key", err);
	if (!judge_key(target, ret, err))
		return false;
	if (ret->verdict == KNOWN_HOSTS_OK && is_doubted(link, ret))
		ret->verdict = KNOWN_HOSTS_UNKNOWN;
	return true;
}

static bool refuse_unknown(const struct ssh_target *target, const struct ssh_host_key *key, struct error *err)
{
	(void)error_set(err, ERROR_REMOTE, NULL, "the host key of %s port %u is not known: %s %s", target->host,
			(unsigned)target->port, key->type, key->fingerprint);
	error_hint(
		err,
		"compare the fingerprint with what `ssh-keygen -lf` says of the /etc/ssh/ssh_host_*_key.pub files on "
		"the server itself; if it is the same, `certferry server trust %s` accepts it, or add this line to %s: "
		"%s",
		target->server, target->known_hosts.items[0], key->line_to_add);
	return false;
}

static bool refuse_changed(const struct ssh_target *target, const struct ssh_host_key *key, struct error *err)
{
	(void)error_set(err, ERROR_REMOTE, NULL,
			"THE HOST KEY OF %s port %u HAS CHANGED: it is now %s %s. Somebody may be answering in its "
			"place; nothing was sent",
			target->host, (unsigned)target->port, key->type, key->fingerprint);
	error_hint(err,
		   "only if you know that the server was reinstalled or its key replaced: check the fingerprint on the "
		   "server itself (`ssh-keygen -lf`); `certferry server trust --replace %s` then accepts it, or remove "
		   "its "
		   "old lines from %s and add: %s",
		   target->server, key->file, key->line_to_add);
	return false;
}

static bool refuse_revoked(const struct ssh_target *target, const struct ssh_host_key *key, struct error *err)
{
	(void)error_set(err, ERROR_REMOTE, NULL, "the host key of %s port %u is revoked by %s line %u: %s %s",
			target->host, (unsigned)target->port, key->file, key->line, key->type, key->fingerprint);
	error_hint(err, "give the server a new host key; do not remove the @revoked line");
	return false;
}

bool ssh_link_check_host(struct ssh_link *link, const struct ssh_target *target, struct error *err)
{
	struct ssh_host_key key CLEANUP(ssh_host_key_done) = {0};

	if (!ssh_link_read_host_key(link, target, &key, err))
		return false;
	switch (key.verdict) {
	case KNOWN_HOSTS_REVOKED:
		return refuse_revoked(target, &key, err);
	case KNOWN_HOSTS_OTHER_KEY:
		return refuse_changed(target, &key, err);
	case KNOWN_HOSTS_UNKNOWN:
		return refuse_unknown(target, &key, err);
	case KNOWN_HOSTS_OK:
		break;
	}
	ssh_link_tell(link, "host-key", "%s %s is known (%s line %u)", key.type, key.fingerprint, key.file, key.line);
	log_debug("%s: host key %s %s is known (%s line %u)", target->host, key.type, key.fingerprint, key.file,
		  key.line);
	return true;
}
