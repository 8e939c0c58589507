/* SPDX-License-Identifier: MIT */
/* The faults, each a row of the table at the end: it does something to the request's object, or to the answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

#define FAULT(name) static void name(struct request *q, struct answer *a, const char *arg)
#define UNUSED (void)q, (void)a, (void)arg

/* ---- no answer, or a part of it ---- */

static void cut(struct answer *a, int64_t where, enum stop how)
{
	a->stop_at = where;
	a->stop = how;
	a->close = true;
}
FAULT(reset) { UNUSED; cut(a, BEFORE_HEAD, RESET); }
FAULT(hang_up) { UNUSED; cut(a, BEFORE_HEAD, CLOSE); }
FAULT(stall) { UNUSED; cut(a, BEFORE_HEAD, STALL); }
FAULT(head_reset) { UNUSED; cut(a, IN_HEAD, RESET); }
FAULT(head_close) { UNUSED; cut(a, IN_HEAD, CLOSE); }
FAULT(head_stall) { UNUSED; cut(a, IN_HEAD, STALL); }

/* In the body; it is not said that the connection ends. */
static void cut_body(struct answer *a, const char *arg, enum stop how)
{
	a->stop_at = atoll(arg);
	a->stop = how;
}
FAULT(body_reset) { UNUSED; cut_body(a, arg, RESET); }
FAULT(body_close) { UNUSED; cut_body(a, arg, CLOSE); }
FAULT(body_stall) { UNUSED; cut_body(a, arg, STALL); }

FAULT(slow)
{
	UNUSED;
	a->delay_ms = atoi(arg);
}

FAULT(drip)
{
	UNUSED;
	sscanf(arg, "%u,%u", &a->drip, &a->drip_ms);
}

FAULT(garbage)
{
	UNUSED;
	static const char text[] = "\x16\x03\x01 this is not HTTP\r\n\r\n";
	conn_write(q->c, text, sizeof(text) - 1);
	cut(a, BEFORE_HEAD, CLOSE);
}

/* ---- another answer ---- */

/* STATUS,CODE */
FAULT(error)
{
	UNUSED;
	char code[64] = "InternalError";
	int status = 500;
	sscanf(arg, "%d,%63s", &status, code);
	answer_error(a, status, code, "as commanded");
}

FAULT(early)
{
	error(q, a, arg);
	a->close = true;
}

FAULT(bare)
{
	UNUSED;
	a->status = atoi(arg);
}

FAULT(html)
{
	UNUSED;
	a->status = atoi(arg);
	text_print(&a->body, "<!DOCTYPE html><html><body><h1>%d</h1><p>A proxy in between says this.<br></body></html>", a->status);
}

/* STATUS,SCHEME://HOST: there, the same path */
FAULT(redirect)
{
	UNUSED;
	char to[200] = "";
	int status = 307;
	sscanf(arg, "%d,%199s", &status, to);
	answer_error(a, status, "TemporaryRedirect", to);
	text_print(&a->extra, "Location: %s%s\r\n", to, q->target);
}

/* REGION: the bucket is there */
FAULT(region)
{
	UNUSED;
	answer_error(a, 301, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint");
	text_print(&a->extra, "x-amz-bucket-region: %s\r\n", arg);
}

/* ---- the object changes just before ---- */

/* Other bytes, of the same size unless one is given. */
FAULT(replace)
{
	UNUSED;
	static uint64_t seed = 1000;
	const struct object *o = store_find(q->name);
	char etag[96];
	if (!o)
		return;
	sprintf(etag, "\"%032llx\"", (unsigned long long)++seed);
	store_put(q->name, data_pattern(*arg ? atoll(arg) : o->data->size, seed), etag, beside_again(&o->beside));
}

FAULT(vanish)
{
	UNUSED;
	store_remove(q->name);
}

/* ---- the right answer, made wrong ---- */

FAULT(status)
{
	UNUSED;
	a->status = atoi(arg);
}

FAULT(range_none)
{
	UNUSED;
	*a->range = '\0';
}

FAULT(range_text)
{
	UNUSED;
	snprintf(a->range, sizeof(a->range), "%s", arg);
}

static void ranges(struct answer *a, int64_t shift, int64_t more)
{
	long long first, last, size;
	if (sscanf(a->range, "bytes %lld-%lld/%lld", &first, &last, &size) == 3)
		snprintf(a->range, sizeof(a->range), "bytes %lld-%lld/%lld", first + (long long)shift,
			 last + (long long)shift, size + (long long)more);
}
FAULT(range_shift) { UNUSED; ranges(a, atoll(arg), 0); }
FAULT(range_size) { UNUSED; ranges(a, 0, atoll(arg)); }

/* 200 and all of it, whatever was asked for */
FAULT(range_ignored)
{
	UNUSED;
	if (!a->data)
		return;
	a->status = 200;
	*a->range = '\0';
	a->off = 0;
	a->len = a->data->size;
}

/* so many bytes less than asked for, and all headers say so */
FAULT(range_short)
{
	UNUSED;
	long long first, last, size;
	if (!a->data || a->len <= atoll(arg) || sscanf(a->range, "bytes %lld-%lld/%lld", &first, &last, &size) != 3)
		return;
	a->len -= atoll(arg);
	snprintf(a->range, sizeof(a->range), "bytes %lld-%lld/%lld", first, last - atoll(arg), size);
}

/* Content-Length says so many bytes more, or fewer, where they can be counted. */
FAULT(length)
{
	UNUSED;
	if (a->head_only)
		return;
	a->length = (a->data ? a->len : (int64_t)a->body.n) + atoll(arg);
	if (a->length < 0)
		a->length = 0;
}

FAULT(length_none)
{
	UNUSED;
	a->length = NO_LENGTH;
}

FAULT(chunked)
{
	UNUSED;
	a->length = CHUNKED;
}

FAULT(etag)
{
	UNUSED;
	snprintf(a->etag, sizeof(a->etag), "%s", arg);
}

FAULT(flip)
{
	UNUSED;
	a->flip = atoll(arg);
}

/* The connection ends after a whole answer, without a word. */
FAULT(close_after)
{
	UNUSED;
	cut_body(a, "0", CLOSE);
	a->stop_at = a->data ? a->len : (int64_t)a->body.n;
}

/* One header of so many KiB. */
FAULT(header)
{
	UNUSED;
	text_print(&a->extra, "x-amz-meta-large: %0*d\r\n", atoi(arg) * 1024, 0);
}

/* So many headers. */
FAULT(headers)
{
	UNUSED;
	for (int i = 0; i < atoi(arg); i++)
		text_print(&a->extra, "x-amz-meta-%d: %d\r\n", i, i);
}

static uint32_t crc32_of(const unsigned char *p, size_t n)
{
	uint32_t c = ~0u;
	while (n--) {
		c ^= *p++;
		for (int i = 0; i < 8; i++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
	}
	return ~c;
}

/* The whole body becomes text that can be changed. */
static void as_text(struct answer *a)
{
	if (!a->data)
		return;
	a->body.n = 0;
	text_add(&a->body, "", 0);
	for (int64_t at = 0; at < a->len;) {
		unsigned char buf[4096];
		size_t n = a->len - at < 4096 ? a->len - at : 4096;
		data_read(a->data, a->off + at, buf, n);
		text_add(&a->body, buf, n);
		at += n;
	}
	data_put(a->data);
	a->data = NULL;
}

/* gzip, in stored blocks, though nobody asked for it */
FAULT(gzip)
{
	UNUSED;
	if (a->head_only)
		return;
	as_text(a);
	struct text t = { 0 };
	text_add(&t, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
	for (size_t at = 0, n; at < a->body.n || at == 0; at += n) {
		n = a->body.n - at < 65535 ? a->body.n - at : 65535;
		unsigned char head[5] = { at + n == a->body.n, n, n >> 8, ~n, ~n >> 8 };
		text_add(&t, head, 5);
		text_add(&t, a->body.p + at, n);
		if (n == 0)
			break;
	}
	uint32_t tail[2] = { crc32_of((unsigned char *)a->body.p, a->body.n), a->body.n };
	text_add(&t, tail, 8);
	free(a->body.p);
	a->body = t;
	text_print(&a->extra, "Content-Encoding: gzip\r\n");
}

/* ---- XML ---- */

static void xml(struct answer *a, const char *prolog)
{
	a->body.n = 0;
	text_print(&a->body, "<?xml version=\"1.0\"?>\n%s<ListBucketResult><IsTruncated>false</IsTruncated>"
			     "<Contents><Key>&e;</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
			     "<ETag>\"0\"</ETag><Size>1</Size></Contents></ListBucketResult>", prolog);
}

FAULT(xml_cut)
{
	UNUSED;
	a->body.n = a->body.n * 2 / 3;
}

/* Text that doubles with every entity: 2^40 times. */
FAULT(xml_bomb)
{
	UNUSED;
	struct text t = { 0 };
	text_print(&t, "<!DOCTYPE x [<!ENTITY e0 \"boom\">");
	for (int i = 1; i < 40; i++)
		text_print(&t, "<!ENTITY e%d \"&e%d;&e%d;\">", i, i - 1, i - 1);
	text_print(&t, "<!ENTITY e \"&e39;&e39;\">]>\n");
	xml(a, t.p);
	free(t.p);
}

FAULT(xml_external) { UNUSED; xml(a, "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\n"); }
FAULT(xml_dtd) { UNUSED; xml(a, "<!DOCTYPE x SYSTEM \"http://127.0.0.1:1/x.dtd\" [<!ENTITY e \"one\">]>\n"); }

FAULT(xml_deep)
{
	UNUSED;
	a->body.n = 0;
	for (int i = 0; i < 300000; i++)
		text_print(&a->body, "<a>");
}

/* The same page again and again: with a token that is always new, the same one, or none. */
static void endless(struct answer *a, const char *token)
{
	static const char end[] = "<IsTruncated>false</IsTruncated>";
	struct text t = { 0 };
	char *at = a->body.n ? strstr(a->body.p, end) : NULL;
	if (!at)
		return;
	text_add(&t, a->body.p, at - a->body.p);
	text_print(&t, "<IsTruncated>true</IsTruncated>%s%s", token, at + strlen(end));
	free(a->body.p);
	a->body = t;
}
FAULT(xml_loop) { UNUSED; endless(a, "<NextContinuationToken>2d</NextContinuationToken>"); }
FAULT(xml_no_token) { UNUSED; endless(a, ""); }

FAULT(xml_endless)
{
	UNUSED;
	static unsigned n;
	char token[100];
	sprintf(token, "<NextContinuationToken>2d2d%08x</NextContinuationToken>", ++n);
	endless(a, token);
}

/* A page with nothing in it, and more to come: that is allowed. */
FAULT(xml_empty)
{
	UNUSED;
	a->body.n = 0;
	text_print(&a->body, "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>true</IsTruncated>"
			     "<NextContinuationToken>2d</NextContinuationToken></ListBucketResult>");
}

static const struct fault faults[] = {
	{ "reset", EARLY, reset },
	{ "close", EARLY, hang_up },
	{ "stall", EARLY, stall },
	{ "garbage", EARLY, garbage },
	{ "early", EARLY, early },
	{ "error", INSTEAD, error },
	{ "bare", INSTEAD, bare },
	{ "html", INSTEAD, html },
	{ "redirect", INSTEAD, redirect },
	{ "region", INSTEAD, region },
	{ "replace", FIRST, replace },
	{ "vanish", FIRST, vanish },
	{ "flip-stored", FIRST, fault_flip_stored },
	{ "flip-part", FIRST, fault_flip_part },
	{ "drop-part", FIRST, fault_drop_part },
	{ "late-reset", AFTER, reset },
	{ "late-close", AFTER, hang_up },
	{ "late-stall", AFTER, stall },
	{ "late-error", AFTER, error },
	{ "head-reset", AFTER, head_reset },
	{ "head-close", AFTER, head_close },
	{ "head-stall", AFTER, head_stall },
	{ "body-reset", AFTER, body_reset },
	{ "body-close", AFTER, body_close },
	{ "body-stall", AFTER, body_stall },
	{ "close-after", AFTER, close_after },
	{ "slow", AFTER, slow },
	{ "drip", AFTER, drip },
	{ "status", AFTER, status },
	{ "range-none", AFTER, range_none },
	{ "range-text", AFTER, range_text },
	{ "range-shift", AFTER, range_shift },
	{ "range-size", AFTER, range_size },
	{ "range-ignored", AFTER, range_ignored },
	{ "range-short", AFTER, range_short },
	{ "length", AFTER, length },
	{ "length-none", AFTER, length_none },
	{ "chunked", AFTER, chunked },
	{ "etag", AFTER, etag },
	{ "flip", AFTER, flip },
	{ "header", AFTER, header },
	{ "headers", AFTER, headers },
	{ "gzip", AFTER, gzip },
	{ "xml-cut", AFTER, xml_cut },
	{ "xml-bomb", AFTER, xml_bomb },
	{ "xml-external", AFTER, xml_external },
	{ "xml-dtd", AFTER, xml_dtd },
	{ "xml-deep", AFTER, xml_deep },
	{ "xml-endless", AFTER, xml_endless },
	{ "xml-loop", AFTER, xml_loop },
	{ "xml-no-token", AFTER, xml_no_token },
	{ "xml-empty", AFTER, xml_empty },
};

const struct fault *fault_named(const char *name)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		if (strcmp(faults[i].name, name) == 0)
			return &faults[i];
	}
	return NULL;
}
