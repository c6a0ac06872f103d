/* SPDX-License-Identifier: Apache-2.0 */
/* Lines chosen by what a server is, and what it says that it is. */
#include "transport/site_text.h"

#include "base/str.h"

#include <string.h>

enum {
	HTTP2_ON_SINCE = 1025001, /* nginx 1.25.1 */
	HYBRID_SINCE = 3005000,   /* OpenSSL 3.5.0 */
};

static bool is_condition(char c)
{
	return c >= SITE_IPV6[0] && c <= SITE_VERSION_OPEN[0];
}

static bool holds(char condition, const struct site_facts *facts)
{
	return condition == SITE_IPV6[0]         ? !facts->no_ipv6
	       : condition == SITE_HTTP2_ON[0]   ? facts->http2_on
	       : condition == SITE_HTTP2_WORD[0] ? !facts->http2_on
	       : condition == SITE_HYBRID[0]     ? facts->hybrid
	       : condition == SITE_NO_HYBRID[0]  ? !facts->hybrid
						 : !facts->version_known;
}

static void put_line(const char *line, size_t len, const struct site_facts *facts, struct buf *out)
{
	const char *trusted = memchr(line, SITE_TRUSTED[0], len);

	if (trusted == NULL) {
		buf_append(out, line, len);
		return;
	}
	buf_append(out, line, (size_t)(trusted - line));
	buf_str(out, facts->trusted != NULL ? facts->trusted : SITE_TRUSTED_USUAL);
	buf_append(out, trusted + 1, len - (size_t)(trusted - line) - 1);
}

void site_text_render(const char *text, const struct site_facts *facts, struct buf *out)
{
	while (*text != '\0') {
		bool wanted = true;
		for (; is_condition(*text); text++)
			wanted = wanted && holds(*text, facts);
		size_t len = strcspn(text, "\n");
		len += text[len] == '\n' ? 1 : 0;
		if (wanted)
			put_line(text, len, facts, out);
		text += len;
	}
}

/* "1.25.1" at AT, before END. */
static uint32_t read_version(const char *at, const char *end)
{
	enum { PARTS = 3, PART_MAX = 999 };
	uint32_t version = 0;

	for (int part = 0; part < PARTS; part++) {
		size_t digits = 0;
		uint64_t number = 0;
		while (at + digits < end && at[digits] >= '0' && at[digits] <= '9')
			digits++;
		if (!parse_u64(at, digits, PART_MAX, &number))
			return 0;
		version = version * (PART_MAX + 1) + (uint32_t)number;
		at += digits;
		if (part + 1 < PARTS && (at == end || *at++ != '.'))
			return 0;
	}
	return version;
}

uint32_t site_version(const char *text, size_t len, const char *name)
{
	const char *at = text, *end = text + len;
	uint32_t version = 0;

	while ((at = memmem(at, (size_t)(end - at), name, strlen(name))) != NULL) {
		at += strlen(name);
		uint32_t seen = read_version(at, end);
		version = seen != 0 ? seen : version;
	}
	return version;
}

void site_facts_read(const char *text, size_t len, struct site_facts *ret)
{
	uint32_t nginx = site_version(text, len, "nginx/");
	ret->version_known = nginx != 0;
	ret->http2_on = nginx >= HTTP2_ON_SINCE;
	ret->hybrid = site_version(text, len, "OpenSSL ") >= HYBRID_SINCE;
}
