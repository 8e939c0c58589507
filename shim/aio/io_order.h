/* SPDX-License-Identifier: MIT */
/*
 * A request of io_submit(2), and whose it is to do: ours or the kernel's. Ours
 * are buffered reads on uring, where the kernel's io_submit would wait for
 * the disk, and buffered writes, which it does here and now as well; all plain
 * requests on mem; and all on files without a kernel file.
 * What is odd about a request on a kernel's file, the kernel is left to judge.
 */
#ifndef SHIM_IO_ORDER_H
#define SHIM_IO_ORDER_H

#include "aio_queue.h"
#include "io_context.h"

struct io_resfd;

#define IO_VECTOR_MAX 1024       /* UIO_MAXIOV */

struct io_vector {
	struct iovec v[IO_VECTOR_MAX];
};

/* A request until its event is there (ours), or fetched (the kernel's). */
struct io_order {
	struct iocb cb;          /* a copy */
	struct iocb *obj;        /* the program's */
	struct file *f;          /* NULL: none of ours */
	struct io_context *c;
	struct io_resfd *resfd;
	struct io_vector *vector;
	struct iovec one;
	uint64_t data;           /* the program's, where the copy has another */
	uint64_t t0;
};

struct io_kind {
	enum aio_op op;          /* AIO_OP_NONE: no such request */
	short way;               /* O_RDONLY, O_WRONLY, or -1 */
	short call;              /* enum call */
};

/* Never NULL. */
const struct io_kind *io_order_kind(const struct io_order *o);

int io_order_is_vector(const struct io_order *o);

/* A poll of a file without a kernel file, which is always ready. */
int io_order_is_poll(const struct io_order *o);

/* Bytes; of a vector that has been copied. */
size_t io_order_size(const struct io_order *o);

/* Whether its bytes end where an offset can be; of a vector that has been copied. */
int io_order_fits(const struct io_order *o);

/* What io_submit says of a request before it is one, in its order; 0 or -errno. */
int io_order_check(const struct io_order *o);

enum io_way { IO_KERNEL, IO_NOW, IO_QUEUE };

/* Whose it is: the kernel's, ours here and now, the queue's. */
enum io_way io_order_way(const struct io_context *c, const struct io_order *o);

#endif
