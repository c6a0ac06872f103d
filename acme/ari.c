/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 9773: the certificate's identifier, the one GET, and its answer. Nothing is decided here; what the answer means
 * for a certificate is the service's business.
 */
#include "acme/ari.h"

#include "acme/openssl.h"
#include "base/base64url.h"
#include "base/buf.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"

#include <openssl/asn1.h>
#include <string.h>

static const char step[] = "renewal-info";

enum {
	ID_MAX = 255,  /* two parts of PART_MAX bytes, encoded */
	PART_MAX = 64, /* key identifiers and serial numbers have some 20 bytes each */
	TIME_TEXT_MAX = 64,
};

DEFINE_FREEP(authority_freep, AUTHORITY_KEYID, AUTHORITY_KEYID_free)

/*
 * The content octets of NUMBER's DER, as they stand in the certificate: a leading zero that only keeps the number
 * positive is part of them.
 */
static bool append_serial(struct buf *out, const ASN1_INTEGER *number, struct error *err)
{
	unsigned char *der = NULL;
	int der_len = i2d_ASN1_INTEGER(number, &der), tag = 0, tag_class = 0;
	const unsigned char *content = der;
	long content_len = 0;

	if (der_len <= 0)
		return openssl_error(err, "cannot read the certificate's serial number");
	int flags = ASN1_get_object(&content, &content_len, &tag, &tag_class, der_len);
	if ((flags & 0x80) == 0)
		base64url_encode(out, content, (size_t)content_len);
	OPENSSL_free(der);
	return (flags & 0x80) == 0 || openssl_error(err, "cannot read the certificate's serial number");
}

char *ari_certificate_id(const struct chain *chain, struct error *err)
{
	const X509 *leaf = sk_X509_value(chain->certificates, 0);
	CLEANUP(authority_freep)
	AUTHORITY_KEYID *authority = X509_get_ext_d2i(leaf, NID_authority_key_identifier, NULL, NULL);
	CLEANUP(buf_done) struct buf id;
	buf_init(&id, ID_MAX);

	if (authority == NULL || authority->keyid == NULL || ASN1_STRING_length(authority->keyid) == 0) {
		(void)error_set(err, ERROR_DATA, step, "the certificate does not name its issuer's key");
		return NULL;
	}
	if (ASN1_STRING_length(authority->keyid) > PART_MAX ||
	    ASN1_STRING_length(X509_get0_serialNumber(leaf)) > PART_MAX) {
		(void)error_set(err, ERROR_DATA, step, "the certificate's numbers are longer than any CA's");
		return NULL;
	}
	base64url_encode(&id, ASN1_STRING_get0_data(authority->keyid), (size_t)ASN1_STRING_length(authority->keyid));
	buf_char(&id, '.');
	if (!append_serial(&id, X509_get0_serialNumber(leaf), err))
		return NULL;
	return buf_take(&id, "certificate identifier", err);
}

char *ari_url(const char *base, const char *id, struct error *err)
{
	size_t len = strlen(base);
	while (len > 0 && base[len - 1] == '/')
		len--;
	return str_format(err, "%.*s/%s", (int)len, base, id);
}

void ari_info_done(struct ari_info *info)
{
	free(info->explanation);
	*info = (struct ari_info){0};
}

static bool parse_time(const json_t *window, const char *key, int64_t *ret, struct error *err)
{
	const char *text = NULL;
	if (!json_need_str(window, key, TIME_TEXT_MAX, &text, err))
		return false;
	return rfc3339_parse(text, strlen(text), ret) ||
	       error_set(err, ERROR_DATA, NULL, "the suggested window's \"%s\" is no time", key);
}

/* Only to be shown: one that is too long or no text at all costs no more than itself. */
static bool keep_explanation(const json_t *root, struct ari_info *info, struct error *err)
{
	char safe[LIMIT_URL];
	const char *text = json_string_value(json_object_get(root, "explanationURL"));
	return str_is_empty(text) || str_set(&info->explanation, escape_str(safe, sizeof(safe), text), err);
}

bool ari_parse(const char *text, size_t len, struct ari_info *ret, struct error *err)
{
	AUTO_JSON json_t *root = json_read(text, len, "renewal information", err);
	const json_t *window = NULL;
	CLEANUP(ari_info_done) struct ari_info info = {0};

	if (root == NULL || !json_opt_object(root, "suggestedWindow", &window, err))
		return false;
	if (window == NULL)
		return error_set(err, ERROR_DATA, NULL, "the renewal information has no suggestedWindow");
	if (!parse_time(window, "start", &info.start, err) || !parse_time(window, "end", &info.end, err))
		return false;
	if (info.end <= info.start)
		return error_set(err, ERROR_DATA, NULL, "the suggested window ends before it begins");
	if (!keep_explanation(root, &info, err))
		return false;
	*ret = info;
	info = (struct ari_info){0};
	return true;
}

int64_t ari_retry_after(const struct http_response *response, int64_t now)
{
	const char *header = http_response_header(response, "Retry-After", 0);
	int64_t seconds = 0;
	if (header == NULL || !retry_after_parse(header, now, &seconds))
		return LIMIT_ARI_RETRY_LATER;
	if (seconds < LIMIT_ARI_RETRY_LEAST)
		return LIMIT_ARI_RETRY_LEAST;
	return seconds < LIMIT_ARI_RETRY_MOST ? seconds : LIMIT_ARI_RETRY_MOST;
}

bool acme_renewal_info(struct acme_session *session, const char *id, struct deadline deadline, struct ari_info *ret,
		       bool *ret_offered, struct error *err)
{
	const struct acme_port *port = acme_session_port(session);
	CLEANUP(http_response_done) struct http_response response = {0};
	CLEANUP(ari_info_done) struct ari_info info = {0};

	*ret_offered = true;
	const struct acme_directory *directory = acme_session_directory(session, deadline, err);
	if (directory == NULL)
		return false;
	*ret_offered = directory->renewal_info != NULL;
	if (!*ret_offered)
		return false;
	AUTO_FREE char *url = ari_url(directory->renewal_info, id, err);
	if (url == NULL || !acme_session_get(session, url, step, deadline, &response, err))
		return false;
	if (!ari_parse(buf_cstr(&response.body), response.body.len, &info, err)) {
		error_said(err, buf_cstr(&response.body), response.body.len < 200 ? response.body.len : 200);
		return error_attribute(err, ERROR_CA, step);
	}
	info.retry_after = ari_retry_after(&response, port->now(port->ctx));
	*ret = info;
	info = (struct ari_info){0};
	return true;
}

bool ari_is_passing(const struct error *err)
{
	return err->transient || err->category == ERROR_TIMEOUT || err->http_status >= 500;
}
