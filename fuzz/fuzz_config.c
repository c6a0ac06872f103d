/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a config: a config without errors, or no config and an error; every finding has its words. */
#include "config/config.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_report report = {0};
	struct error err = {0};
	size_t errors = 0;
	/* What the corpus speaks of; nothing of the machine it runs on. */
	if (setenv("HOME", "/nonexistent", 1) != 0 || setenv("CLOUDFLARE_API_TOKEN", "t", 1) != 0 ||
	    setenv("EAB_HMAC_KEY", "a2V5", 1) != 0 || setenv("SLACK_WEBHOOK", "https://hooks.example/x", 1) != 0)
		abort();
	struct config *config = config_parse((const char *)data, size, "fuzz.yaml", &report, &err);
	for (size_t i = 0; i < report.count; i++) {
		const struct config_issue *issue = &report.issues[i];
		if (issue->path == NULL || issue->message == NULL || issue->message[0] == '\0' ||
		    strchr(issue->message, '\n') != NULL)
			abort();
		errors += issue->is_error;
	}
	if ((config != NULL) != (errors == 0) || (config == NULL) != error_is_set(&err))
		abort();
	for (size_t i = 0; config != NULL && i < config->domain_count; i++) {
		const struct config_domain *domain = &config->domains[i];
		if (!name_is_valid(domain->cert_name) || domain->identifier_count == 0)
			abort();
		for (size_t j = 0; j < domain->servers.len; j++)
			if (config_find_server(config, domain->servers.items[j]) == NULL)
				abort();
	}
	config_report_done(&report);
	config_free(config);
	return 0;
}
