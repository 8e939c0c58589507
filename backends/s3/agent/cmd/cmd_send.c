/* SPDX-License-Identifier: MIT */
/*
 * Files into a bucket: each is published as a staged file would be, of which it
 * is the data. What cannot be read twice is read into the spool first.
 */
#include "cmd_task.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/loop.h"
#include "names/names.h"
#include "object_ops.h"
#include "options.h"
#include "write/multi.h"
#include "write/publish.h"

#define CHUNK (4 << 20)                 /* read of a stream at a time */

enum { TO_OPEN = -2 };

struct send {
	struct task *t;
	struct stage *st;
	struct stat was;                /* before it was read */
	int in, eof, err;               /* of a stream; -1: none, TO_OPEN: when it is read, for that may take long */
	int64_t added;
	char *buf;
	/* what is no file */
	struct s3_request r;
	struct meta meta;
	char text[PATH_MAX];
};

static void send_end(struct send *s, int err, const char *why)
{
	struct task *t = s->t;

	if (s->st)
		stage_put(s->st);
	if (s->in > 0)
		close(s->in);
	free(s->buf);
	free(s);
	task_done(t, err, why);
}

static int keeps_attributes(const struct task *t)
{
	return names_meta_object(t->to.b);
}

/* ---- files */

static void tick(struct task *t)
{
	const struct send *s = t->work;

	if (s->st && s->st->multi)
		task_so_far(t, atomic_load(&s->st->j->size) - multi_behind(s->st));
}

/* Whether it is still what it was when it was opened; of a stream nobody can tell. */
static int has_changed(const struct send *s)
{
	struct stat now;

	if (s->in >= 0 || !s->was.st_ino || fstat(s->st->f.data, &now) < 0)
		return 0;
	return now.st_size != s->was.st_size || now.st_mtim.tv_sec != s->was.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != s->was.st_mtim.tv_nsec;
}

static void published(void *arg, int err)
{
	struct send *s = arg;

	if (err == -ESTALE && task_options.if_absent)
		send_end(s, -EEXIST, "the object is there already");
	else if (!err && has_changed(s))
		send_end(s, -EBUSY, "it was changed while it was read");
	else
		send_end(s, err, NULL);
}

/* As the staged file of a bucket: what is to be published of it. */
static int make_stage(struct send *s, int fd)
{
	struct task *t = s->t;
	int err = stage_of_file(t->to.b, t->to.name, fd, &s->st);
	struct s3_journal *j;

	if (err)
		return err;
	j = s->st->j;
	j->size = s->was.st_size;
	j->mode = s->was.st_mode;
	j->uid = s->was.st_uid;
	j->gid = s->was.st_gid;
	j->mtime_sec = s->was.st_mtim.tv_sec;
	j->mtime_nsec = (uint32_t)s->was.st_mtim.tv_nsec;
	j->set = s->was.st_ino && keeps_attributes(t) ? OBJECT_MODE | OBJECT_TIMES : 0;
	j->must = task_options.if_absent ? S3_MUST_ABSENT : S3_MUST_ANY;
	j->changes = 1;
	t->work = s;
	t->tick = tick;
	return 0;
}

static void send_file(struct send *s, int fd)
{
	int err = make_stage(s, fd);

	if (err)
		send_end(s, err, NULL);
	else
		publish(s->st, published, s);
}

/* ---- streams */

int task_spool(void)
{
	int err = spool_init(), fd = err ? -1 : open(spool_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return err ? err : fd < 0 ? -errno : fd;
}

static ssize_t write_at(int fd, const char *p, size_t n, int64_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t w = pwrite(fd, p + done, n - done, at + (int64_t)done);

		if (w < 0 && errno != EINTR)
			return -errno;
		done += w > 0 ? (size_t)w : 0;
	}
	return 0;
}

/* In a thread: some more of it. */
static void read_some(void *arg)
{
	struct send *s = arg;
	size_t n = 0;

	if (s->in == TO_OPEN)
		s->in = open(s->t->from.name, O_RDONLY | O_CLOEXEC);
	while (n < CHUNK && !s->eof) {
		ssize_t r = read(s->in, s->buf + n, CHUNK - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			s->err = -errno;
			return;
		}
		n += (size_t)r;
		s->eof = r == 0;
	}
	s->added = (int64_t)n;
	s->err = (int)write_at(s->st->f.data, s->buf, n, s->st->j->size);
}

static void read_more(void *arg, int err);

static void has_read(void *arg)
{
	struct send *s = arg;
	int64_t at = s->st->j->size, most = s->st->b->option[S3_OPT_SPOOL];
	struct extents fresh = { 0 };
	int err = s->err;

	if (!err && most && at + s->added > most)
		err = -ENOSPC;
	if (err) {
		multi_abort(s->st);
		send_end(s, err, err == -ENOSPC ? "the spool is full (spool= of the rule)" : strerror(-err));
		return;
	}
	s->st->j->size = at + s->added;
	if (s->added) {
		extents_add(&s->st->dirty, at, at + s->added);
		extents_add(&fresh, at, at + s->added);
		multi_stream(s->st, &fresh);
		extents_free(&fresh);
	}
	if (s->eof)
		publish(s->st, published, s);
	else
		write_pace(s->st, read_more, s);
}

static void read_more(void *arg, int err)
{
	struct send *s = arg;

	if (!err)
		err = multi_error(s->st);
	if (err) {
		multi_abort(s->st);
		send_end(s, err, NULL);
		return;
	}
	s->added = 0;
	loop_work(read_some, has_read, s);
}

static void send_stream(struct send *s, int in)
{
	int spool = task_spool(), err;

	s->in = in;
	s->was = (struct stat){ .st_mode = S_IFREG | 0644 };
	s->buf = malloc(CHUNK);
	if (!s->buf)
		abort();
	err = spool < 0 ? spool : make_stage(s, spool);
	if (err)
		send_end(s, err, err == spool ? "no spool directory for it" : NULL);
	else
		read_more(s, 0);
}

void task_send_on(struct task *t, int fd, char *preserve)
{
	struct send *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		abort();
	s->t = t;
	s->in = -1;
	fstat(fd, &s->was);
	s->was.st_ino = 0;              /* attributes are in `preserve`, if there are any */
	s->was.st_mode = S_IFREG | 0644;
	err = make_stage(s, fd);
	if (err) {
		free(preserve);
		send_end(s, err, NULL);
		return;
	}
	s->st->preserve = preserve;
	s->st->kept = 1;
	publish(s->st, published, s);
}

/* ---- what is no file: a marker of an empty directory, a link */

static void put_done(struct s3_request *r, int err)
{
	send_end(r->arg, err, NULL);
}

static void put_text(struct send *s, size_t n, const char *type)
{
	struct task *t = s->t;
	struct s3_attr attr = { .mode = s->was.st_mode, .mtime_sec = s->was.st_mtim.tv_sec,
		.mtime_nsec = (uint32_t)s->was.st_mtim.tv_nsec };

	meta_set(&s->meta, "content-type", type);
	if (keeps_attributes(t))
		meta_attr(&s->meta, &attr, OBJECT_MODE | OBJECT_TIMES);
	s3_prepare(&s->r, t->to.b, "PUT", t->to.name, put_done, s);
	meta_send(&s->meta, &s->r);
	s->r.body = n ? s->text : NULL;
	s->r.body_len = n;
	s3_start(&s->r);
}

static void send_link(struct send *s)
{
	ssize_t n = readlink(s->t->from.name, s->text, sizeof(s->text));

	if (n < 0 || lstat(s->t->from.name, &s->was) < 0)
		send_end(s, -errno, NULL);
	else
		put_text(s, (size_t)n, "application/octet-stream");
}

/* ---- which */

static int open_source(const struct task *t)
{
	/* what was walked to was a file, not a link, and a fifo is not waited for */
	int follow = t->from.trusted == strlen(t->from.name) ? 0 : O_NOFOLLOW;
	int fd = open(t->from.name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow);

	return fd < 0 ? -errno : fd;
}

static void send_what(struct send *s, int fd)
{
	if (fd < 0 || fstat(fd, &s->was) < 0) {
		int err = fd < 0 ? fd : -errno;

		send_end(s, err, strerror(-err));
	} else if (S_ISREG(s->was.st_mode)) {
		send_file(s, fd);
	} else if (S_ISFIFO(s->was.st_mode) || S_ISCHR(s->was.st_mode)) {
		close(fd);
		send_stream(s, TO_OPEN);
	} else {
		close(fd);
		send_end(s, S_ISDIR(s->was.st_mode) ? -EISDIR : -EINVAL, NULL);
	}
}

void task_send(struct task *t)
{
	struct send *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->t = t;
	s->in = -1;
	if (t->kind == TASK_DIR) {
		stat(t->from.name, &s->was);
		put_text(s, 0, "application/x-directory");
	} else if (t->kind == TASK_LINK) {
		send_link(s);
	} else if (!strcmp(t->from.name, "-")) {
		send_stream(s, 0);
	} else {
		send_what(s, open_source(t));
	}
}
