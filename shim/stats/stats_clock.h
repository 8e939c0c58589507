/* SPDX-License-Identifier: MIT */
/*
 * The time source of the statistics. Calls are timed with CLOCK_MONOTONIC
 * until 10 ms after the first one; then, where the kernel itself trusts the
 * TSC, its rate is known well enough (below half a bin) and it is read
 * directly. Nothing is measured at start-up. A fork child inherits the rate.
 *
 * A stamp says which clock it is from: odd is the TSC, even and not 0 is
 * CLOCK_MONOTONIC, so that a call may straddle the change. Both lose less
 * than the clock's own resolution by that.
 *
 * All functions are async-signal-safe, leave errno alone, and may be called
 * from any thread.
 */
#ifndef SHIM_STATS_CLOCK_H
#define SHIM_STATS_CLOCK_H

#include <stdint.h>

/* ns = ticks * mult >> 32; valid once stats_tsc is set. */
extern uint64_t clock_mult;
extern int stats_tsc;

uint64_t clock_slow_now(void);
uint64_t clock_slow_since(uint64_t stamp);

#if defined(__x86_64__)
#define clock_ticks() __builtin_ia32_rdtsc()
#else
#define clock_ticks() 0ull
#endif

static inline uint64_t clock_now(void)
{
	if (__builtin_expect(__atomic_load_n(&stats_tsc, __ATOMIC_ACQUIRE), 1))
		return clock_ticks() | 1;
	return clock_slow_now();
}

/* Nanoseconds since `stamp`; 0 if the clock went back (another core's TSC). */
static inline uint64_t clock_since(uint64_t stamp)
{
	if (__builtin_expect(stamp & 1, 1)) {
		uint64_t now = clock_ticks() | 1;

		if (now < stamp)
			return 0;
		return (uint64_t)((unsigned __int128)(now - stamp) * clock_mult >> 32);
	}
	return clock_slow_since(stamp);
}

#endif
