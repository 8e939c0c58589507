/* SPDX-License-Identifier: MIT */
/*
 * The agent's one thread: descriptors, timers, and work that waits done
 * elsewhere. Everything in backends/s3/agent/ runs here unless it says so; so
 * there are no locks. All of these are for that thread only.
 */
#ifndef S3_AGENT_LOOP_H
#define S3_AGENT_LOOP_H

#include <stdint.h>

#define LOOP_SECOND 1000000000ull

int loop_init(void);                            /* 0 or -errno */
void loop_run(void);                            /* until loop_stop */
void loop_stop(void);

/* CLOCK_MONOTONIC in nanoseconds, read once a round; and as it is, for what is measured. */
uint64_t loop_now(void);
uint64_t loop_clock(void);

/* Calls ready(arg, events) when fd has EPOLL* `events`; 0 forgets it. 0 or -errno. */
int loop_watch(int fd, uint32_t events, void (*ready)(void *arg, uint32_t events), void *arg);

/* A timer the caller owns; zeroed at first, fired and arg set before it is set. */
struct loop_timer {
	void (*fired)(void *arg);
	void *arg;
	uint64_t at;                            /* 0: not set */
	unsigned place;                         /* the loop's */
};
void loop_timer_set(struct loop_timer *t, uint64_t at);   /* again moves it */
void loop_timer_clear(struct loop_timer *t);              /* not set: nothing */

/*
 * Calls fn(arg) once in this round, after the events, or in the next one if it
 * is called from such an fn; order is kept.
 */
void loop_soon(void (*fn)(void *arg), void *arg);

/*
 * Before the loop sleeps it calls these, in order, and sleeps only if all
 * return 0; the channels with guests are looked at here.
 */
void loop_before_sleep(int (*busy)(void));
/* ... and this after it slept. */
void loop_after_sleep(void (*fn)(void));

/*
 * For a callback that goes on for milliseconds, as libcurl does while a socket
 * has bytes: calls what was given to loop_between, which may do all that an
 * event's callback may, but end what the caller is about.
 */
void loop_breathe(void);
void loop_between(void (*fn)(void));

/* work(arg) in a thread of the pool (256 KiB of stack, all signals blocked), then done(arg) in the loop. work.c. */
void loop_work(void (*work)(void *arg), void (*done)(void *arg), void *arg);

#endif
