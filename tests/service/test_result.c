/* SPDX-License-Identifier: Apache-2.0 */
#include "service/result.h"

#include "tests/support/test.h"

/* The exit code of a run with COUNT certificates of these actions and, on the first, servers of these results. */
static int exit_code(const enum result_action *actions, size_t count, const enum push_result *servers,
		     size_t server_count, enum error_category why)
{
	struct error err = {0};
	CLEANUP(run_result_done) struct run_result results = {0};
	CHECK_OK(run_result_init(&results, count, &err), err);
	for (size_t i = 0; i < count; i++) {
		results.certificates[i].action = actions[i];
		if (actions[i] == RESULT_FAILED)
			error_keep(&results.certificates[i].error, &(struct error){.category = why});
	}
	for (size_t i = 0; i < server_count; i++) {
		struct server_result *server = certificate_result_add(&results.certificates[0], "s", &err);
		CHECK(server != NULL);
		server->result = servers[i];
	}
	return run_result_exit_code(&results);
}

TEST(all_done_is_0)
{
	enum result_action actions[] = {RESULT_ISSUED, RESULT_UNCHANGED, RESULT_RENEWED};
	enum push_result servers[] = {PUSH_DEPLOYED, PUSH_UNCHANGED};
	CHECK_INT(exit_code(actions, 3, servers, 2, ERROR_NONE), 0);
	CHECK_INT(exit_code(actions, 0, servers, 0, ERROR_NONE), 0);
}

TEST(all_failed_is_1)
{
	enum result_action actions[] = {RESULT_FAILED, RESULT_FAILED};
	CHECK_INT(exit_code(actions, 2, NULL, 0, ERROR_CA), 1);
}

TEST(servers_that_keep_the_old_one_are_no_success_of_a_certificate_that_failed)
{
	enum result_action failed[] = {RESULT_FAILED};
	enum push_result unchanged[] = {PUSH_UNCHANGED, PUSH_UNCHANGED};
	enum push_result late[] = {PUSH_DEPLOYED, PUSH_UNCHANGED};
	CHECK_INT(exit_code(failed, 1, unchanged, 2, ERROR_CA), 1);
	CHECK_INT(exit_code(failed, 1, unchanged, 2, ERROR_BUSY), 4);
	CHECK_INT(exit_code(failed, 1, late, 2, ERROR_CA), 3);
}

TEST(some_failed_is_3)
{
	enum result_action mixed[] = {RESULT_ISSUED, RESULT_FAILED};
	enum result_action issued[] = {RESULT_ISSUED};
	enum push_result servers[] = {PUSH_DEPLOYED, PUSH_ROLLED_BACK};
	CHECK_INT(exit_code(mixed, 2, NULL, 0, ERROR_CA), 3);
	CHECK_INT(exit_code(issued, 1, servers, 2, ERROR_NONE), 3);
}

TEST(where_nothing_was_to_be_issued_only_servers_count)
{
	struct error err = {0};
	CLEANUP(run_result_done) struct run_result results = {0};
	CHECK_OK(run_result_init(&results, 1, &err), err);
	results.deploy_only = true;
	results.certificates[0].action = RESULT_UNCHANGED;
	CHECK_INT(run_result_exit_code(&results), 0);
	struct server_result *server = certificate_result_add(&results.certificates[0], "s", &err);
	CHECK(server != NULL);
	server->result = PUSH_FAILED;
	CHECK_INT(run_result_exit_code(&results), 1);
	server->result = PUSH_DEPLOYED;
	CHECK_INT(run_result_exit_code(&results), 0);
}

TEST(only_a_lock_in_the_way_is_4)
{
	enum result_action actions[] = {RESULT_FAILED};
	CHECK_INT(exit_code(actions, 1, NULL, 0, ERROR_BUSY), 4);
}

TEST(interrupted_is_130)
{
	enum result_action actions[] = {RESULT_ISSUED, RESULT_FAILED};
	CHECK_INT(exit_code(actions, 2, NULL, 0, ERROR_CANCELLED), 130);
}

TEST(bad_usage_and_config_are_2)
{
	struct error err = {.category = ERROR_CONFIG};
	CHECK_INT(error_exit_code(&err), 2);
	err.category = ERROR_USAGE;
	CHECK_INT(error_exit_code(&err), 2);
	err.category = ERROR_STORE;
	CHECK_INT(error_exit_code(&err), 1);
}

TEST(a_hook_that_failed_or_waits_is_a_failure_like_any_other)
{
	static const struct {
		enum result_action action;
		enum hook_outcome outcome;
		enum error_category why;
		int code;
	} cases[] = {
		{RESULT_ISSUED, HOOK_DONE, ERROR_NONE, 0},           {RESULT_ISSUED, HOOK_FAILED, ERROR_CONFIG, 3},
		{RESULT_UNCHANGED, HOOK_PENDING, ERROR_CONFIG, 3},   {RESULT_FAILED, HOOK_FAILED, ERROR_CONFIG, 1},
		{RESULT_ISSUED, HOOK_PENDING, ERROR_CANCELLED, 130},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(run_result_done) struct run_result results = {0};
		struct error err = {0};
		CHECK_OK(run_result_init(&results, 1, &err), err);
		struct hook_result *hook = run_result_add_hook(&results, &err);
		CHECK_OK(hook != NULL && certificate_result_add_hook(&results.certificates[0], hook, &err), err);
		results.certificates[0].action = cases[i].action;
		hook->outcome = cases[i].outcome;
		error_keep(&hook->error, &(struct error){.category = cases[i].why});
		CHECK_INT(run_result_exit_code(&results), cases[i].code);
	}
}

TEST_MAIN()
