/* SPDX-License-Identifier: MIT */
/* What the doors share: exporting a name, timing a call, naming a twin. */
#ifndef SHIM_DOOR_H
#define SHIM_DOOR_H

#include <errno.h>

#include "files/fdtab.h"
#include "files/file.h"
#include "object/object.h"
#include "files/place.h"
#include "base/real.h"
#include "stats/stats.h"

#define EXPORT __attribute__((visibility("default")))

/*
 * Another exported name for a function defined in this file. By `.set`, since
 * __attribute__((alias)) wants one type for stat and stat64.
 */
#define TWIN_OF(new, old) __asm__(".globl " #new "\n\t.set " #new ", " #old);

_Static_assert(sizeof(off_t) == 8 && sizeof(struct stat) == sizeof(struct stat64),
	       "the *64 names are the plain ones only on LP64");

/* The size class of a call whose size is only known from its result. */
#define SIZE_OF_RESULT ((size_t)-1)

/* The failure value of a function returning `type`: -1, or NULL. */
#define FAILED(type) ((type)(uintptr_t)(__builtin_classify_type((type)0) == 5 ? 0 : -1))

static inline void door_end(enum call call, struct mount *m, unsigned slot, uint64_t t0,
			    size_t size, ssize_t r)
{
	size_t done = size && r > 0 ? (size_t)r : 0;
	int error = r == -1 ? errno : 0;

	if (call == CALL_posix_fallocate || call == CALL_posix_fadvise)
		error = (int)r, done = 0;
	stats_end(call, m->id, slot, t0, size == SIZE_OF_RESULT ? done : size, done, error);
}

/* The value of expr, a call on f, timed. */
#define TIMED(call, f, size, expr) ({                                         \
	uint64_t t0_ = stats_begin();                                         \
	__typeof__(expr) r_ = (expr);                                         \
	if (t0_)                                                              \
		door_end(CALL_##call, (f)->mount, (f)->stat_slot, t0_, size, (ssize_t)r_); \
	r_; })

/*
 * What the program gets for -errno or a result, with errno as it was on success.
 * The calls inside are ours, and no cancellation points.
 */
#define OBJECT_RESULT(expr) ({                                                \
	int was_ = errno, cancel_;                                            \
	unsigned char outer_ = object_cancellable;                            \
	ssize_t result_;                                                      \
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_);             \
	object_cancellable = cancel_ == PTHREAD_CANCEL_ENABLE;                \
	result_ = (expr);                                                     \
	object_cancellable = outer_;                                          \
	pthread_setcancelstate(cancel_, NULL);                                \
	errno = was_;                                                         \
	ret_errno(result_); })

/* Which rows are cancellation points in libc. */
static inline int is_cancellation_point(enum call call)
{
	switch (call) {
	case CALL_read: case CALL_pread: case CALL_readv: case CALL_preadv: case CALL_preadv2:
	case CALL_write: case CALL_pwrite: case CALL_writev: case CALL_pwritev: case CALL_pwritev2:
	case CALL_fsync: case CALL_fdatasync: case CALL_fallocate: case CALL_posix_fallocate:
	case CALL_sync_file_range:
	case CALL_open: case CALL_openat: case CALL_creat: case CALL_openat2: case CALL_close:
		return 1;
	default:
		return 0;
	}
}

/* OBJECT_RESULT of the row `call`. */
#define OBJECT_ROW(call, expr) ({                                             \
	if (is_cancellation_point(call))                                      \
		pthread_testcancel();                                         \
	OBJECT_RESULT(expr); })

/* The end of a call on a path; p may be NULL. */
static inline void door_path_end(enum call call, const struct place *p, uint64_t t0, int failed)
{
	if (t0)
		stats_end(call, p ? p->mount->id : 0, STATS_NO_FILE, t0, 0, 0,
			  failed ? errno : 0);
}

/*
 * Where nothing is, and can be: a call there fails with ENOTDIR, but what the
 * kernel finds wrong with the other arguments before it looks at a path comes
 * first. After such a call errno becomes that, or else -r.
 */
#define NOWHERE "/dev/null/x"

static inline void door_refused(int r)
{
	if (errno == ENOTDIR || errno == ENOENT)
		errno = -r;
}

/* A place for one path, and what it gives; the value of `call` on p. */
#define ON_PLACE(name, type, dir, path, follow, call, ours) ({                \
	struct place *p = NULL;                                               \
	uint64_t t0_ = stats_begin();                                         \
	type v_ = FAILED(type);                                               \
	int r_ = place_get(&p, dir, path, follow);                            \
	if (r_ < 0)                                                           \
		errno = -r_;                                                  \
	else                                                                  \
		v_ = p->mount->be->object ? (type)OBJECT_RESULT(ours) : call; \
	door_path_end(CALL_##name, p, t0_, v_ == FAILED(type));               \
	place_put(p);                                                         \
	v_; })

/* For the calls on sockets: whether fd is a file whose placeholder is one; errno says so then. */
static inline int door_no_socket(int fd)
{
	if (__builtin_expect(!object_of(fd), 1))
		return 0;
	errno = ENOTSOCK;
	return 1;
}

/* Forgets what the number of a descriptor made by libc meant; returns it. */
static inline int door_fresh(int fd)
{
	if (fd >= 0 && __builtin_expect(fdtab_get(fd) != NULL, 0)) {
		int saved = errno;

		if (fdtab_ours())
			fdtab_set(fd, NULL);
		errno = saved;
	}
	return fd;
}

/*
 * open(2), openat(2) and creat(2) are all this: resolves, opens, makes the
 * descriptor ours. Returns it, or -1 and errno.
 */
int open_at(enum call call, int dirfd, const char *path, int flags, mode_t mode);

#endif
