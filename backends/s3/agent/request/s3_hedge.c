/* SPDX-License-Identifier: MIT */
/*
 * hedge=: where the first byte of a read is late, the same is asked for once
 * more, on another connection, and the first answer counts (Dean and Barroso,
 * "The Tail at Scale", 2013). Late is what 19 of 20 of the last answers were
 * not, twice the median at least, and never less than 10 ms: where answers come
 * sooner, a second request costs more than it gains. A budget bounds the
 * requests that are made so; there are none while the server asks to slow down.
 */
#include <stdlib.h>
#include <string.h>

#include "count.h"
#include "options.h"
#include "s3_private.h"

#define LEAST 10000000                  /* nanoseconds */
#define ENOUGH 16                       /* answers before anything is late */
#define COST 100                        /* of a request, in what a request earns for each percent */
#define SAVED (10 * COST)               /* at most */

static int by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Every eighth time is soon enough. */
static void learn(struct s3_hedging *h, int64_t took)
{
	int64_t sorted[S3_LATELY];
	unsigned n;

	h->first[h->n++ % S3_LATELY] = took;
	n = h->n < S3_LATELY ? h->n : S3_LATELY;
	if (n < ENOUGH || h->n % 8)
		return;
	memcpy(sorted, h->first, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_size);
	h->late = sorted[n * 19 / 20];
	h->late = h->late > 2 * sorted[n / 2] ? h->late : 2 * sorted[n / 2];
	h->late = h->late > LEAST ? h->late : LEAST;
}

static void begin_rival(void *arg)
{
	struct s3_try *t = arg, *second;
	struct s3_hedging *h = &t->b->hedging;

	if (h->budget < COST || t->b->throttled)
		return;
	h->budget -= COST;
	count->hedges++;
	second = s3_try_new(t->r);
	second->moved = t->moved;
	second->is_moved = t->is_moved;
	second->hedge = 1;
	second->rival = t;
	t->rival = second;
	s3_try_send(second);
}

void s3_hedge_sent(struct s3_try *t)
{
	struct s3_hedging *h = &t->b->hedging;
	int64_t percent = t->b->option[S3_OPT_HEDGE];

	if (!percent || !t->r->data || strcmp(t->r->method, "GET") || t->r->attempts > 1 || t->hedge)
		return;
	h->budget = h->budget + percent > SAVED ? SAVED : h->budget + percent;
	t->late.fired = begin_rival;
	t->late.arg = t;
	if (h->late)
		loop_timer_set(&t->late, loop_now() + (uint64_t)h->late);
}

/* What was not answered yet took so long at least. */
static void learn_from(const struct s3_try *t)
{
	if (t->http.started && t->r->attempts == 1)
		learn(&t->b->hedging, (int64_t)(loop_now() - t->http.started));
}

void s3_hedge_answered(struct s3_try *t)
{
	struct s3_try *other = t->rival;

	loop_timer_clear(&t->late);
	if (!t->b->option[S3_OPT_HEDGE] || !t->r->data || t->begun)
		return;
	learn_from(t);
	count->hedges_won += t->hedge;
	if (!other)
		return;
	learn_from(other);
	t->rival = NULL;
	t->r->try = t;
	s3_try_end(other);
}

/* What another attempt may mend. */
static int may_pass(int err, int status)
{
	return err || status >= 500 || status == 429 || status == 408;
}

int s3_hedge_failed(struct s3_try *t, int err)
{
	struct s3_request *r = t->r;

	if (!may_pass(err, t->http.status))
		return 0;
	t->rival->rival = NULL;
	r->try = t->rival;
	r->code[0] = r->message[0] = '\0';
	r->http = NULL;
	t->rival = NULL;
	s3_try_end(t);
	return 1;
}
