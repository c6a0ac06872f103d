/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Route 53's XML. Both listings only begin at the name asked for: without a match they go on with what follows it, so
 * every name is compared.
 */
#include "base/limits.h"
#include "base/str.h"
#include "dns-providers/route53.h"
#include "dns-providers/xml.h"

#include <stdio.h>
#include <string.h>

#define ZONE "ListHostedZonesByNameResponse/HostedZones/HostedZone"
#define SET "ListResourceRecordSetsResponse/ResourceRecordSets/ResourceRecordSet"
#define ID_PREFIX "/hostedzone/"

enum { VALUES_MAX = 1000, TTL_MAX = INT32_MAX };

static const char *const WHAT = "the API's answer";

/* "Example.com." is example.com. */
static bool is_name(const char *absolute, const char *name)
{
	size_t len = strlen(name);
	return strlen(absolute) == len + 1 && absolute[len] == '.' && strncasecmp(absolute, name, len) == 0;
}

struct zone_reading {
	const char *name;
	struct route53_zones zones;
	/* Of the zone that is being read. */
	char id[ROUTE53_ID_MAX];
	bool named, is_private;
};

static bool end_zone(struct zone_reading *reading, struct error *err)
{
	if (reading->named && reading->is_private) {
		reading->zones.private_count++;
	} else if (reading->named) {
		if (!provider_id_is_valid(reading->id))
			return error_set(err, ERROR_DATA, NULL, "%s has a malformed id", WHAT);
		if (reading->zones.public_count++ == 0)
			memcpy(reading->zones.id, reading->id, sizeof(reading->id));
	}
	reading->named = reading->is_private = false;
	reading->id[0] = '\0';
	return true;
}

static bool on_zone(void *ctx, const char *path, const char *text, struct error *err)
{
	struct zone_reading *reading = ctx;
	if (str_equal(path, ZONE "/Id"))
		(void)snprintf(reading->id, sizeof(reading->id), "%s",
			       str_starts(text, ID_PREFIX) ? text + strlen(ID_PREFIX) : text);
	else if (str_equal(path, ZONE "/Name"))
		reading->named = is_name(text, reading->name);
	else if (str_equal(path, ZONE "/Config/PrivateZone"))
		reading->is_private = str_equal(text, "true");
	else if (str_equal(path, ZONE))
		return end_zone(reading, err);
	else if (strchr(path, '/') == NULL && !str_equal(path, "ListHostedZonesByNameResponse"))
		return error_set(err, ERROR_DATA, NULL, "%s is no list of zones", WHAT);
	return true;
}

bool route53_read_zones(const char *text, size_t len, const char *name, struct route53_zones *ret, struct error *err)
{
	struct zone_reading reading = {.name = name};
	if (!xml_read(text, len, WHAT, on_zone, &reading, err))
		return false;
	*ret = reading.zones;
	return true;
}

struct set_reading {
	const char *name;
	struct provider_set found;
	bool routed;
	/* Of the set that is being read. */
	struct provider_set set;
	bool named, is_txt, has_identifier, has_ttl;
};

static void set_reading_done(struct set_reading *reading)
{
	provider_set_done(&reading->found);
	provider_set_done(&reading->set);
}

static bool end_set(struct set_reading *reading, struct error *err)
{
	bool concerns = reading->named && reading->is_txt, plain = !reading->has_identifier;
	if (concerns && plain) {
		if (reading->found.values.len > 0 || reading->set.values.len == 0 || !reading->has_ttl)
			return error_set(err, ERROR_DATA, NULL, "%s has an odd record set", WHAT);
		reading->found = reading->set;
		reading->set = (struct provider_set){0};
	}
	reading->routed = reading->routed || (concerns && !plain);
	provider_set_done(&reading->set);
	reading->named = reading->is_txt = reading->has_identifier = reading->has_ttl = false;
	return true;
}

static bool take_ttl(struct set_reading *reading, const char *text, struct error *err)
{
	uint64_t ttl = 0;
	if (!parse_u64(text, strlen(text), TTL_MAX, &ttl))
		return error_set(err, ERROR_DATA, NULL, "%s has a malformed TTL", WHAT);
	reading->set.ttl = (int64_t)ttl;
	reading->has_ttl = true;
	return true;
}

static bool on_set(void *ctx, const char *path, const char *text, struct error *err)
{
	struct set_reading *reading = ctx;
	if (str_equal(path, SET "/Name"))
		reading->named = is_name(text, reading->name);
	else if (str_equal(path, SET "/Type"))
		reading->is_txt = str_equal(text, "TXT");
	else if (str_equal(path, SET "/SetIdentifier"))
		reading->has_identifier = true;
	else if (str_equal(path, SET "/TTL"))
		return take_ttl(reading, text, err);
	else if (str_equal(path, SET "/ResourceRecords/ResourceRecord/Value"))
		return reading->set.values.len < VALUES_MAX
			       ? str_list_add(&reading->set.values, text, err)
			       : error_set(err, ERROR_DATA, NULL, "%s has too many values", WHAT);
	else if (str_equal(path, SET))
		return end_set(reading, err);
	else if (strchr(path, '/') == NULL && !str_equal(path, "ListResourceRecordSetsResponse"))
		return error_set(err, ERROR_DATA, NULL, "%s is no list of record sets", WHAT);
	return true;
}

bool route53_read_set(const char *text, size_t len, const char *name, struct provider_set *ret, bool *ret_routed,
		      struct error *err)
{
	CLEANUP(set_reading_done) struct set_reading reading = {.name = name};
	if (!xml_read(text, len, WHAT, on_set, &reading, err))
		return false;
	*ret_routed = reading.routed;
	*ret = reading.found;
	reading.found = (struct provider_set){0};
	return true;
}

static bool on_change(void *ctx, const char *path, const char *text, struct error *err)
{
	bool *pending = ctx;
	(void)err;
	if (str_equal(path, "ChangeResourceRecordSetsResponse/ChangeInfo/Status"))
		*pending = str_equal(text, "PENDING") || str_equal(text, "INSYNC");
	return true;
}

bool route53_read_change(const char *text, size_t len, struct error *err)
{
	bool pending = false;
	if (!xml_read(text, len, WHAT, on_change, &pending, err))
		return false;
	return pending || error_set(err, ERROR_DATA, NULL, "%s tells of no change", WHAT);
}

static void add_escaped(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			buf_str(out, "&amp;");
		else if (*text == '<')
			buf_str(out, "&lt;");
		else if (*text == '>')
			buf_str(out, "&gt;");
		else
			buf_char(out, *text);
	}
}

/* Elements in the order of the API's schema, which is the order it wants. */
static void add_change(struct buf *out, const char *action, const char *name, const struct provider_set *set)
{
	if (set->values.len == 0)
		return;
	buf_printf(out, "<Change><Action>%s</Action><ResourceRecordSet><Name>", action);
	add_escaped(out, name);
	buf_printf(out, ".</Name><Type>TXT</Type><TTL>%lld</TTL><ResourceRecords>", (long long)set->ttl);
	for (size_t i = 0; i < set->values.len; i++) {
		buf_str(out, "<ResourceRecord><Value>");
		add_escaped(out, set->values.items[i]);
		buf_str(out, "</Value></ResourceRecord>");
	}
	buf_str(out, "</ResourceRecords></ResourceRecordSet></Change>");
}

bool route53_write_batch(const char *name, const struct provider_set *was, const struct provider_set *next,
			 struct buf *out, struct error *err)
{
	buf_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		     "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">"
		     "<ChangeBatch><Changes>");
	add_change(out, "DELETE", name, was);
	add_change(out, "CREATE", name, next);
	buf_str(out, "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
	return buf_check(out, "change batch", err);
}
