/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of the user's own, called as certferry, certbot, lego or dehydrated call them: docs/dns-exec.md. */
#ifndef DNS_PROVIDERS_EXEC_H
#define DNS_PROVIDERS_EXEC_H

#include "dns-providers/provider.h"

extern const struct dns_provider_module exec_module;

#endif
