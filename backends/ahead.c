/* SPDX-License-Identifier: MIT */
/* A private buffer for reads with O_DIRECT that follow each other; see ahead.h. */
#include "ahead.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "backend.h"
#include "files/guard.h"
#include "base/quiet.h"
#include "base/real.h"
#include "window.h"

#define PAGE WINDOW_PAGE
#define PARTS 8              /* all but the one that is consumed are on their way */
#define RUN_MIN 3            /* reads in turn that are worth a buffer; as RocksDB has it */
#define SPARES 16
#define RUN_MAX (1u << 16)
#define NEVER (1u << 30)     /* an alignment that no read has */

struct part {
	off_t off;
	size_t len;              /* bytes that are there, once they are */
	uint64_t era, asked;     /* when they were asked for, in generations and ns; 0: never */
	enum { IS_READ, IN_KERNEL, WHEN_WANTED } state;
};

/* The head of the mapping, which a fork child finds zeroed; the parts' bytes follow. */
struct ahead_buffer {
	atomic_flag busy;
	size_t length;           /* of a part; 0: nothing is known yet */
	aio_context_t context;   /* 0: a part is read when it is wanted */
	unsigned memory_align, file_align;
	size_t fetched, served;  /* bytes, since it began anew */
	unsigned patience;       /* reads in turn before it does again */
	const struct part *at;   /* the last that was consumed from */
	struct part part[PARTS];
};

_Static_assert(sizeof(struct ahead_buffer) <= PAGE, "the head is a page");

uint64_t ahead_old_ns = 1000000000;

/* Destroying a context waits for the kernel's RCU; these are for the next file. */
static _Atomic aio_context_t spare[SPARES];

void ahead_fork_child(void)
{
	for (int i = 0; i < SPARES; i++)
		atomic_store(&spare[i], 0);
}

static aio_context_t take_context(void)
{
	aio_context_t id = 0;

	for (int i = 0; i < SPARES && !id; i++)
		id = atomic_exchange(&spare[i], 0);
	if (!id && REAL(syscall)(SYS_io_setup, (long)PARTS, &id) < 0)
		id = 0;
	return id;
}

static void give_context(aio_context_t id)
{
	for (int i = 0; i < SPARES; i++) {
		aio_context_t none = 0;

		if (atomic_compare_exchange_strong(&spare[i], &none, id))
			return;
	}
	REAL(syscall)(SYS_io_destroy, id);
}

/* What the file system wants of O_DIRECT; before Linux 6.1 it does not say. */
static void learn_align(struct ahead_buffer *b, int fd)
{
	struct statx st;

	b->memory_align = b->file_align = PAGE;
	if (REAL(syscall)(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &st) < 0 ||
	    !(st.stx_mask & STATX_DIOALIGN))
		return;
	b->memory_align = st.stx_dio_mem_align ? st.stx_dio_mem_align : NEVER;
	b->file_align = st.stx_dio_offset_align ? st.stx_dio_offset_align : NEVER;
}

static void prepare(struct ahead_buffer *b, size_t size, int fd)
{
	learn_align(b, fd);
	b->context = take_context();
	b->patience = RUN_MIN;
	b->length = size / PARTS & ~(PAGE - 1);
}

/* NULL if it cannot be had; another thread's if that was faster. */
static struct ahead_buffer *make(struct ahead *a, size_t size)
{
	struct ahead_buffer *b, *none = NULL;

	if (guard_arm() < 0)
		return NULL;
	b = REAL(mmap)(NULL, PAGE + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b == MAP_FAILED)
		return NULL;
	if (madvise(b, PAGE + size, MADV_WIPEONFORK) == 0 && atomic_compare_exchange_strong(&a->buffer, &none, b))
		return b;
	REAL(munmap)(b, PAGE + size);
	return none;
}

static char *bytes(struct ahead_buffer *b, const struct part *p)
{
	return (char *)b + PAGE + (size_t)(p - b->part) * b->length;
}

static void is_over(struct ahead_buffer *b, struct part *p, long r)
{
	p->len = r > 0 ? (size_t)r : 0;
	b->fetched += p->len;
	p->state = IS_READ;
}

static void fetch(struct ahead_buffer *b, struct part *p)
{
	struct io_event e[PARTS];
	long n = REAL(syscall)(SYS_io_getevents, b->context, 1L, (long)PARTS, e, NULL);

	if (n < 0 && errno != EINTR)
		is_over(b, p, 0);
	for (long i = 0; i < n; i++)
		is_over(b, &b->part[e[i].data], (long)e[i].res);
}

/* Waits for what is to be in p. */
static void settle(struct ahead_buffer *b, struct part *p, int fd)
{
	struct quiet q;

	if (p->state == IS_READ)
		return;
	quiet_begin(&q);
	if (p->state == WHEN_WANTED)
		is_over(b, p, REAL(syscall)(SYS_pread64, fd, bytes(b, p), b->length, p->off));
	while (p->state == IN_KERNEL)
		fetch(b, p);
	quiet_end(&q);
}

static int submit(struct ahead_buffer *b, const struct part *p, int fd)
{
	struct iocb cb = {
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = (unsigned)fd, .aio_buf = (uintptr_t)bytes(b, p),
		.aio_nbytes = b->length, .aio_offset = p->off, .aio_data = (uint64_t)(p - b->part),
	}, *list = &cb;

	return REAL(syscall)(SYS_io_submit, b->context, 1L, &list) == 1;
}

/* Asks for what begins at `off`, in place of what p has. */
static void ask(struct ahead_buffer *b, struct part *p, int fd, off_t off, uint64_t era)
{
	struct quiet q;

	if (p->state == IN_KERNEL)
		settle(b, p, fd);
	p->off = off;
	p->era = era;
	p->asked = coarse_tick();
	quiet_begin(&q);
	p->state = b->context && submit(b, p, fd) ? IN_KERNEL : WHEN_WANTED;
	quiet_end(&q);
}

static int is_good(const struct part *p, uint64_t era)
{
	return p->era == era && coarse_tick() - p->asked < ahead_old_ns;
}

/* The part in which `off` is, or will be. */
static struct part *find(struct ahead_buffer *b, off_t off, uint64_t era)
{
	for (struct part *p = b->part; p < b->part + PARTS; p++)
		if (off >= p->off && off - p->off < (off_t)b->length && is_good(p, era))
			return p;
	return NULL;
}

/* The parts behind p become what follows it. */
static void go_on(struct ahead_buffer *b, struct part *p, int fd, uint64_t era)
{
	if (p == b->at)
		return;
	b->at = p;
	for (int i = 1; i < PARTS && !(p->state == IS_READ && p->len < b->length); i++) {
		struct part *next = &b->part[(p - b->part + 1) % PARTS];
		off_t off = p->off + (off_t)b->length;

		if (next->off != off || !is_good(next, era))
			ask(b, next, fd, off, era);
		p = next;
	}
}

/* All of it from the buffer: whether it could be done. */
static int copy(struct ahead_buffer *b, int fd, char *to, size_t n, off_t off, uint64_t era)
{
	struct part *p = NULL;

	while (n) {
		size_t skip, part;

		p = find(b, off, era);
		if (!p)
			return 0;
		settle(b, p, fd);
		skip = (size_t)(off - p->off);
		if (skip >= p->len)
			return 0;
		part = n < p->len - skip ? n : p->len - skip;
		if (guard_copy(to, bytes(b, p) + skip, part) < 0)
			return 0;
		b->served += part;
		to += part;
		off += (off_t)part;
		n -= part;
	}
	go_on(b, p, fd, era);
	return 1;
}

/* The kernel has something to say about a read that is not aligned as it wants. */
static int is_aligned(const struct ahead_buffer *b, const void *buf, size_t n, off_t off)
{
	return !((uintptr_t)buf % b->memory_align || n % b->file_align || (uint64_t)off % b->file_align);
}

/*
 * From `off` on. If less than half of what was read before was wanted, since the program
 * writes in between or goes elsewhere, the next time is later.
 */
static void begin(struct ahead *a, struct ahead_buffer *b, int fd, off_t off, uint64_t era)
{
	b->at = NULL;
	ask(b, &b->part[0], fd, off, era);
	go_on(b, &b->part[0], fd, era);
	if (b->served >= b->fetched / 2)
		b->patience = RUN_MIN;
	else if (b->patience < RUN_MAX)
		b->patience *= 2;
	b->served = b->fetched = 0;
	atomic_store_explicit(&a->run, 0, memory_order_relaxed);
}

static int serve(struct ahead *a, struct ahead_buffer *b, int fd, void *buf, size_t n, off_t off, uint64_t era)
{
	if (!is_aligned(b, buf, n, off))
		return 0;
	if (find(b, off, era))
		return copy(b, fd, buf, n, off, era);
	if (atomic_load_explicit(&a->run, memory_order_relaxed) < b->patience)
		return 0;
	begin(a, b, fd, off, era);
	return copy(b, fd, buf, n, off, era);
}

/* How many reads have begun where the one before ended, with this one. */
static unsigned count(struct ahead *a, size_t n, off_t off)
{
	unsigned run = atomic_load_explicit(&a->run, memory_order_relaxed) + 1;

	if (atomic_exchange_explicit(&a->next, off + (off_t)n, memory_order_relaxed) != off)
		run = 0;
	atomic_store_explicit(&a->run, run, memory_order_relaxed);
	return run;
}

static int from_buffer(struct ahead *a, struct ahead_buffer *b, struct generation *g, size_t size, int fd,
		       void *buf, size_t n, off_t off)
{
	uint64_t era = generation_era(g);
	int done = 0;

	if (atomic_flag_test_and_set_explicit(&b->busy, memory_order_acquire))
		return 0;
	if (!b->length)
		prepare(b, size, fd);
	if (era & 1)
		generation_repair(g);
	else
		done = serve(a, b, fd, buf, n, off, era);
	atomic_flag_clear_explicit(&b->busy, memory_order_release);
	return done;
}

ssize_t ahead_pread(struct ahead *a, struct generation *g, size_t size, int fd, void *buf, size_t n, off_t off)
{
	struct ahead_buffer *b;
	int saved = errno, done;

	if (!n || n > size / 4 || off < 0 || off > INT64_MAX / 2)
		return BE_NATIVE;
	b = atomic_load_explicit(&a->buffer, memory_order_acquire);
	if (count(a, n, off) < RUN_MIN && !b)
		return BE_NATIVE;
	if (!b && !(b = make(a, size))) {
		errno = saved;
		return BE_NATIVE;
	}
	done = from_buffer(a, b, g, size, fd, buf, n, off);
	errno = saved;
	return done ? (ssize_t)n : BE_NATIVE;
}

/* Another thread or process has moved the position: what is ours now are the n bytes before `end`. */
static ssize_t read_moved(int fd, void *buf, size_t n, off_t end)
{
	ssize_t r = REAL(syscall)(SYS_pread64, fd, buf, n, end - (off_t)n);
	int error = errno;

	if (r < (ssize_t)n)
		REAL(lseek)(fd, (r > 0 ? r : 0) - (off_t)n, SEEK_CUR);
	return r < 0 ? -error : r;
}

/* The kernel keeps the position: it is asked for, and moved in one step, which shows whether it was so. */
ssize_t ahead_read(struct ahead *a, struct generation *g, size_t size, int fd, void *buf, size_t n)
{
	int saved = errno;
	off_t off, end;
	ssize_t r;

	if (!n || n > size / 4)
		return BE_NATIVE;
	off = REAL(lseek)(fd, 0, SEEK_CUR);
	r = ahead_pread(a, g, size, fd, buf, n, off);
	if (r != BE_NATIVE) {
		end = REAL(lseek)(fd, (off_t)n, SEEK_CUR);
		if (end != off + (off_t)n)
			r = end < 0 ? BE_NATIVE : read_moved(fd, buf, n, end);
	}
	errno = saved;
	return r;
}

void ahead_free(struct ahead *a, size_t size)
{
	struct ahead_buffer *b = atomic_exchange(&a->buffer, NULL);
	int saved = errno;

	if (!b)
		return;
	for (int i = 0; i < PARTS; i++)
		if (b->part[i].state == IN_KERNEL)
			settle(b, &b->part[i], -1);
	if (b->context)
		give_context(b->context);
	REAL(munmap)(b, PAGE + size);
	errno = saved;
}
