/* SPDX-License-Identifier: MIT */
/* A liburing that has no rings, for programs that use libaio only then. */
#include <errno.h>

struct io_uring;
int io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags);

int io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags)
{
	(void)entries, (void)ring, (void)flags;
	return -ENOSYS;
}
