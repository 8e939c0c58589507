/* SPDX-License-Identifier: MIT */
/* What is sent; see body.h. */
#include "body.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "loop/loop.h"

#define SPARE 8                         /* buffers kept, of the usual size */
#define LITTLE (64 << 10)
#define SPARE_SIZE (16ll << 20)

static void *spare[SPARE];
static int nspare;
static int64_t held;

int64_t body_held(void)
{
	return held;
}

static size_t room_of(int64_t len)
{
	return (size_t)(len > SPARE_SIZE || len < (1 << 20) ? len + !len : SPARE_SIZE);
}

static void *buffer_get(int64_t len)
{
	void *p;

	held += len;
	if (room_of(len) == SPARE_SIZE && nspare)
		return spare[--nspare];
	p = malloc(room_of(len));
	if (!p)
		abort();
	return p;
}

static void buffer_put(void *p, int64_t len)
{
	held -= len;
	if (room_of(len) == SPARE_SIZE && nspare < SPARE)
		spare[nspare++] = p;
	else
		free(p);
}

void body_free(struct body *b)
{
	if (b->get) {
		s3_cancel(b->get);
		free(b->get);
		b->get = NULL;
	}
	if (b->p)
		buffer_put(b->p, b->len);
	b->p = NULL;
	if (b->st)
		stage_put(b->st);
	b->st = NULL;
}

/* ---- reading and summing, in a thread */

static int is_base(const struct stage *st, int64_t off)
{
	const struct s3_journal *j = st->j;

	if (off >= atomic_load(&j->base_end))
		return 0;
	return off >= atomic_load(&j->ready) ||
	       !(atomic_load(&s3_blocks_of(&st->f.marks, off)->here) >> (off % S3_GROUP / S3_BLOCK) & 1);
}

/* [from, upto) of the spool; what is beyond its end is zeros. */
static int read_spool(struct body *b, int64_t from, int64_t upto)
{
	while (from < upto) {
		ssize_t n = pread(b->st->f.data, b->p + (from - b->off), (size_t)(upto - from), from);

		if (n < 0)
			return -errno;
		if (n == 0) {
			memset(b->p + (from - b->off), 0, (size_t)(upto - from));
			return 0;
		}
		from += n;
	}
	return 0;
}

/* All that is not the base's. */
static int read_all(struct body *b)
{
	struct s3_journal *j = b->st->j;
	int64_t end = b->off + b->len, at = b->off, next;
	int r = 0;

	for (; at < end && r == 0; at = next) {
		int base = is_base(b->st, at);

		for (next = at - at % S3_BLOCK + S3_BLOCK; next < end && is_base(b->st, next) == base; next += S3_BLOCK)
			;
		if (next > end)
			next = end;
		if (!base)
			r = read_spool(b, at, next);
		else if (next > atomic_load(&j->base_end))
			r = read_spool(b, atomic_load(&j->base_end), next);
	}
	return r;
}

struct sums {
	enum sum_crc kind;
	uint64_t crc;
	EVP_MD_CTX *md5;
	unsigned which;
};

static void sum(struct sums *s, const void *p, size_t n)
{
	if (s->which & BODY_CRC)
		s->crc = sum_crc(s->kind, s->crc, p, n);
	if (s->which & BODY_MD5)
		EVP_DigestUpdate(s->md5, p, n);
}

/* Of a body that stays in the spool; a piece at a time is in the processor's cache. */
static int sum_spool(const struct body *b, struct sums *s)
{
	char piece[96 << 10];

	for (int64_t at = 0; at < b->len;) {
		size_t most = b->len - at < (int64_t)sizeof(piece) ? (size_t)(b->len - at) : sizeof(piece);
		ssize_t n = pread(b->st->f.data, piece, most, b->off + at);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		sum(s, piece, (size_t)n);
		at += n;
	}
	return 0;
}

static void sum_body(struct body *b)
{
	struct sums s = { .which = b->sums, .kind = b->kind };

	if (s.which & BODY_MD5) {
		s.md5 = EVP_MD_CTX_new();
		EVP_DigestInit_ex(s.md5, EVP_md5(), NULL);
	}
	if (b->p)
		sum(&s, b->p, (size_t)b->len);
	else
		b->err = sum_spool(b, &s);
	b->sum = s.crc;
	sum_crc_text(b->kind, s.crc, b->crc);
	if (s.which & BODY_MD5) {
		EVP_DigestFinal_ex(s.md5, b->digest, NULL);
		sum_md5_text(b->digest, b->md5);
		EVP_MD_CTX_free(s.md5);
	}
}

static void prepare(void *arg)
{
	struct body *b = arg;

	b->err = b->p ? read_all(b) : 0;
	sum_body(b);
}

/* What was just written need not be waited for, and a thread would cost more than a little of it. */
static int is_read_at_once(struct body *b)
{
	struct iovec all = { b->p, (size_t)b->len };

	return b->len <= LITTLE && preadv2(b->st->f.data, &all, 1, b->off, RWF_NOWAIT) == b->len;
}

static void prepared(void *arg)
{
	struct body *b = arg;

	b->done(b, b->err);
}

/* ---- what the base has */

static int got_data(struct s3_request *r, int64_t at, const void *p, size_t n)
{
	struct body *b = r->arg;

	if (at < b->off || at + (int64_t)n > b->off + b->len)
		return -EIO;
	memcpy(b->p + (at - b->off), p, n);
	return 0;
}

static void got(struct s3_request *r, int err)
{
	struct body *b = r->arg;

	b->get = NULL;
	free(r);
	if (err == -ENOENT || err == -EINVAL)
		err = -ESTALE;
	if (err)
		b->done(b, err);
	else
		loop_work(prepare, prepared, b);
}

/* The span of what is the base's, or 0. */
static int span(struct body *b, int64_t *from, int64_t *upto)
{
	struct s3_journal *j = b->st->j;
	int64_t end = b->off + b->len, base_end = atomic_load(&j->base_end);

	*from = -1;
	if (end > base_end)
		end = base_end;
	for (int64_t at = b->off; at < end; at += S3_BLOCK - at % S3_BLOCK)
		if (is_base(b->st, at)) {
			if (*from < 0)
				*from = at;
			*upto = at - at % S3_BLOCK + S3_BLOCK;
		}
	if (*from >= 0 && *upto > end)
		*upto = end;
	return *from >= 0;
}

static void fetch(struct body *b, int64_t from, int64_t upto)
{
	struct s3_request *r = calloc(1, sizeof(*r));
	const struct s3_attr *base = &b->st->j->base;

	if (!r)
		abort();
	*r = (struct s3_request){ .bucket = b->st->b, .method = "GET", .key = b->st->j->key, .first = from,
		.last = upto - 1, .body_fd = -1, .data = got_data, .done = got, .arg = b };
	s3_header(r, "if-match", base->etag);
	if (*base->version)
		s3_param(r, "versionId", base->version);
	b->get = r;
	s3_start(r);
}

void body_load(struct body *b)
{
	int64_t from, upto;
	int base;

	stage_get(b->st);
	base = span(b, &from, &upto);
	if (base || (!b->spooled && b->len <= BODY_HELD))
		b->p = buffer_get(b->len);
	if (base) {
		memset(b->p, 0, (size_t)b->len);
		fetch(b, from, upto);
	} else if (b->p && is_read_at_once(b)) {
		b->err = 0;
		sum_body(b);
		loop_soon(prepared, b);
	} else {
		loop_work(prepare, prepared, b);
	}
}

void body_told(struct s3_bucket *b, enum sum_crc kind, int told)
{
	if (b->sum != kind || (b->checksums >= 0 && told >= 0))
		return;
	if (told > 0)
		b->checksums = 1;
	else if (kind == SUM_CRC32C && b->checksums < 0)
		b->sum = SUM_CRC64NVME;
	else
		b->checksums = 0;
}

void body_send(struct body *b, struct s3_request *r)
{
	r->body = b->p;
	r->body_fd = b->p ? -1 : b->st->f.data;
	r->body_off = b->off;
	r->body_len = (size_t)b->len;
	r->payload = SIGV4_UNSIGNED;
	if (b->sums & BODY_CRC) {
		s3_header(r, checksum_crc_header(b->kind), b->crc);
		/* as AWS's clients do; Ceph 20 looks at no checksum without it */
		s3_header(r, "x-amz-sdk-checksum-algorithm", sum_name(b->kind));
	}
	if (b->sums & BODY_MD5)
		s3_header(r, "content-md5", b->md5);
}
