/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An account's orders, page by page.
 */
#include "acme/account_orders.h"

#include "acme/link.h"
#include "acme/url.h"
#include "base/json.h"
#include "base/limits.h"

#include <string.h>

static const char step[] = "orders";

bool account_orders_parse(const char *text, size_t len, struct str_list *ret, struct error *err)
{
	AUTO_JSON json_t *root = json_read(text, len, "list of orders", err);
	const json_t *list = NULL;
	size_t i;
	json_t *item;

	if (root == NULL || !json_opt_array(root, "orders", &list, err))
		return false;
	json_array_foreach(list, i, item)
	{
		const char *url = json_string_value(item);
		if (url == NULL || strlen(url) > LIMIT_URL)
			return error_set(err, ERROR_DATA, NULL, "an order in the list is no URL");
		if (!str_list_add(ret, url, err))
			return false;
	}
	return true;
}

/* The page at *URL into RET; *URL becomes the next one's, NULL after the last. */
static bool read_page(struct acme_session *session, const struct acme_identity *account, char **url,
		      struct deadline deadline, struct str_list *ret, struct error *err)
{
	CLEANUP(acme_post_done) struct acme_post post = {.url = *url};
	size_t len = 0;

	if (!acme_session_post(session, account, &post, 1, step, deadline, err))
		return false;
	if (!account_orders_parse(buf_cstr(&post.response.body), post.response.body.len, ret, err))
		return error_attribute(err, ERROR_CA, step);
	const char *target = link_find(&post.response, "next", 0, &len);
	char *next = target != NULL ? acme_url_resolve(*url, target, len, err) : NULL;
	if (target != NULL && next == NULL)
		return error_attribute(err, ERROR_CA, step);
	free(*url);
	*url = next;
	return true;
}

bool acme_account_orders(struct acme_session *session, const struct acme_identity *account, const char *url,
			 struct deadline deadline, struct str_list *ret, bool *ret_more, struct error *err)
{
	CLEANUP(str_list_done) struct str_list orders = {0};
	AUTO_FREE char *page = NULL;

	if (!str_set(&page, url, err))
		return false;
	for (unsigned pages = 0; page != NULL && pages < LIMIT_ORDER_PAGES; pages++)
		if (!read_page(session, account, &page, deadline, &orders, err))
			return false;
	*ret_more = page != NULL;
	*ret = orders;
	orders = (struct str_list){0};
	return true;
}
