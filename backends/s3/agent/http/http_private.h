/* SPDX-License-Identifier: MIT */
/* What http.c shares with http_easy.c, http_socket.c and http_text.c; nobody else includes it. */
#ifndef S3_AGENT_HTTP_PRIVATE_H
#define S3_AGENT_HTTP_PRIVATE_H

#include <curl/curl.h>

#include "http.h"
#include "loop/loop.h"

#define HTTP_LINE 16384                 /* of a header we send */

/* Where an exchange stands among those that share a way's bandwidth; http_pace.c's. */
struct exchange_pace {
	struct exchange *prev, *next;
	uint64_t since;                 /* paused */
	size_t turn;                    /* bytes it may move before others do */
	int paused;
};

/* An easy handle and what belongs to it, kept from one exchange to the next. */
struct exchange {
	CURL *easy;
	struct exchange *next;          /* of those kept, or waiting to begin or to end */
	/* what is set, and need not be again */
	const struct http_site *site;
	const char *proxy;
	long room;                      /* the buffer's */
	int gets;                       /* a plain GET */
	const char *ca_file, *ca_path;  /* the system's */
	char error[CURL_ERROR_SIZE];

	/* of one exchange; zeroed from here to `text` */
	struct http *h;                 /* NULL: cancelled */
	struct curl_slist *headers;
	struct loop_timer stall;
	uint64_t stall_ns, heard;       /* when a byte came last; 0: not begun */
	curl_off_t seen_sent;           /* bytes gone when the timer last looked */
	size_t sent;                    /* bytes of the body that curl asked for */
	int opened;                     /* a connection */
	int err;                        /* a callback's, -errno */
	int dead;                       /* cancelled inside libcurl, to be removed */
	int complete;                   /* the headers of this answer, perhaps 1xx */
	int headed;                     /* the final answer's */
	struct exchange_pace pace[HTTP_WAYS];
	unsigned used;                  /* of text */

	char text[HTTP_TEXT];           /* what got[] points into */
	struct http_header got[HTTP_GOT];
};

/* http_easy.c: the handle itself */
struct exchange *http_easy_new(void);   /* NULL without memory */
void http_easy_keep(struct exchange *x);
/* Sets what this exchange needs. 0 or -errno. */
int http_easy_set(struct exchange *x, const struct http *h);

/* http_socket.c: descriptors between curl and the loop */
int http_want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *ours);   /* CURLMOPT_SOCKETFUNCTION */
curl_socket_t http_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a);
int http_close_socket(void *arg, curl_socket_t fd);
/* http.c: fd is ready for CURL_CSELECT_* */
void http_run(curl_socket_t fd, int how);
/* http.c: goes on with one that was paused, but for the ways in which it still is */
void http_resume(struct exchange *x);

/* http_pace.c */
/* How many bytes it may move now; 0: none, and it is to be paused until http_resume. */
size_t http_pace_may(struct exchange *x, enum http_way way);
void http_pace_moved(struct exchange *x, enum http_way way, size_t n);
/* It waits no more. */
void http_pace_end(struct exchange *x);

/* http_text.c */
/* Takes one line of the answer's head; -E2BIG if there is no room. */
int http_header_line(struct exchange *x, const char *line, size_t n);
/* Why curl ended an exchange, as 0 or -errno. */
int http_errno(CURL *easy, CURLcode code);

#endif
