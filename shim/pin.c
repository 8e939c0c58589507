/* SPDX-License-Identifier: MIT */
/* Hazard pointers for open files; see pin.h. */
#include "pin.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>

#include "fdtab.h"
#include "pool.h"
#include "real.h"
#include "thread.h"

struct hazard {
	struct file *_Atomic file;
	struct hazard *next;         /* of all; never unlinked */
	_Atomic int taken;           /* by a thread */
};

static struct pool hazards = POOL_INIT(struct hazard, 64);
static struct hazard *_Atomic all;
static __thread struct hazard *mine;
static int have_membarrier;

/* Under TSan, which knows nothing of membarrier, the cheap half is a real fence. */
#ifdef __SANITIZE_THREAD__
#define LIGHT memory_order_seq_cst
#else
#define LIGHT memory_order_relaxed
#endif

static int membarrier(int cmd)
{
	return (int)REAL(syscall)(SYS_membarrier, cmd, 0, 0);
}

void pin_init(void)
{
	have_membarrier = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

static void thread_ended(void)
{
	struct hazard *h = mine;

	mine = NULL;
	if (h)
		atomic_store(&h->taken, 0);
}

static struct hazard *find_free(void)
{
	for (struct hazard *h = atomic_load(&all); h; h = h->next) {
		int no = 0;

		if (atomic_compare_exchange_strong(&h->taken, &no, 1))
			return h;
	}
	return NULL;
}

static struct hazard *make_mine(void)
{
	struct hazard *h;

	if (!have_membarrier || thread_at_exit(thread_ended) < 0)
		return NULL;
	h = find_free();
	if (!h && (h = pool_get(&hazards))) {
		atomic_store(&h->file, NULL);
		atomic_store(&h->taken, 1);
		h->next = atomic_load(&all);
		while (!atomic_compare_exchange_weak(&all, &h->next, h))
			;
	}
	return mine = h;
}

enum pin pin_take(struct file *f, int fd)
{
	struct hazard *h = mine;

	if (__builtin_expect(!h, 0))
		h = make_mine();
	if (!h || atomic_load_explicit(&h->file, memory_order_relaxed))
		return fdtab_ref(f, fd) ? PIN_REF : PIN_NONE;
	atomic_store_explicit(&h->file, f, LIGHT);
	atomic_signal_fence(memory_order_seq_cst);
	if (fdtab_get(fd) == f)
		return PIN_HAZARD;
	atomic_store_explicit(&h->file, NULL, memory_order_release);
	return PIN_NONE;
}

void pin_drop(struct file *f, enum pin pin)
{
	if (__builtin_expect(pin == PIN_HAZARD, 1))
		atomic_store_explicit(&mine->file, NULL, memory_order_release);
	else
		fdtab_put(f);
}

int pin_held(const struct file *f)
{
	if (!atomic_load(&all))
		return 0;
	/* not registered any more, as after a fork on some kernels: register again */
	if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) < 0) {
		pin_init();
		membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	}
	for (struct hazard *h = atomic_load(&all); h; h = h->next)
		if (atomic_load(&h->file) == f)
			return 1;
	return 0;
}
