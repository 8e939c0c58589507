/* SPDX-License-Identifier: MIT */
/*
 * What a program that does nothing else gets from libcurl's multi interface on
 * the same server: the transport the shim is measured against.
 *
 *      s3_transport whole PART CONNECTIONS SIZE URL...   objects of SIZE bytes, in parts of PART
 *      s3_transport random BYTES COUNT CONNECTIONS URL SIZE
 *
 * Signed if AWS_ACCESS_KEY_ID is set. Prints seconds, seconds of processor time,
 * and bytes. What comes is copied to where a program would have it: a whole object
 * of up to 16 MiB to its place in a buffer of that size, else into one of a few MiB.
 */
#include "s3_curl.h"

#define RING (4u << 20)
#define WHOLE (16u << 20)

struct one {
	CURL *easy;
	struct curl_slist *signature;
	size_t at;
};

static char *ring;
static size_t room = RING;

static size_t got(char *p, size_t size, size_t n, void *arg)
{
	size_t *at = arg;

	n *= size;
	if (*at + n > room)
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
	curl_slist_free_all(o->signature);
	o->signature = add_signature(NULL, &(struct http){ .method = "GET", .url = url }, "", SIGV4_EMPTY);
	curl_easy_setopt(o->easy, CURLOPT_HTTPHEADER, o->signature);
}

static void start(struct one *o, const char *url, long long off, long long len)
{
	char range[64];

	snprintf(range, sizeof range, "%lld-%lld", off, off + len - 1);
	if (room != RING)
		o->at = (size_t)off;
	curl_easy_setopt(o->easy, CURLOPT_URL, url);
	curl_easy_setopt(o->easy, CURLOPT_RANGE, range);
	if (key.id)
		sign(o, url);
	curl_multi_add_handle(multi, o->easy);
}

static void whole(long long part, int n, long long size, char **url)
{
	struct one *all = make(n);

	if (size <= WHOLE)
		room = (size_t)size;
	ring = malloc(room);
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

	ring = malloc(room);
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

	begin_curl();
	if (argc > 5 && strcmp(argv[1], "whole") == 0)
		whole(atoll(argv[2]), atoi(argv[3]), atoll(argv[4]), argv + 5);
	else if (argc == 7 && strcmp(argv[1], "random") == 0)
		at_random(atoll(argv[2]), atoi(argv[3]), atoi(argv[4]), argv[5], atoll(argv[6]));
	else
		fail("see its source");
	print_cost(t);
	return 0;
}
