/* SPDX-License-Identifier: MIT */
/* Locks on files without a kernel file: the kernel's rules; see lock_table.h. */
#include "lock_table.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "lock_shared.h"
#include "base/real.h"

#define TICK 10000000L               /* nanoseconds until the dead are looked for */
#define CYCLE_MAX 64                 /* processes in a deadlock */

/* ---- one against another ---- */

static int same_file(const struct lock *a, const struct lock *b)
{
	return a->ino == b->ino && a->dev == b->dev && (a->kind == LOCK_FLOCK) == (b->kind == LOCK_FLOCK);
}

static int overlap(const struct lock *a, const struct lock *b)
{
	return a->start <= b->end && b->start <= a->end;
}

static int64_t after(int64_t end)
{
	return end == INT64_MAX ? end : end + 1;
}

static int touch(const struct lock *a, const struct lock *b)
{
	return a->start <= after(b->end) && b->start <= after(a->end);
}

static int conflict(const struct lock *want, const struct lock *have)
{
	if (!same_file(want, have) || !overlap(want, have))
		return 0;
	if (want->type == F_UNLCK)
		return lock_same_owner(want, have);
	return !lock_same_owner(want, have) && (want->type == F_WRLCK || have->type == F_WRLCK);
}

static struct lock *in_the_way(struct lock_table *t, const struct lock *want)
{
	struct lock *first = NULL;

	for (struct lock *l = t->locks; l < t->locks + t->top; l++) {
		if (!l->kind || !conflict(want, l) || (first && first->start <= l->start))
			continue;
		if (lock_dead(l))
			l->kind = LOCK_NONE;
		else
			first = l;
	}
	return first;
}

/* ---- waiting ---- */

static const struct lock *waiter(const struct lock_table *t, const struct lock *owner)
{
	for (const struct lock *w = t->waiting; w < t->waiting + WAITERS; w++)
		if (w->kind && lock_same_owner(w, owner))
			return w;
	return NULL;
}

/* Whether the one in the way waits, through others maybe, for `want`'s owner. */
static int deadlock(struct lock_table *t, const struct lock *want)
{
	const struct lock *w = want, *have;

	for (int i = 0; w && i < CYCLE_MAX; i++) {
		have = in_the_way(t, w);
		if (!have || have->kind != LOCK_POSIX)
			return 0;
		if (lock_same_owner(have, want))
			return 1;
		w = waiter(t, have);
	}
	return 0;
}

/* Without room in the list, deadlocks through this waiter are not found. */
static void wait_for(struct lock_table *t, const struct lock *want, struct lock_wait *w)
{
	for (int i = 0; w->slot < 0 && want->kind == LOCK_POSIX && i < WAITERS; i++) {
		if (t->waiting[i].kind && !lock_dead(&t->waiting[i]))
			continue;
		t->waiting[i] = *want;
		w->slot = i;
	}
	w->generation = atomic_load(&t->generation);
}

void lock_wait_begin(struct lock_wait *w)
{
	sigset_t all;

	w->slot = -1;
	sigfillset(&all);
	REAL(pthread_sigmask)(SIG_BLOCK, &all, &w->mask);
}

void lock_wait_end(struct lock_wait *w)
{
	struct lock_table *t = lock_table(0);
	sigset_t saved;

	if (w->slot >= 0 && lock_enter(t, &saved) == 0) {
		t->waiting[w->slot].kind = LOCK_NONE;
		lock_leave(t, &saved);
	}
	REAL(pthread_sigmask)(SIG_SETMASK, &w->mask, NULL);
}

/* Whether a signal of those in `pending` runs a handler that ends system calls. */
static int interrupts(const sigset_t *pending, const sigset_t *blocked)
{
	struct sigaction sa;

	for (int s = 1; s < NSIG; s++)
		if (sigismember(pending, s) == 1 && sigismember(blocked, s) == 0 &&
		    REAL(sigaction)(s, NULL, &sa) == 0 && sa.sa_handler != SIG_DFL &&
		    sa.sa_handler != SIG_IGN && !(sa.sa_flags & SA_RESTART))
			return 1;
	return 0;
}

/* Lets the program's handlers run; -EINTR if one of them ends the call. */
static int deliver(struct lock_wait *w, const sigset_t *pending)
{
	int r = interrupts(pending, &w->mask) ? -EINTR : 0;
	sigset_t all;

	sigfillset(&all);
	REAL(pthread_sigmask)(SIG_SETMASK, &w->mask, NULL);
	REAL(pthread_sigmask)(SIG_BLOCK, &all, NULL);
	return r;
}

int lock_wait(struct lock_wait *w)
{
	struct lock_table *t = lock_table(0);
	const struct timespec tick = { .tv_nsec = TICK };
	sigset_t pending;

	REAL(syscall)(SYS_futex, &t->generation, FUTEX_WAIT, w->generation, &tick, NULL, 0);
	return sigpending(&pending) == 0 ? deliver(w, &pending) : 0;
}

static void wake(struct lock_table *t)
{
	atomic_fetch_add(&t->generation, 1);
	REAL(syscall)(SYS_futex, &t->generation, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* ---- changing ---- */

static void put(struct lock_table *t, const struct lock *l)
{
	uint32_t i = 0;

	while (i < t->top && t->locks[i].kind)
		i++;
	t->locks[i] = *l;
	if (i == t->top)
		t->top++;
}

/* Whether there is room for the two that one change may add at most. */
static int room(struct lock_table *t)
{
	uint32_t used = 0;

	if (t->top + 2 <= LOCKS)
		return 1;
	for (uint32_t i = 0; i < t->top; i++) {
		if (t->locks[i].kind && lock_dead(&t->locks[i]))
			t->locks[i].kind = LOCK_NONE;
		used += t->locks[i].kind != LOCK_NONE;
	}
	return used + 2 <= LOCKS;
}

/* Takes the range of `by` out of l, which lies in it, around it or across one end. */
static void cut(struct lock_table *t, struct lock *l, const struct lock *by)
{
	struct lock right = *l;

	right.start = after(by->end);
	if (l->start < by->start)
		l->end = by->start - 1;
	else
		l->kind = LOCK_NONE;
	if (right.end > by->end)
		put(t, &right);
}

/* The owner's locks in the range become one of this type, joined with its neighbours. */
static int change(struct lock_table *t, const struct lock *want)
{
	struct lock now = *want;
	int changed = 0;

	if (!room(t))
		return -ENOLCK;
	for (uint32_t i = 0; i < t->top; i++) {
		struct lock *l = &t->locks[i];

		if (!l->kind || !lock_same_owner(l, want) || !same_file(l, want))
			continue;
		if (l->type == now.type && touch(l, &now)) {
			now.start = l->start < now.start ? l->start : now.start;
			now.end = l->end > now.end ? l->end : now.end;
			l->kind = LOCK_NONE;
		} else if (overlap(l, &now)) {
			cut(t, l, &now);
			changed = 1;
		}
	}
	if (now.type != F_UNLCK)
		put(t, &now);
	while (t->top && !t->locks[t->top - 1].kind)
		t->top--;
	if (changed)
		wake(t);
	return 0;
}

/* As the kernel does: a lock of the other type is given up before the new one is asked for. */
static int give_up_other(struct lock_table *t, const struct lock *want)
{
	struct lock whole = *want;

	for (uint32_t i = 0; i < t->top; i++)
		if (t->locks[i].kind && lock_same_owner(&t->locks[i], want) && same_file(&t->locks[i], want) &&
		    t->locks[i].type != want->type) {
			whole.type = F_UNLCK;
			return change(t, &whole);
		}
	return 0;
}

static int attempt(struct lock_table *t, const struct lock *want, struct lock_wait *w)
{
	if (want->type == F_UNLCK)
		return change(t, want);
	if (want->kind == LOCK_FLOCK)
		give_up_other(t, want);
	if (!in_the_way(t, want))
		return change(t, want);
	if (w && want->kind == LOCK_POSIX && deadlock(t, want))
		return -EDEADLK;
	if (w)
		wait_for(t, want, w);
	return -EAGAIN;
}

/* Without the table's lock: only the owner itself can be wrong about this, and only if it asks twice at once. */
static int owns_none(const struct lock_table *t, const struct lock *want)
{
	for (uint32_t i = 0, top = t->top; i < top; i++)
		if (t->locks[i].kind && lock_same_owner(&t->locks[i], want) && same_file(&t->locks[i], want))
			return 0;
	return 1;
}

int lock_any(const struct ofd *o)
{
	const struct lock_table *t = lock_table(0);
	uint64_t ino = t && t->top ? lock_number(o) : 0;

	for (uint32_t i = 0, top = t ? t->top : 0; i < top; i++)
		if (t->locks[i].kind && t->locks[i].ino == ino && t->locks[i].dev == o->dev)
			return 1;
	return 0;
}

int lock_set(const struct lock *want, struct lock_wait *w)
{
	struct lock_table *t = lock_table(want->type != F_UNLCK);
	sigset_t saved;
	int r;

	if (want->type == F_UNLCK && (!t || owns_none(t, want)))
		return 0;
	if (!t || lock_enter(t, &saved) < 0)
		return -ENOLCK;
	r = attempt(t, want, w);
	lock_leave(t, &saved);
	return r;
}

int lock_test(struct lock *l)
{
	struct lock_table *t = lock_table(1);
	const struct lock *have;
	sigset_t saved;

	if (!t || lock_enter(t, &saved) < 0)
		return -ENOLCK;
	have = in_the_way(t, l);
	if (have)
		*l = *have;
	lock_leave(t, &saved);
	return have != NULL;
}
