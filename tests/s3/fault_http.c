/* SPDX-License-Identifier: MIT */
/* Requests are read. */
#include <ctype.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fault.h"

void text_add(struct text *t, const void *p, size_t n)
{
	if (t->n + n + 1 > t->room) {
		t->room = (t->n + n + 1) * 2;
		t->p = realloc(t->p, t->room);
		if (!t->p)
			abort();
	}
	memcpy(t->p + t->n, p, n);
	t->n += n;
	t->p[t->n] = '\0';
}

void text_print(struct text *t, const char *fmt, ...)
{
	char *s;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	text_add(t, s, n);
	free(s);
}

void text_xml(struct text *t, const char *s, bool url)
{
	for (; *s; s++) {
		unsigned char c = *s;
		if (url && !isalnum(c) && !strchr("-_.~/", c))
			text_print(t, "%%%02X", c);
		else if (c == '&' || c == '<' || c == '>' || (c < 0x20 && c != '\t'))
			text_print(t, "&#%d;", c);
		else
			text_add(t, s, 1);
	}
}

/* ---- reading ---- */

static ssize_t conn_fill(struct conn *c)
{
	if (c->start == c->end)
		c->start = c->end = 0;
	if (c->end == sizeof(c->buf))
		return -1;
	ssize_t n = c->tls ? SSL_read(c->tls, c->buf + c->end, sizeof(c->buf) - c->end)
			   : recv(c->fd, c->buf + c->end, sizeof(c->buf) - c->end, 0);
	if (n > 0)
		c->end += n;
	return n;
}

/* n bytes at most of what comes; 0 at the end. */
static ssize_t conn_read(struct conn *c, void *to, size_t n)
{
	if (c->start == c->end && conn_fill(c) <= 0)
		return 0;
	if (n > c->end - c->start)
		n = c->end - c->start;
	memcpy(to, c->buf + c->start, n);
	c->start += n;
	return n;
}

/* A line without its CRLF, or -1. */
static ssize_t conn_line(struct conn *c, char *to, size_t room)
{
	size_t n = 0;
	while (n + 1 < room && conn_read(c, to + n, 1) == 1) {
		if (to[n] == '\n') {
			if (n && to[n - 1] == '\r')
				n--;
			to[n] = '\0';
			return n;
		}
		n++;
	}
	return -1;
}

size_t undo_percent(char *s, bool plus)
{
	char *to = s;
	for (char *p = s; *p; p++) {
		unsigned c;
		if (*p == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2])) {
			sscanf(p + 1, "%2x", &c);
			*to++ = c;
			p += 2;
		} else {
			*to++ = plus && *p == '+' ? ' ' : *p;
		}
	}
	*to = '\0';
	return to - s;
}

const char *header_of(const struct request *q, const char *name)
{
	for (unsigned i = 0; i < q->headers; i++) {
		if (strcmp(q->header[i].name, name) == 0)
			return q->header[i].value;
	}
	return NULL;
}

const char *param_of(const struct request *q, const char *name)
{
	for (unsigned i = 0; i < q->params; i++) {
		if (strcmp(q->param[i].name, name) == 0)
			return q->param[i].value;
	}
	return NULL;
}

/* One header line into q->header. */
static bool header_line(struct request *q, char *line)
{
	char *colon = strchr(line, ':');
	if (!colon || q->headers == HEADERS)
		return false;
	*colon++ = '\0';
	for (char *p = line; *p; p++)
		*p = tolower((unsigned char)*p);
	colon += strspn(colon, " \t");
	for (size_t n = strlen(colon); n && strchr(" \t", colon[n - 1]); n--)
		colon[n - 1] = '\0';
	q->header[q->headers++] = (struct pair){ line, colon };
	return true;
}

/* The target: path, parameters, and which bucket and key that is. */
static bool target(struct request *q)
{
	static _Thread_local char copy[HEAD_MAX];
	snprintf(copy, sizeof(copy), "%s", q->target);
	char *query = strchr(copy, '?');
	if (query)
		*query++ = '\0';
	for (char *save, *p = query ? strtok_r(query, "&", &save) : NULL; p; p = strtok_r(NULL, "&", &save)) {
		if (q->params == PARAMS)
			return false;
		char *value = strchr(p, '=');
		if (value)
			*value++ = '\0';
		else
			value = p + strlen(p);
		undo_percent(p, false);
		undo_percent(value, false);
		q->param[q->params++] = (struct pair){ p, value };
	}
	if (*copy != '/')
		return false;
	undo_percent(copy, false);
	q->path = copy;
	const char *host = header_of(q, "host");
	size_t h = host ? strcspn(host, ":") : 0;
	const char *key = copy + 1, *domain = ".s3.localhost";
	if (h > strlen(domain) && strncmp(host + h - strlen(domain), domain, strlen(domain)) == 0) {
		snprintf(q->bucket, sizeof(q->bucket), "%.*s", (int)(h - strlen(domain)), host);
	} else {
		size_t n = strcspn(key, "/");
		snprintf(q->bucket, sizeof(q->bucket), "%.*s", (int)n, key);
		key += n + (key[n] == '/');
	}
	if (strlen(key) > KEY_MAX)
		return false;
	strcpy(q->key, key);
	const char *prefix = param_of(q, "prefix");
	snprintf(q->name, sizeof(q->name), "%s/%s", q->bucket, *q->key || !prefix ? q->key : prefix);
	return true;
}

int request_read(struct conn *c, struct request *q, struct answer *a)
{
	char *p = q->head;
	memset((char *)q + offsetof(struct request, method), 0, sizeof(*q) - offsetof(struct request, method));
	q->c = c;
	for (bool first = true;; first = false) {
		ssize_t n = conn_line(c, p, q->head + HEAD_MAX - p);
		if (n < 0)
			return 0;
		if (n == 0 && !first)
			break;
		if (first) {
			char *save;
			q->method = strtok_r(p, " ", &save);
			q->target = strtok_r(NULL, " ", &save);
		} else if (!header_line(q, p)) {
			answer_error(a, 400, "InvalidRequest", "a header without a colon, or too many");
			return -1;
		}
		p += n + 1;
	}
	if (!q->method || !q->target || !target(q)) {
		answer_error(a, 400, "InvalidURI", "the request line");
		return -1;
	}
	const char *length = header_of(q, "content-length"), *te = header_of(q, "transfer-encoding");
	q->length = te ? -1 : length ? atoll(length) : 0;
	q->expects = header_of(q, "expect") != NULL;
	return 1;
}

/* Where a body goes that is being read. */
struct sink {
	EVP_MD_CTX *md5, *sha256;
	unsigned char *to;              /* NULL: nowhere */
	size_t n, room;
	bool keep;
};

static bool sink_room(struct sink *s, size_t n)
{
	if (!s->keep || s->n + n <= s->room)
		return true;
	s->room = s->n ? (s->n + n) * 2 : n;
	unsigned char *more = realloc(s->to, s->room);
	if (more)
		s->to = more;
	return more;
}

/* n bytes of the connection; 0 or -1. */
static int sink_read(struct sink *s, struct conn *c, int64_t n)
{
	unsigned char buf[16384];
	while (n > 0) {
		ssize_t k = conn_read(c, buf, n < (int64_t)sizeof(buf) ? (size_t)n : sizeof(buf));
		if (k <= 0 || !sink_room(s, k))
			return -1;
		EVP_DigestUpdate(s->md5, buf, k);
		EVP_DigestUpdate(s->sha256, buf, k);
		if (s->keep)
			memcpy(s->to + s->n, buf, k);
		s->n += k;
		n -= k;
	}
	return 0;
}

static int sink_chunks(struct sink *s, struct conn *c)
{
	char line[256];
	for (;;) {
		if (conn_line(c, line, sizeof(line)) < 0)
			return -1;
		long long n = strtoll(line, NULL, 16);
		if (n < 0 || sink_read(s, c, n) < 0 || conn_line(c, line, sizeof(line)) < 0)
			return -1;
		if (n == 0)
			return 0;
	}
}

static void hex_of(EVP_MD_CTX *md, char *out)
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned n;
	EVP_DigestFinal_ex(md, raw, &n);
	for (unsigned i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", raw[i]);
}

int request_body(struct request *q, bool keep)
{
	struct sink s = { .md5 = EVP_MD_CTX_new(), .sha256 = EVP_MD_CTX_new(), .keep = keep };
	EVP_DigestInit_ex(s.md5, EVP_md5(), NULL);
	EVP_DigestInit_ex(s.sha256, EVP_sha256(), NULL);
	int err = 0;
	if (q->expects)
		err = conn_write(q->c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	if (!err && keep && q->length > 0)
		err = sink_room(&s, q->length) ? 0 : -1;
	if (!err)
		err = q->length < 0 ? sink_chunks(&s, q->c) : sink_read(&s, q->c, q->length);
	hex_of(s.md5, q->md5);
	hex_of(s.sha256, q->sha256);
	EVP_MD_CTX_free(s.md5);
	EVP_MD_CTX_free(s.sha256);
	q->expects = false;
	q->length = 0;
	if (err) {
		free(s.to);
		return -1;
	}
	q->body = data_pattern(s.n, 0);
	q->body->bytes = s.to;
	return 0;
}
