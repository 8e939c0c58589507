/* SPDX-License-Identifier: MIT */
/* The file behind the cache; see cache_memory.h. */
#include "cache_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25                /* Linux 6.1: one large page, whatever the system's policy for others */
#endif

#define LARGE (2u << 20)
#define OF_LARGE (LARGE / CACHE_PAGE)
#define AT_ONCE 64                      /* small pages given by one call */
/*
 * The small pages in place of a large one cost a third of a millisecond of our
 * processor time more. A large one that took longer was made by moving others, or
 * a hypervisor had not given it yet; then the next ones are small, but for what
 * is written often: copies from and to large ones take half the time.
 */
#define LONG_NS 800000
#define SMALL_AFTER_LONG 4              /* in large ones */

/* A page that came with a write of the file is not in our mapping yet. */
enum there { NOT_THERE, WRITTEN, MAPPED };

static struct memory {
	int fd, read_only;
	char *map;
	size_t head, size;              /* bytes: before page 0, in all */
	uint32_t pages;
	unsigned char *there;           /* enum there of each page */
	uint16_t *given;                /* of each large page, so many */
	unsigned small;                 /* so many large ones are not tried for; UINT_MAX: never */
} memory = { .fd = -1, .read_only = -1 };

int memory_fd(void)
{
	return memory.read_only;
}

void *memory_head(void)
{
	return memory.map;
}

uint64_t memory_at(uint32_t page)
{
	return memory.head + (uint64_t)page * CACHE_PAGE;
}

void *memory_page(uint32_t page)
{
	return memory.map + memory_at(page);
}

/* ---- given and taken */

static void mark(uint32_t from, uint32_t upto, enum there how)
{
	for (; from < upto; from++) {
		memory.given[from / OF_LARGE] += !memory.there[from];
		if (memory.there[from] < how)
			memory.there[from] = (unsigned char)how;
	}
}

static uint64_t processor_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* The large page that this one is in, if nothing of it is there yet. 0 if that cannot be. */
static int give_large(uint32_t page, enum memory_large large)
{
	uint32_t first = page / OF_LARGE * OF_LARGE;
	uint64_t before;

	if (large == MEMORY_SMALL || memory.given[page / OF_LARGE] || memory.pages - first < OF_LARGE)
		return 0;
	if (memory.small == UINT_MAX || (memory.small && large != MEMORY_LARGE)) {
		memory.small -= memory.small != UINT_MAX;
		return 0;
	}
	before = processor_time();
	*(volatile char *)memory_page(first) = 0;       /* what is all a hole is not collapsed */
	if (madvise(memory_page(first), LARGE, MADV_COLLAPSE)) {
		memory.small = errno == EINVAL ? UINT_MAX : SMALL_AFTER_LONG;
		return 0;
	}
	memory.small = processor_time() - before > LONG_NS ? SMALL_AFTER_LONG : 0;
	mark(first, first + OF_LARGE, MAPPED);
	return 1;
}

static void give_small(uint32_t from, uint32_t upto)
{
	uint32_t end = from;

	while (end < upto && end - from < AT_ONCE && memory.there[end] != MAPPED)
		end++;
	if (end - from > 1)
		madvise(memory_page(from), (size_t)(end - from) * CACHE_PAGE, MADV_POPULATE_WRITE);
	mark(from, end, MAPPED);
}

void memory_give(uint32_t from, uint32_t upto, enum memory_large large)
{
	for (; from < upto; from++)
		if (memory.there[from] != MAPPED && !give_large(from, large))
			give_small(from, upto);
}

int memory_prepare(uint32_t from, uint32_t upto, enum memory_large large)
{
	while (from < upto && memory.there[from] == MAPPED)
		from++;
	if (from < upto && !give_large(from, large))
		give_small(from, upto);
	return from < upto;
}

/* Whether some of them are new and cannot be large. */
static int is_new(uint32_t from, uint32_t upto, enum memory_large large)
{
	for (; from < upto; from++)
		if (!memory.there[from] && !give_large(from, large))
			return 1;
	return 0;
}

void memory_write(uint32_t page, size_t skip, const void *p, size_t n, enum memory_large large)
{
	uint32_t from = page + (uint32_t)(skip / CACHE_PAGE);
	uint32_t upto = page + (uint32_t)((skip + n + CACHE_PAGE - 1) / CACHE_PAGE);

	if (is_new(from, upto, large) && pwrite(memory.fd, p, n, (off_t)(memory_at(page) + skip)) == (ssize_t)n) {
		mark(from, upto, WRITTEN);
		return;
	}
	memory_give(from, upto, large);
	memcpy((char *)memory_page(page) + skip, p, n);
}

void memory_take(uint32_t from, uint32_t upto)
{
	while (from < upto) {
		uint32_t end = from;

		for (; end < upto && memory.there[end]; end++) {
			memory.there[end] = 0;
			memory.given[end / OF_LARGE]--;
		}
		if (end > from)
			fallocate(memory.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)memory_at(from),
				  (off_t)(end - from) * CACHE_PAGE);
		from = end + 1;
	}
}

/* ---- made and dropped */

void memory_drop(void)
{
	if (memory.map)
		munmap(memory.map, memory.size);
	free(memory.there);
	free(memory.given);
	if (memory.fd >= 0)
		close(memory.fd);
	if (memory.read_only >= 0)
		close(memory.read_only);
	memory = (struct memory){ .fd = -1, .read_only = -1 };
}

/* The memory file, and a description of it that cannot write. */
static int make_file(void)
{
	char path[40];

	memory.fd = memfd_create("shim-cache", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory.fd < 0 || ftruncate(memory.fd, (off_t)memory.size) < 0 ||
	    fcntl(memory.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	snprintf(path, sizeof path, "/proc/self/fd/%d", memory.fd);
	memory.read_only = open(path, O_RDONLY | O_CLOEXEC);
	return memory.read_only < 0 ? -errno : 0;
}

/* At a multiple of LARGE, as page 0 is in the file: else no page of the mapping can be large. */
static int map_file(void)
{
	char *room = mmap(NULL, memory.size + LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), *p;
	size_t skip;

	if (room == MAP_FAILED)
		return -errno;
	skip = -(uintptr_t)room & (LARGE - 1);
	if (skip)
		munmap(room, skip);
	munmap(room + skip + memory.size, LARGE - skip);
	p = mmap(room + skip, memory.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, memory.fd, 0);
	if (p == MAP_FAILED) {
		munmap(room + skip, memory.size);
		return -errno;
	}
	memory.map = p;
	return 0;
}

int memory_make(size_t head, uint32_t pages)
{
	int err;

	memory.pages = pages;
	memory.head = (head + LARGE - 1) & ~(size_t)(LARGE - 1);
	memory.size = memory.head + (size_t)pages * CACHE_PAGE;
	memory.there = calloc(pages, sizeof *memory.there);
	memory.given = calloc(pages / OF_LARGE + 1, sizeof *memory.given);
	if (!memory.there || !memory.given)
		return -ENOMEM;
	err = make_file();
	return err ? err : map_file();
}
