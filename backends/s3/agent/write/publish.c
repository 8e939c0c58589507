/* SPDX-License-Identifier: MIT */
/* Publishing; see publish.h. */
#include "publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "body.h"
#include "copy.h"
#include "multi.h"
#include "names/names.h"
#include "object_ops.h"
#include "options.h"
#include "http/xml.h"

#define TRIES 3                         /* of what was refused for a reason that may pass */
#define NEVER "\"shim-asks-if-conditions-hold\""
#define COPY_WORTH (8ll << 20)          /* so many bytes copied by the server are worth an upload */

struct waiter {
	struct waiter *next;
	uint64_t changes;
	write_done *done;
	void *arg;
};

struct publish {
	struct stage *st;
	struct waiter *waiting;
	uint64_t changes;               /* of the version */
	int64_t size;
	struct meta meta;
	struct s3_request r;
	struct body body;
	enum { PLAIN, ASKING, ASKED, HOLDING } condition;  /* sent with the last request */
	int tries;
	int broken;                     /* If-Match does not hold where it should */
	char stamp[80], etag[S3_ETAG_MAX], version[S3_VERSION_MAX];
	int64_t mtime;
	char *complete;
	void (*found)(struct publish *p);       /* after lookup */
	int error;                      /* that led to a lookup */
};

static void begin(struct publish *p);
static void put(struct publish *p);
static void send_all(struct publish *p);
static void finish_upload(struct publish *p);
static void look(struct publish *p, void (*done)(struct s3_request *r, int err));

/* ---- the end */

static void free_run(struct publish *p)
{
	if (p->body.st)
		body_free(&p->body);
	free(p->complete);
	p->complete = NULL;
}

/* Takes those out who are served by what was published, all if it failed. */
static struct waiter *served(struct publish *p, int err)
{
	struct waiter *out = NULL, **end_of_out = &out, **at = &p->waiting, *w;

	while ((w = *at)) {
		if (!err && w->changes > p->changes) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		w->next = NULL;
		*end_of_out = w;
		end_of_out = &w->next;
	}
	return out;
}

/* Tells them; the others go on. */
static void end(struct publish *p, int err)
{
	struct stage *st = p->st;
	struct waiter *w = served(p, err), *next;

	free_run(p);
	if (err == -ENOENT)             /* of the bucket or the upload: to who ends a file it would say that it is over */
		err = -EIO;
	st->j->error = err;
	if (err)
		multi_abort(st);
	for (; w; w = next) {
		next = w->next;
		w->done(w->arg, err);
		free(w);
	}
	if (p->waiting) {
		begin(p);
		return;
	}
	st->publish = NULL;
	free(p);
	stage_put(st);
}

void publish_learn(struct s3_bucket *b, const char *name, const struct s3_attr *attr)
{
	struct s3_attr seen = *attr;

	/* what a listing would tell */
	if (b->option[S3_OPT_META] != S3_META_OBJECT) {
		seen.mode = (attr->mode & S_IFMT) == S_IFDIR ? S_IFDIR | 0755 : S_IFREG | 0644;
		seen.uid = geteuid();
		seen.gid = getegid();
	}
	names_learn(b, name, &seen);
}

static void published(struct publish *p)
{
	struct stage *st = p->st;
	struct s3_journal *j = st->j;
	struct s3_attr attr = { .size = p->size, .mtime_sec = p->mtime, .mode = j->mode, .uid = j->uid, .gid = j->gid };

	snprintf(attr.etag, sizeof(attr.etag), "%s", p->etag);
	snprintf(attr.version, sizeof(attr.version), "%s", p->version);
	attr.ino = names_ino(st->b, j->key, attr.etag);
	if (st->b->option[S3_OPT_META] == S3_META_OBJECT && (j->set & OBJECT_TIMES)) {
		attr.mtime_sec = j->mtime_sec;
		attr.mtime_nsec = j->mtime_nsec;
	}
	multi_over(st);
	stage_based(st, &attr);
	free(st->preserve);
	st->preserve = meta_save(&p->meta);
	st->kept = 1;
	j->must = S3_MUST_BASE;
	j->published = p->changes;
	atomic_store(&j->pending, 0);
	if (!atomic_load(&j->removed))
		publish_learn(st->b, j->name, &attr);
	end(p, 0);
}

/* ---- requests */

static void request(struct publish *p, const char *method, void (*done)(struct s3_request *, int))
{
	p->r = (struct s3_request){ .bucket = p->st->b, .method = method, .key = p->st->j->key, .first = -1,
		.body_fd = -1, .done = done, .arg = p };
}

static int last_wins(const struct publish *p)
{
	return p->st->b->option[S3_OPT_CONFLICT] == S3_CONFLICT_LAST;
}

/* What has to hold of the object that is replaced. */
static enum s3_must must(const struct publish *p)
{
	return last_wins(p) ? S3_MUST_ANY : p->st->j->must;
}

static signed char *heeds(struct publish *p)
{
	return must(p) == S3_MUST_BASE ? &p->st->b->if_match : &p->st->b->if_none_match;
}

/* Adds the condition, or, if it is not known yet whether such are heeded, one that cannot hold. */
static void add_condition(struct publish *p)
{
	struct s3_journal *j = p->st->j;
	int known = *heeds(p);

	p->condition = PLAIN;
	if (must(p) == S3_MUST_ANY || known == 0)
		return;
	if (must(p) == S3_MUST_ABSENT) {
		p->condition = HOLDING;
		s3_header(&p->r, "if-none-match", "*");
		return;
	}
	p->condition = known > 0 || p->tries ? HOLDING : ASKING;
	s3_header(&p->r, "if-match", p->condition == ASKING ? NEVER : j->base.etag);
}

static void learn_result(struct publish *p, const struct s3_request *r, const char *etag)
{
	int64_t date = http_got(r->http, "date") ? s3_date(http_got(r->http, "date")) : -1;

	snprintf(p->etag, sizeof(p->etag), "%s", etag);
	snprintf(p->version, sizeof(p->version), "%s", r->version);
	p->mtime = date >= 0 ? date : (int64_t)time(NULL);
}

/* ---- whether a request whose answer was lost, or was refused when it was repeated, came through */

static void looked_up(struct s3_request *r, int err)
{
	struct publish *p = r->arg;
	const char *stamp = err ? NULL : http_got(r->http, META_STAMP);

	if (stamp && !strcmp(stamp, p->stamp)) {
		snprintf(p->etag, sizeof(p->etag), "%s", r->etag);
		snprintf(p->version, sizeof(p->version), "%s", r->version);
		p->mtime = r->mtime;
		published(p);
		return;
	}
	/* it did not */
	if (!err && p->error == -ESTALE && must(p) == S3_MUST_BASE && !strcmp(r->etag, p->st->j->base.etag) &&
	    !p->broken) {
		p->broken = 1;          /* a condition that holds was refused: not one to rely on */
		p->st->b->if_match = 0;
		p->tries++;
		p->found(p);
		return;
	}
	end(p, p->error);
}

static void lookup(struct publish *p, int err, void (*again)(struct publish *p))
{
	p->error = err;
	p->found = again;
	look(p, looked_up);
}

/* ---- one PutObject */

static void put_done(struct s3_request *r, int err)
{
	struct publish *p = r->arg;
	struct s3_bucket *b = p->st->b;
	const char *crc = r->http ? http_got(r->http, "x-amz-checksum-crc32c") : NULL;

	if (err == -EOPNOTSUPP && p->condition != PLAIN) {
		*heeds(p) = 0;
		put(p);
		return;
	}
	if (err == -EOPNOTSUPP && (p->body.sums & BODY_CRC) && b->checksums != 0) {
		b->checksums = 0;
		p->body.sums = BODY_MD5;
		put(p);
		return;
	}
	if (r->status == 412 && must(p) == S3_MUST_ABSENT)
		b->if_none_match = 1;
	if (r->status == 412 && p->condition == ASKING) {
		p->tries++;
		put(p);
		return;
	}
	if (err == -EINVAL && (!strcmp(r->code, "BadDigest") || strstr(r->code, "ChecksumMismatch")))
		err = -EIO;
	if (err == -EBUSY && p->condition != PLAIN && p->tries++ < TRIES) {
		put(p);
		return;
	}
	if (err && p->condition != PLAIN) {
		lookup(p, err, put);
		return;
	}
	if (err) {
		end(p, err);
		return;
	}
	if (crc && (p->body.sums & BODY_CRC) && strcmp(crc, p->body.crc)) {
		end(p, -EIO);
		return;
	}
	if (b->checksums < 0)
		b->checksums = crc != NULL;
	if (p->condition == ASKING)
		b->if_match = 0;        /* it was not refused */
	else if (p->condition == HOLDING && must(p) == S3_MUST_BASE)
		b->if_match = 1;
	learn_result(p, r, r->etag);
	published(p);
}

/* The body is there. */
static void put(struct publish *p)
{
	request(p, "PUT", put_done);
	if (must(p) != S3_MUST_ANY)
		meta_set(&p->meta, META_STAMP, p->stamp);
	meta_send(&p->meta, &p->r);
	add_condition(p);
	body_send(&p->body, &p->r);
	s3_start(&p->r);
}

static void loaded(struct body *b, int err)
{
	struct publish *p = b->arg;

	if (err)
		end(p, err);
	else
		put(p);
}

static void put_load(struct publish *p)
{
	int known = p->st->b->checksums;

	p->body = (struct body){ .st = p->st, .len = p->size, .done = loaded, .arg = p,
		.sums = known > 0 ? BODY_CRC : known == 0 ? BODY_MD5 : BODY_CRC | BODY_MD5 };
	body_load(&p->body);
}

/* ---- an upload */

static int etag_leaf(void *arg, const char *path, const char *value)
{
	if (!strcmp(path, "CompleteMultipartUploadResult/ETag"))
		copy_etag(arg, value);
	return 0;
}

static void stored_again(void *arg, const struct s3_attr *attr, int err)
{
	struct publish *p = arg;

	if (err) {
		end(p, err);
		return;
	}
	snprintf(p->etag, sizeof(p->etag), "%s", attr->etag);
	snprintf(p->version, sizeof(p->version), "%s", attr->version);
	p->mtime = attr->mtime_sec;
	published(p);
}

/* What was set only after the upload began is stored by a copy onto itself. */
static void store_meta(struct publish *p)
{
	struct s3_attr attr = { .size = p->size };

	snprintf(attr.etag, sizeof(attr.etag), "%s", p->etag);
	snprintf(attr.version, sizeof(attr.version), "%s", p->version);
	copy_object(p->st->b, p->st->j->key, &attr, p->st->j->key, &p->meta, stored_again, p);
}

/* All parts are to be sent once more, by another upload. */
static void upload_again(struct publish *p, int err)
{
	multi_abort(p->st);
	if (p->tries++ < TRIES)
		send_all(p);
	else
		end(p, err);
}

static void completed(struct s3_request *r, int err)
{
	struct publish *p = r->arg;
	char etag[S3_ETAG_MAX] = "";

	if (!err)
		err = xml_parse(r->text ? r->text : "", r->text_len, etag_leaf, NULL, etag);
	if (err == -EOPNOTSUPP && p->condition != PLAIN) {
		*heeds(p) = 0;
		finish_upload(p);
	} else if (err == -EBUSY || !strcmp(r->code, "InvalidPart")) {
		upload_again(p, err);
	} else if (err || !*etag) {
		lookup(p, err ? err : -EIO, finish_upload);
	} else {
		learn_result(p, r, etag);
		if (multi_lacks(p->st, &p->meta))
			store_meta(p);
		else
			published(p);
	}
}

static void complete(struct publish *p)
{
	request(p, "POST", completed);
	s3_param(&p->r, "uploadId", p->st->j->upload);
	s3_header(&p->r, "content-type", "application/xml");
	p->condition = PLAIN;
	if (must(p) == S3_MUST_ABSENT && *heeds(p) > 0)
		s3_header(&p->r, "if-none-match", "*"), p->condition = HOLDING;
	else if (must(p) == S3_MUST_BASE && *heeds(p) > 0)
		s3_header(&p->r, "if-match", p->st->j->base.etag), p->condition = HOLDING;
	p->r.body = p->complete;
	p->r.body_len = strlen(p->complete);
	p->r.once = 1;
	s3_start(&p->r);
}

/* 0 if the object is what it has to be. */
static int is_as_it_must(const struct publish *p, const struct s3_request *r, int err)
{
	if (err && err != -ENOENT)
		return err;
	switch (must(p)) {
	case S3_MUST_ABSENT:
		return err == -ENOENT ? 0 : -ESTALE;
	case S3_MUST_BASE:
		return err || strcmp(r->etag, p->st->j->base.etag) ? -ESTALE : 0;
	default:
		return 0;
	}
}

static void looked_before(struct s3_request *r, int err)
{
	struct publish *p = r->arg;

	err = is_as_it_must(p, r, err);
	if (err)
		end(p, err);
	else
		complete(p);
}

static void finish_upload(struct publish *p)
{
	free(p->complete);
	p->complete = multi_complete_text(p->st);
	snprintf(p->stamp, sizeof(p->stamp), "%s", multi_stamp(p->st));
	if (must(p) == S3_MUST_ANY)
		complete(p);
	else
		look(p, looked_before);
}

static void parts_sent(void *arg, int err)
{
	struct publish *p = arg;

	if (err == -ENOENT)             /* the upload is gone */
		upload_again(p, -EIO);
	else if (err)
		end(p, err);
	else
		finish_upload(p);
}

/* ---- which way */

static int64_t copyable(const struct stage *st, int64_t size)
{
	int n;
	struct part *part = st->base ? parts_plan(size, &st->dirty, st->copy_end, st->b->option[S3_OPT_PART], &n) : NULL;
	int64_t bytes = 0;

	for (int i = 0; part && i < n; i++)
		bytes += part[i].copied ? part[i].len : 0;
	free(part);
	return bytes;
}

static int only_attributes(const struct publish *p)
{
	const struct stage *st = p->st;

	return st->base && !st->dirty.n && p->size == st->j->base.size && st->copy_end >= p->size;
}

static void send_all(struct publish *p)
{
	struct stage *st = p->st;

	memset(&p->meta, 0, sizeof(p->meta));
	stage_meta(st, &p->meta);
	if (p->meta.full) {
		end(p, -E2BIG);
	} else if (only_attributes(p)) {
		copy_object(st->b, st->j->key, &st->j->base, st->j->key, &p->meta, stored_again, p);
	} else if (st->multi || p->size > MULTI_FROM || copyable(st, p->size) >= COPY_WORTH) {
		multi_send(st, p->size, &p->meta, parts_sent, p);
	} else {
		put_load(p);
	}
}

static void looked(struct s3_request *r, int err)
{
	struct publish *p = r->arg;
	struct meta *kept;

	if (!err && p->st->base && !p->st->kept) {
		kept = calloc(1, sizeof(*kept));
		if (!kept)
			abort();
		meta_preserve(kept, r);
		free(p->st->preserve);
		p->st->preserve = meta_save(kept);
		p->st->kept = 1;
		free(kept);
	}
	err = is_as_it_must(p, r, err);
	if (err)
		end(p, err);
	else
		send_all(p);
}

static void look(struct publish *p, void (*done)(struct s3_request *r, int err))
{
	request(p, "HEAD", done);
	s3_start(&p->r);
}

static void begin(struct publish *p)
{
	static unsigned long runs;
	struct stage *st = p->st;
	struct extents fresh = { 0 };
	int same;

	p->tries = p->broken = 0;
	p->changes = atomic_load(&st->j->changes);
	same = p->changes == st->j->published && !atomic_load(&st->j->pending);
	if (same || atomic_load(&st->j->removed)) {
		st->j->published = p->changes;
		end(p, 0);
		return;
	}
	stage_collect(st, &fresh);
	stage_freeze(st);
	multi_stream(st, &fresh);
	extents_free(&fresh);
	p->size = atomic_load(&st->j->size);
	snprintf(p->stamp, sizeof(p->stamp), "%.32s-%llx-%lx", st->j->id, (unsigned long long)p->changes, ++runs);
	if ((st->base && !st->kept && st->j->must == S3_MUST_BASE) || (must(p) != S3_MUST_ANY && *heeds(p) <= 0))
		look(p, looked);
	else
		send_all(p);
}

void publish(struct stage *st, write_done *done, void *arg)
{
	struct publish *p = st->publish;
	struct waiter *w = calloc(1, sizeof(*w)), **at;
	int first = !p;

	if (!p)
		p = calloc(1, sizeof(*p));
	if (!w || !p)
		abort();
	p->st = st;
	st->publish = p;
	*w = (struct waiter){ NULL, atomic_load(&st->j->changes), done, arg };
	for (at = &p->waiting; *at; at = &(*at)->next)
		;
	*at = w;
	if (!first)
		return;
	stage_get(st);
	begin(p);
}
