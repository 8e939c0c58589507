/* SPDX-License-Identifier: MIT */
/*
 * The mappings of this process' segment, and memory for them. The header,
 * the files and the first arenas are one mapping, made with the segment;
 * further arenas are mapped a window at a time, for which the file is opened
 * again by its name: no descriptor stays open in the program.
 */
#include "stats_map.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/quiet.h"
#include "base/real.h"
#include "stats_segment.h"
#include "stats_tree.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define WINDOW 16u                    /* arenas mapped together */
#define WINDOWS (SEG_ARENAS / WINDOW)

static const char *place_dir;
static char place_name[TREE_NAME_MAX + TREE_SEG_NAME_MAX];

static char *base;                    /* the header, and behind it window 0 */
static size_t base_len;
static struct {
	char *arenas;
	unsigned count;
} window[WINDOWS];

void map_place(const char *dir, const char *tree, const char *name)
{
	place_dir = dir;
	snprintf(place_name, sizeof(place_name), "%s/%s", tree, name);
}

struct seg_header *map_header(void)
{
	return (struct seg_header *)base;
}

static int open_again(int flags)
{
	int dir = tree_open_dir(place_dir, 0);
	int fd;

	if (dir < 0)
		return dir;
	fd = REAL(openat)(dir, place_name, flags | O_NOFOLLOW | O_CLOEXEC);
	REAL(close)(dir);
	return fd;
}

/* For kernels before 5.14, which cannot populate a mapping. */
static int reserve_by_file(uint64_t off, size_t len)
{
	int fd = open_again(O_RDWR);
	int r;

	if (fd < 0)
		return -1;
	r = REAL(fallocate)(fd, 0, (off_t)off, (off_t)len);
	REAL(close)(fd);
	return r < 0 ? -1 : 0;
}

int segment_reserve(void *addr, uint64_t off, size_t len)
{
	size_t extra = off % SEG_PAGE;
	struct quiet q;
	int r;

	len = SEG_ROUND(len + extra);
	do
		r = madvise((char *)addr - extra, len, MADV_POPULATE_WRITE);
	while (r < 0 && (errno == EAGAIN || errno == EINTR));
	if (r == 0 || errno != EINVAL)
		return r;
	quiet_begin(&q);
	r = reserve_by_file(off - extra, len);
	quiet_end(&q);
	return r;
}

static char *map_window(unsigned w, unsigned count)
{
	uint64_t off = SEG_ARENA_AT + (uint64_t)w * WINDOW * SEG_ARENA_SIZE;
	struct quiet q;
	char *p = MAP_FAILED;
	int fd;

	quiet_begin(&q);
	fd = open_again(O_RDWR);
	if (fd >= 0) {
		p = REAL(mmap)(NULL, count * SEG_ARENA_SIZE, PROT_READ | PROT_WRITE,
			       MAP_SHARED, fd, (off_t)off);
		REAL(close)(fd);
	}
	quiet_end(&q);
	return p == MAP_FAILED ? NULL : p;
}

static char *window_arenas(unsigned w)
{
	char *have = __atomic_load_n(&window[w].arenas, __ATOMIC_ACQUIRE);
	char *mine;

	if (have || w == 0)
		return have;
	mine = map_window(w, WINDOW);
	if (!mine)
		return NULL;
	if (__atomic_compare_exchange_n(&window[w].arenas, &have, mine, 0,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return mine;
	REAL(munmap)(mine, WINDOW * SEG_ARENA_SIZE);
	return have;
}

struct seg_arena *segment_arena(unsigned i)
{
	unsigned w = i / WINDOW;
	char *p;

	if (w >= WINDOWS || (w == 0 && i >= window[0].count))
		return NULL;
	p = window_arenas(w);
	return p ? (struct seg_arena *)(p + (size_t)(i % WINDOW) * SEG_ARENA_SIZE) : NULL;
}

struct seg_header *segment_drop(size_t *len)
{
	struct seg_header *h = (struct seg_header *)base;

	*len = base_len;
	for (unsigned w = 1; w < WINDOWS; w++)
		if (window[w].arenas)
			REAL(munmap)(window[w].arenas, WINDOW * SEG_ARENA_SIZE);
	memset(window, 0, sizeof(window));
	base = NULL;
	return h;
}

void map_undo(void)
{
	size_t len;
	void *p = segment_drop(&len);

	REAL(munmap)(p, len);
}

/* Fewer arenas if address space is short. */
int map_base(int fd, unsigned arena_max)
{
	static const unsigned tries[] = { WINDOW, 1, 0 };

	for (unsigned i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		unsigned n = tries[i] < arena_max ? tries[i] : arena_max;
		size_t len = SEG_ARENA_AT + (size_t)n * SEG_ARENA_SIZE;
		char *p = REAL(mmap)(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (p == MAP_FAILED)
			continue;
		base = p;
		base_len = len;
		window[0].arenas = p + SEG_ARENA_AT;
		window[0].count = n;
		return 0;
	}
	return -1;
}
