/* SPDX-License-Identifier: MIT */
/* Descriptors of our own; see hide.h. */
#include "hide.h"

#include <errno.h>
#include <unistd.h>

#include "fdtab.h"
#include "base/real.h"

#define ROOM 256      /* numbers below the limit where they lie */
#define TOP 4096      /* no higher: the kernel's table is as large as the highest number, for each process */

_Atomic int hide_low = FDTAB_FLAT, hide_high = -1;

/* Who has the number; by number. */
static _Atomic int *_Atomic owners[FDTAB_FLAT];

static int first_number(void)
{
	struct rlimit lim;
	rlim_t top = 1024;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0)
		top = lim.rlim_cur < TOP ? lim.rlim_cur : TOP;
	return top > 2 * ROOM ? (int)top - ROOM : (int)top / 2;
}

static void widen(int fd)
{
	int low = atomic_load(&hide_low), high = atomic_load(&hide_high);

	while (fd < low && !atomic_compare_exchange_weak(&hide_low, &low, fd))
		;
	while (fd > high && !atomic_compare_exchange_weak(&hide_high, &high, fd))
		;
}

/* At the top if there is room, else anywhere but among the standard streams. */
static int copy_high(int fd)
{
	int copy = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, first_number());

	if (copy < 0 && errno == EMFILE)
		copy = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (copy >= FDTAB_FLAT) {
		REAL(close)(copy);
		errno = EMFILE;
		return -1;
	}
	return copy;
}

int hide_copy(int fd, _Atomic int *slot)
{
	int copy = copy_high(fd);

	if (copy < 0)
		return -errno;
	atomic_store(slot, copy);
	atomic_store(&owners[copy], slot);
	widen(copy);
	return 0;
}

int hide_fd(int fd, _Atomic int *slot)
{
	int r = hide_copy(fd, slot);

	if (r == 0)
		REAL(close)(fd);
	return r;
}

void hide_close(_Atomic int *slot)
{
	int fd = atomic_exchange(slot, -1);

	if (fd < 0)
		return;
	atomic_store(&owners[fd], NULL);
	REAL(close)(fd);
}

int hide_has_slowly(int fd)
{
	return fd >= 0 && fd < FDTAB_FLAT && atomic_load(&owners[fd]) != NULL;
}

int hide_move(int fd)
{
	_Atomic int *slot = atomic_load(&owners[fd]);
	int copy = copy_high(fd);

	if (copy < 0)
		return -errno;
	atomic_store(&owners[copy], slot);
	widen(copy);
	atomic_store(slot, copy);
	atomic_store(&owners[fd], NULL);
	return 0;
}

void hide_fork_child(void)
{
	for (int fd = 0; (fd = hide_next(fd)) >= 0; fd++) {
		_Atomic int *slot = atomic_load(&owners[fd]);
		int had = fd;

		if (REAL(fcntl)(fd, F_GETFD) >= 0)
			continue;
		atomic_store(&owners[fd], NULL);
		if (slot)
			atomic_compare_exchange_strong(slot, &had, -1);
	}
}

int hide_next(int from)
{
	for (int fd = from; fd <= atomic_load(&hide_high); fd++)
		if (hide_has(fd))
			return fd;
	return -1;
}
