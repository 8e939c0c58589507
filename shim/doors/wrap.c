/* SPDX-License-Identifier: MIT */
/* The doors of calls.def that follow a shape; see there. */
#include "door.h"

#define PREFETCH_MAX 1024     /* bytes; the hardware follows from there */

/*
 * The bytes may already be in memory: they are on their way while we find out.
 * First of all, since a copy from afar costs more than all of our own code.
 */
static inline void prefetch(const struct file *f, off_t off, size_t n)
{
	const char *p = atomic_load_explicit(&f->hint, memory_order_relaxed), *end;

	if (!p)
		return;
	p += off;
	end = p + (n < PREFETCH_MAX ? n : PREFETCH_MAX);
	for (; p < end; p += 64)
		__builtin_prefetch(p);
}

/* A call on the file f: `before` is done first if it is ours, else it is libc's. */
#define ON_FILE(ret, name, params, find, before, size, ours, native, object)          \
EXPORT ret name params                                                        \
{                                                                             \
	struct file *f = find;                                                \
	if (__builtin_expect(!f, 1))                                          \
		return native;                                                \
	before;                                                               \
	return TIMED(name, f, size, __builtin_expect(f->ofd != NULL, 0) ?      \
		     (ret)OBJECT_ROW(CALL_##name, object) : ours);            \
}

#define FD(ret, name, params, size, ...)                                      \
	ON_FILE(ret, name, params, fdtab_get(fd), (void)0, size,              \
		file_##name(f, __VA_ARGS__), REAL(name)(__VA_ARGS__),         \
		object_##name(f, __VA_ARGS__))

#define FDADOPT(ret, name, params, size, ...)                                 \
	ON_FILE(ret, name, params, fdtab_get(fd) ?: file_adopt(fd), (void)0, size, \
		file_##name(f, __VA_ARGS__), REAL(name)(__VA_ARGS__),         \
		object_##name(f, __VA_ARGS__))

#define FDAT(ret, name, params, size, ...)                                    \
	ON_FILE(ret, name, params, fdtab_get(fd), prefetch(f, off, n), size,  \
		file_##name(f, __VA_ARGS__), REAL(name)(__VA_ARGS__),         \
		object_##name(f, __VA_ARGS__))

#define PASS(ret, name, params, ...)                                          \
	ON_FILE(ret, name, params, fdtab_get(fd), (void)0, 0,                 \
		REAL(name)(__VA_ARGS__), REAL(name)(__VA_ARGS__),             \
		object_##name(f, __VA_ARGS__))

#define LOOK(ret, name, params, ...)                                          \
	ON_FILE(ret, name, params, fdtab_get(fd), mount_looked_at(f->mount), 0, \
		REAL(name)(__VA_ARGS__), REAL(name)(__VA_ARGS__),             \
		object_##name(f, __VA_ARGS__))

#define FOLLOW_UNLESS(flags) (!((flags) & AT_SYMLINK_NOFOLLOW))

#define AT_PATH(ret, name, dir, follow, assign, ...)                          \
	struct place *p = NULL;                                               \
	uint64_t t0 = stats_begin();                                          \
	ret v = FAILED(ret);                                                  \
	int r = mounts_count ? place_get(&p, dir, path, follow) : 0;          \
	if (r < 0) {                                                          \
		path = NOWHERE;                                               \
		v = REAL(name)(__VA_ARGS__);                                  \
		door_refused(r);                                              \
	} else {                                                              \
		if (p) {                                                      \
			assign;                                               \
			path = p->path;                                       \
		}                                                             \
		v = p && p->mount->be->object ?                               \
			(ret)OBJECT_RESULT(object_##name(p, __VA_ARGS__)) :   \
			REAL(name)(__VA_ARGS__);                              \
	}                                                                     \
	door_path_end(CALL_##name, p, t0, v == FAILED(ret));                  \
	place_put(p);                                                         \
	return v;

#define PATH(ret, name, params, follow, ...)                                  \
EXPORT ret name params                                                        \
{                                                                             \
	AT_PATH(ret, name, AT_FDCWD, follow, (void)0, __VA_ARGS__)            \
}

#define PATHAT(ret, name, params, follow, ...)                                \
EXPORT ret name params                                                        \
{                                                                             \
	AT_PATH(ret, name, dirfd, follow, dirfd = p->dirfd, __VA_ARGS__)      \
}

#define NEWFD(ret, name, params, ...)                                         \
EXPORT ret name params                                                        \
{                                                                             \
	return door_fresh(REAL(name)(__VA_ARGS__));                           \
}

/* libc's twin aborts with its own message; the rest is the plain call. */
#define CHK(ret, name, params, misuse, ...)                                   \
EXPORT ret __##name##_chk params                                              \
{                                                                             \
	if (misuse)                                                           \
		return REAL(__##name##_chk)(__VA_ARGS__, len);                \
	return name(__VA_ARGS__);                                             \
}

#define ALIAS(new, old) TWIN_OF(new, old)
#define TWIN(new, old)
#define OWN(name)
#define BARE(name)

#include "calls.def"
