/* SPDX-License-Identifier: MIT */
/* Elements and text out of expat; see xml.h. */
#include "xml.h"

#include <errno.h>
#include <expat.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct parse {
	XML_Parser parser;
	int (*leaf)(void *arg, const char *path, const char *value);
	int (*end)(void *arg, const char *path);
	void *arg;
	int err;
	unsigned depth;
	int is_leaf;                    /* nothing but text since the last start */
	char path[XML_PATH];
	char *value;
	size_t used, room;
};

static void stop(struct parse *p, int err)
{
	if (!p->err)
		p->err = err;
	XML_StopParser(p->parser, XML_FALSE);
}

static void started(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct parse *p = arg;
	size_t n = strlen(p->path), more = strlen(name);

	(void)attributes;
	if (p->err)                     /* expat may go on a little after it was stopped */
		return;
	if (p->depth == XML_DEPTH || n + more + 2 > sizeof(p->path)) {
		stop(p, -E2BIG);
		return;
	}
	if (p->depth++)
		p->path[n++] = '/';
	memcpy(p->path + n, name, more + 1);
	p->is_leaf = 1;
	p->used = 0;
}

static int make_room(struct parse *p, size_t n)
{
	size_t room = p->room ? p->room : 1024;
	char *v;

	if (p->used + n >= XML_VALUE)
		return -E2BIG;
	while (p->used + n >= room)
		room *= 2;
	if (room == p->room)
		return 0;
	v = realloc(p->value, room);
	if (!v)
		return -ENOMEM;
	p->value = v;
	p->room = room;
	return 0;
}

static void text(void *arg, const XML_Char *s, int n)
{
	struct parse *p = arg;
	int err;

	if (p->err || !p->is_leaf)
		return;
	err = make_room(p, (size_t)n);
	if (err) {
		stop(p, err);
		return;
	}
	memcpy(p->value + p->used, s, (size_t)n);
	p->used += (size_t)n;
}

static int tell(struct parse *p)
{
	if (!p->is_leaf)
		return p->end ? p->end(p->arg, p->path) : 0;
	if (make_room(p, 0))
		return -ENOMEM;
	p->value[p->used] = '\0';
	return p->leaf(p->arg, p->path, p->value);
}

static void ended(void *arg, const XML_Char *name)
{
	struct parse *p = arg;
	int err = p->err ? 0 : tell(p);

	if (err)
		stop(p, err);
	if (p->err)
		return;
	p->path[--p->depth ? strlen(p->path) - strlen(name) - 1 : 0] = '\0';
	p->is_leaf = 0;
}

static void has_doctype(void *arg, const XML_Char *name, const XML_Char *system, const XML_Char *public,
			int subset)
{
	(void)name;
	(void)system;
	(void)public;
	(void)subset;
	stop(arg, -EBADMSG);
}

int xml_parse(const char *s, size_t n,
	      int (*leaf)(void *arg, const char *path, const char *value),
	      int (*end)(void *arg, const char *path), void *arg)
{
	struct parse p = { .leaf = leaf, .end = end, .arg = arg };

	if (n > INT_MAX)
		return -E2BIG;
	p.parser = XML_ParserCreate(NULL);
	if (!p.parser)
		return -ENOMEM;
	XML_SetUserData(p.parser, &p);
	XML_SetElementHandler(p.parser, started, ended);
	XML_SetCharacterDataHandler(p.parser, text);
	XML_SetStartDoctypeDeclHandler(p.parser, has_doctype);
	if (XML_Parse(p.parser, s, (int)n, 1) != XML_STATUS_OK && !p.err)
		p.err = XML_GetErrorCode(p.parser) == XML_ERROR_NO_MEMORY ? -ENOMEM : -EBADMSG;
	XML_ParserFree(p.parser);
	free(p.value);
	return p.err;
}

time_t xml_time(const char *iso)
{
	struct tm tm = { 0 };

	return strptime(iso, "%Y-%m-%dT%H:%M:%S", &tm) ? timegm(&tm) : 0;
}
