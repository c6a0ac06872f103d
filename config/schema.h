/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of config keys. From it come the checks of every single value, the messages about unknown keys, the
 * warnings about keys without effect, and where in the typed result a value goes.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include "config/config-internal.h"

/* What may stand behind a key. */
enum {
	SCHEMA_ONE = 1,   /* a plain value */
	SCHEMA_LIST = 2,  /* a list; its items are what the other bits say, and share the row and the rows below it */
	SCHEMA_MAP = 4,   /* a mapping with the keys listed below it in the table */
	SCHEMA_NAMED = 8, /* a mapping with names of the user's, each as the row "….*" says */
	SCHEMA_SETTINGS = 16, /* a mapping with any keys and plain values */
};

/* What a plain value means, and the member it is stored in. */
enum schema_value {
	VALUE_TEXT,     /* char *; one of `words` where there are any */
	VALUE_SECRET,   /* struct secret */
	VALUE_BOOL,     /* bool */
	VALUE_NUMBER,   /* int from min to max */
	VALUE_PORT,     /* uint16_t */
	VALUE_MODE,     /* uint32_t */
	VALUE_PATH,     /* char *: "~/" expanded, relative to the file's folder */
	VALUE_WORD,     /* int (or an enum): one of `words` */
	VALUE_COMMAND,  /* struct config_command */
	VALUE_KEY_TYPE, /* enum key_type */
};

enum {
	SCHEMA_NO_EFFECT = 1,    /* parsed and checked, but without effect in this version */
	SCHEMA_REQUIRED = 4,     /* its mapping needs it */
	SCHEMA_MAY_BE_EMPTY = 8, /* "" has a meaning */
	SCHEMA_MANY_LINES = 16,  /* line breaks are fine */
};

struct schema_word {
	const char *word;
	int value;
	bool no_effect;
};

struct schema_key {
	const char *path; /* "servers.*.verify.port", without the outer "ssl" */
	unsigned shapes;
	enum schema_value value;
	unsigned flags;
	bool stored; /* `offset` counts: into the struct of the nearest list item or named mapping, else of the config
		      */
	size_t offset;
	long min, max;
	const struct schema_word *words; /* ended by a NULL word */
	bool (*check)(const char *text, struct error *err);
	const char *help;
};

const struct schema_key *schema_keys(size_t *ret_count);

/* The row for KEY directly below PARENT ("" for the top); NULL when there is none. */
const struct schema_key *schema_find(const char *parent, const char *key);

/* The last part of its path when the row stands directly below PARENT; else NULL. */
const char *schema_below(const struct schema_key *row, const char *parent);

const struct schema_word *schema_word_find(const struct schema_word *words, const char *text);

/* Expand and check every value of the file, in file order. NODE is the top mapping. */
MUST_CHECK bool schema_check(struct config_build *b, struct node *root);

/* Store what stands directly below NODE (and in its nested fixed mappings) in *TARGET. Bad values are passed over. */
MUST_CHECK bool schema_read(struct config_build *b, const struct node *node, const char *path, void *target);

/* The good, non-empty plain value of NODE's KEY; NULL when there is none. Borrowed. */
const char *schema_text(const struct node *node, const char *key);

/* A local path: "~/" expanded, else relative to the file's folder. Replaces *RET. */
MUST_CHECK bool schema_path(struct config_build *b, const char *text, char **ret);

MUST_CHECK bool schema_bool(const char *text, bool *ret);
MUST_CHECK bool schema_mode(const char *text, uint32_t *ret, struct error *err);

/* Whether a setting of a DNS provider may be shown to whoever reads the config. */
bool schema_setting_is_harmless(const char *key);

#endif
