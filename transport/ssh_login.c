/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in by public key: the identities one after the other, then the agent. */
#include "transport/ssh_link.h"

#include "base/buf.h"
#include "base/escape.h"
#include "base/limits.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { OFFERED_MAX = 600 }; /* bytes; eight fingerprints */

/* One login: what was tried, and what of it was of no use. */
struct attempt {
	struct ssh_link *link;
	const struct ssh_target *target;
	struct deadline deadline;
	unsigned tried;
	bool certified;                      /* one of them with a certificate */
	bool fitted[LIMIT_SSH_CERTIFICATES]; /* certificates that are of one of the keys */
	size_t locked;                       /* keys under a passphrase */
	struct error unreadable;             /* the first key that could not be read */
	struct buf offered; /* keys of files, as the server's log has them: "ED25519 SHA256:…, …" */
};

static void attempt_done(struct attempt *a)
{
	buf_done(&a->offered);
}

/* OpenSSH's one line: type, base64, comment. The type says what the rest is to libssh. NULL: no certificate. */
static ssh_key import_certificate(const char *line)
{
	AUTO_FREE char *type = NULL;
	AUTO_FREE char *base64 = NULL;
	struct error ignored = {0};
	ssh_key certificate = NULL;

	line += strspn(line, " \t\r\n");
	size_t type_len = strcspn(line, " \t\r\n");
	const char *blob = line + type_len + strspn(line + type_len, " \t");
	if (!str_set_n(&type, line, type_len, &ignored) ||
	    !str_set_n(&base64, blob, strcspn(blob, " \t\r\n"), &ignored))
		return NULL;
	enum ssh_keytypes_e kind = ssh_key_type_from_name(type);
	return kind != SSH_KEYTYPE_UNKNOWN && ssh_pki_import_cert_base64(base64, kind, &certificate) == SSH_OK
		       ? certificate
		       : NULL;
}

/* LINE is KEY's certificate, and KEY has it now. */
static bool add_certificate(const char *line, ssh_key key)
{
	ssh_key certificate = import_certificate(line);
	bool ok = certificate != NULL && ssh_pki_copy_cert_to_privkey(certificate, key) == SSH_OK;
	ssh_key_free(certificate);
	return ok;
}

static ssh_key import_identity(struct attempt *a, const struct secret *identity)
{
	ssh_key key = NULL;
	if (ssh_pki_import_privkey_base64(identity->data, NULL, NULL, NULL, &key) == SSH_OK)
		return key;
	if (error_is_set(&a->unreadable))
		return NULL;
	(void)error_set(&a->unreadable, ERROR_CONFIG, NULL,
			"the SSH identity for %s@%s is no private key that can be read", a->target->user,
			a->target->host);
	error_hint(&a->unreadable, "give the private key file (not the .pub file), in OpenSSH or PEM form");
	return NULL;
}

/* What people know KEY by: sshd's log has the same, and `ssh-keygen -lf` of the file. */
static void note_key(struct attempt *a, ssh_key key)
{
	unsigned char *hash = NULL;
	size_t len = 0;

	if (key == NULL || ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len) != 0)
		return;
	char *print = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
	if (print != NULL)
		buf_printf(&a->offered, "%s%s %s", a->offered.len > 0 ? ", " : "",
			   ssh_key_type_to_char(ssh_key_type(key)), print);
	ssh_string_free_char(print);
	ssh_clean_pubkey_hash(&hash);
}

/* With TAKE_KEY, or where that is NULL with the agent's. What libssh answers in *RET; false when it is over. */
static bool try_login(struct attempt *a, ssh_key take_key, bool with_agent, int *ret, struct error *err)
{
	if (take_key == NULL && !with_agent)
		return true;
	do {
		*ret = take_key != NULL ? ssh_userauth_publickey(a->link->session, NULL, take_key)
					: ssh_userauth_agent(a->link->session, NULL);
	} while (*ret == SSH_AUTH_AGAIN && ssh_link_wait(a->link, a->deadline, "logging in", err));
	ssh_key_free(take_key);
	a->tried++;
	if (*ret == SSH_AUTH_ERROR && !ssh_is_connected(a->link->session))
		(void)ssh_link_fail(a->link, ERROR_NETWORK, "the SSH connection was cut while logging in", err);
	if (!error_is_set(err))
		return true;
	if ((a->tried > 1 || with_agent) && !ssh_is_connected(a->link->session))
		error_hint(err, "servers cut off after some keys (MaxAuthTries): name the one that is meant");
	return false;
}

/* One key: with each certificate that is of it, and then alone. */
static bool try_identity(struct attempt *a, const struct secret *identity, int *ret, struct error *err)
{
	for (size_t i = 0; i < a->target->certificates.len && i < LIMIT_SSH_CERTIFICATES && *ret != SSH_AUTH_SUCCESS;
	     i++) {
		ssh_key key = import_identity(a, identity);
		if (key == NULL || !add_certificate(a->target->certificates.items[i], key)) {
			ssh_key_free(key);
			continue;
		}
		a->fitted[i] = a->certified = true;
		if (!try_login(a, key, /* with_agent= */ false, ret, err))
			return false;
	}
	if (*ret == SSH_AUTH_SUCCESS)
		return true;
	ssh_key key = import_identity(a, identity);
	note_key(a, key);
	return try_login(a, key, /* with_agent= */ false, ret, err);
}

/* Only the agent could help, and nobody is there. */
static bool agent_is_gone(const char *path, struct error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char text[128], shown[128];
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool gone = fd >= 0 && len > 0 && (size_t)len < sizeof(address.sun_path) &&
		    connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 && errno != EAGAIN;
	int why = errno;

	if (fd >= 0)
		(void)close(fd);
	if (!gone)
		return false;
	(void)error_set(err, ERROR_CONFIG, NULL, "the SSH agent at %s cannot be reached: %s",
			escape_str(shown, sizeof(shown), path), strerror_r(why, text, sizeof(text)));
	error_hint(err, "start it, and let `agent` of this server (or SSH_AUTH_SOCK) name its socket");
	return true;
}

static bool refused_login(const struct attempt *a, struct error *err)
{
	const struct ssh_target *target = a->target;
	const char *said = ssh_get_error(a->link->session);
	const char *known = a->offered.len > 0 ? buf_cstr(&a->offered) : NULL;

	if (target->identity_count == a->locked && agent_is_gone(target->agent, err))
		return false;
	(void)error_set(err, ERROR_REMOTE, NULL, "the server does not let user %s in with %s%s%s%s%s", target->user,
			target->identity_count - a->locked > 1 ? "any of these identities"
			: target->identity_count == a->locked  ? "any key of the agent"
			: a->certified                         ? "this identity and its certificate"
							       : "this identity",
			known != NULL ? " (" : "", known != NULL ? known : "", known != NULL ? ")" : "",
			target->identity_count > a->locked && target->agent != NULL ? ", nor with the agent's" : "");
	error_said(err, said, strlen(said));
	if (a->certified)
		error_hint(err,
			   "`ssh-keygen -Lf` shows until when the certificate is valid and for which users; does %s's "
			   "sshd trust its CA (TrustedUserCAKeys)?",
			   target->host);
	else
		error_hint(err, "is the public key%s in ~%s/.ssh/authorized_keys on %s?%s",
			   target->identity_count == a->locked ? " of one of them" : "", target->user, target->host,
			   target->agent != NULL ? " `ssh-add -l` lists the agent's keys" : "");
	return false;
}

/* What could be tried was of no use, or there was nothing: the reason that helps most. */
static bool failed(const struct attempt *a, struct error *err)
{
	const struct ssh_target *target = a->target;

	for (size_t i = 0; i < target->certificates.len && i < LIMIT_SSH_CERTIFICATES && a->locked == 0; i++) {
		if (a->fitted[i])
			continue;
		(void)error_set(err, ERROR_CONFIG, NULL,
				"the SSH certificate for %s@%s cannot be read, or is for another key", target->user,
				target->host);
		error_hint(err, "`ssh-keygen -Lf FILE` shows what it is for");
		return false;
	}
	if (a->tried > 0)
		return refused_login(a, err);
	if (error_is_set(&a->unreadable)) {
		*err = a->unreadable;
		return false;
	}
	if (a->locked > 0) {
		(void)error_set(err, ERROR_CONFIG, NULL, "the SSH identity for %s@%s is protected by a passphrase",
				target->user, target->host);
		error_hint(err, "load it into an SSH agent and configure `agent`, or use a key without a passphrase");
		return false;
	}
	(void)error_set(err, ERROR_CONFIG, NULL, "there is neither an SSH identity nor an agent for %s@%s",
			target->user, target->host);
	error_hint(err,
		   "configure `identity_file` or `agent` for this server; without, ~/.ssh/id_ed25519, id_ecdsa and "
		   "id_rsa of whoever runs this are looked for");
	return false;
}

bool ssh_link_log_in(struct ssh_link *link, const struct ssh_target *target, struct deadline deadline,
		     struct error *err)
{
	CLEANUP(attempt_done) struct attempt a = {.link = link, .target = target, .deadline = deadline};
	bool by_agent = false;
	int rc = SSH_AUTH_DENIED;

	buf_init(&a.offered, OFFERED_MAX);
	for (size_t i = 0; i < target->identity_count && rc != SSH_AUTH_SUCCESS; i++) {
		if (ssh_identity_is_encrypted(&target->identities[i]))
			a.locked++; /* the agent's business, as it is to ssh(1) */
		else if (!try_identity(&a, &target->identities[i], &rc, err))
			return false;
	}
	if (rc != SSH_AUTH_SUCCESS && target->agent != NULL) {
		by_agent = true;
		if (!try_login(&a, NULL, /* with_agent= */ true, &rc, err))
			return false;
	}
	if (rc != SSH_AUTH_SUCCESS)
		return failed(&a, err);
	ssh_link_tell(link, "login", "as user %s by public key%s", target->user, by_agent ? ", through the agent" : "");
	return true;
}
