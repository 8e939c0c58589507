/* SPDX-License-Identifier: MIT */
/*
 * The head of an answer, line by line, and the document of an error after it:
 * what is taken for the part that was asked for is that part.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/http_private.h"
#include "request/s3_private.h"

static struct exchange x;
static struct s3_try t;

static int data_of(struct s3_request *r, int64_t at, const void *p, size_t n)
{
	(void)r;
	(void)at;
	(void)p;
	(void)n;
	return 0;
}

/* Returns what is left after the empty line. */
static const char *head(const char *p, const char *end)
{
	while (p < end && !x.complete) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl - p) + 1 : (size_t)(end - p);
		/* curl gives lines that end in a newline and are not NUL-terminated */
		char *line = malloc(n + 1);

		memcpy(line, p, n);
		line[n] = '\n';
		if (http_header_line(&x, line, n + !nl))
			x.complete = 1;
		free(line);
		p += n;
	}
	return p;
}

static void judge(struct s3_request *r)
{
	if (s3_check_head(&t) || !t.good)
		return;
	if (r->from != 10 && !(r->from == 0 && t.http.status == 200 && r->first < 0))
		abort();
	if (r->first == 10 && (r->upto < 11 || r->upto > 20 || (r->size >= 0 && r->upto > r->size)))
		abort();
	if (strlen(r->etag) >= sizeof(r->etag) || strlen(r->version) >= sizeof(r->version))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct s3_request r = { .method = "GET", .data = data_of, .first = n % 2 ? 10 : -1, .last = n % 2 ? 19 : -1 };
	const char *p = (const char *)data, *end = p + n;

	memset((char *)&x + offsetof(struct exchange, h), 0, offsetof(struct exchange, text) - offsetof(struct exchange, h));
	memset(&t, 0, offsetof(struct s3_try, range));
	x.h = &t.http;
	t.http.got = x.got;
	t.r = &r;
	t.at = r.size = r.from = r.upto = -1;
	p = head(p, end);
	judge(&r);
	t.text_len = (size_t)(end - p);
	t.text = malloc(t.text_len + 1);
	memcpy(t.text, p, t.text_len);
	t.text[t.text_len] = '\0';
	s3_read_error(&t);
	s3_errno(r.code, t.http.status);
	free(t.text);
	return 0;
}
