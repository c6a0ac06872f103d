/* SPDX-License-Identifier: Apache-2.0 */
/* Values and zones, through any module. */
#include "tests/providers/support_values.h"

#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct deadline soon(void)
{
	return deadline_in(20 * 1000, /* cancel= */ NULL);
}

void values_add(const struct values_place *place, struct dns_provider *provider, const char *value)
{
	struct error err = {0};
	char *record = NULL;
	CHECK_OK(place->module->add_txt(provider, place->zone_id, place->name, value, soon(), &record, &err), err);
	CHECK(record == NULL);
}

void values_remove(const struct values_place *place, struct dns_provider *provider, const char *value)
{
	struct error err = {0};
	CHECK_OK(place->module->remove_txt(provider, place->zone_id, place->name, value, NULL, soon(), &err), err);
}

char *values_find_zone(const struct dns_provider_module *module, struct dns_provider *provider, const char *name,
		       const char *apex)
{
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	CHECK_OK(module->find_zone(provider, name, soon(), &id, &zone, &err), err);
	if (apex != NULL)
		CHECK_STR(zone, apex);
	free(zone);
	return id;
}

struct error values_look_in_vain(const struct dns_provider_module *module, struct dns_provider *provider,
				 const char *name)
{
	struct error err = {0};
	char *id = NULL, *zone = NULL;
	CHECK(!module->find_zone(provider, name, soon(), &id, &zone, &err));
	CHECK(id == NULL && zone == NULL);
	return err;
}

struct writer {
	pthread_t thread;
	const struct values_place *place;
	struct dns_provider *provider;
	char value[32];
};

static void *write_one(void *ctx)
{
	struct writer *writer = ctx;
	values_add(writer->place, writer->provider, writer->value);
	return NULL;
}

void values_write_at_once(const struct values_place *place, struct dns_provider *(*open)(void))
{
	struct writer writers[VALUES_HOSTS];
	for (size_t i = 0; i < VALUES_HOSTS; i++) {
		writers[i] = (struct writer){.place = place, .provider = open()};
		(void)snprintf(writers[i].value, sizeof(writers[i].value), "host-%zu", i);
	}
	for (size_t i = 0; i < VALUES_HOSTS; i++)
		CHECK_INT(pthread_create(&writers[i].thread, NULL, write_one, &writers[i]), 0);
	for (size_t i = 0; i < VALUES_HOSTS; i++) {
		(void)pthread_join(writers[i].thread, NULL);
		place->module->close(writers[i].provider);
	}
}
