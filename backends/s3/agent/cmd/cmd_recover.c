/* SPDX-License-Identifier: MIT */
/* `shim s3 recover` and `shim s3 gc`: what was left behind, on the disk and in the bucket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "read/cache.h"
#include "cmd_progress.h"
#include "cmd_target.h"
#include "loop/loop.h"
#include "write/multi.h"
#include "read/object.h"
#include "write/publish.h"
#include "http/xml.h"

/* ---- recover */

enum { LIST, FINISH, DROP };

struct recovery {
	int what;
	int argc;
	char **argv;                    /* ids, or none: all */
	int status;
	int err;
};

static int is_meant(const struct recovery *v, const char *id)
{
	if (!v->argc)
		return 1;
	for (int i = 0; i < v->argc; i++)
		if (!strcmp(v->argv[i], id))
			return 1;
	return 0;
}

static void say(const struct stage *st)
{
	const struct s3_journal *j = st->j;
	char made[32] = "";
	time_t t = (time_t)j->made;
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(made, sizeof(made), "%F %T", &tm);
	printf("%s  %s  %lld bytes  s3://%s/%s  %s\n", j->id, made, (long long)j->size, st->b->name, j->key,
	       j->error ? strerror(-j->error) : j->lost ? "its program was killed" : "not published");
}

static void finished(void *arg, int err)
{
	struct recovery *v = arg;

	v->err = err;
	cmd_ready();
}

/* How much of it is uploaded, on a terminal. */
struct shown {
	struct loop_timer timer;
	const struct stage *st;
	int64_t told;
};

static void show(void *arg)
{
	struct shown *w = arg;
	int64_t sent = w->st->multi ? atomic_load(&w->st->j->size) - multi_behind(w->st) : w->told;

	progress_add(sent - w->told);
	w->told = sent;
	progress_show();
	loop_timer_set(&w->timer, loop_now() + LOOP_SECOND / 4);
}

static void finish(struct recovery *v, struct stage *st)
{
	struct shown w = { .timer = { .fired = show, .arg = &w }, .st = st };

	st->j->lost = 0;
	v->err = 0;
	progress_begin("uploaded", atomic_load(&st->j->size), 0);
	show(&w);
	publish(st, finished, v);
	cmd_wait();
	loop_timer_clear(&w.timer);
	progress_end();
	if (v->err) {
		st->j->lost = 1;
		cmd_warn("%s: %s", st->j->id, strerror(-v->err));
		v->status = CMD_FAILED;
		return;
	}
	stage_drop(st);
}

static void recover(void *arg, const char *id)
{
	struct recovery *v = arg;
	struct stage *st;
	int err;

	if (!is_meant(v, id))
		return;
	err = stage_load(id, &st);
	if (err == -EBUSY || err == -ENOENT)
		return;                 /* an agent has it; it is over */
	if (err) {
		cmd_warn("%s: %s", id, strerror(-err));
		v->status = CMD_FAILED;
		return;
	}
	say(st);
	if (v->what == FINISH) {
		finish(v, st);
	} else if (v->what == DROP) {
		multi_abort(st);
		stage_drop(st);
	}
	stage_put(st);
}

int cmd_recover(int argc, char **argv)
{
	struct recovery v = { LIST, argc - 1, argv + 1, 0, 0 };
	int err = spool_init();

	if (v.argc && !strcmp(v.argv[0], "--finish"))
		v.what = FINISH;
	else if (v.argc && !strcmp(v.argv[0], "--drop"))
		v.what = DROP;
	if (v.what != LIST)
		v.argc--, v.argv++;
	if (v.argc && v.argv[0][0] == '-')
		return cmd_usage("%s is not known", v.argv[0]);
	if (!err)
		err = cache_init(1 << 20);
	if (err) {
		cmd_warn("%s: %s", spool_dir(), strerror(-err));
		return CMD_FAILED;
	}
	object_init();
	spool_each(recover, &v);
	cmd_settle();
	return v.status;
}

/* ---- gc */

#define HOURS 48                        /* so old an upload has no writer any more */

struct upload {
	struct upload *next;
	char key[S3_NAME_MAX], id[S3_UPLOAD_MAX], begun[40];
};

struct uploads {
	struct upload now, *all;
	char key[S3_NAME_MAX], id[S3_UPLOAD_MAX];
	int truncated, err;
};

static int leaf(void *arg, const char *path, const char *value)
{
	struct uploads *u = arg;

	if (!strcmp(path, "ListMultipartUploadsResult/Upload/Key"))
		snprintf(u->now.key, sizeof(u->now.key), "%s", value);
	else if (!strcmp(path, "ListMultipartUploadsResult/Upload/UploadId"))
		snprintf(u->now.id, sizeof(u->now.id), "%s", value);
	else if (!strcmp(path, "ListMultipartUploadsResult/Upload/Initiated"))
		snprintf(u->now.begun, sizeof(u->now.begun), "%s", value);
	else if (!strcmp(path, "ListMultipartUploadsResult/IsTruncated"))
		u->truncated = !strcmp(value, "true");
	else if (!strcmp(path, "ListMultipartUploadsResult/NextKeyMarker"))
		snprintf(u->key, sizeof(u->key), "%s", value);
	else if (!strcmp(path, "ListMultipartUploadsResult/NextUploadIdMarker"))
		snprintf(u->id, sizeof(u->id), "%s", value);
	return 0;
}

static int leaf_end(void *arg, const char *path)
{
	struct uploads *u = arg;
	struct upload *one;

	if (strcmp(path, "ListMultipartUploadsResult/Upload"))
		return 0;
	one = malloc(sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = u->now;
	one->next = u->all;
	u->all = one;
	return 0;
}

static void listed(struct s3_request *r, int err)
{
	struct uploads *u = r->arg;

	u->truncated = 0;
	u->err = err ? err : xml_parse(r->text ? r->text : "", r->text_len, leaf, leaf_end, u);
	if (err)
		cmd_warn("%s", r->message);
}

static int list(struct s3_bucket *b, const char *prefix, struct uploads *u)
{
	do {
		struct s3_request r;
		char key[S3_NAME_MAX], id[S3_UPLOAD_MAX];

		snprintf(key, sizeof(key), "%s", u->key);
		snprintf(id, sizeof(id), "%s", u->id);
		s3_prepare(&r, b, "GET", NULL, listed, u);
		s3_param(&r, "uploads", "");
		s3_param(&r, "prefix", prefix);
		if (*key)
			s3_param(&r, "key-marker", key);
		if (*id)
			s3_param(&r, "upload-id-marker", id);
		cmd_request(&r);
	} while (!u->err && u->truncated);
	return u->err;
}

static int is_old(const struct upload *u, long hours)
{
	time_t begun = xml_time(u->begun);

	return begun && time(NULL) - begun >= hours * 3600;
}

static void aborted(void *arg, int err)
{
	*(int *)arg = err;
	cmd_ready();
}

int cmd_gc(int argc, char **argv)
{
	struct cmd_target t;
	char *end;
	struct uploads u = { .all = NULL };
	long hours = HOURS;
	int r, err, status = 0;

	if (argc == 4 && !strcmp(argv[1], "--hours") && (hours = strtol(argv[2], &end, 10)) >= 0 && !*end)
		argc -= 2, argv += 2;
	if (argc != 2)
		return cmd_usage("gc takes one place");
	r = target_get(argv[1], &t);
	if (r)
		return r;
	if (list(t.bucket, t.key, &u))
		return CMD_FAILED;
	for (struct upload *one = u.all, *next; one; one = next) {
		next = one->next;
		if (is_old(one, hours)) {
			printf("%s  s3://%s/%s  %s\n", one->begun, t.bucket->name, one->key, one->id);
			multi_abort_id(t.bucket, one->key, one->id, aborted, &err);
			cmd_wait();
			if (err) {
				cmd_warn("%s: %s", one->key, strerror(-err));
				status = CMD_FAILED;
			}
		}
		free(one);
	}
	return status;
}
