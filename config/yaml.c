/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events to a tree. The open lists and mappings are a stack of at most LIMIT_CONFIG_DEPTH nodes; an alias is
 * a copy of its anchor's node, counted like text that was written out, so that a "billion laughs" ends at the cap.
 */
#include "config/yaml.h"

#include "base/limits.h"

#include <string.h>
#include <yaml.h>

struct anchor {
	char *name;
	struct node *node;
};

struct builder {
	struct node *root;
	struct node *open[LIMIT_CONFIG_DEPTH];
	size_t depth;
	char *key; /* waits for its value */
	struct config_position key_position;
	struct anchor *anchors;
	size_t anchor_count;
	size_t node_count, text_total;
	size_t documents;
	struct config_position position; /* of the event in hand */
	struct error *err;
};

static void wipe(char *text, size_t len)
{
	if (text != NULL)
		explicit_bzero(text, len);
	free(text);
}

void yaml_tree_free(struct node *root)
{
	if (root == NULL)
		return;
	/* As deep as the tree: LIMIT_CONFIG_DEPTH. */
	for (size_t i = 0; i < root->count; i++)
		yaml_tree_free(root->children[i]);
	free(root->children);
	wipe(root->text, root->len);
	wipe(root->key, root->key != NULL ? strlen(root->key) : 0);
	free(root);
}

static void builder_done(struct builder *b)
{
	yaml_tree_free(b->root);
	free(b->key);
	for (size_t i = 0; i < b->anchor_count; i++)
		free(b->anchors[i].name);
	free(b->anchors);
}

static bool refuse(struct builder *b, const char *message)
{
	return error_set(b->err, ERROR_CONFIG, NULL, "%s", message);
}

static struct config_position position_of(const yaml_mark_t *mark)
{
	return (struct config_position){.line = (int)mark->line + 1, .column = (int)mark->column + 1};
}

static bool append_child(struct node *parent, struct node *node, struct error *err)
{
	/* Full at each power of two. */
	if ((parent->count & (parent->count - 1)) == 0) {
		size_t cap = parent->count == 0 ? 1 : parent->count * 2;
		struct node **children = reallocarray(parent->children, cap, sizeof(struct node *));
		if (children == NULL)
			return error_oom(err);
		parent->children = children;
	}
	node->parent = parent;
	node->index = parent->count;
	parent->children[parent->count++] = node;
	return true;
}

/* Hang TAKE_NODE where the next value belongs. */
static bool attach(struct builder *b, struct node *take_node)
{
	struct node *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
	if (parent == NULL) {
		b->root = take_node;
		return true;
	}
	if (!append_child(parent, take_node, b->err)) {
		yaml_tree_free(take_node);
		return false;
	}
	if (parent->kind == NODE_MAP) {
		take_node->key = STEAL(b->key);
		take_node->key_position = b->key_position;
	}
	return true;
}

static bool set_text(struct builder *b, struct node *node, const char *text, size_t len)
{
	if (memchr(text, '\0', len) != NULL)
		return refuse(b, "a NUL character is not allowed");
	b->text_total += len;
	if (b->text_total > LIMIT_CONFIG_TEXT)
		return refuse(b, "the values of this file, aliases resolved, are too large");
	node->len = len;
	return str_set_n(&node->text, text, len, b->err);
}

static struct node *node_new(struct builder *b, enum node_kind kind)
{
	if (++b->node_count > LIMIT_CONFIG_NODES) {
		(void)refuse(b, "this file, aliases resolved, has too many values");
		return NULL;
	}
	struct node *node = calloc(1, sizeof(*node));
	if (node == NULL) {
		(void)error_oom(b->err);
		return NULL;
	}
	node->kind = kind;
	node->position = b->position;
	return node;
}

/* A copy of SOURCE to stand DEPTH levels below the root; it recurses as deep as SOURCE is. */
static struct node *node_copy(struct builder *b, const struct node *source, size_t depth)
{
	struct node *copy CLEANUP(yaml_tree_freep) = node_new(b, source->kind);
	if (copy == NULL)
		return NULL;
	copy->position = source->position;
	copy->plain = source->plain;
	if (source->kind != NODE_SCALAR && depth >= LIMIT_CONFIG_DEPTH) {
		(void)refuse(b, "nested too deeply");
		return NULL;
	}
	if (source->text != NULL && !set_text(b, copy, source->text, source->len))
		return NULL;
	for (size_t i = 0; i < source->count; i++) {
		const struct node *from = source->children[i];
		struct node *child = node_copy(b, from, depth + 1);
		if (child == NULL)
			return NULL;
		if (!append_child(copy, child, b->err)) {
			yaml_tree_free(child);
			return NULL;
		}
		child->key_position = from->key_position;
		child->duplicate_of = from->duplicate_of;
		if (!str_set(&child->key, from->key, b->err))
			return NULL;
	}
	return STEAL(copy);
}

static bool set_anchor(struct builder *b, const yaml_char_t *name, struct node *node)
{
	if (name == NULL)
		return true;
	if (b->anchor_count == LIMIT_CONFIG_ANCHORS)
		return refuse(b, "too many anchors");
	if (b->anchors == NULL)
		b->anchors = calloc(LIMIT_CONFIG_ANCHORS, sizeof(*b->anchors));
	if (b->anchors == NULL)
		return error_oom(b->err);
	struct anchor *anchor = &b->anchors[b->anchor_count];
	if (!str_set(&anchor->name, (const char *)name, b->err))
		return false;
	anchor->node = node;
	b->anchor_count++;
	return true;
}

/* A mapping waits for a key: the scalar is one. */
static bool wants_key(const struct builder *b)
{
	return b->depth > 0 && b->open[b->depth - 1]->kind == NODE_MAP && b->key == NULL;
}

static bool take_key(struct builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	if (memchr(text, '\0', len) != NULL)
		return refuse(b, "a NUL character is not allowed");
	if (event->data.scalar.anchor != NULL)
		return refuse(b, "an anchor on a key is not supported");
	if (len == 2 && memcmp(text, "<<", 2) == 0)
		return refuse(b, "merge keys (<<) are not supported: use an alias as a whole value");
	b->text_total += len;
	b->key_position = b->position;
	return str_set_n(&b->key, text, len, b->err);
}

static bool on_scalar(struct builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	if (event->data.scalar.tag != NULL)
		return refuse(b, "tags (!…) are not supported");
	if (wants_key(b))
		return take_key(b, event);
	struct node *node CLEANUP(yaml_tree_freep) = node_new(b, NODE_SCALAR);
	if (node == NULL || !set_text(b, node, text, event->data.scalar.length))
		return false;
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	struct node *attached = STEAL(node);
	return attach(b, attached) && set_anchor(b, event->data.scalar.anchor, attached);
}

static bool on_open(struct builder *b, enum node_kind kind, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (tag != NULL)
		return refuse(b, "tags (!…) are not supported");
	if (wants_key(b))
		return refuse(b, "a key must be a word, not a list or a mapping");
	if (b->depth == LIMIT_CONFIG_DEPTH)
		return refuse(b, "nested too deeply");
	struct node *node = node_new(b, kind);
	if (node == NULL || !attach(b, node))
		return false;
	b->open[b->depth++] = node;
	return set_anchor(b, anchor, node);
}

static bool on_alias(struct builder *b, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	if (wants_key(b))
		return refuse(b, "an alias as a key is not supported");
	const struct node *source = NULL;
	for (size_t i = b->anchor_count; i > 0 && source == NULL; i--)
		if (str_equal(b->anchors[i - 1].name, name))
			source = b->anchors[i - 1].node;
	if (source == NULL)
		return refuse(b, "this alias (*) has no anchor (&) before it");
	for (size_t i = 0; i < b->depth; i++)
		if (b->open[i] == source)
			return refuse(b, "this alias (*) stands inside its own anchor (&)");
	struct node *copy = node_copy(b, source, b->depth);
	return copy != NULL && attach(b, copy);
}

static int compare_keys(const void *a, const void *b)
{
	const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;
	int order = strcmp(x->key, y->key);
	return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* Note in every later child of the same key where the first one stands. */
static bool mark_duplicates(const struct node *map, struct error *err)
{
	if (map->count < 2)
		return true;
	struct node **sorted AUTO_FREE = reallocarray(NULL, map->count, sizeof(struct node *));
	if (sorted == NULL)
		return error_oom(err);
	memcpy(sorted, map->children, map->count * sizeof(struct node *));
	qsort(sorted, map->count, sizeof(struct node *), compare_keys);
	const struct node *first = sorted[0];
	for (size_t i = 1; i < map->count; i++) {
		if (str_equal(sorted[i]->key, first->key))
			sorted[i]->duplicate_of = first->key_position.line;
		else
			first = sorted[i];
	}
	return true;
}

static bool on_close(struct builder *b)
{
	const struct node *closed = b->open[--b->depth];
	return closed->kind != NODE_MAP || mark_duplicates(closed, b->err);
}

static bool on_event(struct builder *b, const yaml_event_t *event)
{
	b->position = position_of(&event->start_mark);
	switch (event->type) {
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return true;
	case YAML_DOCUMENT_START_EVENT:
		return ++b->documents == 1 || refuse(b, "a second document begins here: one file is one config");
	case YAML_ALIAS_EVENT:
		return on_alias(b, event);
	case YAML_SCALAR_EVENT:
		return on_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return on_open(b, NODE_LIST, event->data.sequence_start.anchor, event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return on_open(b, NODE_MAP, event->data.mapping_start.anchor, event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_close(b);
	}
	return refuse(b, "unknown YAML");
}

/* libyaml's own words. For broken encoding it gives an offset instead of a mark. */
static bool parser_failed(const yaml_parser_t *parser, const char *text, size_t len, struct builder *b)
{
	b->position = position_of(&parser->problem_mark);
	if (parser->error == YAML_MEMORY_ERROR)
		return error_oom(b->err);
	if (parser->error == YAML_READER_ERROR) {
		b->position = (struct config_position){.line = 1, .column = 1};
		for (size_t i = 0; i < parser->problem_offset && i < len; i++) {
			b->position.line += text[i] == '\n';
			b->position.column = text[i] == '\n' ? 1 : b->position.column + 1;
		}
	}
	if (parser->context != NULL)
		return error_set(b->err, ERROR_CONFIG, NULL, "broken YAML: %s (%s from line %zu)", parser->problem,
				 parser->context, parser->context_mark.line + 1);
	return error_set(b->err, ERROR_CONFIG, NULL, "broken YAML: %s",
			 parser->problem != NULL ? parser->problem : "unreadable");
}

static void parser_done(yaml_parser_t *parser)
{
	/* The decoded text may hold secrets. */
	if (parser->buffer.start != NULL)
		explicit_bzero(parser->buffer.start, (size_t)(parser->buffer.end - parser->buffer.start));
	if (parser->raw_buffer.start != NULL)
		explicit_bzero(parser->raw_buffer.start, (size_t)(parser->raw_buffer.end - parser->raw_buffer.start));
	yaml_parser_delete(parser);
}

static void event_done(yaml_event_t *event)
{
	if (event->type == YAML_SCALAR_EVENT)
		explicit_bzero(event->data.scalar.value, event->data.scalar.length);
	yaml_event_delete(event);
}

bool yaml_tree_read(const char *text, size_t len, struct node **ret, struct config_position *ret_position,
		    struct error *err)
{
	struct builder b CLEANUP(builder_done) = {.err = err};
	yaml_parser_t parser CLEANUP(parser_done) = {0};
	bool ok = len <= LIMIT_CONFIG_FILE ||
		  error_set(err, ERROR_CONFIG, NULL, "the file is larger than %d bytes", (int)LIMIT_CONFIG_FILE);
	if (ok && yaml_parser_initialize(&parser) == 0)
		ok = error_oom(err);
	if (ok)
		yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	for (bool ended = false; ok && !ended;) {
		yaml_event_t event;
		if (yaml_parser_parse(&parser, &event) == 0) {
			ok = parser_failed(&parser, text, len, &b);
			break;
		}
		ok = on_event(&b, &event);
		ended = event.type == YAML_STREAM_END_EVENT;
		event_done(&event);
	}
	if (!ok) {
		*ret_position = b.position;
		return false;
	}
	*ret = STEAL(b.root);
	return true;
}

struct node *yaml_tree_child(const struct node *node, const char *key)
{
	if (node == NULL || node->kind != NODE_MAP)
		return NULL;
	for (size_t i = 0; i < node->count; i++)
		if (str_equal(node->children[i]->key, key))
			return node->children[i];
	return NULL;
}

bool yaml_tree_is_null(const struct node *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};
	if (node->kind != NODE_SCALAR || !node->plain)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_equal(node->text, words[i]))
			return true;
	return false;
}

void yaml_tree_path(const struct node *node, struct buf *out)
{
	const struct node *chain[LIMIT_CONFIG_DEPTH + 1];
	size_t depth = 0;
	for (; node->parent != NULL && depth < ARRAY_LEN(chain); node = node->parent)
		chain[depth++] = node;
	for (bool first = true; depth > 0; first = false) {
		node = chain[--depth];
		if (node->key != NULL)
			buf_printf(out, "%s%s", first ? "" : ".", node->key);
		else
			buf_printf(out, "[%zu]", node->index);
	}
}
