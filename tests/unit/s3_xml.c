/* SPDX-License-Identifier: MIT */
/* XML: what comes out of a document, and which documents are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/xml.h"

static char out[4096];
static int stop_at_leaf, stop_at_end;

static int leaf(void *arg, const char *path, const char *value)
{
	size_t n = strlen(out);

	assert_ptr_equal(arg, out);
	snprintf(out + n, sizeof(out) - n, "%s=%s;", path, value);
	return stop_at_leaf;
}

static int end(void *arg, const char *path)
{
	size_t n = strlen(out);

	assert_ptr_equal(arg, out);
	snprintf(out + n, sizeof(out) - n, "/%s;", path);
	return stop_at_end;
}

static int parse_bytes(const char *text, size_t n)
{
	out[0] = '\0';
	return xml_parse(text, n, leaf, end, out);
}

static int parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void gives(const char *text, const char *what)
{
	assert_int_equal(parse(text), 0);
	assert_string_equal(out, what);
}

static void documents(void **state)
{
	(void)state;
	gives("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<A xmlns=\"http://x/\"> <B>1</B>\n<C><D>2</D><E/></C></A>\n",
	      "A/B=1;A/C/D=2;A/C/E=;/A/C;/A;");
	gives("<A>&lt;&amp;&gt;&quot;&apos;&#233;&#xe9;</A>", "A=<&>\"'éé;");
	gives("<A> two\n lines </A>", "A= two\n lines ;");
	gives("<A><B><![CDATA[<x>]]></B><!-- <C/> --></A>", "A/B=<x>;/A;");
	gives("<A>lost<B>x</B>lost</A>", "A/B=x;/A;");
	gives("<A><B>x</B><B>y</B></A>", "A/B=x;A/B=y;/A;");
}

static void refused(void **state)
{
	static const char *const bad[] = {
		"", " ", "x", "<A>", "<A></B>", "<A/><B/>", "<A>&nbsp;</A>", "<A>\x01</A>", "<A>\xff</A>", "<A b=1/>",
		"<!DOCTYPE A><A/>",
		"<!DOCTYPE A [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><A>&e;</A>",
		"<!DOCTYPE A [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><A>&b;</A>",
		"<!DOCTYPE A PUBLIC \"-//W3C//DTD XHTML 1.0//EN\" \"http://127.0.0.1:1/x.dtd\"><A/>",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(parse(bad[i]), -EBADMSG);
	assert_int_equal(parse_bytes("<A>\0</A>", 8), -EBADMSG);
}

static char *deep(int depth)
{
	char *text = malloc((size_t)depth * 7 + 1), *p = text;

	for (int i = 0; i < depth; i++)
		p = stpcpy(p, "<a>");
	for (int i = 0; i < depth; i++)
		p = stpcpy(p, "</a>");
	return text;
}

static void limits(void **state)
{
	char *text = deep(XML_DEPTH);

	(void)state;
	assert_int_equal(parse(text), 0);
	free(text);
	text = deep(XML_DEPTH + 1);
	assert_int_equal(parse(text), -E2BIG);
	free(text);
	text = deep(100000);
	assert_int_equal(parse(text), -E2BIG);
	free(text);
	for (int over = 0; over < 2; over++) {
		size_t n = XML_VALUE - 1 + (size_t)over;

		text = calloc(1, n + 8);
		strcpy(text, "<A>");
		memset(text + 3, 'x', n);
		strcat(text, "</A>");
		assert_int_equal(parse(text), over ? -E2BIG : 0);
		free(text);
	}
	for (int over = 0; over < 2; over++) {
		char name[XML_PATH + 1] = "", whole[XML_PATH + 8];

		memset(name, 'n', XML_PATH - 2 + (size_t)over);
		snprintf(whole, sizeof(whole), "<%s/>", name);
		assert_int_equal(parse(whole), over ? -E2BIG : 0);
	}
}

static void stopped(void **state)
{
	(void)state;
	stop_at_leaf = -ENAMETOOLONG;
	assert_int_equal(parse("<A><B>1</B><C>2</C></A>"), -ENAMETOOLONG);
	assert_string_equal(out, "A/B=1;");
	assert_int_equal(parse("<A><B/><C/></A>"), -ENAMETOOLONG);
	assert_string_equal(out, "A/B=;");
	stop_at_leaf = 0;
	stop_at_end = -EDOM;
	assert_int_equal(parse("<A><B><C/></B><D/></A>"), -EDOM);
	assert_string_equal(out, "A/B/C=;/A/B;");
	stop_at_end = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents),
		cmocka_unit_test(refused),
		cmocka_unit_test(limits),
		cmocka_unit_test(stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
