/* SPDX-License-Identifier: MIT */
/*
 * HTTP by libcurl's multi interface on the agent's loop. One exchange, no
 * retries, no meaning: s3.h has those.
 */
#ifndef S3_AGENT_HTTP_H
#define S3_AGENT_HTTP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HTTP_CONNECT_MS 3000
#define HTTP_STALL_MS 30000             /* both as in aws-c-s3 */
#define HTTP_HEADERS 64                /* of a request */

enum http_way { HTTP_IN, HTTP_OUT, HTTP_WAYS };

/*
 * A bound on the bytes of bodies that come or go in a second, for all exchanges
 * whose sites name it. Adds to *held the nanoseconds in which any of them
 * waited for it. Lives as long as the agent; NULL without memory.
 */
struct http_pace *http_pace_new(enum http_way way, uint64_t limit, uint64_t *held);

/* What connections of one kind have in common; lives as long as the agent. 0: the value in the comment. */
struct http_site {
	char *ca_file, *ca_path;        /* NULL: the system's */
	char *proxy;                    /* NULL: by http_proxy & co; "": none, whatever they say */
	int trust;                      /* any certificate */
	unsigned connect_ms;            /* HTTP_CONNECT_MS */
	unsigned stall_ms;              /* no byte for so long ends an exchange: HTTP_STALL_MS */
	unsigned total_ms;              /* 0: none */
	struct http_pace *pace[HTTP_WAYS];      /* NULL: as fast as it goes */
};

struct http_header {
	const char *name, *value;       /* name in lower case */
};

struct http {
	/* given; all strings and memory live until done, and are the caller's */
	const struct http_site *site;
	const char *method;             /* GET HEAD PUT POST DELETE */
	const char *url;                /* as it goes on the line: encoded, sorted; sent as it is */
	struct http_header header[HTTP_HEADERS];
	unsigned headers;
	const void *body;               /* or NULL, and then body_fd */
	int body_fd;                    /* read by pread from body_off */
	off_t body_off;
	size_t body_len;                /* 0: there is no body, whatever the above */
	unsigned stall_ms;              /* 0: the site's */
	size_t expect;                  /* bytes of the answer, if it is known to be large: a larger buffer */

	/* called; NULL is fine but for done. They may start and cancel any exchange, done may free h */
	int (*head)(struct http *h);    /* status and got[] are there; 0, or -errno to end it */
	int (*data)(struct http *h, const void *p, size_t n);  /* 0, or -errno to end it */
	void (*done)(struct http *h, int err);   /* last; 0: complete, or -errno: ETIMEDOUT ECONNREFUSED
	                                            ECONNRESET EHOSTUNREACH EPROTO EIO, or the callback's; h is the caller's again */
	void *arg;

	/* known from head on */
	int status;
	const struct http_header *got;  /* until done returns */
	unsigned ngot;
	int64_t length;                 /* Content-Length, -1 if there is none */

	/* known in done */
	char error[160];                /* what went wrong, for people */
	uint64_t started, first_byte, ended;   /* loop_clock(); 0: did not come to that */
	int reused;                     /* the connection */
	uint64_t received;              /* bytes of the body */
	uint64_t held;                  /* nanoseconds that it waited for its site's pace */

	struct exchange *x;             /* http.c's */
};

/* Of an answer; more than that ends the exchange with EPROTO. */
#define HTTP_GOT 512
#define HTTP_TEXT (48u << 10)

int http_init(void);                    /* 0 or -errno; after loop_init */

/* Begins. done is called later, never from here. */
void http_start(struct http *h);

/* Ends it; done is not called. Called from head or data of any exchange, body must stay until the next round. */
void http_cancel(struct http *h);

/* A header of the answer, or NULL. */
const char *http_got(const struct http *h, const char *name);

/* Adds a header to be sent. */
void http_add(struct http *h, const char *name, const char *value);

#endif
