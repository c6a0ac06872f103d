/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain of AWS credentials: each source against a stand-in of STS, a container's and an instance's endpoint; which
 * one wins; temporary keys that end. A zone that is found proves that the keys were right: the stand-in checks
 * signatures.
 */
#include "dns-providers/aws_profile.h"
#include "dns-providers/registry.h"
#include "tests/providers/support_standin.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID "AKIALABORATORY000001"
#define SECRET "lab/secret+access/key0123456789abcdefghij"
#define ROLE "arn:aws:iam::123456789012:role/acme"
#define GUARDED "arn:aws:iam::123456789012:role/guarded"
#define FOREIGN "arn:aws:iam::123456789012:role/foreign"

static struct standin *standin, *brief;
static const struct dns_provider_module *module;
static char home[256];

static void stop(void)
{
	standin_stop(standin);
	standin_stop(brief);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	char path[512];
	(void)snprintf(path, sizeof(path), "%s/%s", home, name);
	FILE *file = fopen(path, "w");
	CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
	CHECK(chmod(path, mode) == 0);
}

/* No source has anything but what the test gives. */
static void begin(void)
{
	static const char guarded[] = GUARDED "=open-sesame";
	static const char *const args[] = {"--zone", "example.com",       "--role",    ROLE, "--role",
					   guarded,  "--container-token", "let-me-in", NULL};
	static const char *const variables[] = {
		"AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN",
		"AWS_PROFILE",
		"AWS_DEFAULT_PROFILE",
		"AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_ROLE_ARN",
		"AWS_ROLE_SESSION_NAME",
		"AWS_ASSUME_ROLE_ARN",
		"AWS_EXTERNAL_ID",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
		"AWS_REGION",
		"AWS_DEFAULT_REGION",
		"AWS_SHARED_CREDENTIALS_FILE",
		"AWS_CONFIG_FILE",
		"AWS_ENDPOINT_URL",
	};
	char folder[300];
	module = dns_provider_find("route53");
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		(void)unsetenv(variables[i]);
	(void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	(void)snprintf(home, sizeof(home), "%s", test_temp_dir());
	(void)setenv("HOME", home, 1);
	(void)snprintf(folder, sizeof(folder), "%s/.aws", home);
	(void)mkdir(folder, 0700);
	write_file(".aws/credentials", "", 0600);
	write_file(".aws/config", "", 0600);
	if (standin == NULL) {
		standin = standin_start("fakes/route53.py", args);
		(void)atexit(stop);
	}
	(void)standin_tell(standin, "reset", "{}");
}

static struct dns_provider *open_at(struct standin *at, const char *key, const char *value)
{
	return standin_open(
		at, module,
		(const char *const[]){"api_url", "URL", "sts_url", "URL", "metadata_url", "URL", key, value, NULL});
}

static bool find(struct dns_provider *provider, const char *name, struct error *err)
{
	char *id = NULL, *zone = NULL;
	bool found = module->find_zone(provider, name, deadline_in(20 * 1000, NULL), &id, &zone, err);
	free(id);
	free(zone);
	return found;
}

/* With KEY set to VALUE (NULL: nothing more) the keys must come from SOURCE. */
static void check_source(const char *key, const char *value, const char *source)
{
	struct error err = {0};
	struct dns_provider *provider = open_at(standin, key, value);
	CHECK_OK(find(provider, "_acme-challenge.example.com", &err), err);
	CHECK(!find(provider, "_acme-challenge.example.org", &err));
	CHECK_CONTAINS(err.message, source);
	CHECK(strstr(err.message, SECRET) == NULL);
	module->close(provider);
}

static void check_fails(const char *key, const char *value, const char *why)
{
	struct error err = {0};
	struct dns_provider *provider = open_at(standin, key, value);
	CHECK(!find(provider, "_acme-challenge.example.com", &err));
	CHECK_CONTAINS(err.message, why);
	CHECK(strstr(err.message, SECRET) == NULL && strstr(err.said, SECRET) == NULL);
	module->close(provider);
}

TEST(the_environment)
{
	begin();
	(void)setenv("AWS_ACCESS_KEY_ID", ID, 1);
	check_fails(NULL, NULL, "the environment has the access key id without the secret access key");
	(void)setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
	check_source(NULL, NULL, "Route 53: the environment sees no zone");
}

TEST(the_config_comes_before_the_environment)
{
	struct error err = {0};
	begin();
	(void)setenv("AWS_ACCESS_KEY_ID", "AKIAWRONG", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
	struct dns_provider *provider = standin_open(
		standin, module,
		(const char *const[]){"api_url", "URL", "access_key_id", ID, "secret_access_key", SECRET, NULL});
	CHECK_OK(find(provider, "_acme-challenge.example.com", &err), err);
	module->close(provider);
	check_fails(NULL, NULL, "HTTP 403");
}

TEST(a_web_identity_comes_before_the_files)
{
	char file[300];
	begin();
	write_file(".aws/credentials", "[default]\naws_access_key_id = AKIAWRONG\naws_secret_access_key = wrong\n",
		   0600);
	write_file("token", "web-identity-token\n", 0644);
	(void)snprintf(file, sizeof(file), "%s/token", home);
	(void)setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file, 1);
	(void)setenv("AWS_ROLE_ARN", ROLE, 1);
	(void)setenv("AWS_ROLE_SESSION_NAME", "my-session", 1);
	check_source(NULL, NULL, "the web identity");
	CHECK(standin_count(standin, "requests", "RoleSessionName=my-session") > 0);
	write_file("token", "an-old-token", 0644);
	check_fails(NULL, NULL, "cannot take on the role " ROLE);
	write_file("token", "\n", 0644);
	check_fails(NULL, NULL, "is empty");
}

TEST(shared_files_and_the_profile_that_is_asked_for)
{
	begin();
	write_file(".aws/credentials",
		   "[default]\naws_access_key_id=" ID "\naws_secret_access_key=" SECRET "\n\n[ other ]\n# nothing\n",
		   0600);
	check_source(NULL, NULL, "the profile \"default\"");
}

TEST(profiles_are_named_by_setting_or_variable)
{
	begin();
	write_file(".aws/credentials", "[acme]\naws_access_key_id=" ID "\naws_secret_access_key=" SECRET "\n", 0600);
	write_file(".aws/config", "[profile empty]\nregion=eu-west-1\ns3 =\n  max_concurrent_requests = 20\n", 0644);
	check_source("profile", "acme", "the profile \"acme\"");
	(void)setenv("AWS_PROFILE", "acme", 1);
	check_source(NULL, NULL, "the profile \"acme\"");
	check_fails("profile", "missing", "there is no profile \"missing\"");
	check_fails("profile", "empty", "the profile \"empty\" has no credentials");
	/* A profile of the config comes before what the environment happens to have. */
	(void)setenv("AWS_ACCESS_KEY_ID", "AKIAWRONG", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
	check_source("profile", "acme", "the profile \"acme\"");
}

TEST(roles_by_source_profile_and_external_id)
{
	begin();
	write_file(".aws/credentials", "[base]\naws_access_key_id=" ID "\naws_secret_access_key=" SECRET "\n", 0600);
	write_file(".aws/config",
		   "[profile acme]\nrole_arn = " GUARDED "\nsource_profile = base\nexternal_id = open-sesame\n"
		   "[profile chain]\nrole_arn = " ROLE "\nsource_profile = acme\n"
		   "[profile wrong]\nrole_arn = " GUARDED "\nsource_profile = base\nexternal_id = abracadabra\n"
		   "[profile alone]\nrole_arn = " ROLE "\n"
		   "[profile a]\nrole_arn = " ROLE "\nsource_profile = b\n"
		   "[profile b]\nrole_arn = " ROLE "\nsource_profile = a\n"
		   "[profile own]\nrole_arn = " ROLE "\nsource_profile = own\naws_access_key_id = " ID
		   "\naws_secret_access_key = " SECRET "\n"
		   "[profile mfa]\nrole_arn = " ROLE "\nsource_profile = base\nmfa_serial = arn:aws:iam::1:mfa/x\n"
		   "[profile sso]\nsso_session = corp\n",
		   0644);
	check_source("profile", "acme", "the role of the profile \"acme\"");
	check_source("profile", "chain", "the role of the profile \"chain\"");
	check_source("profile", "own", "the role of the profile \"own\"");
	check_fails("profile", "wrong", "cannot take on the role");
	check_fails("profile", "alone", "without source_profile or credential_source");
	check_fails("profile", "a", "leads back to itself");
	check_fails("profile", "mfa", "one-time password");
	check_fails("profile", "sso", "browser");
}

/* A program of the user's, that prints what a file beside it holds. */
static void write_program(const char *name, const char *last_line)
{
	char text[1024];
	(void)snprintf(text, sizeof(text), "#!/bin/sh\n[ \"$1\" = 'two words' ] || exit 4\n%s\n", last_line);
	write_file(name, text, 0700);
}

TEST(keys_of_a_program)
{
	char config[2048];
	begin();
	write_file(".aws/credentials", "[static]\naws_access_key_id=" ID "\naws_secret_access_key=" SECRET "\n", 0600);
	write_program("keys",
		      "echo '{\"Version\": 1, \"AccessKeyId\": \"" ID "\", \"SecretAccessKey\": \"" SECRET "\"}'");
	write_program("fails", "echo '" SECRET "'; echo 'vault is sealed' >&2; exit 3");
	write_program("version",
		      "echo '{\"Version\": 2, \"AccessKeyId\": \"" ID "\", \"SecretAccessKey\": \"" SECRET "\"}'");
	write_program("environment",
		      "[ -z \"$AWS_SECRET_ACCESS_KEY\" ] && [ -n \"$HOME\" ] && exec \"$HOME/keys\" 'two words'");
	(void)snprintf(config, sizeof(config),
		       "[profile acme]\ncredential_process = \"%s/keys\" 'two words'\n"
		       "[profile environment]\ncredential_process = %s/environment \"two words\"\n"
		       "[profile role]\nrole_arn = " ROLE "\nsource_profile = acme\n"
		       "[profile fails]\ncredential_process = %s/fails two\\ words\n"
		       "[profile version]\ncredential_process = %s/version two\\ words\n"
		       "[profile relative]\ncredential_process = keys\n"
		       "[profile quote]\ncredential_process = %s/keys \"two words\n"
		       "[profile static]\ncredential_process = /nowhere\nmfa_serial = arn:aws:iam::1:mfa/x\n",
		       home, home, home, home, home);
	write_file(".aws/config", config, 0644);
	check_source("profile", "acme", "the credential_process of the profile \"acme\"");
	check_source("profile", "role", "the role of the profile \"role\"");
	check_source("profile", "static", "the profile \"static\"");
	(void)setenv("AWS_ACCESS_KEY_ID", "AKIAWRONG", 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
	check_source("profile", "environment", "the credential_process of the profile \"environment\"");
	check_fails("profile", "fails", "ended with exit code 3");
	check_fails("profile", "version", "it printed no keys that can be used");
	check_fails("profile", "relative", "absolute path");
	check_fails("profile", "quote", "a quote in it has no end");
}

TEST(roles_by_credential_source)
{
	begin();
	write_file(".aws/config",
		   "[profile env]\nrole_arn = " ROLE "\ncredential_source = Environment\n"
		   "[profile ec2]\nrole_arn = " ROLE "\ncredential_source = Ec2InstanceMetadata\n"
		   "[profile odd]\nrole_arn = " ROLE "\ncredential_source = Moon\n",
		   0644);
	check_fails("profile", "env", "takes its keys from Environment, which has none");
	(void)setenv("AWS_ACCESS_KEY_ID", ID, 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
	check_source("profile", "env", "the role of the profile \"env\"");
	check_fails("profile", "odd", "unknown credential_source");
	(void)unsetenv("AWS_EC2_METADATA_DISABLED");
	check_source("profile", "ec2", "the role of the profile \"ec2\"");
}

TEST(a_container_by_its_full_uri_and_token)
{
	char url[128], file[300];
	begin();
	(void)snprintf(url, sizeof(url), "%s/v2/credentials/0123", standin_url(standin));
	(void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
	check_fails(NULL, NULL, "cannot get the container's credentials: HTTP 403");
	(void)setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "let-me-in", 1);
	check_source(NULL, NULL, "the container's role");
	/* The file comes first, and is read anew each time. */
	write_file("container-token", "let-me-in\n", 0644);
	(void)snprintf(file, sizeof(file), "%s/container-token", home);
	(void)setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file, 1);
	(void)setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "wrong", 1);
	check_source(NULL, NULL, "the container's role");
	/* Plain http goes to nobody else. */
	(void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/credentials", 1);
	check_fails(NULL, NULL, "only https is allowed");
	(void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.169.253/credentials", 1);
	check_fails(NULL, NULL, "only https is allowed");
}

TEST(an_instance_by_version_two_of_its_metadata)
{
	begin();
	(void)unsetenv("AWS_EC2_METADATA_DISABLED");
	check_source(NULL, NULL, "the instance's role");
	CHECK(standin_count(standin, "requests", "\"method\": \"PUT\"") > 0);
	(void)standin_tell(standin, "faults",
			   "[{\"kind\":\"body\",\"path\":\"credentials/lab-role\",\"count\":9,\"body\":"
			   "\"{\\\"Code\\\":\\\"AssumeRoleUnauthorizedAccess\\\"}\"}]");
	check_fails(NULL, NULL, "AssumeRoleUnauthorizedAccess");
	(void)standin_tell(standin, "faults", "[]");
	(void)standin_tell(standin, "faults", "{\"kind\":\"hang\",\"path\":\"api/token\",\"count\":9,\"seconds\":5}");
	int64_t before = clock_monotonic_ms();
	check_fails(NULL, NULL, "no credentials in the config, the environment or the shared files");
	CHECK(clock_monotonic_ms() - before < 15000);
}

TEST(nothing_anywhere_tells_what_was_tried)
{
	begin();
	check_fails(NULL, NULL, "neither in the config nor in the environment nor in the shared files");
}

TEST(a_role_on_top_of_any_source)
{
	begin();
	(void)setenv("AWS_ACCESS_KEY_ID", ID, 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
	check_source("role_arn", ROLE, "the environment, then the role " ROLE);
	(void)setenv("AWS_ASSUME_ROLE_ARN", GUARDED, 1);
	check_fails(NULL, NULL, "cannot take on the role " GUARDED);
	(void)setenv("AWS_EXTERNAL_ID", "open-sesame", 1);
	check_source(NULL, NULL, "then the role " GUARDED);
	check_fails("role_arn", FOREIGN, "cannot take on the role " FOREIGN);
}

TEST(keys_are_fetched_anew_before_they_end_and_when_they_did)
{
	static const char *const args[] = {"--zone", "example.com", "--role", ROLE, "--session-seconds", "200", NULL};
	struct error err = {0};
	begin();
	(void)setenv("AWS_ACCESS_KEY_ID", ID, 1);
	(void)setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1);
	/* Kept while they are good. */
	struct dns_provider *provider = open_at(standin, "role_arn", ROLE);
	CHECK_OK(find(provider, "_acme-challenge.example.com", &err), err);
	CHECK(!find(provider, "_acme-challenge.a.example.org", &err));
	CHECK_INT(standin_count(standin, "requests", "Action=AssumeRole"), 1);
	/* AWS ended them early. */
	(void)standin_tell(standin, "settings", "{\"expire\": true}");
	error_clear(&err);
	CHECK(!find(provider, "_acme-challenge.b.example.net", &err));
	CHECK_CONTAINS(err.message, "asked for");
	CHECK_INT(standin_count(standin, "requests", "Action=AssumeRole"), 2);
	module->close(provider);
	/* Less than five minutes left: new ones for each request. */
	brief = standin_start("fakes/route53.py", args);
	provider = open_at(brief, "role_arn", ROLE);
	error_clear(&err);
	CHECK_OK(find(provider, "_acme-challenge.example.com", &err), err);
	CHECK(standin_count(brief, "requests", "Action=AssumeRole") >= 2);
	module->close(provider);
}

TEST(malformed_files_are_told_by_line_and_never_quoted)
{
	struct error err = {0};
	struct aws_profiles profiles = {0};
	static const char text[] = "[default]\naws_access_key_id = a\nmy secret\n";
	CHECK(!aws_profiles_parse(&profiles, text, strlen(text), "f", false, &err));
	CHECK_CONTAINS(err.message, "f:3: neither a section");
	CHECK(strstr(err.message, "secret") == NULL);
	aws_profiles_done(&profiles);
	begin();
	write_file(".aws/credentials", "[default]\naws_access_key_id=" ID "\naws_secret_access_key=" SECRET "\n", 0644);
	check_fails(NULL, NULL, "others may use it too");
}

TEST_MAIN()
