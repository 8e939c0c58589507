/* SPDX-License-Identifier: MIT */
/* Hazard pointers for open files; see pin.h. */
#include "pin.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>

#include "base/pool.h"
#include "base/real.h"
#include "base/thread.h"

static struct pool hazards = POOL_INIT(struct hazard, 64);
static struct hazard *_Atomic all;
__thread struct hazard *pin_mine;
static int have_membarrier;

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
	struct hazard *h = pin_mine;

	pin_mine = NULL;
	if (!h)
		return;
	/* it may have been cancelled in the middle of an op */
	atomic_store(&h->file, NULL);
	atomic_store(&h->taken, 0);
	fdtab_reap();
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
	return pin_mine = h;
}

enum pin pin_take_slowly(struct file *f, int fd)
{
	if (!pin_mine && make_mine())
		return pin_take(f, fd);
	return fdtab_ref(f, fd) ? PIN_REF : PIN_NONE;
}

void pin_fork_child(void)
{
	for (struct hazard *h = atomic_load(&all); h; h = h->next)
		if (h != pin_mine) {
			atomic_store(&h->file, NULL);
			atomic_store(&h->taken, 0);
		}
	fdtab_reap();
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
