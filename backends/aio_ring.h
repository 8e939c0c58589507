/* SPDX-License-Identifier: MIT */
/*
 * The ring of aio_read(3) and its kin: one in a process, all of whose functions
 * are for one thread, the queue's (shim/aio/aio_queue.c), which made it. So it is
 * in nobody's way: a thread of the program that has submitted to a ring is
 * interrupted by its completions, and takes them along when it ends. Without a
 * descriptor, as ring.h's; a fork child does not have it.
 */
#ifndef BACKENDS_AIO_RING_H
#define BACKENDS_AIO_RING_H

#include <stdint.h>
#include <sys/types.h>

enum aio_op {
	AIO_OP_NONE, AIO_OP_READ, AIO_OP_WRITE, AIO_OP_FSYNC, AIO_OP_FDATASYNC,
	AIO_OP_READV, AIO_OP_WRITEV,     /* `buf` is n vectors, which stay until it is over */
};

#define AIO_RING_DEPTH 256     /* requests in the kernel at a time */

/* The result of a request that a plain call may do better. */
#define AIO_RING_AGAIN (-5001)

/*
 * Makes it: 0, or -errno. `bell_fd` NULL: it waits for a futex, or gives -EINVAL
 * where the kernel's rings cannot, before Linux 6.7. Else for that eventfd, whose number
 * may change.
 */
int aio_ring_open(const _Atomic int *bell_fd);

/* Whether there is room for a request. */
int aio_ring_room(void);

/*
 * A request, which `tag`, not NULL, names: n <= 0x7ffff000 bytes at an offset
 * >= 0. The buffer is the kernel's from here on.
 */
void aio_ring_put(enum aio_op op, int fd, void *buf, size_t n, off_t off, void *tag);

/*
 * Hands what was put to the kernel and waits for something to be over or for
 * *bell to be woken (FUTEX_WAKE_PRIVATE) or other than `value`, or for the
 * eventfd to be written to. Each request
 * that is over goes to done(tag, bytes or -errno or AIO_RING_AGAIN).
 */
void aio_ring_wait(_Atomic uint32_t *bell, uint32_t value, void (*done)(void *tag, ssize_t r));

/* Likewise, without waiting. */
void aio_ring_submit(void (*done)(void *tag, ssize_t r));

#endif
