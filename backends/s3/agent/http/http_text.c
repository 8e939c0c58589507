/* SPDX-License-Identifier: MIT */
/* The words of an answer's head, and of curl's errors; see http_private.h. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_private.h"

static void begin_answer(struct exchange *x, const char *line, size_t n)
{
	const char *p = memchr(line, ' ', n);

	x->complete = 0;
	x->used = 0;
	x->h->got = x->got;
	x->h->ngot = 0;
	x->h->length = -1;
	x->h->status = 0;
	for (int i = 0; p && i < 3 && ++p < line + n && isdigit((unsigned char)*p); i++)
		x->h->status = 10 * x->h->status + *p - '0';
}

static char *copy(struct exchange *x, const char *p, size_t n)
{
	char *to = x->text + x->used;

	memcpy(to, p, n);
	to[n] = '\0';
	x->used += (unsigned)n + 1;
	return to;
}

static void lower(char *p)
{
	for (; *p; p++)
		*p = (char)tolower((unsigned char)*p);
}

static void add(struct exchange *x, const char *name, size_t nname, const char *value, size_t nvalue)
{
	struct http *h = x->h;
	char *lowered = copy(x, name, nname);

	lower(lowered);
	x->got[h->ngot++] = (struct http_header){ lowered, copy(x, value, nvalue) };
}

/* Content-Length as curl has checked it; of HEAD too. */
static void see_length(struct exchange *x)
{
	const char *v = http_got(x->h, "content-length");
	char *end;

	if (!v || !isdigit((unsigned char)*v))
		return;
	errno = 0;
	x->h->length = strtoll(v, &end, 10);
	if (*end || errno)
		x->h->length = -1;
}

int http_header_line(struct exchange *x, const char *line, size_t n)
{
	const char *colon, *value;

	if (n > 5 && !memcmp(line, "HTTP/", 5)) {
		begin_answer(x, line, n);
		return 0;
	}
	while (n && strchr("\r\n \t", line[n - 1]))
		n--;
	if (!n) {
		x->complete = 1;
		see_length(x);
		return 0;
	}
	colon = memchr(line, ':', n);
	if (!colon)
		return 0;
	if (x->used + n + 2 > sizeof(x->text) || x->h->ngot == HTTP_GOT)
		return -E2BIG;
	for (value = colon + 1; value < line + n && (*value == ' ' || *value == '\t'); value++)
		;
	add(x, line, (size_t)(colon - line), value, (size_t)(line + n - value));
	return 0;
}

const char *http_got(const struct http *h, const char *name)
{
	for (unsigned i = 0; i < h->ngot; i++)
		if (!strcmp(h->got[i].name, name))
			return h->got[i].value;
	return NULL;
}

void http_add(struct http *h, const char *name, const char *value)
{
	if (h->headers < HTTP_HEADERS)
		h->header[h->headers++] = (struct http_header){ name, value };
}

static int connect_errno(CURL *easy)
{
	long os = 0;

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os);
	switch (os) {
	case ETIMEDOUT:
	case EHOSTUNREACH:
		return -(int)os;
	case ENETUNREACH:
		return -EHOSTUNREACH;
	default:
		return -ECONNREFUSED;
	}
}

int http_errno(CURL *easy, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		return connect_errno(easy);
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_SEND_FAIL_REWIND:
	case CURLE_SSL_CONNECT_ERROR:
		return -ECONNRESET;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_URL_MALFORMAT:
		return -EPROTO;
	default:
		return -EIO;            /* an answer that is none */
	}
}
