/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file against the table of keys, value by value in file order. It recurses as deep as the table's paths are. Values
 * are expanded in place, so that everything behind this sees final text.
 */
#include "config/schema.h"

#include "base/limits.h"
#include "config/expand.h"

#include <string.h>

enum { NEAR = 3, LISTING_MAX = 1024, OTHERS_READ = 044 };

static bool check_value(struct config_build *b, struct node *node, const struct schema_key *row, unsigned shapes);

/* "a, b, c": the keys below PARENT, or the words a value may be. */
static void list_keys(const char *parent, struct buf *out)
{
	size_t count = 0;
	const struct schema_key *rows = schema_keys(&count);
	for (size_t i = 0; i < count; i++) {
		const char *name = schema_below(&rows[i], parent);
		if (name != NULL)
			buf_printf(out, "%s%s", out->len > 0 ? ", " : "", name);
	}
}

static void list_words(const struct schema_word *words, struct buf *out)
{
	for (; words->word != NULL; words++)
		buf_printf(out, "%s%s", out->len > 0 ? ", " : "", words->word);
}

static bool unknown_key(struct config_build *b, const struct node *node, const char *parent)
{
	struct buf known CLEANUP(buf_done) = {0};
	char shown[REPORT_SHOWN_MAX];
	size_t count = 0, best = NEAR;
	const char *nearest = NULL;
	const struct schema_key *rows = schema_keys(&count);
	(void)report_shown(shown, node->key);
	for (size_t i = 0; i < count; i++) {
		const char *name = schema_below(&rows[i], parent);
		size_t distance = name != NULL ? str_distance(node->key, name, NEAR) : NEAR;
		if (distance < best && distance < strlen(name)) {
			best = distance;
			nearest = name;
		}
	}
	if (nearest != NULL)
		return report_key_error(b, node, "unknown key \"%s\"; did you mean \"%s\"?", shown, nearest);
	buf_init(&known, LISTING_MAX);
	list_keys(parent, &known);
	return report_key_error(b, node, "unknown key \"%s\"; known here: %s", shown, buf_cstr(&known));
}

/* The key stands in its mapping for a second time. */
static bool report_duplicate(struct config_build *b, const struct node *node)
{
	char shown[REPORT_SHOWN_MAX];
	return report_key_error(b, node, "the key \"%s\" stands in line %d already", report_shown(shown, node->key),
				node->duplicate_of);
}

static bool check_required(struct config_build *b, const struct node *map, const char *parent)
{
	size_t count = 0;
	const struct schema_key *rows = schema_keys(&count);
	for (size_t i = 0; i < count; i++) {
		const char *name = schema_below(&rows[i], parent);
		if (name != NULL && (rows[i].flags & SCHEMA_REQUIRED) != 0 && yaml_tree_child(map, name) == NULL &&
		    !report_error(b, map, "the key \"%s\" is missing: %s", name, rows[i].help))
			return false;
	}
	return true;
}

static bool check_map(struct config_build *b, struct node *map, const char *parent)
{
	for (size_t i = 0; i < map->count; i++) {
		struct node *child = map->children[i];
		const struct schema_key *row = schema_find(parent, child->key);
		bool ok = true;
		if (child->duplicate_of > 0)
			ok = report_duplicate(b, child);
		else if (row == NULL || str_equal(child->key, "*"))
			ok = unknown_key(b, child, parent);
		else
			ok = check_value(b, child, row, row->shapes);
		if (!ok)
			return false;
	}
	return check_required(b, map, parent);
}

static bool check_named(struct config_build *b, struct node *map, const struct schema_key *row)
{
	const struct schema_key *each = schema_find(row->path, "*");
	for (size_t i = 0; i < map->count; i++) {
		struct node *child = map->children[i];
		struct error reason = {0};
		bool ok = true;
		if (child->duplicate_of > 0)
			ok = report_duplicate(b, child);
		else if (!each->check(child->key, &reason))
			ok = report_key_error(b, child, "%s", reason.message);
		if (!ok || (child->duplicate_of == 0 && !check_value(b, child, each, each->shapes)))
			return false;
	}
	return true;
}

/* The secret's text must not be open to others when it is written into the file itself. */
static bool check_literal_secret(struct config_build *b, const struct node *node)
{
	if (!node->literal || (b->file_mode & OTHERS_READ) == 0)
		return true;
	return report_error(
		b, node,
		"this secret is written into a file that others may read (its mode is %04o): run chmod 600 %s, "
		"or write ${NAME} or ${file:PATH} instead",
		(unsigned)(b->file_mode & 07777), b->file);
}

static bool bad_value(struct config_build *b, struct node *node, const struct error *reason)
{
	node->bad = true;
	if (reason->category == ERROR_INTERNAL)
		return error_oom(b->err);
	if (reason->hint[0] != '\0')
		return report_error(b, node, "%s; %s", reason->message, reason->hint);
	return report_error(b, node, "%s", reason->message);
}

static bool expand(struct config_build *b, struct node *node, bool secret)
{
	struct expand_result expanded;
	struct error reason = {0};
	bool ok = expand_text(node->text, b->folder, secret, &expanded, &reason);
	struct buf text CLEANUP(buf_done) = expanded.text;
	node->literal = expanded.literal;
	if (!ok)
		return bad_value(b, node, &reason);
	if (!expanded.changed)
		return true;
	b->expanded_total += text.len;
	if (b->expanded_total > LIMIT_CONFIG_TEXT) {
		node->bad = true;
		return report_error(b, node, "the values of this file, ${…} resolved, are too large");
	}
	/* A secret's text goes: wiped, not only freed. */
	explicit_bzero(node->text, node->len);
	node->plain = false;
	node->len = text.len;
	return str_set_n(&node->text, buf_cstr(&text), text.len, b->err);
}

static bool has_controls(const char *text, bool many_lines)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
		if ((*c < ' ' && (!many_lines || (*c != '\n' && *c != '\t'))) || *c == 0x7f)
			return true;
	return false;
}

static bool check_number(const struct node *node, long min, long max, struct error *reason)
{
	uint64_t number = 0;
	char shown[REPORT_SHOWN_MAX];
	if (parse_u64(node->text, node->len, (uint64_t)max, &number) && number >= (uint64_t)min)
		return true;
	return error_set(reason, ERROR_CONFIG, NULL, "\"%s\" is no number from %ld to %ld",
			 report_shown(shown, node->text), min, max);
}

static bool check_word(struct config_build *b, struct node *node, const struct schema_key *row, struct error *reason,
		       bool *ret_ok)
{
	char shown[REPORT_SHOWN_MAX];
	struct buf known CLEANUP(buf_done) = {0};
	const struct schema_word *word = schema_word_find(row->words, node->text);
	buf_init(&known, LISTING_MAX);
	list_words(row->words, &known);
	*ret_ok = word != NULL || error_set(reason, ERROR_CONFIG, NULL, "\"%s\" is none of: %s",
					    report_shown(shown, node->text), buf_cstr(&known));
	return word == NULL || !word->no_effect ||
	       report_warning(b, node, "%s has no effect in this version", word->word);
}

static bool check_key_type(const char *text, struct error *reason)
{
	enum key_type type;
	char shown[REPORT_SHOWN_MAX];
	return key_type_parse(text, &type) ||
	       error_set(reason, ERROR_CONFIG, NULL,
			 "\"%s\" is none of: ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096",
			 report_shown(shown, text));
}

static bool check_bool(const char *text, struct error *reason)
{
	bool value;
	char shown[REPORT_SHOWN_MAX];
	return schema_bool(text, &value) ||
	       error_set(reason, ERROR_CONFIG, NULL, "\"%s\" is neither true nor false", report_shown(shown, text));
}

/* The final text against the row. *RET_OK false: REASON tells why. */
static bool check_text(struct config_build *b, struct node *node, const struct schema_key *row, struct error *reason,
		       bool *ret_ok)
{
	uint32_t mode = 0;
	enum { PORT_MAX = 65535 };
	if (row->words != NULL)
		return check_word(b, node, row, reason, ret_ok);
	switch (row->value) {
	case VALUE_BOOL:
		*ret_ok = check_bool(node->text, reason);
		return true;
	case VALUE_NUMBER:
		*ret_ok = check_number(node, row->min, row->max, reason);
		return true;
	case VALUE_PORT:
		*ret_ok = check_number(node, 1, PORT_MAX, reason);
		return true;
	case VALUE_MODE:
		*ret_ok = schema_mode(node->text, &mode, reason);
		return true;
	case VALUE_KEY_TYPE:
		*ret_ok = check_key_type(node->text, reason);
		return true;
	case VALUE_PATH:
		*ret_ok = node->len < LIMIT_PATH || error_set(reason, ERROR_CONFIG, NULL, "the path is too long");
		return true;
	case VALUE_TEXT:
	case VALUE_COMMAND:
	case VALUE_SECRET:
	case VALUE_WORD:
		*ret_ok = row->check == NULL || row->check(node->text, reason);
		return true;
	}
	return error_set(b->err, ERROR_INTERNAL, "config", "a key of an unknown kind");
}

static bool check_scalar(struct config_build *b, struct node *node, const struct schema_key *row, bool secret)
{
	bool many_lines = (row->flags & SCHEMA_MANY_LINES) != 0 || secret, ok = true;
	struct error reason = {0};
	if (!expand(b, node, secret))
		return false;
	if (node->bad)
		return true;
	if (node->len == 0 && (row->flags & SCHEMA_MAY_BE_EMPTY) == 0)
		ok = error_set(&reason, ERROR_CONFIG, NULL, "the value is empty");
	else if (has_controls(node->text, many_lines))
		ok = error_set(&reason, ERROR_CONFIG, NULL, "the value holds a line break or a control character");
	else if ((row->shapes & SCHEMA_SETTINGS) == 0 && !check_text(b, node, row, &reason, &ok))
		return false;
	if (!ok)
		return bad_value(b, node, &reason);
	return !secret || check_literal_secret(b, node);
}

/* A DNS provider's settings: any keys, each with a plain value. */
static bool check_settings(struct config_build *b, struct node *map, const struct schema_key *row)
{
	for (size_t i = 0; i < map->count; i++) {
		struct node *child = map->children[i];
		bool ok = true;
		if (child->duplicate_of > 0) {
			ok = report_duplicate(b, child);
		} else if (child->kind != NODE_SCALAR || yaml_tree_is_null(child)) {
			child->bad = true;
			ok = report_error(b, child, "a plain value is needed here, not %s",
					  child->kind == NODE_LIST  ? "a list"
					  : child->kind == NODE_MAP ? "a mapping"
								    : "nothing");
		} else {
			ok = check_scalar(b, child, row, !schema_setting_is_harmless(child->key));
		}
		if (!ok)
			return false;
	}
	return true;
}

static const char *shape_name(unsigned shapes, enum schema_value value)
{
	const bool map = (shapes & (SCHEMA_MAP | SCHEMA_NAMED | SCHEMA_SETTINGS)) != 0;
	if ((shapes & SCHEMA_LIST) != 0 && (shapes & SCHEMA_ONE) == 0)
		return "a list";
	if ((shapes & SCHEMA_LIST) != 0)
		return map ? "a plain value, a mapping or a list" : "a plain value or a list of them";
	if ((shapes & SCHEMA_ONE) == 0)
		return "a mapping";
	if (map)
		return value == VALUE_BOOL ? "true, false or a mapping" : "a plain value or a mapping";
	return "a plain value";
}

static bool wrong_shape(struct config_build *b, struct node *node, const struct schema_key *row, unsigned shapes)
{
	static const char *const found[] = {
		[NODE_SCALAR] = "a plain value", [NODE_LIST] = "a list", [NODE_MAP] = "a mapping"};
	node->bad = true;
	if (yaml_tree_is_null(node))
		return report_error(b, node, "%s is needed here, and nothing stands there",
				    shape_name(shapes, row->value));
	return report_error(b, node, "%s is needed here, not %s", shape_name(shapes, row->value), found[node->kind]);
}

/* A list is run without a shell, which would look the program up. */
static bool check_program(struct config_build *b, struct node *word)
{
	if (word->kind != NODE_SCALAR || word->bad || str_starts(word->text, "/"))
		return true;
	word->bad = true;
	return report_error(b, word, "a list is run without a shell: its first word is the absolute path of a program");
}

static bool check_list(struct config_build *b, struct node *list, const struct schema_key *row)
{
	for (size_t i = 0; i < list->count; i++) {
		struct node *item = list->children[i];
		if (!check_value(b, item, row, row->shapes & ~(unsigned)SCHEMA_LIST))
			return false;
	}
	if (row->value == VALUE_COMMAND && list->count > 0)
		return check_program(b, list->children[0]);
	return true;
}

static bool check_value(struct config_build *b, struct node *node, const struct schema_key *row, unsigned shapes)
{
	/* Once per key, not for each item of its list. */
	if ((row->flags & SCHEMA_NO_EFFECT) != 0 && node->key != NULL &&
	    !report_warning(b, node, "%s has no effect in this version", node->key))
		return false;
	/* "servers:" with everything below it commented out is an empty collection. */
	const unsigned collection = SCHEMA_LIST | SCHEMA_NAMED | SCHEMA_SETTINGS;
	if (yaml_tree_is_null(node)) {
		if ((shapes & collection) != 0 && (shapes & SCHEMA_ONE) == 0)
			return true;
		return wrong_shape(b, node, row, shapes);
	}
	/* A list of mappings is no mapping. */
	if ((shapes & SCHEMA_LIST) != 0 && (shapes & SCHEMA_ONE) == 0 && node->kind != NODE_LIST)
		return wrong_shape(b, node, row, shapes);
	if (node->kind == NODE_SCALAR && (shapes & SCHEMA_ONE) != 0)
		return check_scalar(b, node, row, row->value == VALUE_SECRET);
	if (node->kind == NODE_LIST && (shapes & SCHEMA_LIST) != 0)
		return check_list(b, node, row);
	if (node->kind == NODE_MAP && (shapes & SCHEMA_MAP) != 0)
		return check_map(b, node, row->path);
	if (node->kind == NODE_MAP && (shapes & SCHEMA_NAMED) != 0)
		return check_named(b, node, row);
	if (node->kind == NODE_MAP && (shapes & SCHEMA_SETTINGS) != 0)
		return check_settings(b, node, row);
	return wrong_shape(b, node, row, shapes);
}

bool schema_check(struct config_build *b, struct node *root)
{
	return check_map(b, root, "");
}
