/* SPDX-License-Identifier: MIT */
/* Eventfds that requests hold; see io_resfd.h. */
#include "io_resfd.h"

#include <errno.h>
#include <string.h>

#include "files/fdtab.h"
#include "files/hide.h"
#include "base/pool.h"
#include "base/real.h"

struct io_resfd {
	_Atomic unsigned refs;   /* requests, and the table */
	_Atomic int fd;          /* hidden */
};

static struct pool resfds = POOL_INIT(struct io_resfd, 16);
static struct io_resfd *_Atomic by_number[FDTAB_FLAT];
static _Atomic unsigned top;     /* no entry is at or above it */
_Atomic int io_resfd_any;

void io_resfd_put(struct io_resfd *r)
{
	if (atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	hide_close(&r->fd);
	pool_put(&resfds, r);
}

void io_resfd_signal(struct io_resfd *r)
{
	uint64_t one = 1;
	int saved = errno;

	/* at its highest value it would block, which the kernel does not either */
	REAL(write)(atomic_load(&r->fd), &one, sizeof(one));
	io_resfd_put(r);
	errno = saved;
}

/* One more holder if `number` still means r. */
static int hold(struct io_resfd *r, int number)
{
	unsigned refs = atomic_load(&r->refs);

	do {
		if (!refs)
			return 0;
	} while (!atomic_compare_exchange_weak(&r->refs, &refs, refs + 1));
	if (atomic_load(&by_number[number]) == r)
		return 1;
	io_resfd_put(r);
	return 0;
}

/* 0, or what the kernel says of a descriptor that is no eventfd. */
static int check(int number)
{
	char path[32], what[32];
	ssize_t n;

	if (REAL(fcntl)(number, F_GETFD) < 0)
		return -EBADF;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", number);
	n = REAL(readlink)(path, what, sizeof(what));
	return n < 0 || (n == 20 && !memcmp(what, "anon_inode:[eventfd]", 20)) ? 0 : -EINVAL;
}

/* A duplicate, known by its number unless another thread was first. */
static int make(int number)
{
	int r = check(number);
	struct io_resfd *new, *none = NULL;
	unsigned high = atomic_load(&top);

	if (r < 0)
		return r;
	new = pool_get(&resfds);
	if (!new)
		return -ENOMEM;
	r = hide_copy(number, &new->fd);
	if (r < 0) {
		pool_put(&resfds, new);
		return r;
	}
	atomic_store(&new->refs, 1);
	while ((unsigned)number >= high && !atomic_compare_exchange_weak(&top, &high, (unsigned)number + 1))
		;
	atomic_store(&io_resfd_any, 1);
	if (!atomic_compare_exchange_strong(&by_number[number], &none, new))
		io_resfd_put(new);
	return 0;
}

int io_resfd_get(struct io_resfd **out, int number)
{
	int saved = errno, r = 0;

	if (number < 0 || number >= FDTAB_FLAT)
		return number < 0 ? -EBADF : -EMFILE;
	while (r == 0) {
		*out = atomic_load(&by_number[number]);
		if (*out && hold(*out, number))
			break;
		if (!*out)
			r = make(number);
	}
	errno = saved;
	return r;
}

void io_resfd_forget_slowly(unsigned first, unsigned last)
{
	unsigned end = atomic_load(&top);

	for (unsigned n = first; n <= last && n < end; n++) {
		struct io_resfd *r = atomic_load(&by_number[n]) ? atomic_exchange(&by_number[n], NULL) : NULL;

		if (r)
			io_resfd_put(r);
	}
}
