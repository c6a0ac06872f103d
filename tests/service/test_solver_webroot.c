/* SPDX-License-Identifier: Apache-2.0 */
#include "service/solver.h"

#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char TOKEN[] = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";

static struct acme_challenge_task task(void)
{
	return (struct acme_challenge_task){
		.type = CHALLENGE_HTTP_01,
		.identifier = {IDENTIFIER_DNS, "example.com"},
		.token = TOKEN,
		.key_authorization = "token.thumbprint",
	};
}

static const char *webroot(const char *name)
{
	static char path[512];
	(void)snprintf(path, sizeof(path), "%s/%s", test_temp_dir(), name);
	(void)mkdir(path, 0755);
	return path;
}

static const char *challenge_path(const char *root)
{
	static char path[1024];
	(void)snprintf(path, sizeof(path), "%s/.well-known/acme-challenge/%s", root, TOKEN);
	return path;
}

TEST(the_key_authorization_is_served_and_then_gone)
{
	char root[512], text[64] = "";
	struct error err = {0};
	struct acme_solver port;
	struct acme_challenge_task one = task();
	(void)snprintf(root, sizeof(root), "%s", webroot("plain"));
	struct renewal wanted = {.webroot = root};

	void *ctx = solver_webroot_open(&wanted, &port, &err);
	CHECK_OK(ctx != NULL, err);
	CHECK_OK(port.present(port.ctx, &one, 1, deadline_in(1000, NULL), &err), err);
	struct stat info;
	CHECK(stat(challenge_path(root), &info) == 0);
	CHECK_INT(info.st_mode & 0777, 0644);
	int fd = open(challenge_path(root), O_RDONLY);
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	CHECK_STR(text, "token.thumbprint");

	CHECK_OK(port.cleanup(port.ctx, &one, 1, &err), err);
	CHECK_OK(port.cleanup(port.ctx, &one, 1, &err), err); /* gone already is fine */
	CHECK(access(challenge_path(root), F_OK) != 0);
	solver_webroot_close(ctx);
}

TEST(a_missing_webroot_is_named_before_any_order)
{
	struct error err = {0};
	struct acme_solver port;
	char root[] = "/nonexistent/webroot";
	struct renewal wanted = {.webroot = root};
	CHECK(solver_webroot_open(&wanted, &port, &err) == NULL);
	CHECK_INT(err.category, ERROR_CONFIG);
	CHECK_CONTAINS(err.message, "/nonexistent/webroot");
	CHECK_CONTAINS(err.hint, "webroot must exist");
}

TEST(a_symbolic_link_below_the_webroot_is_not_followed)
{
	char root[512], link[1024];
	struct error err = {0};
	struct acme_solver port;
	(void)snprintf(root, sizeof(root), "%s", webroot("linked"));
	(void)snprintf(link, sizeof(link), "%s/.well-known", root);
	CHECK(symlink("/tmp", link) == 0);
	struct renewal wanted = {.webroot = root};
	CHECK(solver_webroot_open(&wanted, &port, &err) == NULL);
	CHECK_INT(err.category, ERROR_CONFIG);
}

TEST(a_planted_link_in_place_of_the_token_is_replaced)
{
	char root[512], victim[1024];
	struct error err = {0};
	struct acme_solver port;
	struct acme_challenge_task one = task();
	(void)snprintf(root, sizeof(root), "%s", webroot("planted"));
	(void)snprintf(victim, sizeof(victim), "%s/victim", root);
	struct renewal wanted = {.webroot = root};
	void *ctx = solver_webroot_open(&wanted, &port, &err);
	CHECK_OK(ctx != NULL, err);
	CHECK(symlink(victim, challenge_path(root)) == 0);
	CHECK_OK(port.present(port.ctx, &one, 1, deadline_in(1000, NULL), &err), err);
	CHECK(access(victim, F_OK) != 0);
	CHECK_OK(port.cleanup(port.ctx, &one, 1, &err), err);
	solver_webroot_close(ctx);
}

TEST_MAIN()
