/* SPDX-License-Identifier: MIT */
/*
 * The eventfds of IOCB_FLAG_RESFD. The kernel holds one from io_submit(2) until
 * the request is over, whatever becomes of its number; so do we, by a hidden
 * duplicate that all requests with it share while the number means it.
 */
#ifndef SHIM_IO_RESFD_H
#define SHIM_IO_RESFD_H

#include <stdatomic.h>

struct io_resfd;

/* Holds the eventfd: 0, or -EBADF, -EINVAL if it is none, -EMFILE. */
int io_resfd_get(struct io_resfd **out, int number);

/* Adds one to it, and lets it go. */
void io_resfd_signal(struct io_resfd *r);

/* Lets it go. */
void io_resfd_put(struct io_resfd *r);

extern _Atomic int io_resfd_any;
void io_resfd_forget_slowly(unsigned first, unsigned last);

/* These numbers are about to be closed or to mean something else. */
static inline void io_resfd_forget(unsigned first, unsigned last)
{
	if (__builtin_expect(atomic_load_explicit(&io_resfd_any, memory_order_relaxed), 0))
		io_resfd_forget_slowly(first, last);
}

#endif
