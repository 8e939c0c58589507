/* SPDX-License-Identifier: MIT */
/* Multipart uploads of staged files; see multi.h. */
#include "multi.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "body.h"
#include "copy.h"
#include "loop/loop.h"
#include "options.h"
#include "http/xml.h"

enum { WANTED, SENDING, SENT };

struct piece {
	struct part part;
	int state;
	int again;                      /* it changed while it was sent */
	char etag[S3_ETAG_MAX], crc[12];
};

struct multi {
	struct stage *st;
	struct multi *prev, *next;
	struct piece *piece;
	int n;
	int planned;                    /* else at fixed places, growing with the file */
	int created;                    /* st->j->upload is its id */
	int crc;                        /* parts have CRC32C */
	int sending;
	int err;
	char *stored;                   /* the metadata it was begun with, but for */
	char stamp[80];
	void (*done)(void *arg, int err);       /* publishing */
	void *arg;
	struct s3_request *create;
	struct send *sends;
};

/* A part on its way. */
struct send {
	struct multi *m;
	struct send *prev, *next;
	int number;                     /* from 0 */
	int64_t len;
	struct body body;
	struct s3_request *r;
	char text[16];
	struct copy_range *copy;
};

static struct multi *all;

static void pump(struct multi *m);

/* Memory became free: somebody may go on. */
static void pump_all(void *arg)
{
	struct multi *m, *next;

	(void)arg;
	DL_FOREACH_SAFE(all, m, next)
		pump(m);
}

/* ---- its life */

static int64_t fixed_part(const struct stage *st)
{
	return st->b->option[S3_OPT_PART];
}

static struct multi *multi_new(struct stage *st)
{
	static unsigned long uploads;
	struct multi *m = calloc(1, sizeof(*m));

	if (!m)
		abort();
	m->st = st;
	snprintf(m->stamp, sizeof(m->stamp), "%.32s-%llx-%lx", st->j->id, (unsigned long long)time(NULL), ++uploads);
	DL_PREPEND(all, m);
	st->multi = m;
	return m;
}

static void send_free(struct send *s)
{
	struct multi *m = s->m;

	DL_DELETE(m->sends, s);
	if (s->r) {
		s3_cancel(s->r);
		free(s->r);
	}
	if (s->copy)
		copy_range_cancel(s->copy);
	m->sending--;
	free(s);
}

/* A body being read by a thread cannot be taken back: its end frees it. */
static void orphan_done(struct body *b, int err)
{
	(void)err;
	body_free(b);
	free(b->arg);
}

static void send_cancel(struct send *s)
{
	struct multi *m = s->m;

	if (!s->r && !s->copy && s->body.st && !s->body.get) {
		DL_DELETE(m->sends, s);
		s->body.done = orphan_done;
		s->body.arg = s;
		m->sending--;
		return;
	}
	if (s->body.st)
		body_free(&s->body);
	send_free(s);
}

void multi_over(struct stage *st)
{
	struct multi *m = st->multi;

	*st->j->upload = 0;
	if (!m)
		return;
	while (m->sends)
		send_cancel(m->sends);
	if (m->create) {
		s3_cancel(m->create);
		free(m->create);
	}
	DL_DELETE(all, m);
	st->multi = NULL;
	free(m->piece);
	free(m->stored);
	free(m);
}

struct abort {
	struct s3_request r;
	char key[S3_NAME_MAX], id[S3_UPLOAD_MAX];
	write_done *done;
	void *arg;
};

static void aborted(struct s3_request *r, int err)
{
	struct abort *a = r->arg;

	if (a->done)
		a->done(a->arg, err == -ENOENT ? 0 : err);
	free(a);
}

void multi_abort_id(struct s3_bucket *b, const char *key, const char *id, write_done *done, void *arg)
{
	struct abort *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	snprintf(a->key, sizeof(a->key), "%s", key);
	snprintf(a->id, sizeof(a->id), "%s", id);
	a->done = done;
	a->arg = arg;
	a->r = (struct s3_request){ .bucket = b, .method = "DELETE", .key = a->key, .first = -1, .body_fd = -1,
		.done = aborted, .arg = a };
	s3_param(&a->r, "uploadId", a->id);
	s3_start(&a->r);
}

void multi_abort(struct stage *st)
{
	if (*st->j->upload)
		multi_abort_id(st->b, st->j->key, st->j->upload, NULL, NULL);
	multi_over(st);
}

/* ---- sending parts */

/* It can't go on: whoever waits is told; a stream's error is told at the next write. */
static void fail(struct multi *m, int err)
{
	void (*done)(void *, int) = m->done;
	void *arg = m->arg;

	m->err = err;
	while (m->sends)
		send_cancel(m->sends);
	m->done = NULL;
	if (done)
		done(arg, err);
}

static void part_sent(struct send *s, int err, const char *etag)
{
	struct multi *m = s->m;
	struct piece *p = &m->piece[s->number];
	int failed = err && !p->again;

	if (!err)
		snprintf(p->etag, sizeof(p->etag), "%s", etag);
	if (!err && s->body.st)
		memcpy(p->crc, s->body.crc, sizeof(p->crc));
	p->state = !err && !p->again && s->len == p->part.len ? SENT : WANTED;
	if (s->body.st)
		body_free(&s->body);
	send_free(s);
	if (failed)
		fail(m, err);
	else
		write_progress(m->st);
	loop_soon(pump_all, NULL);
}

/* What the server says it stored is what was to be stored. */
static int is_stored(const struct send *s, const struct s3_request *r)
{
	const char *crc = http_got(r->http, "x-amz-checksum-crc32c");

	return *r->etag && (!(s->body.sums & BODY_CRC) || !crc || !strcmp(crc, s->body.crc));
}

static void put_done(struct s3_request *r, int err)
{
	struct send *s = r->arg;
	char etag[S3_ETAG_MAX];

	if (!err && !is_stored(s, r))
		err = -EIO;
	snprintf(etag, sizeof(etag), "%s", err ? "" : r->etag);
	s->r = NULL;
	free(r);
	part_sent(s, err, etag);
}

static void send_loaded(struct body *b, int err)
{
	struct send *s = b->arg;
	struct s3_request *r;

	if (err) {
		part_sent(s, err, "");
		return;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	*r = (struct s3_request){ .bucket = b->st->b, .method = "PUT", .key = b->st->j->key, .first = -1,
		.body_fd = -1, .done = put_done, .arg = s };
	snprintf(s->text, sizeof(s->text), "%d", s->number + 1);
	s3_param(r, "partNumber", s->text);
	s3_param(r, "uploadId", b->st->j->upload);
	body_send(b, r);
	s->r = r;
	s3_start(r);
}

static void copy_done(void *arg, const char *etag, int err)
{
	struct send *s = arg;

	s->copy = NULL;
	part_sent(s, err, etag);
}

static void send_copied(struct send *s, const struct part *p)
{
	struct stage *st = s->m->st;

	s->copy = copy_range(st->b, st->j->key, st->j->upload, s->number + 1, st->j->key, &st->j->base, p->off,
			     p->len, copy_done, s);
}

static void send_part(struct multi *m, int i)
{
	struct send *s = calloc(1, sizeof(*s));
	struct piece *p = &m->piece[i];

	if (!s)
		abort();
	p->state = SENDING;
	p->again = 0;
	s->m = m;
	s->number = i;
	s->len = p->part.len;
	DL_PREPEND(m->sends, s);
	m->sending++;
	if (p->part.copied) {
		send_copied(s, &p->part);
		return;
	}
	s->body = (struct body){ .st = m->st, .off = p->part.off, .len = p->part.len,
		.sums = m->crc ? BODY_CRC : BODY_MD5, .done = send_loaded, .arg = s };
	body_load(&s->body);
}

/* Whether a part of a stream is there as a whole. */
static int is_complete(const struct multi *m, const struct part *p)
{
	return m->done || extents_cover(&m->st->dirty, p->off, p->off + p->len);
}

static int has_memory(const struct multi *m)
{
	return !m->sending || body_held() < MULTI_MEMORY;
}

static void pump(struct multi *m)
{
	int sent = 0;

	if (!m->created || m->err)
		return;
	for (int i = 0; i < m->n; i++) {
		if (m->piece[i].state == WANTED && m->sending < MULTI_SENDING && has_memory(m) &&
		    is_complete(m, &m->piece[i].part))
			send_part(m, i);
		sent += m->piece[i].state == SENT;
	}
	if (m->done && sent == m->n) {
		void (*done)(void *, int) = m->done;

		m->done = NULL;
		done(m->arg, 0);
	}
}

/* ---- creating the upload */

static void create(struct multi *m, const struct meta *meta);

struct created {
	char id[S3_UPLOAD_MAX];
};

static int leaf(void *arg, const char *path, const char *value)
{
	struct created *c = arg;

	if (!strcmp(path, "InitiateMultipartUploadResult/UploadId"))
		snprintf(c->id, sizeof(c->id), "%s", value);
	return 0;
}

static void created(struct s3_request *r, int err)
{
	struct multi *m = r->arg;
	struct created c = { "" };

	m->create = NULL;
	if (err == -EOPNOTSUPP && m->st->b->checksums != 0) {
		struct meta meta = { .used = 0 };

		m->st->b->checksums = 0;
		meta_load(&meta, m->stored);
		free(m->stored);
		free(r);
		create(m, &meta);
		return;
	}
	if (!err)
		err = xml_parse(r->text ? r->text : "", r->text_len, leaf, NULL, &c);
	if (!err && !*c.id)
		err = -EIO;
	m->crc = !err && http_got(r->http, "x-amz-checksum-algorithm") != NULL;
	free(r);
	if (err) {
		fail(m, err);
		return;
	}
	snprintf(m->st->j->upload, sizeof(m->st->j->upload), "%s", c.id);
	m->created = 1;
	pump(m);
}

/* Once the headers are on the line nobody wants meta any more, so they are kept until then. */
static void create(struct multi *m, const struct meta *meta)
{
	struct {
		struct s3_request r;
		struct meta meta;
	} *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	m->stored = meta_save(meta);
	meta_load(&c->meta, m->stored);
	meta_set(&c->meta, META_STAMP, m->stamp);
	c->r = (struct s3_request){ .bucket = m->st->b, .method = "POST", .key = m->st->j->key, .first = -1,
		.body_fd = -1, .done = created, .arg = m };
	s3_param(&c->r, "uploads", "");
	if (m->st->b->checksums != 0)
		s3_header(&c->r, "x-amz-checksum-algorithm", "CRC32C");
	meta_send(&c->meta, &c->r);
	m->create = &c->r;
	s3_start(&c->r);
}

int multi_lacks(const struct stage *st, const struct meta *meta)
{
	char *text = meta_save(meta);
	int r = !st->multi || strcmp(text, st->multi->stored) != 0;

	free(text);
	return r;
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
		create(m, &meta);
	}
	grow(m, whole_parts(m, front(st)));
	pump(m);
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
		pump(m);
	else if (!m->create)
		create(m, meta);
}

const char *multi_stamp(const struct stage *st)
{
	return st->multi ? st->multi->stamp : "";
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
			fprintf(f, "<ChecksumCRC32C>%s</ChecksumCRC32C>", m->piece[i].crc);
		fputs("</Part>", f);
	}
	fputs("</CompleteMultipartUpload>", f);
	if (fclose(f))
		abort();
	return text;
}
