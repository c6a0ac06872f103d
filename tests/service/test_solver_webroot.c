/* SPDX-License-Identifier: Apache-2.0 */
#include "service/solver.h"

#include "service/service.h"
#include "store/published_record.h"
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

static char certificate[] = "example.com";

/* One for all tests: what is published is written down there. */
static struct service *service(void)
{
	static struct service *opened;
	static char dir[512];
	const struct service_options options = {.state_dir = dir, .create_store = true};
	struct error err = {0};
	(void)snprintf(dir, sizeof(dir), "%s/state", test_temp_dir());
	if (opened == NULL)
		opened = service_open(&options, &err);
	CHECK_OK(opened != NULL, err);
	return opened;
}

static size_t written_down(void)
{
	CLEANUP(published_record_done) struct published_record record = {0};
	struct error err = {0};
	CHECK_OK(published_record_load(service_store(service()), certificate, &record, &err), err);
	return record.count;
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

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

TEST(what_a_killed_run_left_is_removed_and_nothing_else)
{
	static const char mine[] = "token.thumbprint";
	char root[512], folder[1024];
	struct error err = {0};
	(void)snprintf(root, sizeof(root), "%s", webroot("killed"));
	/* Nothing there is fine. */
	CHECK_OK(solver_webroot_remove(root, TOKEN, mine, &err), err);
	CHECK_OK(solver_webroot_remove("/nowhere/at/all", TOKEN, mine, &err), err);
	(void)snprintf(folder, sizeof(folder), "%s/.well-known", root);
	CHECK_INT(mkdir(folder, 0755), 0);
	(void)snprintf(folder, sizeof(folder), "%s/.well-known/acme-challenge", root);
	CHECK_INT(mkdir(folder, 0755), 0);
	CHECK_OK(solver_webroot_remove(root, TOKEN, mine, &err), err);

	static const char *const ours[] = {"token.thumbprint", "token.thu", ""};
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		write_file(challenge_path(root), ours[i]);
		CHECK_OK(solver_webroot_remove(root, TOKEN, mine, &err), err);
		CHECK_INT(access(challenge_path(root), F_OK), -1);
	}
	static const char *const others[] = {"token.thumbprint2", "another"};
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		write_file(challenge_path(root), others[i]);
		CHECK_OK(solver_webroot_remove(root, TOKEN, mine, &err), err);
		CHECK_INT(access(challenge_path(root), F_OK), 0);
	}
	/* A link is not followed, nor is a folder in the file's place touched. */
	char target[1024];
	(void)snprintf(target, sizeof(target), "%s/target", root);
	write_file(target, mine);
	CHECK_INT(unlink(challenge_path(root)), 0);
	CHECK_INT(symlink(target, challenge_path(root)), 0);
	CHECK(!solver_webroot_remove(root, TOKEN, mine, &err));
	CHECK_CONTAINS(err.message, TOKEN);
	CHECK_INT(access(target, F_OK), 0);
}

TEST(the_key_authorization_is_served_and_then_gone)
{
	char root[512], text[64] = "";
	struct error err = {0};
	struct acme_solver port;
	struct acme_challenge_task one = task();
	(void)snprintf(root, sizeof(root), "%s", webroot("plain"));
	struct renewal wanted = {.name = certificate, .webroot = root};

	void *ctx = solver_webroot_open(service(), &wanted, &port, &err);
	CHECK_OK(ctx != NULL, err);
	CHECK_OK(port.present(port.ctx, &one, 1, deadline_in(1000, NULL), &err), err);
	struct stat info;
	CHECK(stat(challenge_path(root), &info) == 0);
	CHECK_INT(info.st_mode & 0777, 0644);
	int fd = open(challenge_path(root), O_RDONLY);
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	CHECK_STR(text, "token.thumbprint");
	CHECK_INT(written_down(), 1);

	CHECK_OK(port.cleanup(port.ctx, &one, 1, &err), err);
	CHECK_OK(port.cleanup(port.ctx, &one, 1, &err), err); /* gone already is fine */
	CHECK_INT(written_down(), 0);
	CHECK(access(challenge_path(root), F_OK) != 0);
	solver_webroot_close(ctx);
}

TEST(a_missing_webroot_is_named_before_any_order)
{
	struct error err = {0};
	struct acme_solver port;
	char root[] = "/nonexistent/webroot";
	struct renewal wanted = {.name = certificate, .webroot = root};
	CHECK(solver_webroot_open(service(), &wanted, &port, &err) == NULL);
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
	struct renewal wanted = {.name = certificate, .webroot = root};
	CHECK(solver_webroot_open(service(), &wanted, &port, &err) == NULL);
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
	struct renewal wanted = {.name = certificate, .webroot = root};
	void *ctx = solver_webroot_open(service(), &wanted, &port, &err);
	CHECK_OK(ctx != NULL, err);
	CHECK(symlink(victim, challenge_path(root)) == 0);
	CHECK_OK(port.present(port.ctx, &one, 1, deadline_in(1000, NULL), &err), err);
	CHECK(access(victim, F_OK) != 0);
	CHECK_OK(port.cleanup(port.ctx, &one, 1, &err), err);
	solver_webroot_close(ctx);
}

TEST_MAIN()
