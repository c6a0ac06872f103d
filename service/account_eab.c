/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where external account credentials come from. The HMAC key is text until the last moment, is decoded once, and is
 * kept nowhere: after the account exists, nobody needs it.
 */
#include "service/account_eab.h"

#include "acme/eab.h"
#include "acme/session.h"
#include "acme/url.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "config/ca_presets.h"
#include "config/config.h"
#include "transport/http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char step[] = "account";
static const char step_look_up[] = "eab-look-up";

void account_eab_done(struct account_eab *eab)
{
	free(eab->kid);
	secret_done(&eab->hmac_key);
	*eab = (struct account_eab){0};
}

static bool set(struct account_eab *ret, const char *kid, const struct secret *hmac_key, const char *algorithm,
		struct error *err)
{
	if (!eab_key_decode(hmac_key, &ret->hmac_key, err) || !str_set(&ret->kid, kid, err)) {
		error_context(err, step, NULL, NULL);
		return false;
	}
	ret->eab = (struct acme_eab){
		.kid = ret->kid, .alg = algorithm, .hmac_key = ret->hmac_key.data, .hmac_key_len = ret->hmac_key.len};
	ret->given = true;
	return true;
}

/* The config's entry for this CA. */
static const struct config_ca *config_entry(const struct config *config, const char *ca_url)
{
	const struct ca_preset *preset = ca_preset_find_url(ca_url);
	for (size_t i = 0; config != NULL && i < config->ca_count; i++) {
		const struct config_ca *ca = &config->cas[i];
		if (str_equal(ca->url, ca_url) || (preset != NULL && ca_preset_find_url(ca->url) == preset))
			return ca;
	}
	return NULL;
}

/* --- By e-mail address --- */

bool eab_email_form(const char *email, struct buf *ret, struct error *err)
{
	buf_str(ret, "email=");
	for (const char *c = email; *c != '\0'; c++) {
		if (isalnum((unsigned char)*c) || strchr("-._~", *c) != NULL)
			buf_char(ret, *c);
		else
			buf_printf(ret, "%%%02X", (unsigned char)*c);
	}
	return buf_check(ret, "form", err);
}

static void keep_reason(const json_t *root, struct error *err)
{
	const json_t *error = json_object_get(root, "error");
	const char *type = json_string_value(json_object_get(error, "type"));
	if (type != NULL)
		error_said(err, type, strlen(type));
}

bool eab_email_parse(const char *text, size_t len, char **ret_kid, struct secret *ret_hmac_key, struct error *err)
{
	struct error cause = {0};
	AUTO_JSON json_t *root = json_read(text, len, "answer", &cause);
	const char *kid = NULL, *key = NULL;

	if (root == NULL)
		return error_set(err, ERROR_CA, step_look_up, "the answer is no JSON document");
	if (!json_opt_str(root, "eab_kid", LIMIT_URL, &kid, &cause) ||
	    !json_opt_str(root, "eab_hmac_key", LIMIT_URL, &key, &cause) || str_is_empty(kid) || str_is_empty(key)) {
		(void)error_set(err, ERROR_CA, step_look_up, "the answer holds no external account credentials");
		keep_reason(root, err);
		return false;
	}
	return secret_set(ret_hmac_key, key, strlen(key), err) && str_set(ret_kid, kid, err);
}

static void exchange_done(struct http_exchange *exchange)
{
	http_response_done(&exchange->response);
}

static bool look_up(struct service *service, const char *url, const char *email, struct deadline deadline,
		    char **ret_kid, struct secret *ret_hmac_key, struct error *err)
{
	struct http_client *client = service_http(service, err);
	CLEANUP(buf_done) struct buf form;
	buf_init(&form, LIMIT_URL);
	if (client == NULL || !eab_email_form(email, &form, err))
		return false;
	CLEANUP(exchange_done)
	struct http_exchange exchange = {
		.request = {.method = HTTP_POST,
			    .url = url,
			    .content_type = "application/x-www-form-urlencoded",
			    .accept = "application/json",
			    .body = buf_cstr(&form),
			    .body_len = form.len,
			    .max_response = LIMIT_JSON_BODY},
	};
	if (!http_send(client, &exchange, 1, deadline, err))
		return false;
	if (!exchange.ok) {
		*err = exchange.error;
		return false;
	}
	const struct http_response *response = &exchange.response;
	if (eab_email_parse(buf_cstr(&response->body), response->body.len, ret_kid, ret_hmac_key, err))
		return true;
	err->http_status = response->status;
	err->transient = response->status >= 500 || response->status == 429;
	return false;
}

/* https, or http to a loopback literal: the HMAC key comes over it. */
static bool check_look_up_url(const char *url, struct error *err)
{
	struct acme_url parsed;
	if (!acme_url_parse(url, &parsed, err))
		return error_attribute(err, ERROR_CONFIG, step_look_up);
	if (!parsed.secure && !acme_url_is_loopback(&parsed))
		return error_set(err, ERROR_CONFIG, step_look_up,
				 "the URL for external account credentials must begin with https://");
	return true;
}

static bool fetch(struct service *service, const struct ca_preset *preset, const char *email, struct deadline deadline,
		  struct account_eab *ret, struct error *err)
{
	const char *override = service_options(service)->eab_email_url;
	const char *url = override != NULL ? override : preset->eab_email_url;
	CLEANUP(secret_done) struct secret hmac_key = {0};
	AUTO_FREE char *kid = NULL;

	log_info("asking %s for external account credentials for %s", preset->title, email);
	struct error unusable = {0};
	bool ok = check_look_up_url(url, err) && look_up(service, url, email, deadline, &kid, &hmac_key, err);
	if (ok && !set(ret, kid, &hmac_key, /* algorithm= */ NULL, &unusable))
		ok = error_set(err, ERROR_CA, step_look_up, "%s",
			       unusable.message); /* its mistake, not the operator's */
	if (!ok) {
		error_context(err, step_look_up, NULL, NULL);
		error_hint(err,
			   "give credentials from %s's website instead: eab: {kid, hmac_key} in the config, or "
			   "--eab-kid and --eab-hmac-key-file",
			   preset->title);
		return false;
	}
	return true;
}

/* --- All sources --- */

static bool none_given(const struct ca_preset *preset, struct error *err)
{
	(void)error_set(err, ERROR_CONFIG, step,
			"%s makes new accounts only with external account credentials, a key id and an HMAC key",
			preset->title);
	error_hint(err,
		   "%s. Give them as eab: {kid, hmac_key} in the config, or with --eab-kid and --eab-hmac-key-file",
		   preset->eab_hint);
	return false;
}

bool account_eab_find(struct service *service, struct acme_session *session, const char *ca_url, const char *email,
		      struct deadline deadline, struct account_eab *ret, struct error *err)
{
	const struct service_options *options = service_options(service);
	const struct config_ca *entry = config_entry(options->config, ca_url);
	const struct ca_preset *preset = ca_preset_find_url(ca_url);
	const struct acme_directory *directory = NULL;

	if (options->eab_kid != NULL)
		return set(ret, options->eab_kid, options->eab_hmac_key, options->eab_algorithm, err);
	if (entry != NULL && entry->eab_kid != NULL)
		return set(ret, entry->eab_kid, &entry->eab_hmac_key, entry->eab_algorithm, err);
	if (preset == NULL || !preset->needs_eab)
		return true; /* the engine tells where a directory wants some */
	/* Terms that were not agreed to come first: nothing is fetched in vain. */
	directory = acme_session_directory(session, deadline, err);
	if (directory == NULL)
		return false;
	if (directory->terms_of_service != NULL && !options->terms_agreed)
		return true;
	if (preset->eab_email_url != NULL && email != NULL)
		return fetch(service, preset, email, deadline, ret, err);
	return none_given(preset, err);
}
