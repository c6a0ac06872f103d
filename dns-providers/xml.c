/* SPDX-License-Identifier: Apache-2.0 */
/* A path and a stack of text lengths while expat walks the document; no tree. */
#include "dns-providers/xml.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/str.h"

#include <expat.h>
#include <string.h>

struct reading {
	XML_Parser parser;
	const char *what;
	xml_element *on_element;
	void *ctx;
	struct error *err;
	unsigned depth;
	unsigned elements;
	struct buf path;
	struct buf text; /* of all open elements, one behind the other */
	size_t path_at[LIMIT_XML_DEPTH];
	size_t text_at[LIMIT_XML_DEPTH];
};

static void stop(struct reading *reading)
{
	(void)XML_StopParser(reading->parser, XML_FALSE);
}

static void refuse(struct reading *reading, const char *why)
{
	(void)error_set(reading->err, ERROR_DATA, NULL, "%s %s", reading->what, why);
	stop(reading);
}

/* Shorten BUF to LEN. */
static void cut(struct buf *buf, size_t len)
{
	buf->len = len;
	if (buf->data != NULL)
		buf->data[len] = '\0';
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *reading = ctx;
	const char *colon = strrchr(name, ':');
	const char *local = colon != NULL ? colon + 1 : name;
	(void)attributes;
	if (error_is_set(reading->err))
		return;
	if (*local == '\0') { /* "x:", which only the rules for namespaces forbid */
		refuse(reading, "has an element without a name");
		return;
	}
	if (reading->depth == LIMIT_XML_DEPTH || ++reading->elements > LIMIT_XML_ELEMENTS) {
		refuse(reading, reading->depth == LIMIT_XML_DEPTH ? "nests too deep" : "has too many elements");
		return;
	}
	reading->path_at[reading->depth] = reading->path.len;
	reading->text_at[reading->depth] = reading->text.len;
	buf_printf(&reading->path, "%s%s", reading->depth > 0 ? "/" : "", local);
	reading->depth++;
	if (reading->path.failed)
		refuse(reading, "has too long names");
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int len)
{
	struct reading *reading = ctx;
	if (error_is_set(reading->err))
		return;
	buf_append(&reading->text, text, (size_t)len);
	if (reading->text.failed)
		refuse(reading, "has too much text");
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
	struct reading *reading = ctx;
	(void)name;
	if (error_is_set(reading->err) || reading->depth == 0)
		return;
	size_t from = reading->text_at[--reading->depth];
	while (reading->text.len > from && is_space(reading->text.data[reading->text.len - 1]))
		cut(&reading->text, reading->text.len - 1);
	const char *text = reading->text.len > from ? reading->text.data + from : "";
	while (is_space(*text))
		text++;
	if (!reading->on_element(reading->ctx, buf_cstr(&reading->path), text, reading->err))
		stop(reading);
	cut(&reading->path, reading->path_at[reading->depth]);
	cut(&reading->text, from);
}

static void XMLCALL on_doctype(void *ctx, const XML_Char *name, const XML_Char *system, const XML_Char *public,
			       int internal)
{
	(void)name, (void)system, (void)public, (void)internal;
	refuse(ctx, "has a document type, which is refused");
}

static void parser_free(XML_Parser *parser)
{
	XML_ParserFree(*parser);
}

static void reading_done(struct reading *reading)
{
	buf_done(&reading->path);
	buf_done(&reading->text);
}

bool xml_read(const char *text, size_t len, const char *what, xml_element *on_element, void *ctx, struct error *err)
{
	CLEANUP(parser_free) XML_Parser parser = XML_ParserCreate("UTF-8");
	CLEANUP(reading_done)
	struct reading reading = {.parser = parser, .what = what, .on_element = on_element, .ctx = ctx, .err = err};

	if (parser == NULL)
		return error_oom(err);
	if (len > LIMIT_PROVIDER_BODY)
		return error_set(err, ERROR_DATA, NULL, "%s is larger than %d bytes", what, LIMIT_PROVIDER_BODY);
	buf_init(&reading.path, LIMIT_XML_PATH);
	buf_init(&reading.text, LIMIT_XML_TEXT);
	XML_SetUserData(parser, &reading);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	XML_SetStartDoctypeDeclHandler(parser, on_doctype);
	if (XML_Parse(parser, text, (int)len, XML_TRUE) == XML_STATUS_OK && !error_is_set(err))
		return true;
	return error_set(err, ERROR_DATA, NULL, "%s is no well-formed XML: %s at line %lu", what,
			 XML_ErrorString(XML_GetErrorCode(parser)), (unsigned long)XML_GetCurrentLineNumber(parser));
}
