/* SPDX-License-Identifier: MIT */
/*
 * An easy handle: what libcurl is told, and what it calls; see http_private.h.
 * It is kept for the next exchange with all that never changes set.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "http_private.h"

#define KEPT_HANDLES 64
#define KEPT_SECONDS 60L       /* an idle connection; servers close it after 5 to 300 s */
#define LARGE (512L << 10)     /* both: an answer from here on, and its buffer, curl's largest */
#define SMALL (64L << 10)

static struct exchange *kept;
static unsigned nkept;

/* ---- callbacks of a transfer */

static void touch(struct exchange *x)
{
	if (!x->h->first_byte)
		x->h->first_byte = loop_clock();
	x->heard = loop_now();
}

/* Fails the exchange with the callback's own errno; what curl makes of it does not count. */
static size_t give_up(struct exchange *x, int err)
{
	if (!x->err)
		x->err = err;
	return 0;
}

static void bad_header(struct exchange *x, const char *why)
{
	snprintf(x->error, sizeof(x->error), "%s", why);
	give_up(x, -EPROTO);
}

static size_t got_header(char *line, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	int err;

	(void)size;
	if (!x->h)
		return 0;
	touch(x);
	if (x->headed)                          /* trailers */
		return n;
	if (http_header_line(x, line, n))
		return bad_header(x, "headers too large"), 0;
	if (!x->complete || x->h->status < 200)
		return n;
	x->headed = 1;
	err = x->h->head ? x->h->head(x->h) : 0;
	return err || !x->h ? give_up(x, err) : n;
}

static size_t got_data(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	int err;

	(void)size;
	if (!x->h)
		return 0;
	if (!http_pace_may(x, HTTP_IN))
		return CURL_WRITEFUNC_PAUSE;
	http_pace_moved(x, HTTP_IN, n);
	touch(x);
	x->h->received += n;
	err = x->h->data ? x->h->data(x->h, p, n) : 0;
	return err || !x->h ? give_up(x, err) : n;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static ssize_t read_body(const struct exchange *x, char *p, size_t n)
{
	const struct http *h = x->h;

	if (!h->body)
		return pread(h->body_fd, p, n, h->body_off + (off_t)x->sent);
	memcpy(p, (const char *)h->body + x->sent, n);
	return (ssize_t)n;
}

static size_t send_body(char *p, size_t size, size_t n, void *arg)
{
	struct exchange *x = arg;
	size_t most;
	ssize_t got;

	if (!x->h)
		return CURL_READFUNC_ABORT;
	n = smaller(size * n, x->h->body_len - x->sent);
	if (!n)
		return 0;
	most = http_pace_may(x, HTTP_OUT);
	if (!most)
		return CURL_READFUNC_PAUSE;
	got = read_body(x, p, smaller(n, most));
	if (got <= 0) {
		give_up(x, got < 0 ? -errno : -EIO);
		return CURL_READFUNC_ABORT;
	}
	http_pace_moved(x, HTTP_OUT, (size_t)got);
	x->sent += (size_t)got;
	return (size_t)got;
}

static int seek_body(void *arg, curl_off_t off, int origin)
{
	struct exchange *x = arg;

	if (!x->h || origin != SEEK_SET)
		return CURL_SEEKFUNC_FAIL;
	x->sent = (size_t)off;
	return CURL_SEEKFUNC_OK;
}

/* ---- setting up */

#define SET(option, value) curl_easy_setopt(x->easy, CURLOPT_##option, value)

static void set_forever(struct exchange *x)
{
	SET(PRIVATE, x);
	SET(ERRORBUFFER, x->error);
	SET(HEADERFUNCTION, got_header);
	SET(HEADERDATA, x);
	SET(WRITEFUNCTION, got_data);
	SET(WRITEDATA, x);
	SET(READFUNCTION, send_body);
	SET(READDATA, x);
	SET(SEEKFUNCTION, seek_body);
	SET(SEEKDATA, x);
	SET(OPENSOCKETFUNCTION, http_open_socket);
	SET(OPENSOCKETDATA, x);
	SET(CLOSESOCKETFUNCTION, http_close_socket);
	SET(NOSIGNAL, 1L);
	SET(NOPROGRESS, 1L);
	SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(PROTOCOLS_STR, "http,https");
	SET(PATH_AS_IS, 1L);
	SET(FOLLOWLOCATION, 0L);
	SET(HTTP_CONTENT_DECODING, 0L);
	SET(SUPPRESS_CONNECT_HEADERS, 1L);
	SET(TCP_NODELAY, 1L);
	SET(TCP_KEEPALIVE, 1L);
	SET(MAXAGE_CONN, KEPT_SECONDS);
	SET(UPLOAD_BUFFERSIZE, LARGE);
	/* a new connection resolves again, so that many of them spread over the addresses */
	SET(DNS_CACHE_TIMEOUT, 1L);
	SET(DNS_SHUFFLE_ADDRESSES, 1L);
}

/* The addresses a machine asks about itself: what answers through a proxy is another machine. */
static int is_metadata(const char *url)
{
	static const char *const hosts[] = { "http://169.254.", "http://[fd00:ec2::", "http://[fe80:" };

	for (unsigned i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		if (!strncasecmp(url, hosts[i], strlen(hosts[i])))
			return 1;
	return 0;
}

static void set_site(struct exchange *x, const struct http_site *s)
{
	int own = s->ca_file || s->ca_path;

	SET(CAINFO, own ? s->ca_file : x->ca_file);
	SET(CAPATH, own ? s->ca_path : x->ca_path);
	SET(SSL_VERIFYPEER, s->trust ? 0L : 1L);
	SET(SSL_VERIFYHOST, s->trust ? 0L : 2L);
	SET(CONNECTTIMEOUT_MS, (long)(s->connect_ms ? s->connect_ms : HTTP_CONNECT_MS));
	SET(TIMEOUT_MS, (long)s->total_ms);
}

/* It has a body, or says that there is none. */
static int sends(const struct http *h)
{
	return h->body_len || !strcmp(h->method, "PUT") || !strcmp(h->method, "POST");
}

/* value NULL: curl's own is not sent */
static int add_header(struct exchange *x, const char *name, const char *value)
{
	char line[HTTP_LINE];
	int n = snprintf(line, sizeof(line), "%s%s%s", name, value && !*value ? ";" : ":",
			 value && *value ? value : "");
	struct curl_slist *l;

	if (n < 0 || (size_t)n >= sizeof(line))
		return -E2BIG;
	l = curl_slist_append(x->headers, line);
	if (!l)
		return -ENOMEM;
	x->headers = l;
	return 0;
}

static int add_headers(struct exchange *x, const struct http *h)
{
	int err = 0, typed = 0;

	for (unsigned i = 0; i < h->headers && !err; i++) {
		typed |= !strcasecmp(h->header[i].name, "content-type");
		err = add_header(x, h->header[i].name, h->header[i].value);
	}
	/* curl would send these of its own accord; what is not signed must not be sent */
	if (!err && sends(h))
		err = add_header(x, "Expect", NULL);
	if (!err && sends(h) && !typed)
		err = add_header(x, "Content-Type", NULL);
	SET(HTTPHEADER, x->headers);
	return err;
}

/* With a body or with the announcement that there is none. */
static void set_body(struct exchange *x, const struct http *h)
{
	/* what curl sends by itself it does not wait with */
	if (h->body_len && (!h->body || h->site->pace[HTTP_OUT])) {
		SET(UPLOAD, 1L);
		SET(INFILESIZE_LARGE, (curl_off_t)h->body_len);
	} else {
		SET(POST, 1L);
		SET(POSTFIELDS, h->body_len ? h->body : "");
		SET(POSTFIELDSIZE_LARGE, (curl_off_t)h->body_len);
	}
}

static void set_method(struct exchange *x, const struct http *h)
{
	int gets = !strcmp(h->method, "GET") && !h->body_len;

	if (gets && x->gets)
		return;
	x->gets = gets;
	SET(NOBODY, 0L);
	SET(UPLOAD, 0L);
	SET(HTTPGET, 1L);
	if (!strcmp(h->method, "HEAD"))
		SET(NOBODY, 1L);
	else if (sends(h))
		set_body(x, h);
	SET(CUSTOMREQUEST, strcmp(h->method, "HEAD") && strcmp(h->method, "GET") ? h->method : NULL);
}

static void set_proxy(struct exchange *x, const char *proxy)
{
	if (x->proxy != proxy)
		SET(PROXY, proxy);
	x->proxy = proxy;
}

int http_easy_set(struct exchange *x, const struct http *h)
{
	long room = h->expect >= (size_t)LARGE ? LARGE : SMALL;

	if (x->site != h->site) {
		set_site(x, h->site);
		x->site = h->site;
	}
	if (x->room != room)
		SET(BUFFERSIZE, x->room = room);
	SET(URL, h->url);
	set_proxy(x, is_metadata(h->url) ? "" : h->site->proxy);
	set_method(x, h);
	return add_headers(x, h);
}

struct exchange *http_easy_new(void)
{
	struct exchange *x = kept;

	if (x) {
		kept = x->next;
		nkept--;
		return x;
	}
	x = malloc(sizeof(*x));
	if (!x)
		return NULL;
	memset(x, 0, offsetof(struct exchange, text));
	x->easy = curl_easy_init();
	if (!x->easy) {
		free(x);
		return NULL;
	}
	curl_easy_getinfo(x->easy, CURLINFO_CAINFO, &x->ca_file);
	curl_easy_getinfo(x->easy, CURLINFO_CAPATH, &x->ca_path);
	set_forever(x);
	return x;
}

void http_easy_keep(struct exchange *x)
{
	curl_slist_free_all(x->headers);
	x->headers = NULL;
	if (nkept == KEPT_HANDLES) {
		curl_easy_cleanup(x->easy);
		free(x);
		return;
	}
	x->next = kept;
	kept = x;
	nkept++;
}
