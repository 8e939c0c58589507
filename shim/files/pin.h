/* SPDX-License-Identifier: MIT */
/*
 * Keeps an open file's memory while a back end's op uses it, without a locked
 * instruction: a hazard pointer per thread. The fence that pairs with it is
 * membarrier(2), paid by whoever closes the last descriptor of such a file;
 * where that call is missing, and in a signal handler that interrupts a pinned
 * op, the file's reference count is used.
 */
#ifndef SHIM_PIN_H
#define SHIM_PIN_H

#include "fdtab.h"

enum pin { PIN_NONE, PIN_HAZARD, PIN_REF };

/* In a fork child: the other threads' pins went with them. */
void pin_fork_child(void);

/* Once before main if any mount pins: registers for membarrier. */
void pin_init(void);

struct hazard {
	struct file *_Atomic file;
	struct hazard *next;         /* of all; never unlinked */
	_Atomic int taken;           /* by a thread */
};

extern __thread struct hazard *pin_mine;

/* Under TSan, which knows nothing of membarrier, the cheap half is a real fence. */
#ifdef __SANITIZE_THREAD__
#define PIN_ORDER memory_order_seq_cst
#else
#define PIN_ORDER memory_order_relaxed
#endif

/* The rare half of pin_take: a thread's first pin, or one inside another. */
enum pin pin_take_slowly(struct file *f, int fd);

/* Pins f if fd still means it; PIN_NONE if not. */
static inline enum pin pin_take(struct file *f, int fd)
{
	struct hazard *h = pin_mine;

	if (__builtin_expect(!h || atomic_load_explicit(&h->file, memory_order_relaxed), 0))
		return pin_take_slowly(f, fd);
	atomic_store_explicit(&h->file, f, PIN_ORDER);
	atomic_signal_fence(memory_order_seq_cst);
	if (__builtin_expect(fdtab_get(fd) == f, 1))
		return PIN_HAZARD;
	atomic_store_explicit(&h->file, NULL, memory_order_release);
	return PIN_NONE;
}

static inline void pin_drop(struct file *f, enum pin pin)
{
	if (__builtin_expect(pin != PIN_HAZARD, 0)) {
		fdtab_put(f);
		return;
	}
	atomic_store_explicit(&pin_mine->file, NULL, PIN_ORDER == memory_order_relaxed ?
			      memory_order_release : memory_order_seq_cst);
	atomic_signal_fence(memory_order_seq_cst);
	if (__builtin_expect(atomic_load_explicit(&fdtab_retired, memory_order_relaxed) != NULL, 0))
		fdtab_reap();
}

/*
 * Whether some thread has f pinned, once f can no longer be found in the
 * table. Slow.
 */
int pin_held(const struct file *f);

#endif
