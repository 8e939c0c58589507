/* SPDX-License-Identifier: MIT */
/* What the bare loops on libcurl's multi interface share (s3_transport.c, s3_upload.c). */
#ifndef BENCH_S3_CURL_H
#define BENCH_S3_CURL_H

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "creds/sigv4.h"

static CURLM *multi;
static struct sigv4_key key;            /* id NULL: not signed */
static long long bytes;                 /* moved */

static void fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
	exit(1);
}

static double clock_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
	char line[2048];

	snprintf(line, sizeof line, "%s: %s", name, value);
	return curl_slist_append(list, line);
}

/* With h's headers and those of a signature, by the agent's signer (libcurl 7.88's own is refused by Ceph). */
static struct curl_slist *add_signature(struct curl_slist *list, struct http *h, const char *query, const char *payload)
{
	const char *host = strstr(h->url, "//") + 2, *path = strchr(host, '/');
	char name[256], buf[4096];

	snprintf(name, sizeof name, "%.*s", (int)(path - host), host);
	if (key.id && sigv4_sign(h, name, path, query, payload, &key, "us-east-1", "s3", time(NULL), buf, sizeof buf))
		fail("cannot sign");
	for (unsigned i = 0; i < h->headers; i++)
		list = add_header(list, h->header[i].name, h->header[i].value);
	return list;
}

/* Waits until an exchange is done, and returns its CURLOPT_PRIVATE; it may be used again. */
static void *wait_one(void)
{
	for (;;) {
		int running, left;
		CURLMsg *m;
		void *one;

		curl_multi_perform(multi, &running);
		m = curl_multi_info_read(multi, &left);
		if (m) {
			if (m->data.result != CURLE_OK)
				fail(curl_easy_strerror(m->data.result));
			curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &one);
			curl_multi_remove_handle(multi, m->easy_handle);
			return one;
		}
		curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
}

/* The key of the environment, and the multi interface. */
static void begin_curl(void)
{
	key.id = getenv("AWS_ACCESS_KEY_ID");
	key.secret = getenv("AWS_SECRET_ACCESS_KEY");
	multi = curl_multi_init();
}

/* Seconds since `from`, seconds of processor time, bytes. */
static void print_cost(double from)
{
	printf("%.6f %.6f %lld\n", clock_of(CLOCK_MONOTONIC) - from, clock_of(CLOCK_PROCESS_CPUTIME_ID), bytes);
}

#endif
