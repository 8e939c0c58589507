/* SPDX-License-Identifier: MIT */
/*
 * What a program that does nothing else gets from libcurl's multi interface on
 * the same server: the transport the shim is measured against.
 *
 *      s3_transport whole PART CONNECTIONS SIZE URL...   objects of SIZE bytes, in parts of PART
 *      s3_transport random BYTES COUNT CONNECTIONS URL SIZE
 *
 * Signed if AWS_ACCESS_KEY_ID is set, by the agent's signer (libcurl 7.88's own
 * is refused by Ceph). Prints seconds, seconds of
 * processor time, and bytes. What comes is copied to where a program would
 * have it: into a buffer of a few MiB.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "creds/sigv4.h"

#define RING (4u << 20)

struct one {
	CURL *easy;
	struct curl_slist *signature;
	size_t at;
};

static char *ring;
static long long bytes;
static CURLM *multi;
static struct sigv4_key key;

static void fail(const char *what)
{
	fprintf(stderr, "s3_transport: %s\n", what);
	exit(1);
}

static size_t got(char *p, size_t size, size_t n, void *arg)
{
	size_t *at = arg;

	n *= size;
	if (*at + n > RING)
		*at = 0;
	memcpy(ring + *at, p, n);
	*at += n;
	bytes += (long long)n;
	return n;
}

static struct one *make(int n)
{
	struct one *all = calloc((size_t)n, sizeof *all);

	for (int i = 0; i < n; i++) {
		CURL *e = all[i].easy = curl_easy_init();

		curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, got);
		curl_easy_setopt(e, CURLOPT_WRITEDATA, &all[i].at);
		curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 512l << 10);
		curl_easy_setopt(e, CURLOPT_FAILONERROR, 1l);
		curl_easy_setopt(e, CURLOPT_PRIVATE, &all[i]);
	}
	return all;
}

static void sign(struct one *o, const char *url)
{
	const char *host = strstr(url, "//") + 2, *path = strchr(host, '/');
	char name[256], buf[4096], line[2048];
	struct http h = { .method = "GET", .url = url };

	snprintf(name, sizeof name, "%.*s", (int)(path - host), host);
	if (sigv4_sign(&h, name, path, "", SIGV4_EMPTY, &key, "us-east-1", "s3", time(NULL), buf, sizeof buf))
		fail("cannot sign");
	curl_slist_free_all(o->signature);
	o->signature = NULL;
	for (unsigned i = 0; i < h.headers; i++) {
		snprintf(line, sizeof line, "%s: %s", h.header[i].name, h.header[i].value);
		o->signature = curl_slist_append(o->signature, line);
	}
	curl_easy_setopt(o->easy, CURLOPT_HTTPHEADER, o->signature);
}

static void start(struct one *o, const char *url, long long off, long long len)
{
	char range[64];

	snprintf(range, sizeof range, "%lld-%lld", off, off + len - 1);
	curl_easy_setopt(o->easy, CURLOPT_URL, url);
	curl_easy_setopt(o->easy, CURLOPT_RANGE, range);
	if (key.id)
		sign(o, url);
	curl_multi_add_handle(multi, o->easy);
}

/* Waits until one is done; it is free then. */
static struct one *wait_one(void)
{
	for (;;) {
		int running, left;
		CURLMsg *m;
		struct one *o;

		curl_multi_perform(multi, &running);
		m = curl_multi_info_read(multi, &left);
		if (m) {
			if (m->data.result != CURLE_OK)
				fail(curl_easy_strerror(m->data.result));
			curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &o);
			curl_multi_remove_handle(multi, o->easy);
			return o;
		}
		curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
}

static double clock_of(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void whole(long long part, int n, long long size, char **url)
{
	struct one *all = make(n);

	for (; *url; url++) {
		long long off = 0;
		int live = 0;

		for (; live < n && off < size; live++, off += part)
			start(&all[live], *url, off, off + part < size ? part : size - off);
		for (; live; live--) {
			struct one *o = wait_one();

			if (off < size) {
				start(o, *url, off, off + part < size ? part : size - off);
				off += part;
				live++;
			}
		}
	}
}

static void at_random(long long len, int count, int n, const char *url, long long size)
{
	struct one *all = make(n);
	int live = 0;

	srandom(1);
	for (; live < n && count; live++, count--)
		start(&all[live], url, random() % (size / len) * len, len);
	for (; live; live--) {
		struct one *o = wait_one();

		if (count) {
			start(o, url, random() % (size / len) * len, len);
			count--;
			live++;
		}
	}
}

int main(int argc, char **argv)
{
	double t = clock_of(CLOCK_MONOTONIC);

	key.id = getenv("AWS_ACCESS_KEY_ID");
	key.secret = getenv("AWS_SECRET_ACCESS_KEY");
	ring = malloc(RING + (1 << 20));
	multi = curl_multi_init();
	if (argc > 5 && strcmp(argv[1], "whole") == 0)
		whole(atoll(argv[2]), atoi(argv[3]), atoll(argv[4]), argv + 5);
	else if (argc == 7 && strcmp(argv[1], "random") == 0)
		at_random(atoll(argv[2]), atoi(argv[3]), atoi(argv[4]), argv[5], atoll(argv[6]));
	else
		fail("see its source");
	printf("%.6f %.6f %lld\n", clock_of(CLOCK_MONOTONIC) - t, clock_of(CLOCK_PROCESS_CPUTIME_ID), bytes);
	return 0;
}
