/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 8555 §7.4.2: the certificate, and its alternate chains where one is preferred. The default chain comes first and
 * is never lost: whatever is wrong with the others is a note.
 */
#include "acme/chain.h"
#include "acme/flow_internal.h"
#include "acme/link.h"
#include "acme/url.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"

#include <string.h>

enum {
	NOT_FOUND = 404,
	DOWNLOAD_ATTEMPTS = 5,     /* some CAs are valid a moment before the certificate can be had */
	ALTERNATES_MS = 30 * 1000, /* for all of them together: they are not worth the certificate's deadline */
};

static const char step[] = "download";

void acme_certificate_done(struct acme_certificate *certificate)
{
	free(certificate->chain);
	free(certificate->fallback);
	free(certificate->profile);
	*certificate = (struct acme_certificate){0};
}

/* Add the alternates that RESPONSE, the answer to URL, links to: each once, and not the one that is here already. */
static bool collect_alternates(const struct http_response *response, const char *url, struct str_list *ret,
			       struct error *err)
{
	const char *target;
	size_t len = 0;
	for (size_t i = 0; ret->len < LIMIT_ALTERNATES && (target = link_find(response, "alternate", i, &len)) != NULL;
	     i++) {
		struct error reason = {0};
		AUTO_FREE char *alternate = acme_url_resolve(url, target, len, &reason);
		if (alternate == NULL)
			log_debug("an alternate chain is passed over: %s", reason.message);
		else if (!str_equal(alternate, url) && !str_list_add_once(ret, alternate, err))
			return false;
	}
	return true;
}

/* The chain at URL; RET_ALTERNATES, where it is asked for, gets what the answer links to. */
static bool download_once(struct flow *flow, const char *url, struct deadline deadline, char **ret_chain,
			  struct str_list *ret_alternates, struct error *err)
{
	CLEANUP(acme_post_done)
	struct acme_post post = {
		.url = url,
		.accept = "application/pem-certificate-chain",
		.max_response = LIMIT_CHAIN_BODY,
	};
	if (!acme_session_post(flow->session, flow->account, &post, 1, step, deadline, err))
		return false;
	if (post.response.body.len == 0 || strlen(buf_cstr(&post.response.body)) != post.response.body.len)
		return error_set(err, ERROR_CA, step, "the CA sent something else than a certificate");
	if (ret_alternates != NULL && !collect_alternates(&post.response, url, ret_alternates, err))
		return false;
	char *chain = buf_take(&post.response.body, "certificate chain", err);
	if (chain == NULL)
		return false;
	*ret_chain = chain;
	return true;
}

static bool download_default(struct flow *flow, char **ret_chain, struct str_list *ret_alternates, struct error *err)
{
	flow_begin(flow, step);
	pace_restart(&flow->pace);
	for (unsigned attempt = 1;; attempt++) {
		struct error failure = {0};
		if (download_once(flow, flow->order.certificate, flow->deadline, ret_chain, ret_alternates, &failure))
			return true;
		bool passing = failure.http_status == NOT_FOUND || failure.http_status >= 500;
		if (!passing || attempt == DOWNLOAD_ATTEMPTS) {
			*err = failure;
			return false;
		}
		flow_keep_trouble(flow, &failure);
		if (!flow_wait(flow, step, err))
			return false;
	}
}

/* Whether PEM ends under the issuer called NAME. OFFERS, a list for a person, gains the issuer it does end under. */
static bool ends_under(const char *pem, const char *name, struct buf *offers)
{
	struct error ignored = {0};
	char issuer[CHAIN_NAME_SIZE];
	CLEANUP(chain_freep) struct chain *chain = chain_parse(pem, strlen(pem), &ignored);

	if (chain == NULL)
		return false;
	chain_top_issuer(chain, issuer);
	buf_printf(offers, "%s\"%s\"", offers->len > 0 ? ", " : "", issuer);
	return str_equal_nocase(issuer, name);
}

/* The first of ALTERNATES under the preferred issuer takes the default's place in RET. */
static void prefer(struct flow *flow, const struct str_list *alternates, struct acme_certificate *ret)
{
	const char *name = flow->request->preferred_chain;
	struct deadline deadline = deadline_within(flow->deadline, ALTERNATES_MS);
	CLEANUP(buf_done) struct buf offers;
	struct error note = {0};
	buf_init(&offers, LIMIT_JSON_BODY);

	if (ends_under(ret->chain, name, &offers))
		return;
	for (size_t i = 0; i < alternates->len; i++) {
		struct error failure = {0};
		AUTO_FREE char *chain = NULL;
		if (!download_once(flow, alternates->items[i], deadline, &chain, NULL, &failure)) {
			log_debug("an alternate chain cannot be had: %s", failure.message);
		} else if (ends_under(chain, name, &offers)) {
			ret->fallback = ret->chain;
			ret->chain = STEAL(chain);
			return;
		}
	}
	(void)error_set(&note, ERROR_CA, step, "the CA has no chain under the issuer \"%s\": its default is used",
			name);
	error_hint(&note, "its chains end under %s", buf_cstr(&offers));
	flow_note(flow, &note);
}

bool flow_download(struct flow *flow, struct acme_certificate *ret, struct error *err)
{
	CLEANUP(acme_certificate_done) struct acme_certificate certificate = {0};
	CLEANUP(str_list_done) struct str_list alternates = {0};
	bool choosy = flow->request->preferred_chain != NULL;

	if (!str_set(&certificate.profile, flow->order.profile, err) ||
	    !download_default(flow, &certificate.chain, choosy ? &alternates : NULL, err))
		return false;
	if (choosy)
		prefer(flow, &alternates, &certificate);
	*ret = certificate;
	certificate = (struct acme_certificate){0};
	return true;
}
