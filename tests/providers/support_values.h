/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of every vendor's module do: add and remove values at one name, look for zones, write side by side. */
#ifndef TESTS_PROVIDERS_SUPPORT_VALUES_H
#define TESTS_PROVIDERS_SUPPORT_VALUES_H

#include "dns-providers/registry.h"

#include <stddef.h>

/* Far enough off for any stand-in's answer, near enough to end a test that hangs. */
struct deadline soon(void);

/* One name of a zone, as its vendor knows it. All borrowed. */
struct values_place {
	const struct dns_provider_module *module;
	const char *zone_id;
	const char *name;
};

/* These must work, and give no handle: the vendor's unit is the set of values. */
void values_add(const struct values_place *place, struct dns_provider *provider, const char *value);
void values_remove(const struct values_place *place, struct dns_provider *provider, const char *value);

/* NAME's zone must be found: its id, malloc'd; its apex must be APEX unless that is NULL. */
char *values_find_zone(const struct dns_provider_module *module, struct dns_provider *provider, const char *name,
		       const char *apex);

/* It must not be: the error. */
struct error values_look_in_vain(const struct dns_provider_module *module, struct dns_provider *provider,
				 const char *name);

enum { VALUES_HOSTS = 4 };

/* VALUES_HOSTS instances made by OPEN each write "host-N" at PLACE, all at once, and are closed. */
void values_write_at_once(const struct values_place *place, struct dns_provider *(*open)(void));

#endif
