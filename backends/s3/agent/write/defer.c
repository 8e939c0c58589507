/* SPDX-License-Identifier: MIT */
/* Publication held back for a moment; see defer.h. */
#include "defer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "body.h"
#include "loop/log.h"
#include "loop/loop.h"
#include "multi.h"
#include "options.h"
#include "publish.h"

#define HOLD_MS 300                     /* what follows a close follows at once */
#define HELD_LONG 64                    /* files: with more than that the oldest is not held any longer, */
#define HELD_MOST 512                   /* and with so many the close waits */
#define HELD_SIZE (4ll << 20)           /* larger files are worth no waiting */
#define HELD_MEMORY (48ll << 20)        /* of bodies on their way */

struct held {
	struct held *prev, *next;       /* the oldest first */
	struct stage *st;               /* counted */
	uint64_t until;
	int going;
};

static struct held *all;
static unsigned count;
static struct loop_timer timer;

static void pump(void *arg);

unsigned write_held(void)
{
	return count;
}

static uint64_t hold_ns(void)
{
	const char *ms = getenv("SHIM_AGENT_HOLD");

	return (ms && *ms ? strtoull(ms, NULL, 10) : HOLD_MS) * 1000000;
}

static void add(struct stage *st, uint64_t until)
{
	struct held *h = calloc(1, sizeof(*h));

	if (!h)
		abort();
	h->st = st;
	h->until = until;
	st->held = h;
	st->j->closed = 1;
	count++;
	timer.fired = pump;
	DL_APPEND(all, h);
	loop_soon(pump, NULL);
}

static void done(void *arg, int err)
{
	struct held *h = arg;
	struct stage *st = h->st;

	if (!err && !st->j->removed && !stage_descriptions(st) && stage_is_changed(st)) {
		publish(st, done, h);   /* its attributes were set meanwhile */
		return;
	}
	if (err) {
		log_say(LOG_ERROR, "%s/%s was closed and is not published: %s; shim s3 recover finishes it",
			st->b->name, st->j->key, strerror(-err));
		st->j->lost = 1;
	}
	st->j->closed = 0;
	st->held = NULL;
	DL_DELETE(all, h);
	count--;
	free(h);
	write_settle(st, err);
	stage_put(st);
	loop_soon(pump, NULL);
}

static void go(struct held *h)
{
	if (h->going)
		return;
	h->going = 1;
	publish(h->st, done, h);
}

static void pump(void *arg)
{
	struct held *h, *next;
	unsigned left = count;

	(void)arg;
	DL_FOREACH_SAFE(all, h, next) {
		if (body_held() > HELD_MEMORY) {
			loop_timer_set(&timer, loop_now() + LOOP_SECOND / 50);
			return;
		}
		if (!h->going && h->until > loop_now() && left <= HELD_LONG)
			break;
		left--;
		go(h);
	}
	if (h)
		loop_timer_set(&timer, h->until);
}

static int may_wait(const struct stage *st)
{
	return st->b->option[S3_OPT_PUBLISH] == S3_PUBLISH_DEFERRED && st->j->pending && !st->j->removed &&
	       !st->publish && !st->multi && st->at && st->j->size <= HELD_SIZE && count < HELD_MOST;
}

int defer_close(struct stage *st, const char *description)
{
	if (!st->held && (stage_descriptions(st) != 1 || !may_wait(st)))
		return 0;
	stage_undescribe(st, description);
	if (!st->held)
		add(stage_get(st), loop_now() + hold_ns());
	return 1;
}

void defer_resume(struct stage *st)
{
	add(st, 0);
}

void defer_release(struct stage *st, write_done *then, void *arg)
{
	go(st->held);
	publish_wait(st, then, arg);
}
