/* SPDX-License-Identifier: Apache-2.0 */
/* Checked values into typed members, by the table's offsets. A member that the file leaves out keeps its default. */
#include "config/schema.h"

#include <string.h>

bool schema_bool(const char *text, bool *ret)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {{"true", true}, {"false", false}, {"yes", true}, {"no", false}, {"on", true}, {"off", false}};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_equal_nocase(words[i].word, text)) {
			*ret = words[i].value;
			return true;
		}
	return false;
}

bool schema_mode(const char *text, uint32_t *ret, struct error *err)
{
	uint32_t mode = 0;
	char shown[REPORT_SHOWN_MAX];
	size_t len = strlen(text);
	(void)report_shown(shown, text);
	/* Without its zero, YAML and people differ on what 600 means. */
	if (len < 2 || len > 5 || text[0] != '0' || text[strspn(text, "01234567")] != '\0')
		return error_set(err, ERROR_CONFIG, NULL, "\"%s\" is no file mode; one looks like \"0600\"", shown);
	for (const char *c = text; *c != '\0'; c++)
		mode = mode * 8 + (uint32_t)(*c - '0');
	const char *reason = (mode & 07) != 0       ? "a private key must not be open to everybody"
			     : (mode & 020) != 0    ? "a private key must not be writable by its group"
			     : (mode & ~0640U) != 0 ? "a key is no program"
			     : (mode & 0400) == 0   ? "its owner could not read the key"
						    : NULL;
	if (reason != NULL)
		return error_set(err, ERROR_CONFIG, NULL, "the mode %s is refused: %s", shown, reason);
	*ret = mode;
	return true;
}

static bool is_good(const struct node *node)
{
	return node != NULL && node->kind == NODE_SCALAR && !node->bad && !yaml_tree_is_null(node);
}

const char *schema_text(const struct node *node, const char *key)
{
	const struct node *child = yaml_tree_child(node, key);
	return is_good(child) ? child->text : NULL;
}

bool schema_path(struct config_build *b, const char *text, char **ret)
{
	char *path = NULL;
	if (str_starts(text, "~/") && b->home != NULL)
		path = str_format(b->err, "%s/%s", b->home, text + 2);
	else
		path = str_format(b->err, "%s%s", text[0] == '/' ? "" : b->folder, text);
	if (path == NULL)
		return false;
	free(*ret);
	*ret = path;
	return true;
}

/* A plain value is a list of one. */
static bool read_texts(const struct node *node, struct str_list *ret, struct error *err)
{
	if (is_good(node))
		return str_list_add(ret, node->text, err);
	for (size_t i = 0; i < node->count; i++)
		if (is_good(node->children[i]) && !str_list_add(ret, node->children[i]->text, err))
			return false;
	return true;
}

static bool read_number(const struct node *node, int *ret)
{
	uint64_t number = 0;
	if (parse_u64(node->text, node->len, INT32_MAX, &number))
		*ret = (int)number;
	return true;
}

static bool read_value(struct config_build *b, const struct schema_key *row, const struct node *node, void *member)
{
	uint64_t port = 0;
	if (row->value == VALUE_COMMAND) {
		struct config_command *command = member;
		command->is_shell = node->kind == NODE_SCALAR;
		return read_texts(node, &command->words, b->err);
	}
	if (!is_good(node))
		return true;
	switch (row->value) {
	case VALUE_TEXT:
		return str_set_n(member, node->text, node->len, b->err);
	case VALUE_SECRET:
		return secret_set(member, node->text, node->len, b->err);
	case VALUE_BOOL:
		return schema_bool(node->text, member);
	case VALUE_NUMBER:
		return read_number(node, member);
	case VALUE_PORT:
		if (parse_u64(node->text, node->len, UINT16_MAX, &port))
			*(uint16_t *)member = (uint16_t)port;
		return true;
	case VALUE_MODE:
		return schema_mode(node->text, member, b->err);
	case VALUE_PATH:
		return schema_path(b, node->text, member);
	case VALUE_WORD:
		/* Enums are ints here. */
		*(int *)member = schema_word_find(row->words, node->text)->value;
		return true;
	case VALUE_KEY_TYPE:
		return key_type_parse(node->text, member);
	case VALUE_COMMAND:
		break;
	}
	return true;
}

bool schema_read(struct config_build *b, const struct node *node, const char *path, void *target)
{
	size_t count = 0;
	const struct schema_key *rows = schema_keys(&count);
	for (size_t i = 0; i < count; i++) {
		const char *name = schema_below(&rows[i], path);
		const struct node *child = name != NULL ? yaml_tree_child(node, name) : NULL;
		if (child == NULL || child->bad)
			continue;
		if (rows[i].stored && !read_value(b, &rows[i], child, (char *)target + rows[i].offset))
			return false;
		/* A mapping of its own keys belongs to the same struct; a list's items do not. */
		if (child->kind == NODE_MAP && (rows[i].shapes & SCHEMA_MAP) != 0 &&
		    (rows[i].shapes & SCHEMA_LIST) == 0 && !schema_read(b, child, rows[i].path, target))
			return false;
	}
	return true;
}
