/* SPDX-License-Identifier: Apache-2.0 */
/* Logging in by public key. */
#include "transport/ssh_link.h"

#include "base/str.h"

#include <string.h>

/* Whether TEXT is a private key under a passphrase: PEM says so, OpenSSH's form has a cipher that is not "none". */
static bool is_encrypted(const struct secret *identity)
{
	static const char unencrypted[] = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"; /* "openssh-key-v1", cipher "none" */

	if (strstr(identity->data, "BEGIN OPENSSH PRIVATE KEY") != NULL)
		return strstr(identity->data, unencrypted) == NULL;
	return strstr(identity->data, "ENCRYPTED") != NULL;
}

/* OpenSSH's one line: type, base64, comment. The type says what the rest is to libssh. */
static bool add_certificate(const struct ssh_target *target, ssh_key key, struct error *err)
{
	AUTO_FREE char *type = NULL;
	AUTO_FREE char *base64 = NULL;
	const char *line = target->certificate + strspn(target->certificate, " \t\r\n");
	size_t type_len = strcspn(line, " \t\r\n");
	const char *blob = line + type_len + strspn(line + type_len, " \t");
	ssh_key certificate = NULL;

	if (!str_set_n(&type, line, type_len, err) || !str_set_n(&base64, blob, strcspn(blob, " \t\r\n"), err))
		return false;
	enum ssh_keytypes_e kind = ssh_key_type_from_name(type);
	bool ok = kind != SSH_KEYTYPE_UNKNOWN && ssh_pki_import_cert_base64(base64, kind, &certificate) == SSH_OK &&
		  ssh_pki_copy_cert_to_privkey(certificate, key) == SSH_OK;
	ssh_key_free(certificate);
	if (ok)
		return true;
	(void)error_set(err, ERROR_CONFIG, NULL, "the SSH certificate for %s@%s cannot be read, or is for another key",
			target->user, target->host);
	error_hint(err, "`ssh-keygen -Lf FILE` shows what it is for");
	return false;
}

static bool import_identity(const struct ssh_target *target, ssh_key *ret, struct error *err)
{
	if (is_encrypted(&target->identity)) {
		(void)error_set(err, ERROR_CONFIG, NULL, "the SSH identity for %s@%s is protected by a passphrase",
				target->user, target->host);
		error_hint(err, "load it into an SSH agent and configure `agent`, or use a key without a passphrase");
		return false;
	}
	if (ssh_pki_import_privkey_base64(target->identity.data, NULL, NULL, NULL, ret) == SSH_OK)
		return target->certificate == NULL || add_certificate(target, *ret, err);
	(void)error_set(err, ERROR_CONFIG, NULL, "the SSH identity for %s@%s is no private key that can be read",
			target->user, target->host);
	error_hint(err, "give the private key file (not the .pub file), in OpenSSH or PEM form");
	return false;
}

/* A key under a passphrase is the agent's business, as it is to ssh(1). */
static bool uses_agent(const struct ssh_target *target)
{
	return target->agent != NULL && (target->identity.len == 0 || is_encrypted(&target->identity));
}

static bool refused_login(const struct ssh_link *link, const struct ssh_target *target, struct error *err)
{
	(void)error_set(err, ERROR_REMOTE, NULL, "the server does not let user %s in with %s", target->user,
			uses_agent(target)            ? "any key of the agent"
			: target->certificate != NULL ? "this identity and its certificate"
						      : "this identity");
	error_said(err, ssh_get_error(link->session), strlen(ssh_get_error(link->session)));
	if (!uses_agent(target) && target->certificate != NULL)
		error_hint(err,
			   "`ssh-keygen -Lf` shows until when the certificate is valid and for which users; does %s's "
			   "sshd trust its CA (TrustedUserCAKeys)?",
			   target->host);
	else
		error_hint(err, "is the public key in ~%s/.ssh/authorized_keys on %s?", target->user, target->host);
	return false;
}

bool ssh_link_log_in(struct ssh_link *link, const struct ssh_target *target, struct deadline deadline,
		     struct error *err)
{
	ssh_key key = NULL;
	int rc;

	if (target->identity.len == 0 && target->agent == NULL) {
		(void)error_set(err, ERROR_CONFIG, NULL, "there is neither an SSH identity nor an agent for %s@%s",
				target->user, target->host);
		error_hint(err, "configure `identity_file` or `agent` for this server");
		return false;
	}
	if (!uses_agent(target) && !import_identity(target, &key, err)) {
		ssh_key_free(key); /* there already where it is the certificate that does not fit */
		return false;
	}
	do {
		rc = key != NULL ? ssh_userauth_publickey(link->session, NULL, key)
				 : ssh_userauth_agent(link->session, NULL);
	} while (rc == SSH_AUTH_AGAIN && ssh_link_wait(link, deadline, "logging in", err));
	ssh_key_free(key);
	if (rc == SSH_AUTH_AGAIN)
		return false;
	if (rc == SSH_AUTH_ERROR && !ssh_is_connected(link->session))
		return ssh_link_fail(link, ERROR_NETWORK, "the SSH connection was cut while logging in", err);
	if (rc != SSH_AUTH_SUCCESS)
		return refused_login(link, target, err);
	ssh_link_tell(link, "login", "as user %s by public key%s", target->user,
		      uses_agent(target) ? ", through the agent" : "");
	return true;
}
