/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to a checked config, in three passes: YAML to a tree, the tree against the table of keys, and the typed parts.
 * The passes report everything they find; only a file without errors becomes a config.
 */
#include "config/config-internal.h"
#include "config/schema.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PASSWD_MAX = 16 * 1024,
	DAYS_BEFORE_EXPIRY = 30,
	RETRY_ATTEMPTS = 3,
	HOOK_TIMEOUT = 300,
	DASHBOARD_PORT = 3001,
	CHECK_INTERVAL = 3600
};

static void build_done(struct config_build *b)
{
	config_free(b->config);
	free(b->folder);
	free(b->home);
	free(b->user);
	free(b->server_names);
	str_list_done(&b->told);
}

/* Who runs this, and where "~/" is. */
static bool find_user(struct config_build *b)
{
	char *memory AUTO_FREE = malloc(PASSWD_MAX);
	struct passwd entry, *found = NULL;
	const char *home = getenv("HOME");
	if (memory == NULL)
		return error_oom(b->err);
	if (getpwuid_r(geteuid(), &entry, memory, PASSWD_MAX, &found) != 0)
		found = NULL;
	if (str_is_empty(home) && found != NULL)
		home = found->pw_dir;
	return str_set(&b->home, str_is_empty(home) ? NULL : home, b->err) &&
	       str_set(&b->user, found != NULL ? found->pw_name : "root", b->err);
}

static bool begin(struct config_build *b)
{
	const char *slash = strrchr(b->file, '/');
	if (!find_user(b) ||
	    !str_set_n(&b->folder, b->file, slash != NULL ? (size_t)(slash - b->file) + 1 : 0, b->err) ||
	    !config_allocate(&b->config, 1, sizeof(*b->config), b->err))
		return false;
	b->config->renewal.days_before_expiry = DAYS_BEFORE_EXPIRY;
	b->config->renewal.retry_attempts = RETRY_ATTEMPTS;
	b->config->renewal.hook_timeout = HOOK_TIMEOUT;
	b->config->monitoring.port = DASHBOARD_PORT;
	b->config->monitoring.check_interval = CHECK_INTERVAL;
	return str_set(&b->config->path, b->file, b->err);
}

/* The mapping that holds the keys: the file's own, or what `ssl:` has. NULL in *RET when it was reported as missing. */
static bool find_top(struct config_build *b, struct node *root, struct node **ret)
{
	*ret = NULL;
	if (root == NULL || yaml_tree_is_null(root))
		return report_error(b, root, "the file is empty");
	if (root->kind != NODE_MAP)
		return report_error(b, root,
				    "the file is no mapping: it consists of lines such as \"email: you@example.com\"");
	struct node *ssl = yaml_tree_child(root, "ssl");
	if (ssl == NULL) {
		*ret = root;
		return true;
	}
	for (size_t i = 0; i < root->count; i++) {
		const struct node *child = root->children[i];
		char shown[REPORT_SHOWN_MAX];
		if (child->duplicate_of > 0) {
			if (!report_key_error(b, child, "the key \"%s\" stands in line %d already",
					      report_shown(shown, child->key), child->duplicate_of))
				return false;
		} else if (child != ssl &&
			   !report_key_error(b, child, "\"%s\" stands beside ssl; all keys belong below it",
					     report_shown(shown, child->key))) {
			return false;
		}
	}
	if (ssl->kind != NODE_MAP)
		return report_error(b, ssl, "a mapping with the keys of this file is needed here");
	*ret = ssl;
	return true;
}

static bool build(struct config_build *b, struct node *root)
{
	struct node *top = NULL;
	if (!find_top(b, root, &top))
		return false;
	if (top == NULL)
		return true;
	return schema_check(b, top) && schema_read(b, top, "", b->config) && config_build_times(b, top) &&
	       config_build_cas(b, top) && config_build_dns_providers(b, top) && config_build_servers(b, top) &&
	       config_build_server_names(b, top) && config_build_domains(b, top) && config_build_routes(b, top) &&
	       config_find_places(b, top);
}

struct config *config_parse_mode(const char *text, size_t len, const char *file, mode_t mode,
				 struct config_report *report, struct error *err)
{
	struct config_build b CLEANUP(build_done) = {.file = file, .file_mode = mode, .report = report, .err = err};
	struct node *root CLEANUP(yaml_tree_freep) = NULL;
	struct config_position position = {0};
	struct error broken = {0};
	if (!begin(&b))
		return NULL;
	if (!yaml_tree_read(text, len, &root, &position, &broken)) {
		if (broken.category == ERROR_INTERNAL)
			(void)error_oom(err);
		else if (report_error_at(&b, position, broken.message))
			(void)!report_finish(&b);
		return NULL;
	}
	if (!build(&b, root) || !report_finish(&b))
		return NULL;
	return STEAL(b.config);
}

struct config *config_parse(const char *text, size_t len, const char *file, struct config_report *report,
			    struct error *err)
{
	return config_parse_mode(text, len, file, /* mode= */ 0, report, err);
}
