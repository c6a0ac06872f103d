/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds flattened JWS objects. The protected header is written by hand: its members are URLs, nonces and keys whose
 * alphabets need no escaping, which is checked, so that nothing can break out of a string.
 */
#include "acme/jws.h"

#include "base/base64url.h"
#include "base/limits.h"

#include <string.h>

enum { HEADER_MAX = 16 * 1024 };

/* Append `"NAME":"TEXT"` after a comma; fails on anything a JSON string would have to escape. */
static bool append_member(struct buf *out, const char *name, const char *text, struct error *err)
{
	for (const char *c = text; *c != '\0'; c++)
		if (*c < 0x21 || *c > 0x7e || *c == '"' || *c == '\\')
			return error_set(err, ERROR_DATA, NULL, "the %s to be signed holds unusable characters", name);
	buf_printf(out, ",\"%s\":\"%s\"", name, text);
	return true;
}

static bool append_protected(struct buf *out, const struct acme_signer *signer, const struct jws_header *header,
			     struct error *err)
{
	buf_printf(out, "{\"alg\":\"%s\"", signer->alg);
	/* RFC 8555 §6.2: exactly one of jwk and kid. */
	if (header->kid == NULL)
		buf_printf(out, ",\"jwk\":%s", signer->jwk);
	else if (!append_member(out, "kid", header->kid, err))
		return false;
	if (header->nonce != NULL && !append_member(out, "nonce", header->nonce, err))
		return false;
	if (!append_member(out, "url", header->url, err))
		return false;
	buf_char(out, '}');
	return buf_check(out, "JWS header", err);
}

bool jws_build(const struct acme_signer *signer, const struct jws_header *header, const char *payload, struct buf *ret,
	       struct error *err)
{
	CLEANUP(buf_done) struct buf protected, input, signature;
	buf_init(&protected, HEADER_MAX);
	buf_init(&input, (size_t)2 * LIMIT_JSON_BODY);
	buf_init(&signature, 2048);

	if (!append_protected(&protected, signer, header, err))
		return false;

	/* RFC 7515 §5.1: what is signed is the base64url text, a dot between. */
	base64url_encode(&input, protected.data, protected.len);
	size_t protected_len = input.len;
	buf_char(&input, '.');
	base64url_encode(&input, payload, strlen(payload));
	if (!buf_check(&input, "JWS payload", err) ||
	    !signer->sign(signer->ctx, input.data, input.len, &signature, err) ||
	    !buf_check(&signature, "JWS signature", err))
		return false;

	buf_str(ret, "{\"protected\":\"");
	buf_append(ret, input.data, protected_len);
	buf_str(ret, "\",\"payload\":\"");
	buf_str(ret, input.data + protected_len + 1);
	buf_str(ret, "\",\"signature\":\"");
	base64url_encode(ret, signature.data, signature.len);
	buf_str(ret, "\"}");
	return buf_check(ret, "JWS", err);
}
