/* SPDX-License-Identifier: MIT */
/* Parts of multipart uploads on their way; see multi_private.h. */
#include "multi_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "copy.h"
#include "loop/loop.h"
#include "proof.h"

/* Memory became free: somebody may go on. */
static void pump_all(void *arg)
{
	struct multi *m, *next;

	(void)arg;
	DL_FOREACH_SAFE(multi_all, m, next)
		multi_pump(m);
}

/* ---- one that is not to go on */

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

void multi_cancel_sends(struct multi *m)
{
	while (m->sends)
		send_cancel(m->sends);
}

/* ---- sending parts */

void multi_fail(struct multi *m, int err)
{
	void (*done)(void *, int) = m->done;
	void *arg = m->arg;

	m->err = err;
	multi_cancel_sends(m);
	m->done = NULL;
	if (done)
		done(arg, err);
}

static void part_summed(struct piece *p, const struct body *b)
{
	p->sum = b->sum;
	snprintf(p->crc, sizeof(p->crc), "%s", b->sums & BODY_CRC ? b->crc : "");
}

static void part_sent(struct send *s, int err, const char *etag)
{
	struct multi *m = s->m;
	struct piece *p = &m->piece[s->number];
	int failed = err && !p->again;

	if (!err)
		snprintf(p->etag, sizeof(p->etag), "%s", etag);
	if (!err && s->body.st)
		part_summed(p, &s->body);
	p->state = !err && !p->again && s->len == p->part.len ? SENT : WANTED;
	if (s->body.st)
		body_free(&s->body);
	send_free(s);
	if (failed)
		multi_fail(m, err);
	else
		write_progress(m->st);
	loop_soon(pump_all, NULL);
}

/* In memory it cannot change. */
static int is_torn(const struct send *s, int err)
{
	return err == -EIO && body_may_be_torn(&s->body);
}

static void send_held(struct send *s)
{
	body_free(&s->body);
	s->body.spooled = 0;
	s->body.st = s->m->st;
	body_load(&s->body);
}

static void put_done(struct s3_request *r, int err)
{
	struct send *s = r->arg;
	char etag[S3_ETAG_MAX];
	int torn;

	if (!err)
		err = proof_body(&s->body, r);
	torn = r->status < 500 && is_torn(s, err);
	snprintf(etag, sizeof(etag), "%s", err ? "" : r->etag);
	s->r = NULL;
	free(r);
	if (torn)
		send_held(s);
	else
		part_sent(s, err, etag);
}

static void send_loaded(struct body *b, int err)
{
	struct send *s = b->arg;
	struct s3_request *r;

	if (is_torn(s, err)) {
		send_held(s);
		return;
	}
	if (err) {
		part_sent(s, err, "");
		return;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	s3_prepare(r, b->st->b, "PUT", b->st->j->key, put_done, s);
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

	s->copy = copy_range(st->b, st->j->key, st->j->upload, s->number + 1, st->b, st->j->key, &st->j->base,
			     p->off, p->len, copy_done, s);
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
		.sums = m->crc ? BODY_CRC : BODY_MD5, .kind = m->kind, .spooled = 1, .done = send_loaded, .arg = s };
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

void multi_pump(struct multi *m)
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
