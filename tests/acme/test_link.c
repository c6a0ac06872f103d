/* SPDX-License-Identifier: Apache-2.0 */
/* Link headers as servers write them. */
#include "acme/link.h"

#include "tests/support/test.h"

#include <string.h>

static const char *find(const char *const *headers, const char *rel, size_t index)
{
	static char found[256];
	struct http_response response = {0};
	struct error err = {0};
	size_t len = 0;
	for (size_t i = 0; headers[i] != NULL; i++)
		CHECK_OK(http_response_add_header(&response, i % 2 ? "link" : "Link", 4, headers[i], strlen(headers[i]),
						  &err),
			 err);
	const char *target = link_find(&response, rel, index, &len);
	CHECK(len < sizeof(found));
	if (target != NULL) {
		memcpy(found, target, len);
		found[len] = '\0';
	}
	http_response_done(&response);
	return target != NULL ? found : NULL;
}

#define FIND(rel, index, ...) find((const char *const[]){__VA_ARGS__, NULL}, rel, index)

TEST(forms_of_an_alternate)
{
	CHECK_STR(FIND("alternate", 0, "<https://example.com/cert/1/2>;rel=\"alternate\""),
		  "https://example.com/cert/1/2");
	CHECK_STR(FIND("alternate", 0,
		       "<https://example.com/dir>;rel=\"index\", <https://example.com/cert/1/2>; rel=alternate"),
		  "https://example.com/cert/1/2");
	CHECK_STR(FIND("alternate", 0, "</cert/1/2>; title=\"a, b; c\"; rel=\"alternate\""), "/cert/1/2");
	CHECK_STR(FIND("alternate", 0, "<https://example.com/cert/1/2>;rel=\"alternate up\""),
		  "https://example.com/cert/1/2");
	CHECK_STR(FIND("up", 0, "<https://example.com/cert/1/2>;rel=\"alternate up\""), "https://example.com/cert/1/2");
}

TEST(several_headers_are_one_list)
{
	CHECK_STR(FIND("alternate", 1, "</1>;rel=alternate, </x>;rel=up", "</2>;REL=Alternate"), "/2");
	CHECK_STR(FIND("alternate", 2, "</1>;rel=alternate, </x>;rel=up", "</2>;REL=Alternate"), NULL);
}

TEST(what_is_no_link)
{
	CHECK_STR(FIND("alternate", 0, ""), NULL);
	CHECK_STR(FIND("alternate", 0, "</1"), NULL);
	CHECK_STR(FIND("alternate", 0, "</1>"), NULL);
	CHECK_STR(FIND("alternate", 0, "</1>;rel=\"alternate"), NULL);
	CHECK_STR(FIND("alternate", 0, "</1>;rel"), NULL);
	CHECK_STR(FIND("alternate", 0, "</1>;rel=alternates"), NULL);
	CHECK_STR(FIND("alternate", 0, "</1>;title=\"rel=alternate\""), NULL);
	CHECK_STR(FIND("alternate", 0, "</1>;title=\"\\\"; rel=alternate\""), NULL);
}

TEST_MAIN()
