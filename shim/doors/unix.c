/* SPDX-License-Identifier: MIT */
/* Sockets bound to a path: the doors; see unix.h. */
#include "unix.h"

#include <string.h>

#include "door.h"
#include "base/user.h"
#include "object/object_name.h"

#define PATH_AT offsetof(struct sockaddr_un, sun_path)

/* Whether the kernel finds the same file by the name as it stands, in its working directory. */
static int same_by_name(struct place *p, const char *name)
{
	size_t n;

	if (strchr(name, '/') || !REAL(getcwd)(p->virt, sizeof(p->virt)))
		return 0;
	n = strlen(p->virt);
	return !strncmp(p->virt, p->real, n) && p->real[n] == '/' && !strcmp(p->real + n + 1, name);
}

/* The long way: 0 or -errno. */
static int by_directory(struct unix_address *a, char *path)
{
	char *slash = strrchr(path, '/');
	int n;

	*slash = 0;
	a->dir = REAL(openat)(AT_FDCWD, slash == path ? "/" : path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (a->dir < 0)
		return -errno;
	n = snprintf(a->un.sun_path, sizeof(a->un.sun_path), "/proc/self/fd/%d/%s", a->dir, slash + 1);
	return n < (int)sizeof(a->un.sun_path) ? 0 : -ENAMETOOLONG;
}

static int translate(struct unix_address *a, const char *path, int follow)
{
	struct place *p;
	int r = place_get(&p, AT_FDCWD, path, follow);

	if (r < 0)
		return r;
	if (p->mount->be->object)
		r = follow == PLACE_PARENT ? object_bind(p) : object_connect(p);
	else if (p->translated && !same_by_name(p, path)) {
		if (strlen(p->path) < sizeof(a->un.sun_path))
			strcpy(a->un.sun_path, p->path);
		else
			r = by_directory(a, p->real);
		a->addr = (const struct sockaddr *)&a->un;
		a->len = (socklen_t)(PATH_AT + strlen(a->un.sun_path) + 1);
	}
	place_put(p);
	return r;
}

static int redirect(struct unix_address *a, const struct sockaddr *addr, socklen_t len, int follow)
{
	char path[sizeof(a->un.sun_path) + 1] = "";
	int saved = errno, r;

	if (len <= PATH_AT || len > sizeof(a->un) || user_get(&a->un, addr, len) < 0 ||
	    a->un.sun_family != AF_UNIX || !*a->un.sun_path)
		return 0;
	memcpy(path, a->un.sun_path, len - PATH_AT);
	r = translate(a, path, follow);
	if (r < 0)
		unix_done(a);
	errno = saved;
	return r;
}

int unix_in(struct unix_address *a, const struct sockaddr *addr, socklen_t len, int follow)
{
	a->addr = addr;
	a->len = len;
	a->dir = -1;
	return mounts_redirect && addr ? redirect(a, addr, len, follow) : 0;
}

void unix_done(struct unix_address *a)
{
	int saved;

	if (__builtin_expect(a->dir < 0, 1))
		return;
	saved = errno;
	REAL(close)(a->dir);
	a->dir = -1;
	errno = saved;
}

void unix_out(struct sockaddr *addr, socklen_t *len, socklen_t cap)
{
	struct sockaddr_un *un = (struct sockaddr_un *)addr;
	socklen_t n = *len < cap ? *len : cap;
	char path[PATH_MAX];

	if (n <= PATH_AT || n > sizeof(*un) || un->sun_family != AF_UNIX || un->sun_path[0] != '/')
		return;
	memcpy(path, un->sun_path, n - PATH_AT);
	path[n - PATH_AT] = 0;
	if (place_unreal(path, sizeof(path)) <= 0)
		return;
	*len = (socklen_t)(PATH_AT + strlen(path) + 1);
	memcpy(un->sun_path, path, (*len < cap ? *len : cap) - PATH_AT);
}

/* A call with the program's address `a`, as the kernel wants it. */
#define TO_KERNEL(ret, s, addr, len, follow, call) ({                          \
	struct unix_address a;                                                \
	int e_ = object_of(s) ? -ENOTSOCK : unix_in(&a, addr, len, follow);     \
	ret v_ = -1;                                                          \
	if (e_ < 0) {                                                         \
		errno = -e_;                                                  \
	} else {                                                              \
		v_ = call;                                                    \
		unix_done(&a);                                                \
	}                                                                     \
	v_; })

EXPORT int bind(int s, const struct sockaddr *addr, socklen_t len)
{
	return TO_KERNEL(int, s, addr, len, PLACE_PARENT, REAL(bind)(s, a.addr, a.len));
}

EXPORT int connect(int s, const struct sockaddr *addr, socklen_t len)
{
	return TO_KERNEL(int, s, addr, len, 1, REAL(connect)(s, a.addr, a.len));
}

TWIN_OF(__connect, connect)

EXPORT ssize_t sendto(int s, const void *buf, size_t n, int flags, const struct sockaddr *addr,
		      socklen_t len)
{
	return TO_KERNEL(ssize_t, s, addr, len, 1, REAL(sendto)(s, buf, n, flags, a.addr, a.len));
}

EXPORT ssize_t sendmsg(int s, const struct msghdr *m, int flags)
{
	struct msghdr copy = { 0 };

	if (door_no_socket(s))
		return -1;
	if (!mounts_redirect || user_get(&copy, m, sizeof(copy)) < 0 || !copy.msg_name)
		return REAL(sendmsg)(s, m, flags);
	return TO_KERNEL(ssize_t, s, copy.msg_name, copy.msg_namelen, 1,
			 (copy.msg_name = (void *)a.addr, copy.msg_namelen = a.len,
			  REAL(sendmsg)(s, &copy, flags)));
}

/* One by one if any of them is sent to a path. */
EXPORT int sendmmsg(int s, struct mmsghdr *v, unsigned n, int flags)
{
	struct mmsghdr first = { 0 };
	unsigned i;

	if (door_no_socket(s))
		return -1;
	if (!mounts_redirect || !n || user_get(&first, v, sizeof(first)) < 0 || !first.msg_hdr.msg_name)
		return REAL(sendmmsg)(s, v, n, flags);
	for (i = 0; i < n; i++) {
		ssize_t r = sendmsg(s, &v[i].msg_hdr, flags);

		if (r < 0)
			return i ? (int)i : -1;
		v[i].msg_len = (unsigned)r;
	}
	return (int)i;
}

typedef int name_call(int, struct sockaddr *, socklen_t *);

/*
 * `call` filled in addr, of `cap` bytes: the program's address instead, asked
 * for again, since the kernel's may have been cut short.
 */
static void name_out(name_call *call, int s, struct sockaddr *addr, socklen_t *len, socklen_t cap)
{
	struct sockaddr_un full;
	socklen_t n = sizeof(full);
	int saved = errno;

	if (cap >= sizeof(addr->sa_family) && addr->sa_family == AF_UNIX &&
	    call(s, (struct sockaddr *)&full, &n) == 0) {
		unix_out((struct sockaddr *)&full, &n, sizeof(full));
		memcpy(addr, &full, n < cap ? n : cap);
		*len = n;
	}
	errno = saved;
}

/* The program's room for an address into *cap, if it may be ours to change. */
static int room(const struct sockaddr *addr, const socklen_t *len, socklen_t *cap)
{
	return mounts_redirect && addr && len && user_get(cap, len, sizeof(*cap)) == 0;
}

static int name_of(name_call *call, int s, struct sockaddr *addr, socklen_t *len)
{
	socklen_t cap;
	int look = room(addr, len, &cap), r = door_no_socket(s) ? -1 : call(s, addr, len);

	if (look && r == 0)
		name_out(call, s, addr, len, cap);
	return r;
}

EXPORT int getsockname(int s, struct sockaddr *addr, socklen_t *len)
{
	return name_of(REAL(getsockname), s, addr, len);
}

EXPORT int getpeername(int s, struct sockaddr *addr, socklen_t *len)
{
	return name_of(REAL(getpeername), s, addr, len);
}

EXPORT int accept(int s, struct sockaddr *addr, socklen_t *len)
{
	socklen_t cap;
	int look = room(addr, len, &cap), fd = door_no_socket(s) ? -1 : door_fresh(REAL(accept)(s, addr, len));

	if (look && fd >= 0)
		name_out(REAL(getpeername), fd, addr, len, cap);
	return fd;
}

EXPORT int accept4(int s, struct sockaddr *addr, socklen_t *len, int flags)
{
	socklen_t cap;
	int look = room(addr, len, &cap), fd = door_no_socket(s) ? -1 : door_fresh(REAL(accept4)(s, addr, len, flags));

	if (look && fd >= 0)
		name_out(REAL(getpeername), fd, addr, len, cap);
	return fd;
}

EXPORT ssize_t recvfrom(int s, void *buf, size_t n, int flags, struct sockaddr *addr, socklen_t *len)
{
	socklen_t cap;
	int look = room(addr, len, &cap);
	ssize_t r = door_no_socket(s) ? -1 : REAL(recvfrom)(s, buf, n, flags, addr, len);

	if (look && r >= 0)
		unix_out(addr, len, cap);
	return r;
}

EXPORT ssize_t __recvfrom_chk(int s, void *buf, size_t n, size_t size, int flags,
			      struct sockaddr *addr, socklen_t *len)
{
	return n > size ? REAL(__recvfrom_chk)(s, buf, n, size, flags, addr, len)
			: recvfrom(s, buf, n, flags, addr, len);
}

EXPORT ssize_t __recv_chk(int s, void *buf, size_t n, size_t size, int flags)
{
	return n > size ? REAL(__recv_chk)(s, buf, n, size, flags) : recv(s, buf, n, flags);
}
