/* SPDX-License-Identifier: Apache-2.0 */
/* XML answers: what is read, and what is refused before it can cost anything. */
#include "base/buf.h"
#include "base/limits.h"
#include "dns-providers/xml.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static bool note(void *ctx, const char *path, const char *text, struct error *err)
{
	struct buf *seen = ctx;
	buf_printf(seen, "%s=%s;", path, text);
	if (strcmp(text, "stop") == 0)
		return error_set(err, ERROR_DATA, NULL, "as told");
	return true;
}

static bool read_all(const char *text, struct buf *seen, struct error *err)
{
	buf_init(seen, 1024 * 1024);
	return xml_read(text, strlen(text), "the answer", note, seen, err);
}

TEST(elements_come_at_their_ends_with_their_paths)
{
	struct buf seen;
	struct error err = {0};
	CHECK_OK(read_all("<?xml version=\"1.0\"?>\n<R xmlns=\"https://x/\">\n <z:A xmlns:z=\"u\">\n  <Id> "
			  "/hostedzone/Z1 </Id>"
			  "<Name>a&amp;b<![CDATA[<c>]]></Name>\n </z:A>\n <E/>\n</R>\n",
			  &seen, &err),
		 err);
	CHECK_STR(buf_cstr(&seen), "R/A/Id=/hostedzone/Z1;R/A/Name=a&b<c>;R/A=;R/E=;R=;");
	buf_done(&seen);
}

TEST(the_callers_refusal_is_the_error)
{
	struct buf seen;
	struct error err = {0};
	CHECK(!read_all("<R><A>stop</A><B>b</B></R>", &seen, &err));
	CHECK_STR(err.message, "as told");
	CHECK_STR(buf_cstr(&seen), "R/A=stop;");
	buf_done(&seen);
}

static void check_refused(const char *text, const char *why)
{
	struct buf seen;
	struct error err = {0};
	CHECK(!read_all(text, &seen, &err));
	CHECK_INT(err.category, ERROR_DATA);
	CHECK_CONTAINS(err.message, "the answer");
	CHECK_CONTAINS(err.message, why);
	buf_done(&seen);
}

TEST(what_is_no_xml_is_refused)
{
	check_refused("", "no well-formed XML");
	check_refused("{\"json\":true}", "no well-formed XML");
	check_refused("<R><A></R>", "line 1");
	check_refused("<R>\n<A>half", "no well-formed XML");
	check_refused("<R/><R/>", "no well-formed XML");
}

TEST(document_types_and_their_entities_are_refused)
{
	check_refused("<!DOCTYPE html><html><body/></html>", "document type");
	check_refused("<!DOCTYPE r [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><r>&b;</r>", "document type");
	check_refused("<!DOCTYPE r [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><r>&f;</r>", "document type");
}

TEST(caps_hold_at_the_cap_and_one_above)
{
	static char text[4 * LIMIT_XML_TEXT];
	struct buf seen;
	struct error err = {0};
	for (int above = 0; above < 2; above++) {
		text[0] = '\0';
		for (int i = 0; i < LIMIT_XML_DEPTH + above; i++)
			(void)snprintf(text + strlen(text), 16, "<a>");
		for (int i = 0; i < LIMIT_XML_DEPTH + above; i++)
			(void)snprintf(text + strlen(text), 16, "</a>");
		if (above)
			check_refused(text, "nests too deep");
		else
			CHECK_OK(read_all(text, &seen, &err), err);
		if (!above)
			buf_done(&seen);

		(void)snprintf(text, sizeof(text), "<a>%*s</a>", LIMIT_XML_TEXT + above, "x");
		if (above)
			check_refused(text, "too much text");
		else
			CHECK_OK(read_all(text, &seen, &err), err);
		if (!above)
			buf_done(&seen);

		size_t len = (size_t)snprintf(text, sizeof(text), "<a>");
		for (int i = 1; i < LIMIT_XML_ELEMENTS + above; i++, len += 4)
			memcpy(text + len, "<b/>", 5);
		(void)snprintf(text + len, sizeof(text) - len, "</a>");
		if (above)
			check_refused(text, "too many elements");
		else
			CHECK_OK(read_all(text, &seen, &err), err);
		if (!above)
			buf_done(&seen);
	}
}

TEST_MAIN()
