/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and commands on one server. Most of this is about saying exactly what an account lacks: whoever sets up an
 * unprivileged one meets each of these errors once.
 */
#include "transport/remote.h"

#include "base/buf.h"
#include "base/escape.h"
#include "base/excerpt.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/str.h"
#include "transport/remote_accounts.h"
#include "transport/sftp.h"
#include "transport/ssh.h"
#include "transport/ssh_target.h"
#include "transport/sudo.h"
#include "transport/tls_probe.h"

#include <string.h>

enum {
	LOOK_UP_MS = 5000, /* for what is only asked to explain a failure */
	SHOWN_MAX = 240,   /* of a command in a message, which has more to say than that */
};

/* Debian, Fedora, Arch and Alpine, openSUSE, the BSDs, Gentoo, built from source. */
#define USUAL_SFTP_SERVERS                                                                        \
	"/usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server /usr/lib/ssh/sftp-server " \
	"/usr/libexec/ssh/sftp-server /usr/libexec/sftp-server /usr/lib64/misc/sftp-server "      \
	"/usr/local/libexec/sftp-server"
#define NO_SFTP_SERVER "no sftp-server in the usual places"
#define SYSTEM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char start_usual_server[] =
	"exec sh -c 'for s in " USUAL_SFTP_SERVERS
	"; do if [ -x $s ]; then exec sudo -n -- $s; fi; done; echo " NO_SFTP_SERVER " >&2; exit 127'";
static const char find_usual_server[] =
	"exec sh -c 'for s in " USUAL_SFTP_SERVERS "; do if [ -x $s ]; then echo $s; exit; fi; done'";

/* ---- sudo refuses ---- */

/* The first line of what COMMAND, one of ours, writes that is a path; NULL where there is none. */
static char *ask_for_path(struct remote *remote, const char *command)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+-";
	CLEANUP(excerpt_done) struct excerpt output;
	struct ssh_exit ended;
	struct error err = {0};

	excerpt_init(&output, LIMIT_REMOTE_OUTPUT);
	if (!ssh_link_run(remote->link, command, deadline_in(LOOK_UP_MS, NULL), &output, &ended, &err)) {
		log_debug("%s: not looked up: %s", remote->target->server, err.message);
		return NULL;
	}
	for (const char *line = buf_cstr(&output.kept); line != NULL; line = strchr(line, '\n')) {
		line += line[0] == '\n';
		size_t len = strspn(line, allowed);
		if (line[0] == '/' && line[len] == '\n')
			return str_format(&err, "%.*s", (int)len, line);
	}
	return NULL;
}

/* Where PROGRAM is there, as sudo looks for it: sudoers lines have full paths. NULL where that cannot be found out. */
static char *find_program(struct remote *remote, const char *program)
{
	struct error err = {0};
	char *command AUTO_FREE = str_format(&err, "exec env PATH=" SYSTEM_PATH " sh -c 'command -v %s'", program);

	if (program[0] == '/')
		return str_format(&err, "%s", program);
	return command != NULL ? ask_for_path(remote, command) : NULL;
}

/* The hint for COMMAND, which sudo did not run: the line that would let it. */
static void hint_rule(struct remote *remote, const char *program, const char *command, struct error *err)
{
	const char *user = remote->target->user;
	struct error ignored = {0};
	char *rule AUTO_FREE = NULL;

	if (strstr(err->said, "command not found") != NULL)
		error_hint(err, "give the command's full path in the config, or install it there");
	if (strstr(err->said, "must have a tty") != NULL)
		error_hint(err, "put this line into /etc/sudoers.d/certferry there: Defaults:%s !requiretty", user);
	if (!sudo_rule(user, program != NULL ? program : "/FULL/PATH", command, &rule, &ignored))
		return;
	if (rule[0] == '\0')
		error_hint(err,
			   "put this command into a script on the server, name the script here, and let %s run it by a "
			   "line in /etc/sudoers.d/certferry: %s ALL=(root) NOPASSWD: /PATH/OF/SCRIPT \"\"",
			   user, user);
	error_hint(err, "let it be run without a password by this line in /etc/sudoers.d/certferry there: %s", rule);
}

/* ---- connecting ---- */

/* The command that starts SFTP; NULL in *RET is the subsystem. */
static bool sftp_command(const struct ssh_target *target, char **ret, struct error *err)
{
	if (!target->sudo)
		return str_set(ret, target->sftp_server, err);
	*ret = target->sftp_server != NULL ? sudo_command(target->sftp_server, err)
					   : str_format(err, "%s", start_usual_server);
	return *ret != NULL;
}

static bool no_sftp_as_root(struct remote *remote, const struct error *cause, struct error *err)
{
	const struct ssh_target *target = remote->target;
	struct error ignored = {0};
	char *path AUTO_FREE = target->sftp_server != NULL ? str_format(&ignored, "%s", target->sftp_server)
							   : ask_for_path(remote, find_usual_server);

	(void)error_set(err, ERROR_REMOTE, NULL, "sudo does not let user %s start the SFTP server as root",
			target->user);
	error_said(err, cause->said, strlen(cause->said));
	hint_rule(remote, path, path != NULL ? path : "/FULL/PATH/OF/sftp-server", err);
	return false;
}

/* Why no SFTP server came up where one was to be started by a command, as far as the shell or sudo said. */
static void hint_missing(const char *said, struct error *err)
{
	if (strstr(said, "sudo: not found") != NULL || strstr(said, "sudo: command not found") != NULL)
		error_hint(err, "install sudo there, or deploy as a user who needs none and leave out `sudo`");
	else if (strstr(said, NO_SFTP_SERVER) != NULL || strstr(said, "not found") != NULL)
		error_hint(err, "set `sftp_server` to the path of that server's own (its sshd_config names it behind "
				"\"Subsystem sftp\")");
}

bool remote_start_sftp(struct remote *remote, struct deadline deadline, struct error *err)
{
	const struct ssh_target *target = remote->target;
	struct error cause = {0};
	char *command AUTO_FREE = NULL;

	if (!sftp_command(target, &command, err))
		return false;
	remote->sftp = sftp_start(remote->link, command, deadline, &cause);
	if (remote->sftp != NULL)
		return true;
	if (command != NULL)
		hint_missing(cause.said, &cause);
	else if (ssh_link_alive(remote->link))
		error_hint(&cause, "does the line `Subsystem sftp` of that server's sshd_config name a program that is "
				   "there, and does no ForceCommand or login shell stand in its way? `internal-sftp` "
				   "always is there");
	if (target->sudo && cause.hint[0] == '\0' && sudo_refused(cause.said))
		return no_sftp_as_root(remote, &cause, err);
	*err = cause;
	return false;
}

bool remote_log_in(struct remote *remote, const struct ssh_target *target, const struct ssh_watch *watch,
		   struct deadline deadline, struct error *err)
{
	*remote = (struct remote){.target = target};
	remote->link = ssh_link_open_watched(target, watch, deadline, err);
	return remote->link != NULL;
}

bool remote_connect(struct remote *remote, const struct ssh_target *target, struct deadline deadline, struct error *err)
{
	return remote_log_in(remote, target, /* watch= */ NULL, deadline, err) &&
	       remote_start_sftp(remote, deadline, err);
}

void remote_disconnect(struct remote *remote)
{
	sftp_stop(STEAL(remote->sftp));
	ssh_link_close(STEAL(remote->link));
}

bool remote_look(struct remote *remote, const struct tls_probe_target *target, bool through_jump,
		 struct deadline deadline, struct tls_probe_result *ret, struct error *err)
{
	int fd = -1;

	if (!through_jump)
		return tls_probe(target, deadline, ret, err);
	return ssh_link_dial(remote->link, target->address, target->port, deadline, &fd, err) &&
	       tls_probe_over(fd, target, deadline, ret, err);
}

void remote_hint_unseen(const char *address, uint16_t port, bool through_jump, struct error *err)
{
	err->hint[0] = '\0'; /* this one has what the tunnel's says */
	if (through_jump)
		error_hint(err,
			   "the handshake goes through the jump host: does its sshd allow connections to %s port %u "
			   "(AllowTcpForwarding, PermitOpen), and is the certificate served there? `verify: {address: "
			   "…}` is looked at from here instead, `verify: false` does without",
			   address, (unsigned)port);
	else
		error_hint(err,
			   "is %s port %u where this server serves the certificate, and can it be reached from here? "
			   "`verify` says where to look",
			   address, (unsigned)port);
}

bool remote_is_connected(const struct remote *remote)
{
	return ssh_link_alive(remote->link) && remote->sftp != NULL && sftp_usable(remote->sftp);
}

/* ---- accounts ---- */

bool remote_find_account(struct remote *remote, enum remote_account kind, const char *name, int64_t *ret,
			 struct error *err)
{
	static const struct {
		const char *word, *path;
	} kinds[] = {[REMOTE_USER] = {"user", "/etc/passwd"}, [REMOTE_GROUP] = {"group", "/etc/group"}};
	struct buf text CLEANUP(buf_done);
	uint64_t number;
	uint32_t id = 0;
	bool found = false;

	buf_init(&text, LIMIT_REMOTE_FILE);
	if (parse_u64(name, strlen(name), UINT32_MAX - 1, &number)) {
		*ret = (int64_t)number;
		return true;
	}
	if (!sftp_read_file(remote->sftp, kinds[kind].path, &text, &found, err)) {
		error_hint(err, "give the number of the %s \"%s\" in the config: then that file is not needed",
			   kinds[kind].word, name);
		return false;
	}
	if (!remote_accounts_find(buf_cstr(&text), text.len, name, &id)) {
		(void)error_set(err, ERROR_REMOTE, NULL, "the server has no %s called \"%s\" in its %s",
				kinds[kind].word, name, kinds[kind].path);
		error_hint(err, "create it there, correct the config, or give its number if it comes from a directory "
				"service");
		return false;
	}
	*ret = id;
	return true;
}

/* ---- commands ---- */

/* How COMMAND ended, as an error unless it ended well. */
static bool judge_exit(const char *command, const struct ssh_exit *exit_state, struct error *err)
{
	char shown[SHOWN_MAX];

	command = escape_str(shown, sizeof(shown), command);
	if (!exit_state->known)
		return error_set(err, ERROR_REMOTE, NULL, "`%s` ended, but the server does not say how", command);
	if (exit_state->signal[0] != '\0')
		return error_set(err, ERROR_REMOTE, NULL, "`%s` was ended by signal %s", command, exit_state->signal);
	if (exit_state->status != 0)
		return error_set(err, ERROR_REMOTE, NULL, "`%s` exited with status %d", command, exit_state->status);
	return true;
}

static bool runs_no_commands(const struct remote *remote, const char *command, struct error *err)
{
	char shown[SHOWN_MAX];

	(void)error_set(err, ERROR_REMOTE, NULL, "user %s may not run `%s`: this server gives it SFTP and no commands",
			remote->target->user, escape_str(shown, sizeof(shown), command));
	error_hint(err, "set `test_command: \"\"` and `reload_command: \"\"` for this server, or let the account run "
			"these two commands");
	return false;
}

/* What sshd says of a forced internal-sftp, and nologin(8) of itself. */
static bool says_no_commands(const char *output)
{
	return strstr(output, "allows sftp connections only") != NULL ||
	       strstr(output, "account is currently not available") != NULL;
}

/* Nothing, but for what sshd itself says where the account has no home. */
static bool is_silent(const struct buf *output)
{
	const char *said = buf_cstr(output);
	const char *end = strchr(said, '\n');

	return output->len == 0 ||
	       (str_starts(said, "Could not chdir to home directory ") && end != NULL && end[1] == '\0');
}

/*
 * A forced sftp-server takes any command for a session with nothing to do, and ends well; false(1) as login shell does
 * the opposite. So silence is no proof that the command was run. Asked to do nothing, the one speaks SFTP and the other
 * fails, silently again.
 */
static bool runs_commands(struct remote *remote, bool ended_well)
{
	struct deadline deadline = deadline_in(LOOK_UP_MS, NULL);
	CLEANUP(excerpt_done) struct excerpt output;
	struct ssh_exit ended = {0};
	struct error none = {0};

	excerpt_init(&output, LIMIT_REMOTE_OUTPUT);
	if (ended_well) {
		struct sftp *sftp = sftp_start(remote->link, "true", deadline, &none);
		remote->runs_commands = sftp == NULL;
		sftp_stop(sftp);
		return sftp == NULL;
	}
	if (!ssh_link_run(remote->link, "true", deadline, &output, &ended, &none))
		return true; /* it may: that is not known */
	remote->runs_commands = ended.status == 0 || !is_silent(&output.kept);
	return remote->runs_commands;
}

/* A preset's command is a distribution's: not every machine has it. */
static void hint_other_command(const struct ssh_exit *exit_state, const struct buf *output, struct error *err)
{
	enum { NOT_FOUND = 127 }; /* as every shell has it */

	if (exit_state->known && exit_state->status == NOT_FOUND)
		error_hint(err,
			   "there is no such command on that server: set `test_command` and `reload_command` to what "
			   "it has");
	else if (strstr(buf_cstr(output), "not been booted with systemd") != NULL)
		error_hint(err,
			   "without systemd a program is reloaded by a command of its own, as `nginx -s reload`: set "
			   "`reload_command`");
	else if (output->len == 0)
		error_hint(err, "it printed nothing: look into that program's own log on the server");
}

static void say_output(const struct excerpt *output, struct error *err)
{
	error_said_output(err, buf_cstr(&output->kept), output->kept.len, output->left_out);
}

/* COMMAND ended. Was it run, and was that a success? */
static bool judge(struct remote *remote, const char *command, const struct excerpt *output,
		  const struct ssh_exit *exit_state, struct error *err)
{
	const char *said = buf_cstr(&output->kept);

	if (exit_state->refused || says_no_commands(said) ||
	    (is_silent(&output->kept) && !remote->runs_commands && !runs_commands(remote, exit_state->status == 0))) {
		say_output(output, err);
		return runs_no_commands(remote, command, err);
	}
	remote->runs_commands = true;
	if (judge_exit(command, exit_state, err))
		return true;
	say_output(output, err);
	hint_other_command(exit_state, &output->kept, err);
	if (remote->target->sudo && sudo_refused(said)) {
		char *program AUTO_FREE = sudo_program(command, err);
		char *path AUTO_FREE = program != NULL ? find_program(remote, program) : NULL;
		hint_rule(remote, path, command, err);
	}
	return false;
}

/* Of what runs as root through sudo one hears no more than that the shell around it was ended. */
static const char *what_became(const struct remote *remote, const struct ssh_exit *exit_state)
{
	bool stopped = exit_state->known && !(remote->target->sudo && exit_state->signal[0] != '\0');
	return stopped ? "was stopped there" : "may still be running there";
}

static bool never_ended(const char *command, uint32_t ms, const char *became, struct error *err)
{
	char shown[SHOWN_MAX];

	(void)error_set(err, ERROR_TIMEOUT, NULL, "`%s` did not end within %u s, and %s",
			escape_str(shown, sizeof(shown), command), ms / 1000, became);
	error_hint(err, "find out what it waits for, or give it longer by this server's `command_timeout`");
	return false;
}

static bool interrupted(const char *command, const char *became, struct error *err)
{
	char shown[SHOWN_MAX];

	return error_set(err, ERROR_CANCELLED, NULL, "interrupted while `%s` ran, which %s",
			 escape_str(shown, sizeof(shown), command), became);
}

int64_t remote_run_longest_ms(uint32_t ms)
{
	return (int64_t)ms + SSH_END_MS + 2 * LOOK_UP_MS;
}

bool remote_run_heard(struct remote *remote, const char *command, uint32_t ms, struct cancel *cancel,
		      struct excerpt *output, struct error *err)
{
	const struct ssh_target *target = remote->target;
	struct error broken = {0};
	struct ssh_exit exit_state;

	if (command == NULL)
		return true;
	char *line AUTO_FREE = target->sudo ? sudo_command(command, err) : str_format(err, "%s", command);
	if (line == NULL)
		return false;
	if (ssh_link_run(remote->link, line, deadline_in(ms, cancel), output, &exit_state, &broken))
		return judge(remote, command, output, &exit_state, err);
	if (broken.category == ERROR_TIMEOUT)
		(void)never_ended(command, ms, what_became(remote, &exit_state), err);
	else if (broken.category == ERROR_CANCELLED)
		(void)interrupted(command, what_became(remote, &exit_state), err);
	else
		*err = broken;
	say_output(output, err);
	return false;
}

bool remote_run(struct remote *remote, const char *command, uint32_t ms, struct cancel *cancel, struct error *err)
{
	CLEANUP(excerpt_done) struct excerpt output;

	excerpt_init(&output, LIMIT_REMOTE_OUTPUT);
	return remote_run_heard(remote, command, ms, cancel, &output, err);
}
