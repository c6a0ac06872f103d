/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for temporary keys. What comes back is used in memory alone. */
#include "dns-providers/aws_fetch.h"

#include "base/escape.h"
#include "base/limits.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum { WHAT_SIZE = 512, ROLE_NAME_MAX = 64 };

static const struct provider_hint hints[] = {
	{"ClockSkew", "set this host's clock; signatures are good for five minutes", false},
	{"AccessDenied", "the role's trust policy must allow it to whoever asks", false},
	{"InvalidClientTokenId", "check the access key: AWS does not know it", false},
	{"SignatureDoesNotMatch", "check the secret access key", false},
	{"ExpiredToken", "the session token has expired: get a new one", false},
	{"ExpiredTokenException", "the web identity token has expired: whoever writes that file must renew it", false},
	{"InvalidIdentityToken", "the role's trust policy must name this identity provider and its audience", false},
	{"Throttling", NULL, true},
	{0},
};

static struct provider_api sts_api(const struct aws_services *services)
{
	return (struct provider_api){
		.title = "AWS STS",
		.request_id_header = "x-amzn-requestid",
		.accept = "text/xml",
		.client = services->client,
		.hints = hints,
		.read_failure = aws_read_failure,
	};
}

static void add_parameter(struct buf *body, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_printf(body, "&%s=", name);
	sigv4_encode(value, body);
}

static void add_role(struct buf *body, const char *action, const struct aws_role *role)
{
	buf_printf(body, "Action=%s&Version=2011-06-15", action);
	add_parameter(body, "RoleArn", role->arn);
	add_parameter(body, "RoleSessionName", role->session_name != NULL ? role->session_name : "certferry");
	add_parameter(body, "DurationSeconds", role->duration != NULL ? role->duration : "3600");
	add_parameter(body, "ExternalId", role->external_id);
}

static bool ask_sts(const struct aws_services *services, const struct provider_api *api, const struct buf *body,
		    const struct aws_role *role, struct deadline deadline, struct aws_keys *ret, struct error *err)
{
	char what[WHAT_SIZE], safe[256];
	CLEANUP(http_response_done) struct http_response answer = {0};
	struct error cause = {0};
	AUTO_FREE char *url = str_format(err, "%s/", services->sts_url);
	const struct provider_call call = {
		.step = "credentials",
		.what = what,
		.method = HTTP_POST,
		.url = url,
		.body = body,
		.content_type = "application/x-www-form-urlencoded",
	};

	(void)snprintf(what, sizeof(what), "cannot take on the role %s", escape_str(safe, sizeof(safe), role->arn));
	if (url == NULL || !buf_check(body, "STS request", err) || !provider_ask(api, &call, deadline, &answer, err))
		return false;
	return aws_read_keys_xml(buf_cstr(&answer.body), answer.body.len, ret, &cause) ||
	       provider_failed(api, &call, &cause, err);
}

/* What a call to STS is signed with. */
struct signer {
	const struct sigv4_key *key;
	const char *region;
};

static bool authorize(void *ctx, const struct provider_call *call, struct deadline deadline,
		      struct provider_headers *ret, struct error *err)
{
	const struct signer *signer = ctx;
	(void)deadline;
	return aws_sign_call(call, signer->key, signer->region, "sts", ret, err);
}

bool aws_assume_role(const struct aws_services *services, const struct sigv4_key *key, const struct aws_role *role,
		     struct deadline deadline, struct aws_keys *ret, struct error *err)
{
	CLEANUP(buf_done) struct buf body;
	struct signer signer = {.key = key, .region = services->region};
	struct provider_api api = sts_api(services);

	buf_init(&body, LIMIT_CREDENTIAL_FILE);
	add_role(&body, "AssumeRole", role);
	api.authorize = authorize;
	api.ctx = &signer;
	return ask_sts(services, &api, &body, role, deadline, ret, err);
}

/* Whole lines of text alone: what stands around a token in its file is dropped. */
static size_t trimmed_len(const struct secret *text)
{
	size_t len = text->len;
	while (len > 0 && (text->data[len - 1] == '\n' || text->data[len - 1] == '\r' || text->data[len - 1] == ' '))
		len--;
	return len;
}

bool aws_assume_role_with_token(const struct aws_services *services, const char *token_file,
				const struct aws_role *role, struct deadline deadline, struct aws_keys *ret,
				struct error *err)
{
	CLEANUP(buf_done) struct buf body;
	buf_init(&body, 4 * LIMIT_CREDENTIAL_FILE);
	CLEANUP(secret_done) struct secret token = {0};
	struct provider_api api = sts_api(services);

	/* Orchestrators write it readable for a group; it is theirs to protect. */
	if (!secret_read_file(&token, token_file, LIMIT_CREDENTIAL_FILE, /* private_only= */ false, err))
		return false;
	size_t len = trimmed_len(&token);
	if (len == 0)
		return error_set(err, ERROR_CONFIG, "credentials", "the web identity token file %s is empty",
				 token_file);
	token.data[len] = '\0';
	add_role(&body, "AssumeRoleWithWebIdentity", role);
	add_parameter(&body, "WebIdentityToken", token.data);
	return ask_sts(services, &api, &body, role, deadline, ret, err);
}

/* Metadata. */

static struct provider_api metadata_api(const struct aws_services *services, const char *title,
					const struct secret *header)
{
	return (struct provider_api){
		.title = title,
		.client = services->client,
		.headers = header,
		.header_count = header != NULL && header->len > 0 ? 1 : 0,
	};
}

static bool ask_metadata(const struct provider_api *api, enum http_method method, const char *url, const char *what,
			 struct deadline deadline, struct http_response *ret, struct error *err)
{
	const struct provider_call call = {
		.step = "credentials",
		.what = what,
		.method = method,
		.url = url,
		.metadata = true,
	};
	return provider_ask(api, &call, deadline, ret, err);
}

static bool read_keys(const struct provider_api *api, const char *what, const struct http_response *answer,
		      struct aws_keys *ret, struct error *err)
{
	const struct provider_call call = {.step = "credentials", .what = what};
	struct error cause = {0};
	return aws_read_keys_json(buf_cstr(&answer->body), answer->body.len, ret, &cause) ||
	       provider_failed(api, &call, &cause, err);
}

bool aws_container_keys(const struct aws_services *services, const char *url, const struct secret *authorization,
			struct deadline deadline, struct aws_keys *ret, struct error *err)
{
	static const char what[] = "cannot get the container's credentials";
	CLEANUP(secret_done) struct secret header = {0};
	CLEANUP(http_response_done) struct http_response answer = {0};

	if (authorization->len > 0 && !provider_header("Authorization: ", authorization, &header, err))
		return false;
	const struct provider_api api = metadata_api(services, "AWS container", &header);
	return ask_metadata(&api, HTTP_GET, url, what, deadline, &answer, err) &&
	       read_keys(&api, what, &answer, ret, err);
}

/* A token of IMDSv2, as the header line that carries it. */
static bool fetch_token(const struct aws_services *services, struct deadline deadline, struct secret *ret_header,
			struct error *err)
{
	CLEANUP(secret_done) struct secret lifetime = {0};
	CLEANUP(secret_done) struct secret token = {0};
	CLEANUP(http_response_done) struct http_response answer = {0};
	static const char line[] = "X-aws-ec2-metadata-token-ttl-seconds: 21600";
	AUTO_FREE char *url = str_format(err, "%s/latest/api/token", services->metadata_url);

	if (url == NULL || !secret_set(&lifetime, line, strlen(line), err))
		return false;
	const struct provider_api api = metadata_api(services, "AWS instance metadata", &lifetime);
	if (!ask_metadata(&api, HTTP_PUT, url, "cannot get a token", deadline, &answer, err)) {
		error_hint(err, "in a container, the instance's metadata hop limit must be at least 2");
		return false;
	}
	return secret_set(&token, buf_cstr(&answer.body), answer.body.len, err) &&
	       provider_header("X-aws-ec2-metadata-token: ", &token, ret_header, err);
}

bool aws_instance_keys(const struct aws_services *services, struct deadline deadline, struct aws_keys *ret,
		       struct error *err)
{
	static const char path[] = "/latest/meta-data/iam/security-credentials/", what[] = "cannot get the role's keys";
	CLEANUP(secret_done) struct secret header = {0};
	CLEANUP(http_response_done) struct http_response roles = {0};
	CLEANUP(http_response_done) struct http_response answer = {0};
	AUTO_FREE char *list_url = str_format(err, "%s%s", services->metadata_url, path);
	char role[ROLE_NAME_MAX + 1] = "";

	if (list_url == NULL || !fetch_token(services, deadline, &header, err))
		return false;
	const struct provider_api api = metadata_api(services, "AWS instance metadata", &header);
	if (!ask_metadata(&api, HTTP_GET, list_url, "cannot get the name of the instance's role", deadline, &roles,
			  err)) {
		error_hint(err, "attach a role to the instance");
		return false;
	}
	(void)snprintf(role, sizeof(role), "%.*s", (int)strcspn(buf_cstr(&roles.body), "\r\n"), buf_cstr(&roles.body));
	if (!provider_name_is_valid(role))
		return error_set(err, ERROR_DNS, "credentials", "AWS instance metadata: the instance has no role");
	AUTO_FREE char *url = str_format(err, "%s%s%s", services->metadata_url, path, role);
	return url != NULL && ask_metadata(&api, HTTP_GET, url, what, deadline, &answer, err) &&
	       read_keys(&api, what, &answer, ret, err);
}
