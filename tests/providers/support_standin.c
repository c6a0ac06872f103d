/* SPDX-License-Identifier: Apache-2.0 */
/* The child ends with us: it watches its standard input, a pipe of which we hold the other end. */
#include "tests/providers/support_standin.h"

#include "dns-providers/provider.h"
#include "tests/support/test.h"
#include "transport/http.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS_MAX = 32, ANSWER_MAX = 1024 * 1024, ANSWER_MS = 20 * 1000 };

struct standin {
	pid_t pid;
	int input;
	char url[64];
	char lab_url[64];
	struct http_client *http;
	struct buf answer;
};

static void give_up(const char *what)
{
	perror(what);
	exit(99);
}

static void become(const char *file, const char *const *args, int input, int output)
{
	const char *argv[ARGS_MAX] = {"/usr/bin/python3", test_source_path(file)};
	for (size_t i = 0; args[i] != NULL && i + 3 < ARGS_MAX; i++)
		argv[i + 2] = args[i];
	if (dup2(input, 0) < 0 || dup2(output, 1) < 0)
		_exit(126);
	char *const *words = NULL;
	memcpy(&words, &(const char *const *){argv}, sizeof(words));
	(void)execv(argv[0], words);
	_exit(127);
}

/* KEY of "ready {… "port": N …}"; 0 where it is not told. */
static unsigned told_port(const char *line, const char *key)
{
	char quoted[32];
	unsigned port = 0;
	(void)snprintf(quoted, sizeof(quoted), "\"%s\": ", key);
	const char *at = strstr(line, quoted);
	return at != NULL && sscanf(at + strlen(quoted), "%u", &port) == 1 ? port : 0;
}

static void read_ports(struct standin *standin, int fd)
{
	char line[65536] = "";
	size_t len = 0;
	while (len + 1 < sizeof(line) && strchr(line, '\n') == NULL) {
		ssize_t n = read(fd, line + len, sizeof(line) - len - 1);
		if (n <= 0)
			give_up("the stand-in does not start");
		len += (size_t)n;
		line[len] = '\0';
	}
	unsigned port = told_port(line, "port"), lab_port = told_port(line, "lab_port");
	if (port == 0)
		give_up("the stand-in tells no port");
	(void)snprintf(standin->url, sizeof(standin->url), "http://127.0.0.1:%u", port);
	(void)snprintf(standin->lab_url, sizeof(standin->lab_url), "http://127.0.0.1:%u", lab_port ? lab_port : port);
}

struct standin *standin_start(const char *file, const char *const *args)
{
	struct standin *standin = calloc(1, sizeof(*standin));
	struct http_client_options options = {0};
	struct error err = {0};
	int in[2], out[2];

	if (standin == NULL || pipe(in) != 0 || pipe(out) != 0)
		give_up("stand-in");
	standin->pid = fork();
	if (standin->pid < 0)
		give_up("fork");
	if (standin->pid == 0) {
		(void)close(in[1]);
		become(file, args, in[0], out[1]);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	standin->input = in[1];
	read_ports(standin, out[0]);
	(void)close(out[0]);
	standin->http = http_client_new(&options, &err);
	CHECK_OK(standin->http != NULL, err);
	buf_init(&standin->answer, ANSWER_MAX);
	return standin;
}

struct standin *standin_start_behind(const char *proxy, const char *description, const char *file,
				     const char *const *args)
{
	const char *all[ARGS_MAX] = {description, file};
	for (size_t i = 0; args[i] != NULL && i + 3 < ARGS_MAX; i++)
		all[i + 2] = args[i];
	return standin_start(proxy, all);
}

struct dns_provider *standin_open(struct standin *standin, const struct dns_provider_module *module,
				  const char *const *pairs)
{
	struct secret values[ARGS_MAX] = {{0}};
	struct dns_setting settings[ARGS_MAX];
	struct error err = {0};
	size_t count = 0;

	for (size_t i = 0; pairs[i] != NULL; i += 2, count++) {
		char value[8192];
		const char *url = strstr(pairs[i + 1], "URL");
		if (strncmp(pairs[i + 1], "LAB:", 4) == 0)
			(void)snprintf(value, sizeof(value), "%s",
				       pairs[i + 1][4] == '\0' ? standin->lab_url
							       : standin_tell(standin, pairs[i + 1] + 4, NULL));
		else if (url != NULL)
			(void)snprintf(value, sizeof(value), "%.*s%s%s", (int)(url - pairs[i + 1]), pairs[i + 1],
				       standin->url, url + 3);
		else
			(void)snprintf(value, sizeof(value), "%s", pairs[i + 1]);
		CHECK_OK(secret_set(&values[count], value, strlen(value), &err), err);
		settings[count] = (struct dns_setting){.key = pairs[i], .value = &values[count]};
	}
	struct dns_provider *provider = module->open(settings, count, standin->http, &err);
	CHECK_OK(provider != NULL, err);
	for (size_t i = 0; i < count; i++)
		secret_done(&values[i]);
	return provider;
}

void standin_stop(struct standin *standin)
{
	int status = 0;
	if (standin == NULL)
		return;
	(void)close(standin->input);
	(void)kill(standin->pid, SIGTERM);
	(void)waitpid(standin->pid, &status, 0);
	http_client_free(standin->http);
	buf_done(&standin->answer);
	free(standin);
}

struct http_client *standin_http(struct standin *standin)
{
	return standin->http;
}

const char *standin_url(const struct standin *standin)
{
	return standin->url;
}

const char *standin_tell(struct standin *standin, const char *what, const char *json)
{
	char url[128];
	struct error err = {0};
	struct http_exchange exchange = {
		.request = {.method = json != NULL ? HTTP_POST : HTTP_GET,
			    .url = url,
			    .body = json,
			    .body_len = json != NULL ? strlen(json) : 0,
			    .max_response = ANSWER_MAX},
	};
	(void)snprintf(url, sizeof(url), "%s/__lab/%s", standin->lab_url, what);
	CHECK_OK(http_send(standin->http, &exchange, 1, deadline_in(ANSWER_MS, NULL), &err), err);
	CHECK_OK(exchange.ok, exchange.error);
	CHECK_INT(exchange.response.status, 200);
	buf_reset(&standin->answer);
	buf_append(&standin->answer, exchange.response.body.data, exchange.response.body.len);
	http_response_done(&exchange.response);
	return buf_cstr(&standin->answer);
}

size_t standin_count(struct standin *standin, const char *what, const char *text)
{
	size_t count = 0;
	for (const char *at = standin_tell(standin, what, NULL); (at = strstr(at, text)) != NULL; at += strlen(text))
		count++;
	return count;
}
