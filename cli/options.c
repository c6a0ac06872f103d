/* SPDX-License-Identifier: Apache-2.0 */
/* Parses command lines by table. */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

const struct option_spec global_options[] = {
	{OPTION_CONFIG, "config", 'c', "FILE",
	 "config file (default /etc/certferry/certferry.yaml or $CERTFERRY_CONFIG)"},
	{OPTION_STATE_DIR, "state-dir", 0, "DIR",
	 "where keys and certificates live (default /var/lib/certferry or "
	 "$CERTFERRY_STATE_DIR)"},
	{OPTION_SERVER, "server", 0, "NAME|URL",
	 "the CA: a known name (`help account` lists them), or its directory's https URL"},
	{OPTION_CA_BUNDLE, "ca-bundle", 0, "FILE",
	 "extra trust anchors for the ACME server (also $CERTFERRY_CA_BUNDLE)"},
	{OPTION_RESOLVER, "resolver", 0, "ADDR[:PORT]",
	 "DNS server for every look-up; repeatable (also "
	 "$CERTFERRY_RESOLVER, comma-separated)"},
	{OPTION_TIMEOUT, "timeout", 0, "SECONDS", "the longest one certificate may take (default 600)"},
	{OPTION_LOCK_TIMEOUT, "lock-timeout", 0, "SECONDS", "how long to wait for another run's lock (default 60)"},
	{OPTION_JSON, "json", 0, NULL, "one JSON document on stdout, nothing else there"},
	{OPTION_QUIET, "quiet", 'q', NULL, "errors only"},
	{OPTION_VERBOSE, "verbose", 'v', NULL, "protocol steps; twice: every request"},
	{OPTION_LOG_FORMAT, "log-format", 0, "text|json", "form of the log lines on stderr"},
	{OPTION_COLOR, "color", 0, "auto|always|never", "colours (default auto: on a terminal)"},
	{OPTION_NO_PROGRESS, "no-progress", 0, NULL, "no live lines on a terminal"},
	{OPTION_HELP, "help", 'h', NULL, "show help"},
	{OPTION_VERSION, "version", 0, NULL, "show the version"},
	{0},
};

/* --- Finding --- */

static const struct option_spec *find_long(const struct option_spec *table, const char *name, size_t len)
{
	for (; table != NULL && table->id != OPTION_NONE; table++) {
		if (strlen(table->name) == len && strncmp(table->name, name, len) == 0)
			return table;
	}
	return NULL;
}

static const struct option_spec *find_letter(const struct option_spec *table, char letter)
{
	for (; table != NULL && table->id != OPTION_NONE; table++) {
		if (table->letter == letter && letter != 0)
			return table;
	}
	return NULL;
}

enum { NEAR = 3 }; /* edits up to which a word is worth suggesting */

static void nearest(const struct option_spec *table, const char *name, const char **best, size_t *distance)
{
	for (; table != NULL && table->id != OPTION_NONE; table++) {
		if (table->help == NULL)
			continue;
		size_t edits = str_distance(name, table->name, *distance);
		if (edits < *distance) {
			*distance = edits;
			*best = table->name;
		}
	}
}

static bool unknown_option(const struct command *command, const char *word, const char *name, struct error *err)
{
	const char *best = NULL;
	size_t distance = NEAR;
	nearest(global_options, name, &best, &distance);
	nearest(command != NULL ? command->options : NULL, name, &best, &distance);
	error_set(err, ERROR_USAGE, "usage", "unknown option %s%s%s", word, command != NULL ? " for " : "",
		  command != NULL ? command->name : "");
	if (best != NULL)
		error_hint(err, "did you mean --%s?", best);
	else
		error_hint(err, "`certferry help%s%s` lists the options", command != NULL ? " " : "",
			   command != NULL ? command->name : "");
	return false;
}

static const struct command *find_command(const struct command *const *commands, const char *name)
{
	for (; *commands != NULL; commands++) {
		if (str_equal((*commands)->name, name))
			return *commands;
	}
	return NULL;
}

static bool unknown_command(const struct command *const *commands, const char *name, struct error *err)
{
	const char *best = NULL;
	size_t distance = NEAR;
	for (; *commands != NULL; commands++) {
		size_t edits = str_distance(name, (*commands)->name, distance);
		if (edits < distance) {
			distance = edits;
			best = (*commands)->name;
		}
	}
	error_set(err, ERROR_USAGE, "usage", "unknown command \"%s\"", name);
	if (best != NULL)
		error_hint(err, "did you mean \"%s\"?", best);
	else
		error_hint(err, "`certferry help` lists the commands");
	return false;
}

/* --- Parsing --- */

struct parser {
	int argc;
	char **argv;
	int at;
	const struct command *command;
	struct arguments *arguments;
};

static bool take(struct parser *parser, const struct option_spec *spec, const char *word, const char *inline_value,
		 struct error *err)
{
	struct str_list *values = &parser->arguments->values[spec->id];

	if (spec->argument == NULL) {
		if (inline_value != NULL)
			return error_set(err, ERROR_USAGE, "usage", "--%s takes no value", spec->name);
		return str_list_add(values, "", err);
	}
	if (inline_value == NULL) {
		if (parser->at >= parser->argc)
			return error_set(err, ERROR_USAGE, "usage", "%s needs a value: %s", word, spec->argument);
		inline_value = parser->argv[parser->at++];
	}
	if (str_is_empty(inline_value))
		return error_set(err, ERROR_USAGE, "usage", "%s is given an empty value", word);
	return str_list_add(values, inline_value, err);
}

static bool parse_long(struct parser *parser, const char *word, struct error *err)
{
	const char *name = word + 2;
	const char *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct option_spec *spec = find_long(parser->command ? parser->command->options : NULL, name, len);
	if (spec == NULL)
		spec = find_long(global_options, name, len);
	if (spec == NULL) {
		AUTO_FREE char *plain = NULL;
		return str_set_n(&plain, name, len, err) && unknown_option(parser->command, word, plain, err);
	}
	return take(parser, spec, word, equals != NULL ? equals + 1 : NULL, err);
}

/* -v -v, -vv, -cFILE, -c FILE */
static bool parse_letters(struct parser *parser, const char *word, struct error *err)
{
	for (const char *letter = word + 1; *letter != '\0'; letter++) {
		const struct option_spec *spec =
			find_letter(parser->command ? parser->command->options : NULL, *letter);
		if (spec == NULL)
			spec = find_letter(global_options, *letter);
		if (spec == NULL)
			return unknown_option(parser->command, word, word + 1, err);
		if (spec->argument != NULL)
			return take(parser, spec, word, letter[1] != '\0' ? letter + 1 : NULL, err);
		if (!take(parser, spec, word, /* inline_value= */ NULL, err))
			return false;
	}
	return true;
}

static bool parse_word(struct parser *parser, const struct command *const *commands, bool *only_names,
		       struct error *err)
{
	const char *word = parser->argv[parser->at++];

	if (!*only_names && str_equal(word, "--")) {
		*only_names = true;
		return true;
	}
	if (!*only_names && str_starts(word, "--"))
		return parse_long(parser, word, err);
	if (!*only_names && word[0] == '-' && word[1] != '\0')
		return parse_letters(parser, word, err);
	if (parser->command == NULL) {
		parser->command = find_command(commands, word);
		return parser->command != NULL || unknown_command(commands, word, err);
	}
	return str_list_add(&parser->arguments->names, word, err);
}

bool arguments_parse(int argc, char **argv, const struct command *const *commands, const struct command **ret_command,
		     struct arguments *ret, struct error *err)
{
	CLEANUP(arguments_done) struct arguments arguments = {.commands = commands};
	struct parser parser = {.argc = argc, .argv = argv, .arguments = &arguments};
	bool only_names = false;

	while (parser.at < parser.argc) {
		if (!parse_word(&parser, commands, &only_names, err))
			return false;
	}
	*ret_command = parser.command;
	*ret = arguments;
	arguments = (struct arguments){0};
	return true;
}

void arguments_done(struct arguments *arguments)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		str_list_done(&arguments->values[i]);
	str_list_done(&arguments->names);
}

/* --- Reading --- */

bool option_given(const struct arguments *arguments, enum option_id id)
{
	return arguments->values[id].len > 0;
}

const char *option_value(const struct arguments *arguments, enum option_id id, const char *fallback)
{
	const struct str_list *values = &arguments->values[id];
	return values->len > 0 ? values->items[values->len - 1] : fallback;
}

bool option_number(const struct arguments *arguments, enum option_id id, uint64_t max, uint64_t fallback, uint64_t *ret,
		   struct error *err)
{
	const char *text = option_value(arguments, id, /* fallback= */ NULL);
	const char *name = "";
	uint64_t value = fallback;

	for (const struct option_spec *spec = global_options; spec->id != OPTION_NONE; spec++) {
		if (spec->id == id)
			name = spec->name;
	}
	if (text != NULL && (!parse_u64(text, strlen(text), max, &value) || value == 0))
		return error_set(err, ERROR_USAGE, "usage", "--%s takes a whole number from 1 to %llu, not \"%s\"",
				 name, (unsigned long long)max, text);
	*ret = value;
	return true;
}

void options_print(const struct option_spec *options)
{
	enum { COLUMN = 30 };
	for (; options != NULL && options->id != OPTION_NONE; options++) {
		char head[64];
		if (options->help == NULL)
			continue;
		(void)snprintf(head, sizeof(head), "  %c%c%s--%s%s%s", options->letter ? '-' : ' ',
			       options->letter ? options->letter : ' ', options->letter ? ", " : "  ", options->name,
			       options->argument ? " " : "", options->argument ? options->argument : "");
		if (strlen(head) >= COLUMN)
			printf("%s\n%*s%s\n", head, COLUMN, "", options->help);
		else
			printf("%-*s%s\n", COLUMN, head, options->help);
	}
}
