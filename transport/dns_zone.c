/* SPDX-License-Identifier: Apache-2.0 */
/* Where a name leads, and which zone holds it: CNAMEs one hop at a time, labels from the longest up. */
#include "transport/dns_zone.h"

#include "base/limits.h"

#include <string.h>

enum { NAME_SIZE = 256 };

bool dns_name_is_within(const char *name, const char *zone)
{
	size_t name_len = strlen(name), zone_len = strlen(zone);
	if (zone_len == 0 || zone_len > name_len || !str_equal_nocase(name + name_len - zone_len, zone))
		return false;
	return zone_len == name_len || name[name_len - zone_len - 1] == '.';
}

static bool copy_name(char ret[NAME_SIZE], const char *name, struct error *err)
{
	size_t len = strlen(name);
	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0 || len >= NAME_SIZE)
		return error_set(err, ERROR_DNS, NULL, "malformed DNS name");
	memcpy(ret, name, len);
	ret[len] = '\0';
	return true;
}

bool dns_follow_aliases(struct dns_resolver *resolver, const char *name, struct deadline deadline, char ret[256],
			struct error *err)
{
	CLEANUP(str_list_done) struct str_list seen = {0};
	char current[NAME_SIZE] = "";
	if (!copy_name(current, name, err))
		return false;
	for (int hops = 0; hops <= LIMIT_DNS_CNAME_HOPS; hops++) {
		CLEANUP(dns_answer_done) struct dns_answer answer = {0};
		if (str_list_has(&seen, current))
			return error_set(err, ERROR_DNS, NULL, "the CNAME records of %s lead in a circle", name);
		if (!str_list_add(&seen, current, err) ||
		    !dns_query(resolver, current, DNS_TYPE_CNAME, deadline, &answer, err))
			return false;
		if (answer.alias[0] == '\0') {
			memcpy(ret, current, sizeof(current));
			return true;
		}
		memcpy(current, answer.alias, sizeof(current));
	}
	return error_set(err, ERROR_DNS, NULL, "more than %d CNAME records lead away from %s", LIMIT_DNS_CNAME_HOPS,
			 name);
}

bool dns_find_zone(struct dns_resolver *resolver, const char *name, struct deadline deadline, char ret[256],
		   struct error *err)
{
	char plain[NAME_SIZE] = "";
	if (!copy_name(plain, name, err))
		return false;
	for (const char *candidate = plain; candidate != NULL;) {
		CLEANUP(dns_answer_done) struct dns_answer answer = {0};
		if (!dns_query(resolver, candidate, DNS_TYPE_SOA, deadline, &answer, err))
			return false;
		/* An SOA from elsewhere, such as that of a CNAME's target, says nothing about NAME. */
		if (dns_name_is_within(plain, answer.zone)) {
			memcpy(ret, answer.zone, sizeof(answer.zone));
			return true;
		}
		candidate = strchr(candidate, '.');
		if (candidate != NULL)
			candidate++;
	}
	return error_set(err, ERROR_DNS, NULL, "no DNS zone was found for %s", name);
}
