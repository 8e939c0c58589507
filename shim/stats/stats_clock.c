/* SPDX-License-Identifier: MIT */
/* The clock's calibration; see stats_clock.h. */
#include "stats_clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/quiet.h"
#include "base/real.h"
#include "stats.h"

#define CALIBRATE_AFTER 10000000u     /* ns */
#define READ_WITHIN 2000u             /* ns; a pair that took longer was interrupted */

uint64_t clock_mult;
int stats_tsc;

struct pair {
	uint64_t ticks, ns;
};

static struct pair first;

/* How far the calibration is; whoever moves it on does the step. */
static enum { CLOCK_NEW, CLOCK_STARTING, CLOCK_WAITING, CLOCK_BUSY, CLOCK_SETTLED } phase;

static uint64_t monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int step(int from, int to)
{
	return __atomic_load_n(&phase, __ATOMIC_RELAXED) == (unsigned)from &&
	       __sync_bool_compare_and_swap(&phase, from, to);
}

#if defined(__x86_64__)
#include <cpuid.h>

static int invariant_tsc(void)
{
	unsigned a, b, c, d = 0;

	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1 << 8);
}

/* prctl(PR_SET_TSC) makes rdtsc a SIGSEGV; rr and some sandboxes use it. */
static int tsc_allowed(void)
{
	int mode = 0;

	return prctl(PR_GET_TSC, &mode) == 0 && mode == PR_TSC_ENABLE;
}

static int kernel_uses_tsc(void)
{
	char name[8] = "";
	int fd = REAL(open)("/sys/devices/system/clocksource/clocksource0/current_clocksource",
			    O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return 0;
	n = REAL(read)(fd, name, sizeof(name));
	REAL(close)(fd);
	return n == 4 && memcmp(name, "tsc\n", 4) == 0;
}
#else
static int invariant_tsc(void) { return 0; }
static int tsc_allowed(void) { return 0; }
static int kernel_uses_tsc(void) { return 0; }
#endif

/* Both clocks at one moment: the closest of a few tries. Returns how close, in ns. */
static uint64_t read_pair(struct pair *p)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 5; i++) {
		uint64_t before = monotonic();
		uint64_t ticks = clock_ticks();
		uint64_t after = monotonic();

		if (after - before >= best)
			continue;
		best = after - before;
		p->ticks = ticks;
		p->ns = before + best / 2;
	}
	return best;
}

static void start(void)
{
	int saved = errno;

	/* rdtsc must not run before it is known to be allowed */
	if (!tsc_allowed())
		__atomic_store_n(&phase, CLOCK_SETTLED, __ATOMIC_RELEASE);
	else if (read_pair(&first) > READ_WITHIN)
		__atomic_store_n(&phase, CLOCK_NEW, __ATOMIC_RELEASE);
	else
		__atomic_store_n(&phase, CLOCK_WAITING, __ATOMIC_RELEASE);
	errno = saved;
}

/* Makes the switch, or decides against it. Returns the next phase. */
static int calibrate(void)
{
	struct pair now;

	if (read_pair(&now) > READ_WITHIN)
		return CLOCK_WAITING;
	if (!tsc_allowed() || !kernel_uses_tsc() || !invariant_tsc() ||
	    now.ticks <= first.ticks)
		return CLOCK_SETTLED;
	clock_mult = (uint64_t)(((unsigned __int128)(now.ns - first.ns) << 32) /
				(now.ticks - first.ticks));
	if (clock_mult)
		__atomic_store_n(&stats_tsc, 1, __ATOMIC_RELEASE);
	return CLOCK_SETTLED;
}

uint64_t clock_slow_now(void)
{
	if (step(CLOCK_NEW, CLOCK_STARTING))
		start();
	return monotonic() & ~1ull;
}

uint64_t clock_slow_since(uint64_t stamp)
{
	uint64_t now = monotonic();

	if (__atomic_load_n(&phase, __ATOMIC_ACQUIRE) == CLOCK_WAITING &&
	    now - first.ns >= CALIBRATE_AFTER && now > first.ns &&
	    step(CLOCK_WAITING, CLOCK_BUSY)) {
		struct quiet q;

		quiet_begin(&q);
		__atomic_store_n(&phase, calibrate(), __ATOMIC_RELEASE);
		quiet_end(&q);
	}
	return now > stamp ? now - stamp : 0;
}
