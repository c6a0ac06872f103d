/* SPDX-License-Identifier: Apache-2.0 */
/* Builds a courier's job: nothing in it but what this one server gets anyway. */
#include "service/deploy_job.h"

#include "acme/chain.h"
#include "acme/pkcs12.h"
#include "base/limits.h"
#include "config/config.h"
#include "service/server_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	VERIFY_MS = 20 * 1000, /* a graceful reload answers with the old workers for a moment */
};

char *deploy_job_holder(struct service *service, const struct config_server *server, struct error *err)
{
	char host[256] = "";

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	return str_format(err, "%s:%s:%s", host, store_dir(service_store(service)), server->name);
}

bool deploy_job_open(struct service *service, const struct config_server *server, struct push_job *ret,
		     struct error *err)
{
	CLEANUP(push_job_done)
	struct push_job job = {
		.combined = server->combined,
		.key_mode = server->key_mode,
		.verify = server->verify.enabled,
		.verify_port = server->verify.port,
		.verify_through_jump = server->verify.through_jump,
		.transfer_ms = (uint32_t)server->timeout * 1000,
		.command_ms = (uint32_t)server->command_timeout * 1000,
		.verify_ms = VERIFY_MS,
	};
	const char *address = server->verify.address != NULL ? server->verify.address : server->host;

	/* A protocol without effect in this version has been named in a warning, and nothing is verified. */
	if (!starttls_find(server->verify.starttls, &job.verify_starttls))
		job.verify = false;
	if ((job.holder = deploy_job_holder(service, server, err)) == NULL ||
	    !server_target(server, &job.target, err) || !str_set(&job.dir, server->dir, err) ||
	    !str_set(&job.owner, server->owner, err) || !str_set(&job.group, server->group, err) ||
	    !str_set(&job.test_command, server->test_command, err) ||
	    !str_set(&job.reload_command, server->reload_command, err) || !str_set(&job.verify_address, address, err) ||
	    !server_look_up(service, &job.target, err) ||
	    (job.verify && !job.verify_through_jump && !server_addresses(service, address, &job.verify_addresses, err)))
		return false;
	*ret = job;
	job = (struct push_job){0};
	return true;
}

static enum push_file copy_kind(const char *word)
{
	static const struct {
		const char *word;
		enum push_file file;
	} kinds[] = {
		{"cert", PUSH_FILE_CERT},       {"chain", PUSH_FILE_CHAIN},       {"fullchain", PUSH_FILE_FULLCHAIN},
		{"privkey", PUSH_FILE_PRIVKEY}, {"combined", PUSH_FILE_COMBINED}, {"pkcs12", PUSH_FILE_PKCS12},
	};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_equal(kinds[i].word, word))
			return kinds[i].file;
	return PUSH_FILE_CERT;
}

char *deploy_job_copy_path(const struct config_copy *copy, const char *name, struct error *err)
{
	const char *at = strstr(copy->path, CONFIG_COPY_NAME);
	if (at == NULL)
		return str_format(err, "%s", copy->path);
	return str_format(err, "%.*s%s%s", (int)(at - copy->path), copy->path, name, at + strlen(CONFIG_COPY_NAME));
}

static bool make_pkcs12(struct push_certificate *certificate, const struct generation *live,
			const struct secret *password, struct error *err)
{
	CLEANUP(key_freep) struct key *key = key_from_pem(&live->privkey, err);
	CLEANUP(chain_freep) struct chain *chain = NULL;

	if (key != NULL)
		chain = chain_parse(live->fullchain, strlen(live->fullchain), err);
	if (chain == NULL)
		return error_attribute(err, ERROR_STORE, "read-live");
	return pkcs12_make(key, chain, certificate->name, password, &certificate->pkcs12, err);
}

static bool add_copies(struct push_certificate *certificate, const struct config_server *server,
		       const struct generation *live, struct error *err)
{
	certificate->copies = calloc(server->copy_count ? server->copy_count : 1, sizeof(*certificate->copies));
	if (certificate->copies == NULL)
		return error_oom(err);
	for (size_t i = 0; i < server->copy_count; i++) {
		struct push_copy *copy = &certificate->copies[certificate->copy_count];
		copy->file = copy_kind(server->copies[i].file);
		copy->path = deploy_job_copy_path(&server->copies[i], certificate->name, err);
		if (copy->path == NULL)
			return false;
		certificate->copy_count++;
		if (copy->file == PUSH_FILE_PKCS12 && !make_pkcs12(certificate, live, &server->pkcs12_password, err))
			return false;
	}
	return true;
}

bool deploy_job_copies(const struct config_server *server, const char *name, struct str_list *ret, struct error *err)
{
	for (size_t i = 0; i < server->copy_count; i++) {
		AUTO_FREE char *path = deploy_job_copy_path(&server->copies[i], name, err);
		if (path == NULL || !str_list_add(ret, path, err))
			return false;
	}
	return true;
}

/* A wildcard matches any one label, so one is made up for it. */
char *deploy_job_server_name(const struct config_server *server, const struct renewal *wanted, struct error *err)
{
	if (server->verify.server_name != NULL)
		return str_format(err, "%s", server->verify.server_name);
	for (size_t i = 0; i < wanted->identifier_count; i++) {
		if (!identifier_is_wildcard(&wanted->identifiers[i]))
			return str_format(err, "%s", wanted->identifiers[i].value);
	}
	return str_format(err, "certferry-check.%s", identifier_base(&wanted->identifiers[0]));
}

static bool fingerprint(const char *fullchain, char ret[65], struct error *err)
{
	struct chain_info info;
	CLEANUP(chain_freep) struct chain *chain = chain_parse(fullchain, strlen(fullchain), err);
	if (chain == NULL || !chain_info(chain, &info, err))
		return error_attribute(err, ERROR_STORE, "read-live");
	memcpy(ret, info.fingerprint_sha256, sizeof(info.fingerprint_sha256));
	return true;
}

bool deploy_job_add(struct push_job *job, struct service *service, const struct config_server *server,
		    const struct renewal *wanted, uint64_t *ret_generation, struct error *err)
{
	CLEANUP(generation_done) struct generation live = {0};
	bool found = false;

	if (!store_read_live(service_store(service), wanted->name, &live, &found, err))
		return false;
	if (!found)
		return error_set(err, ERROR_STORE, "read-live", "there is no live certificate to deploy");
	/* A server gets key and certificate in one switch; half of that would break what it serves. */
	if (live.request != NULL) {
		(void)error_set(
			err, ERROR_CONFIG, "read-live",
			"it was issued for a certificate request of yours, so its private key is not here to be "
			"deployed");
		error_hint(err, "take %s/fullchain.pem to where the key is", live.path);
		return false;
	}

	struct push_certificate *grown =
		reallocarray(job->certificates, job->certificate_count + 1, sizeof(*job->certificates));
	if (grown == NULL)
		return error_oom(err);
	job->certificates = grown;
	CLEANUP(push_certificate_done) struct push_certificate added = {.generation = live.number};
	if (!fingerprint(live.fullchain, added.fingerprint_sha256, err) || !str_set(&added.name, wanted->name, err) ||
	    !add_copies(&added, server, &live, err) ||
	    (added.server_name = deploy_job_server_name(server, wanted, err)) == NULL)
		return false;
	added.cert = STEAL(live.cert);
	added.chain = STEAL(live.chain);
	added.fullchain = STEAL(live.fullchain);
	added.privkey = live.privkey;
	live.privkey = (struct secret){0};
	grown[job->certificate_count++] = added;
	added = (struct push_certificate){0};
	*ret_generation = live.number;
	return true;
}
