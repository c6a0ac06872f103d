/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small part of XML that services answer in: elements and their text. Bounded in depth and size; document types,
 * and with them entities, are refused. Pure and fuzzed. expat underneath.
 */
#ifndef DNS_PROVIDERS_XML_H
#define DNS_PROVIDERS_XML_H

#include "base/compiler.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * One element at its end, so that inner ones come before outer ones. PATH is the names from the root on, joined by "/",
 * without prefixes: "ListHostedZonesResponse/HostedZones/HostedZone/Id". TEXT is its own text without surrounding white
 * space ("" for an element that holds others). False, with ERR set, ends the reading.
 */
typedef bool xml_element(void *ctx, const char *path, const char *text, struct error *err);

/* False, as ERROR_DATA naming WHAT, when it is not well-formed or beyond the caps of limits.h. */
MUST_CHECK bool xml_read(const char *text, size_t len, const char *what, xml_element *on_element, void *ctx,
			 struct error *err);

#endif
