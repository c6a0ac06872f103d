/* SPDX-License-Identifier: Apache-2.0 */
/* `renewal`, `notifications` and `monitoring`: what the table of keys does not say about them. */
#include "config/config-internal.h"
#include "config/schema.h"

#define DEFAULT_SCHEDULE "@daily"
#define DEFAULT_DASHBOARD "127.0.0.1"

static bool lists_event(const struct node *on, const char *event)
{
	if (on == NULL)
		return true;
	if (on->kind == NODE_SCALAR)
		return str_equal(on->text, event);
	for (size_t i = 0; i < on->count; i++)
		if (str_equal(on->children[i]->text, event))
			return true;
	return false;
}

static void read_events(const struct node *on, struct config_notifications *notifications)
{
	notifications->on_failure = lists_event(on, "failure");
	notifications->on_expiring = lists_event(on, "expiring");
	notifications->on_deployed = lists_event(on, "deployed");
	notifications->on_recovered = lists_event(on, "recovered");
}

bool config_build_times(struct config_build *b, const struct node *root)
{
	struct config *config = b->config;
	const struct node *node = yaml_tree_child(root, "notifications");
	config->notifications.email_set = yaml_tree_child(node, "email") != NULL;
	config->notifications.slack_set = yaml_tree_child(node, "slack") != NULL;
	config->notifications.pagerduty_set = yaml_tree_child(node, "pagerduty") != NULL;
	config->notifications.webhook_set = yaml_tree_child(node, "webhook") != NULL;
	read_events(yaml_tree_child(node, "on"), &config->notifications);
	if (config->monitoring.address == NULL && !str_set(&config->monitoring.address, DEFAULT_DASHBOARD, b->err))
		return false;
	return config->renewal.schedule != NULL || str_set(&config->renewal.schedule, DEFAULT_SCHEDULE, b->err);
}
