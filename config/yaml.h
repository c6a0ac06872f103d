/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML text as a tree with positions. Anchors and aliases are resolved by copying, so the tree has no shared parts;
 * what they can blow up to is capped. The tree stays inside config/.
 */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include "base/buf.h"
#include "config/config.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	struct config_position position;
	char *key;        /* in a mapping; else NULL */
	int duplicate_of; /* the line where the same key stands before, in this mapping; 0: nowhere */
	bool plain;       /* a scalar without quotes */
	bool bad;         /* a check failed and was reported: readers pass over it */
	bool literal;     /* a scalar with text of its own, not only ${…} */
	char *text;       /* a scalar's; no NUL inside */
	size_t len;
	struct node *parent; /* NULL: the root */
	size_t index;        /* among the parent's children */
	struct node **children;
	size_t count;
	struct config_position key_position;
};

/*
 * The one document of TEXT; *RET is NULL when it is empty. On failure ERR (ERROR_CONFIG) has the parser's words and
 * *RET_POSITION the place. Tags, several documents, keys that are no words, and what exceeds limits.h are refused.
 */
MUST_CHECK bool yaml_tree_read(const char *text, size_t len, struct node **ret, struct config_position *ret_position,
			       struct error *err);

/* Free the tree; every string is wiped, since it may be a secret. */
void yaml_tree_free(struct node *root);
DEFINE_FREEP(yaml_tree_freep, struct node, yaml_tree_free)

/* The child called KEY, whatever it holds; NULL when there is none. NODE may be NULL. */
struct node *yaml_tree_child(const struct node *node, const char *key);

/* Whether it is a plain ~, null or nothing. */
bool yaml_tree_is_null(const struct node *node);

/* Append "ssl.domains[1].webroot". */
void yaml_tree_path(const struct node *node, struct buf *out);

#endif
