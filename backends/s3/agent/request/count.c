/* SPDX-License-Identifier: MIT */
/* The agent's counters; see count.h. */
#include "count.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "loop/log.h"

static struct s3_stats in_memory;
struct s3_stats *count = &in_memory;
static const struct s3_stats_note *last;

static int is_ours(const struct s3_stats *s)
{
	return s->magic == S3_STATS_MAGIC && s->size == sizeof *s;
}

static void begin(struct s3_stats *s)
{
	if (!is_ours(s)) {
		memset(s, 0, sizeof *s);
		s->began = (uint64_t)time(NULL);
		s->size = sizeof *s;
		s->magic = S3_STATS_MAGIC;
	}
	s->agent = (uint64_t)getpid();
	s->agents++;
}

void count_init(int dir)
{
	int fd = openat(dir, "stats", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	void *p = MAP_FAILED;

	/* its pages are there before they are touched: a full tmpfs must not kill */
	if (fd >= 0 && posix_fallocate(fd, 0, sizeof *count) == 0)
		p = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (p != MAP_FAILED)
		count = p;
	begin(count);
}

static enum s3_kind kind_of(const struct s3_request *r)
{
	switch (*r->method) {
	case 'G':
		return r->key && !s3_has_param(r, "uploadId") && !s3_has_param(r, "tagging") ? S3_KIND_GET : S3_KIND_LIST;
	case 'H':
		return S3_KIND_HEAD;
	case 'D':
		return S3_KIND_DELETE;
	}
	if (s3_has_header(r, "x-amz-copy-source"))
		return S3_KIND_COPY;
	if (r->method[1] == 'O')
		return S3_KIND_POST;
	return s3_has_param(r, "partNumber") ? S3_KIND_PART : S3_KIND_PUT;
}

static unsigned bin_of(uint64_t ns)
{
	uint64_t us = ns / 1000;
	unsigned bin = us ? 64 - (unsigned)__builtin_clzll(us) : 0;

	return bin < S3_STATS_BINS ? bin : S3_STATS_BINS - 1;
}

static void count_times(struct s3_kind_stats *k, const struct http *h)
{
	uint64_t first = h->first_byte - h->started;

	k->first_byte_ns += first;
	k->transfer_ns += h->ended > h->first_byte ? h->ended - h->first_byte : 0;
	k->first_byte[bin_of(first)]++;
}

void (*count_failed)(const struct s3_request *r, int err);

void count_request(const struct s3_request *r, int err)
{
	struct s3_kind_stats *k = &count->kind[kind_of(r)];
	const struct http *h = r->http;

	k->requests++;
	k->failed += err && err != -EALREADY && err != -ECANCELED;   /* 304; not wanted */
	k->retries += r->attempts ? r->attempts - 1 : 0;
	k->sent += err ? 0 : r->body_len;
	if (h)
		k->received += h->received;
	if (h && h->first_byte && r->attempts == 1)
		count_times(k, h);
	if (err && count_failed)
		count_failed(r, err);
}

/* The note of that name, or the place for it. */
static struct s3_stats_note *find_note(uint64_t what)
{
	struct s3_stats_note *oldest = count->note;

	for (struct s3_stats_note *n = count->note; n < count->note + S3_STATS_NOTES; n++) {
		if (n->what == what)
			return n;
		if (oldest->what && (!n->what || n->last < oldest->last))
			oldest = n;
	}
	return oldest;
}

void count_note(const char *what, const char *text, int again)
{
	uint64_t h = hash_bytes(HASH_START, what, strlen(what)) | 1;     /* 0: no note */
	struct s3_stats_note *n = find_note(h);

	if (n->what != h)
		*n = (struct s3_stats_note){ .what = h };
	strncpy(n->text, text, sizeof n->text - 1);
	log_plain(n->text);
	n->last = (uint64_t)time(NULL);
	n->failed += !again;
	n->repeated += again != 0;
	last = n;
}

const char *count_last(void)
{
	return last ? last->text : "";
}
