/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "config/yaml.h"
#include "tests/support/test.h"

#include <string.h>

static struct node *parse(const char *text)
{
	struct node *root = NULL;
	struct config_position position = {0};
	struct error err = {0};
	CHECK_OK(yaml_tree_read(text, strlen(text), &root, &position, &err), err);
	return root;
}

static void check_path(const struct node *node, const char *want)
{
	struct buf path;
	buf_init(&path, 1000);
	yaml_tree_path(node, &path);
	CHECK_STR(buf_cstr(&path), want);
	buf_done(&path);
}

TEST(positions_and_paths)
{
	struct node *root CLEANUP(yaml_tree_freep) = parse("a: 1\nlist:\n  - x\n  - key: 'quoted'\n");
	const struct node *list = yaml_tree_child(root, "list");
	const struct node *quoted = yaml_tree_child(list->children[1], "key");
	CHECK_INT(list->count, 2);
	CHECK_STR(quoted->text, "quoted");
	CHECK(!quoted->plain && yaml_tree_child(root, "a")->plain);
	CHECK_INT(quoted->position.line, 4);
	CHECK_INT(quoted->position.column, 10);
	CHECK_INT(quoted->key_position.column, 5);
	check_path(quoted, "list[1].key");
	check_path(root, "");
}

TEST(nothing_is_null)
{
	struct node *root CLEANUP(yaml_tree_freep) = parse("a:\nb: ~\nc: null\nd: 'null'\ne: ''\n");
	CHECK(yaml_tree_is_null(yaml_tree_child(root, "a")) && yaml_tree_is_null(yaml_tree_child(root, "b")) &&
	      yaml_tree_is_null(yaml_tree_child(root, "c")));
	CHECK(!yaml_tree_is_null(yaml_tree_child(root, "d")) && !yaml_tree_is_null(yaml_tree_child(root, "e")));
}

TEST(duplicates_know_the_first)
{
	struct node *root CLEANUP(yaml_tree_freep) = parse("a: 1\nb: 2\na: 3\n");
	CHECK_STR(yaml_tree_child(root, "a")->text, "1");
	CHECK_INT(root->children[2]->duplicate_of, 1);
	CHECK_INT(root->children[1]->duplicate_of, 0);
}

TEST(an_alias_is_a_copy)
{
	struct node *root CLEANUP(yaml_tree_freep) = parse("a: &x {k: [v]}\nb: *x\n");
	const struct node *a = yaml_tree_child(root, "a"), *b = yaml_tree_child(root, "b");
	CHECK(a != b);
	check_path(yaml_tree_child(b, "k")->children[0], "b.k[0]");
}

TEST(an_empty_document_has_no_root)
{
	CHECK(parse("") == NULL);
	CHECK(parse("# comment\n") == NULL);
}

TEST(depth_at_the_cap_and_above)
{
	char text[2 * LIMIT_CONFIG_DEPTH + 4] = "";
	struct config_position position = {0};
	struct error err = {0};
	memset(text, '[', LIMIT_CONFIG_DEPTH);
	memset(text + LIMIT_CONFIG_DEPTH, ']', LIMIT_CONFIG_DEPTH);
	struct node *root CLEANUP(yaml_tree_freep) = parse(text);
	CHECK(root != NULL);
	memset(text, '[', LIMIT_CONFIG_DEPTH + 1);
	memset(text + LIMIT_CONFIG_DEPTH + 1, ']', LIMIT_CONFIG_DEPTH + 1);
	struct node *deeper = NULL;
	CHECK(!yaml_tree_read(text, strlen(text), &deeper, &position, &err));
	CHECK_CONTAINS(err.message, "nested too deeply");
	CHECK_INT(position.column, LIMIT_CONFIG_DEPTH + 1);
}

TEST(size_at_the_cap_and_above)
{
	/* One comment as long as a config may be. */
	char *text AUTO_FREE = malloc(LIMIT_CONFIG_FILE + 1);
	struct config_position position = {0};
	struct error err = {0};
	struct node *root CLEANUP(yaml_tree_freep) = NULL;
	CHECK(text != NULL);
	memset(text, '#', LIMIT_CONFIG_FILE + 1);
	CHECK_OK(yaml_tree_read(text, LIMIT_CONFIG_FILE, &root, &position, &err), err);
	CHECK(!yaml_tree_read(text, LIMIT_CONFIG_FILE + 1, &root, &position, &err));
	CHECK_CONTAINS(err.message, "larger than");
}

TEST(broken_encoding_has_a_position)
{
	static const char text[] = "a: b\nc: \xff\n";
	struct config_position position = {0};
	struct error err = {0};
	struct node *root = NULL;
	CHECK(!yaml_tree_read(text, strlen(text), &root, &position, &err));
	CHECK_INT(position.line, 2);
	CHECK_INT(position.column, 4);
	CHECK_CONTAINS(err.message, "broken YAML");
}

TEST_MAIN()
