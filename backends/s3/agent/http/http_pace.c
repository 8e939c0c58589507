/* SPDX-License-Identifier: MIT */
/*
 * How fast the exchanges of a site may go, all together; see http.h. One whose
 * turn it is not is paused in libcurl: its connection is not read or written,
 * and the other side waits. They take turns in the order in which they came to
 * wait, each for so many bytes.
 */
#include <stdlib.h>
#include <utlist.h>

#include "http_private.h"
#include "rate.h"

struct http_pace {
	struct rate rate;
	enum http_way way;
	uint64_t *held;
	struct exchange *waiting;
	uint64_t since;                 /* somebody waits, and it is counted up to then; or 0 */
	struct loop_timer timer;
};

#define PREV pace[p->way].prev
#define NEXT pace[p->way].next

/* Counts the time that somebody waited, and sees to it that the first is woken. */
static void settle(struct http_pace *p)
{
	uint64_t now = loop_now();

	*p->held += p->since ? now - p->since : 0;
	p->since = p->waiting ? now : 0;
	if (p->waiting)
		loop_timer_set(&p->timer, rate_when(&p->rate));
	else
		loop_timer_clear(&p->timer);
}

static void enter(struct http_pace *p, struct exchange *x)
{
	struct exchange_pace *w = &x->pace[p->way];

	DL_APPEND2(p->waiting, x, PREV, NEXT);
	w->paused = 1;
	w->turn = 0;
	w->since = loop_now();
}

static void leave(struct http_pace *p, struct exchange *x)
{
	struct exchange_pace *w = &x->pace[p->way];

	DL_DELETE2(p->waiting, x, PREV, NEXT);
	w->paused = 0;
	x->heard = loop_now();
	if (x->h)
		x->h->held += x->heard - w->since;
}

/* Each that waits at most once. */
static void fired(void *arg)
{
	struct http_pace *p = arg;
	struct exchange *x;
	unsigned n;

	DL_COUNT2(p->waiting, x, n, NEXT);
	while (n-- && (x = p->waiting) && rate_may(&p->rate, loop_now())) {
		leave(p, x);
		x->pace[p->way].turn = rate_turn(&p->rate);
		http_resume(x);
	}
	settle(p);
}

struct http_pace *http_pace_new(enum http_way way, uint64_t limit, uint64_t *held)
{
	struct http_pace *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->rate.limit = limit;
	p->way = way;
	p->held = held;
	p->timer = (struct loop_timer){ .fired = fired, .arg = p };
	return p;
}

size_t http_pace_may(struct exchange *x, enum http_way way)
{
	struct http_pace *p = x->site->pace[way];
	size_t turn = x->pace[way].turn;

	if (!p)
		return SIZE_MAX;
	if (rate_may(&p->rate, loop_now()) && (turn || !p->waiting))
		return turn ? turn : rate_turn(&p->rate);
	enter(p, x);
	settle(p);
	return 0;
}

void http_pace_moved(struct exchange *x, enum http_way way, size_t n)
{
	struct http_pace *p = x->site->pace[way];
	size_t *turn = &x->pace[way].turn;

	if (!p)
		return;
	rate_take(&p->rate, n);
	*turn -= n < *turn ? n : *turn;
}

void http_pace_end(struct exchange *x)
{
	for (int way = 0; way < HTTP_WAYS; way++) {
		if (!x->pace[way].paused)
			continue;
		leave(x->site->pace[way], x);
		settle(x->site->pace[way]);
	}
}
