/* SPDX-License-Identifier: MIT */
/* RLIMIT_FSIZE without a system call; see rlimit.h. */
#include "rlimit.h"

#include <stdatomic.h>
#include <sys/resource.h>

/* 0: not asked yet; else the limit + 1, saturated. */
static _Atomic uint64_t fsize_plus1;

static uint64_t ask(void)
{
	struct rlimit rl = { RLIM_INFINITY, RLIM_INFINITY };
	uint64_t v;

	getrlimit(RLIMIT_FSIZE, &rl);
	v = rl.rlim_cur == RLIM_INFINITY ? UINT64_MAX : rl.rlim_cur + 1;
	atomic_store(&fsize_plus1, v);
	return v;
}

uint64_t rlimit_fsize(void)
{
	uint64_t v = atomic_load_explicit(&fsize_plus1, memory_order_relaxed);

	if (__builtin_expect(!v, 0))
		v = ask();
	return v == UINT64_MAX ? v : v - 1;
}

void rlimit_changed(void)
{
	atomic_store(&fsize_plus1, 0);
}
