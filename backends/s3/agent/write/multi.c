/* SPDX-License-Identifier: MIT */
/* Multipart uploads of staged files: what is to be sent; see multi.h. */
#include "multi_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "options.h"
#include "proof.h"

struct multi *multi_all;

/* ---- its life */

/* Cloudflare R2 completes no upload whose parts differ in length; 10,000 of these are 312 GiB. */
#define EQUAL ".r2.cloudflarestorage.com"
#define EQUAL_PART (32ll << 20)

int64_t multi_fixed(const struct s3_bucket *b)
{
	size_t n = strcspn(b->aim.host, ":"), m = strlen(EQUAL);

	if (b->option[S3_OPT_PART])
		return b->option[S3_OPT_PART];
	return n > m && !strncmp(b->aim.host + n - m, EQUAL, m) ? EQUAL_PART : 0;
}

static int64_t fixed_part(const struct stage *st)
{
	return multi_fixed(st->b);
}

static struct multi *multi_new(struct stage *st)
{
	static unsigned long uploads;
	struct multi *m = calloc(1, sizeof(*m));

	if (!m)
		abort();
	m->st = st;
	snprintf(m->stamp, sizeof(m->stamp), "%.32s-%llx-%lx", st->j->id, (unsigned long long)time(NULL), ++uploads);
	DL_PREPEND(multi_all, m);
	st->multi = m;
	return m;
}

void multi_over(struct stage *st)
{
	struct multi *m = st->multi;

	*st->j->upload = 0;
	if (!m)
		return;
	multi_cancel_sends(m);
	if (m->create) {
		s3_cancel(m->create);
		free(m->create);
	}
	DL_DELETE(multi_all, m);
	st->multi = NULL;
	free(m->piece);
	free(m->stored);
	free(m);
}

void multi_abort(struct stage *st)
{
	if (*st->j->upload)
		multi_abort_id(st->b, st->j->key, st->j->upload, NULL, NULL);
	multi_over(st);
}

/* ---- what there is to be sent */

/* Parts at fixed places up to `size`; the last one is only as long as that. */
static void grow(struct multi *m, int64_t size)
{
	for (int i = 0; i < m->n; i++) {
		int64_t end = m->piece[i].part.off + m->piece[i].part.len;
		struct part whole = parts_fixed(i + 1, fixed_part(m->st));

		if (end < size && m->piece[i].part.len < whole.len) {
			m->piece[i].part.len = whole.off + whole.len < size ? whole.len : size - whole.off;
			m->piece[i].again = 1;
			if (m->piece[i].state == SENT)
				m->piece[i].state = WANTED;
		}
	}
	while (m->n < PARTS_MOST) {
		struct part p = parts_fixed(m->n + 1, fixed_part(m->st));

		if (p.off >= size)
			return;
		if (p.off + p.len > size)
			p.len = size - p.off;
		m->piece = realloc(m->piece, (size_t)(m->n + 1) * sizeof(*m->piece));
		if (!m->piece)
			abort();
		m->piece[m->n++] = (struct piece){ .part = p };
	}
}

static void changed_parts(struct multi *m, const struct extents *changed)
{
	for (int i = 0; i < m->n && changed->n; i++) {
		struct piece *p = &m->piece[i];

		if (!extents_meet(changed, p->part.off, p->part.off + p->part.len))
			continue;
		p->again = 1;
		if (p->state == SENT)
			p->state = WANTED;
	}
}

/* How far a new file was written from its start on, in whole parts' lengths. */
static int64_t front(const struct stage *st)
{
	int64_t size = atomic_load(&st->j->size), upto;

	if (!st->dirty.n || st->dirty.e[0].from > 0)
		return 0;
	upto = st->dirty.e[0].upto;
	return upto < size ? upto : size;
}

/* The front in whole parts: only these are sent before it is known where the file ends. */
static int64_t whole_parts(const struct multi *m, int64_t upto)
{
	struct part p = parts_fixed(m->n + 1, fixed_part(m->st));
	int64_t end = p.off;

	for (int n = m->n + 1; n <= PARTS_MOST; n++) {
		p = parts_fixed(n, fixed_part(m->st));
		if (p.off + p.len > upto)
			break;
		end = p.off + p.len;
	}
	return end;
}

static int can_stream(const struct stage *st)
{
	return !st->publish && !st->j->removed && (!st->base || st->copy_end == 0) && front(st) >= MULTI_FROM;
}

void multi_stream(struct stage *st, const struct extents *changed)
{
	struct multi *m = st->multi;

	if (m)
		changed_parts(m, changed);
	if (m && (m->planned || m->done || m->err))
		return;
	if (!m && !can_stream(st))
		return;
	if (!m) {
		struct meta meta = { .used = 0 };

		m = multi_new(st);
		stage_meta(st, &meta);
		multi_create(m, &meta);
	}
	grow(m, whole_parts(m, front(st)));
	multi_pump(m);
}

int64_t multi_behind(const struct stage *st)
{
	const struct multi *m = st->multi;
	int64_t n = 0;

	for (int i = 0; m && !m->err && i < m->n; i++)
		if (m->piece[i].state != SENT)
			n += m->piece[i].part.len;
	return n;
}

int multi_error(const struct stage *st)
{
	return st->multi ? st->multi->err : 0;
}

/* Whether what was sent of a stream is of use for the whole file. */
static int fits(const struct multi *m, int64_t size)
{
	const struct part *last = m->n ? &m->piece[m->n - 1].part : NULL;

	return !m->planned && !m->err && (!last || last->off + last->len <= size) && size > 0;
}

static void plan(struct multi *m, int64_t size)
{
	int n;
	struct part *p = parts_plan(size, &m->st->dirty, m->st->base ? m->st->copy_end : 0, fixed_part(m->st), &n);

	m->planned = 1;
	m->piece = calloc((size_t)n + !n, sizeof(*m->piece));
	if (!m->piece)
		abort();
	for (m->n = 0; m->n < n; m->n++)
		m->piece[m->n].part = p[m->n];
	free(p);
}

void multi_send(struct stage *st, int64_t size, const struct meta *meta,
		void (*done)(void *arg, int err), void *arg)
{
	struct multi *m = st->multi;

	if (m && !fits(m, size)) {
		multi_abort(st);
		m = NULL;
	}
	if (m) {
		grow(m, size);
	} else {
		m = multi_new(st);
		plan(m, size);
	}
	if (!m->n) {
		done(arg, -EFBIG);
		return;
	}
	m->done = done;
	m->arg = arg;
	if (m->created)
		multi_pump(m);
	else if (!m->create)
		multi_create(m, meta);
}

const char *multi_stamp(const struct stage *st)
{
	return st->multi ? st->multi->stamp : "";
}

enum sum_crc multi_kind(const struct stage *st)
{
	return st->multi ? st->multi->kind : SUM_CRC32C;
}

int multi_sum(const struct stage *st, uint64_t *sum, int *full)
{
	const struct multi *m = st->multi;

	*sum = 0;
	*full = m && m->full;
	for (int i = 0; m && i < m->n; i++) {
		if (!m->crc || !*m->piece[i].crc)
			return 0;
		*sum = sum_join(m->kind, *sum, m->piece[i].sum, (uint64_t)m->piece[i].part.len);
	}
	return m && m->n;
}

static const char *etag_of(void *arg, int i)
{
	return ((struct multi *)arg)->piece[i].etag;
}

int multi_proof(const struct stage *st, const char *etag, const char *crc, const char *type)
{
	struct proof_upload u = { .b = st->b, .kind = multi_kind(st), .n = st->multi ? st->multi->n : 0, .etag = etag_of, .arg = st->multi };
	int full;

	u.sum_known = multi_sum(st, &u.sum, &full);
	return proof_upload(&u, etag, crc, type);
}

char *multi_complete_text(const struct stage *st)
{
	const struct multi *m = st->multi;
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		abort();
	fputs("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", f);
	for (int i = 0; m && i < m->n; i++) {
		fprintf(f, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag>", i + 1, m->piece[i].etag);
		if (m->crc && *m->piece[i].crc)
			fprintf(f, "<Checksum%s>%s</Checksum%s>", sum_name(m->kind), m->piece[i].crc, sum_name(m->kind));
		fputs("</Part>", f);
	}
	fputs("</CompleteMultipartUpload>", f);
	if (fclose(f))
		abort();
	return text;
}
