/* SPDX-License-Identifier: MIT */
/*
 * Objects into files: all of one version, in parts that come at once, into a
 * file beside the one that is meant, which takes its place when it is whole.
 * What is no file (a terminal, a pipe, a device) gets the bytes as they come.
 */
#include "cmd_fetch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "loop/loop.h"
#include "names/names.h"
#include "options.h"
#include "request/meta.h"

#define PART (8ll << 20)
#define PARTS 6                         /* of an object at once, */
#define PARTS_ALL 16                    /* of all: but one of each in any case */

struct piece {
	struct piece *prev, *next;
	struct s3_request r;
	struct fetch *f;
};

static unsigned all_going;

static void fetch_end(struct fetch *f, int err, const char *why)
{
	struct task *t = f->t;

	if (*f->temp)
		unlinkat(f->dir, f->temp, 0);
	if (f->dir >= 0)
		close(f->dir);
	if (f->fd >= 0 && f->fd != 1)
		close(f->fd);
	free(f->preserve);
	free(f);
	task_done(t, err, why);
}

static void stop(struct task *t)
{
	struct fetch *f = t->work;

	if (*f->temp)
		unlinkat(f->dir, f->temp, 0);
	*f->temp = 0;
}

/* ---- it is all there */

static void complete(struct fetch *f)
{
	struct task *t = f->t;
	int err = f->err;

	if (f->relay && !err) {
		int fd = f->fd;
		char *preserve = f->preserve;

		t->stop = NULL;
		free(f);
		task_send_on(t, fd, preserve);
		return;
	}
	if (err) {
		fetch_end(f, err, err == -ESTALE ? "it was replaced while it was read" : NULL);
		return;
	}
	if (!f->stream && !S_ISLNK(f->attr.mode))
		err = fetch_set_attributes(f);
	if (!err && !f->stream)
		err = S_ISLNK(f->attr.mode) ? fetch_place_link(f) : fetch_place(f);
	fetch_end(f, err, err == -EEXIST ? "the file is there already" : err ? strerror(-err) : NULL);
}

/* ---- parts */

static void fetch_more(struct fetch *f);

static int write_all(struct fetch *f, const char *p, size_t n, int64_t at)
{
	while (n) {
		ssize_t w = f->stream ? write(f->fd, p, n) : pwrite(f->fd, p, n, at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		p += w;
		n -= (size_t)w;
		at += w;
	}
	return 0;
}

static int got_data(struct s3_request *r, int64_t at, const void *p, size_t n)
{
	struct fetch *f = ((struct piece *)r->arg)->f;
	int err = 0;

	if (S_ISLNK(f->attr.mode) && !f->relay) {
		if (at + (int64_t)n >= PATH_MAX)
			return -ENAMETOOLONG;
		memcpy(f->link + at, p, n);
		f->link_len = (size_t)at + n;
	} else {
		err = write_all(f, p, n, at);
	}
	f->got += (int64_t)n;
	task_so_far(f->t, f->got);
	return err;
}

/* The first answer says which version it is: the other parts are asked for. */
static int got_head(struct s3_request *r)
{
	struct fetch *f = ((struct piece *)r->arg)->f;

	if (f->known)
		return 0;
	f->known = 1;
	names_attr(r, f->t->from.name, &f->attr);
	snprintf(f->t->etag, sizeof(f->t->etag), "%s", r->etag);
	if (f->relay) {
		struct meta meta = { .used = 0 };

		meta_preserve(&meta, r);
		f->preserve = meta_save(&meta);
	}
	f->next = r->upto;
	fetch_more(f);
	return 0;
}

static void piece_free(struct piece *p)
{
	struct fetch *f = p->f;

	DL_DELETE(f->pieces, p);
	f->going--;
	all_going--;
	free(p);
}

static void cancel_pieces(struct fetch *f)
{
	while (f->pieces) {
		s3_cancel(&f->pieces->r);
		piece_free(f->pieces);
	}
}

static void piece_start(struct fetch *f, int64_t first, int64_t last);

static void piece_done(struct s3_request *r, int err)
{
	struct piece *p = r->arg;
	struct fetch *f = p->f;
	int empty = err == -ERANGE && !f->known && !f->again;

	piece_free(p);
	if (empty) {                    /* no range of it can be had; without one its attributes come */
		f->again = 1;
		piece_start(f, -1, -1);
		return;
	}
	if (err && !f->err)
		f->err = err;
	if (f->err)
		cancel_pieces(f);
	else
		fetch_more(f);
	if (!f->going)
		complete(f);
}

static void piece_start(struct fetch *f, int64_t first, int64_t last)
{
	struct piece *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->f = f;
	p->r = (struct s3_request){ .bucket = f->t->from.b, .method = "GET", .key = f->t->from.name, .first = first,
		.last = last, .body_fd = -1, .data = got_data, .head = got_head, .done = piece_done, .arg = p };
	if (f->known && *f->attr.etag)
		s3_header(&p->r, "if-match", f->attr.etag);
	else if (*f->t->etag)
		s3_header(&p->r, "if-match", f->t->etag);
	if (f->known && *f->attr.version)
		s3_param(&p->r, "versionId", f->attr.version);
	DL_APPEND(f->pieces, p);
	f->going++;
	all_going++;
	s3_start(&p->r);
}

static void fetch_more(struct fetch *f)
{
	while (f->known && f->next < f->attr.size && f->going < PARTS && (!f->going || all_going < PARTS_ALL)) {
		int64_t first = f->next;

		f->next = first + PART < f->attr.size ? first + PART : f->attr.size;
		piece_start(f, first, f->next - 1);
	}
}

/* ---- the beginning */

static struct fetch *fetch_new(struct task *t)
{
	struct fetch *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->t = t;
	f->dir = f->fd = -1;
	t->work = f;
	t->stop = stop;
	return f;
}

static void begin(struct fetch *f)
{
	if (f->stream || f->t->size == 0)
		piece_start(f, -1, -1);
	else
		piece_start(f, 0, PART - 1);
}

void task_relay(struct task *t)
{
	struct fetch *f = fetch_new(t);

	f->relay = 1;
	f->fd = task_spool();
	if (f->fd < 0)
		fetch_end(f, f->fd, "no spool directory for it");
	else
		begin(f);
}

void task_fetch(struct task *t)
{
	struct fetch *f = fetch_new(t);
	int err = 0;

	if (!strcmp(t->to.name, "-")) {
		f->stream = 1;
		f->fd = 1;
	} else {
		f->dir = fetch_open_dir(&t->to, f->base);
		err = f->dir < 0 ? f->dir : t->kind == TASK_DIR ? fetch_make_dir(f) : fetch_open_target(f);
	}
	if (err || t->kind == TASK_DIR)
		fetch_end(f, err, err ? strerror(-err) : NULL);
	else
		begin(f);
}
