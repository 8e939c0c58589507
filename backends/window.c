/* SPDX-License-Identifier: MIT */
/* Mapped access to a file; see window.h. */
#include "window.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "files/guard.h"
#include "base/real.h"
#include "stats/stats.h"

#define PAGE WINDOW_PAGE
#define MISSES_MIN 3             /* accesses before a mapping is worth its faults */
#define MAP_MIN (1ul << 20)
#define MAP_MAX (1ul << 40)
#define PROBE_PAGES 512ul        /* looked up by one mincore */

ssize_t iov_bytes(const struct iovec *iov, int cnt)
{
	size_t n = 0;

	for (int i = 0; i < cnt; i++) {
		if (iov[i].iov_len > (size_t)SSIZE_MAX - n)
			return -EINVAL;
		n += iov[i].iov_len;
	}
	return (ssize_t)n;
}

uint64_t coarse_tick(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec + 1;
}

/* The bits of word `w` that pages first..last cover. */
static uint64_t word_mask(size_t w, size_t first, size_t last)
{
	uint64_t m = ~0ull;

	if (w == first / 64)
		m &= ~0ull << first % 64;
	if (w == last / 64)
		m &= ~0ull >> (63 - last % 64);
	return m;
}

int window_pages_known(const struct mapping *m, size_t first, size_t last)
{
	for (size_t w = first / 64; w <= last / 64; w++) {
		uint64_t mask = word_mask(w, first, last);

		if ((atomic_load_explicit(&m->known[w], memory_order_relaxed) & mask) != mask)
			return 0;
	}
	return 1;
}

static void set_known(struct mapping *m, size_t first, size_t last)
{
	for (size_t w = first / 64; w <= last / 64; w++)
		atomic_fetch_or_explicit(&m->known[w], word_mask(w, first, last),
					 memory_order_relaxed);
}

int window_read(const struct window *w, const struct iovec *iov, int cnt, off_t off)
{
	const char *src = window_at(w, off);

	for (int i = 0; i < cnt; i++) {
		int r = guard_copy(iov[i].iov_base, src, iov[i].iov_len);

		if (r < 0)
			return r;
		src += iov[i].iov_len;
	}
	return 0;
}

int window_write(const struct window *w, const struct iovec *iov, int cnt, off_t off)
{
	char *dst = window_at(w, off);

	for (int i = 0; i < cnt; i++) {
		int r = guard_copy(dst, iov[i].iov_base, iov[i].iov_len);

		if (r < 0)
			return r;
		dst += iov[i].iov_len;
	}
	return 0;
}

static struct mapping *make_mapping(int fd, int prot, size_t len)
{
	size_t bits = (sizeof(struct mapping) + len / PAGE / 8 + 8 + PAGE - 1) & ~(PAGE - 1);
	struct mapping *m = REAL(mmap)(NULL, bits, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (m == MAP_FAILED)
		return NULL;
	m->addr = REAL(mmap)(NULL, len, prot, MAP_SHARED, fd, 0);
	if (m->addr == MAP_FAILED) {
		REAL(munmap)(m, bits);
		return NULL;
	}
	m->len = len;
	m->bits_len = bits;
	return m;
}

/* A mapping that reaches `size`, with room to grow; the old one stays behind it. */
static struct mapping *map_up_to(struct window *w, int fd, uint64_t size)
{
	struct mapping *old = atomic_load(&w->map), *m;
	size_t len = old ? old->len : MAP_MIN;

	if (old && size <= old->len)
		return old;
	while (len < size)
		len *= 2;
	if (size > MAP_MAX)
		return NULL;
	m = make_mapping(fd, PROT_READ | (w->writable ? PROT_WRITE : 0), len);
	if (!m)
		return NULL;
	m->older = old;
	atomic_store_explicit(&w->map, m, memory_order_release);
	return m;
}

/* Which pages around the range are there; the answer is good for this era. */
static void probe(struct mapping *m, uint64_t size, off_t off, size_t n)
{
	size_t first = (size_t)off / PAGE & ~63ul, end = (size + PAGE - 1) / PAGE;
	size_t need = ((size_t)off + n - 1) / PAGE + 1;
	unsigned char vec[PROBE_PAGES];

	while (first < end && first < need) {
		size_t count = end - first < PROBE_PAGES ? end - first : PROBE_PAGES;

		if (mincore(m->addr + first * PAGE, count * PAGE, vec) < 0)
			return;
		for (size_t i = 0; i < count; i++)
			if (vec[i] & 1)
				set_known(m, first + i, first + i);
		first += count;
	}
}

/* A new era: nothing that was known about the pages holds. */
static void forget_pages(struct mapping *m)
{
	size_t words = m->len / PAGE / 64;

	for (size_t i = 0; i < words; i++)
		if (atomic_load_explicit(&m->known[i], memory_order_relaxed))
			atomic_store_explicit(&m->known[i], 0, memory_order_relaxed);
}

static int learn_size(struct window *w, int fd, uint64_t era)
{
	struct mapping *m = atomic_load(&w->map);
	struct stat st;

	if (own_fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (atomic_load(&w->era) != era) {
		atomic_store(&w->era, 0);
		if (m)
			forget_pages(m);
	}
	atomic_store(&w->size, (uint64_t)st.st_size);
	atomic_store_explicit(&w->era, era, memory_order_release);
	return 1;
}

void window_refresh(struct window *w, int fd, uint64_t era)
{
	if (atomic_flag_test_and_set(&w->busy))
		return;
	learn_size(w, fd, era);
	atomic_flag_clear(&w->busy);
}

static int learn(struct window *w, int fd, uint64_t era, off_t off, size_t n)
{
	struct mapping *m;
	uint64_t size;

	if (atomic_load_explicit(&w->misses, memory_order_relaxed) < MISSES_MIN) {
		atomic_fetch_add_explicit(&w->misses, 1, memory_order_relaxed);
		return 0;
	}
	if (!n || guard_arm() < 0 || atomic_flag_test_and_set(&w->busy))
		return 0;
	if (atomic_load(&w->era) != era || (uint64_t)off + n > atomic_load(&w->size))
		learn_size(w, fd, era);
	size = atomic_load(&w->size);
	if (atomic_load(&w->era) == era && (uint64_t)off + n <= size) {
		m = map_up_to(w, fd, size);
		if (m && !window_covers(w, era, off, n))
			probe(m, size, off, n);
	}
	atomic_flag_clear(&w->busy);
	return window_covers(w, era, off, n);
}

int window_learn(struct window *w, struct generation *g, const char *_Atomic *hint, int fd,
		 uint64_t era, off_t off, size_t n)
{
	int saved = errno, covered = 0;

	if (era & 1)     /* a truncation is under way, or its process died in it */
		generation_repair(g);
	else
		covered = learn(w, fd, era, off, n);
	if (covered)
		atomic_store_explicit(hint, window_at(w, 0), memory_order_relaxed);
	errno = saved;
	return covered;
}

void window_wrote(struct window *w, uint64_t era, off_t off, size_t n)
{
	struct mapping *m;
	uint64_t end = (uint64_t)off + n;

	if (!n || atomic_load(&w->era) != era || atomic_flag_test_and_set(&w->busy))
		return;
	if (atomic_load(&w->era) == era) {
		if (end > atomic_load(&w->size))
			atomic_store(&w->size, end);
		m = atomic_load(&w->map);
		if (m && end <= m->len)
			set_known(m, (size_t)off / PAGE, (end - 1) / PAGE);
	}
	atomic_flag_clear(&w->busy);
}

size_t hole_bytes(int fd, off_t off, size_t n)
{
	off_t start = off & ~(off_t)(PAGE - 1);
	size_t len = n + (size_t)(off - start), holes = 0;
	unsigned char vec[PROBE_PAGES];
	char *m;

	if (!n)
		return 0;
	m = REAL(mmap)(NULL, len, PROT_READ, MAP_SHARED, fd, start);
	if (m == MAP_FAILED)
		return n;
	for (size_t at = 0; at < len; at += sizeof(vec) * PAGE) {
		size_t part = len - at < sizeof(vec) * PAGE ? len - at : sizeof(vec) * PAGE;

		if (mincore(m + at, part, vec) < 0)
			memset(vec, 0, sizeof(vec));
		for (size_t i = 0; i * PAGE < part; i++)
			holes += vec[i] & 1 ? 0 : PAGE;
	}
	REAL(munmap)(m, len);
	return holes < n ? holes : n;
}

void window_free(struct window *w)
{
	struct mapping *m = atomic_exchange(&w->map, NULL), *older;

	for (; m; m = older) {
		older = m->older;
		REAL(munmap)(m->addr, m->len);
		REAL(munmap)(m, m->bits_len);
	}
}
