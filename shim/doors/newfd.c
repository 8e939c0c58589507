/* SPDX-License-Identifier: MIT */
/* The doors that return descriptors otherwise than as their result. */
#include <pty.h>
#include <string.h>

#include "door.h"
#include "object/object_copy.h"
#include "unix.h"
#include "base/user.h"
#include "files/wrote.h"

static int fresh_pair(int r, const int fds[2])
{
	if (r == 0) {
		door_fresh(fds[0]);
		door_fresh(fds[1]);
	}
	return r;
}

EXPORT int pipe(int fds[2])
{
	return fresh_pair(REAL(pipe)(fds), fds);
}

TWIN_OF(__pipe, pipe)

EXPORT int pipe2(int fds[2], int flags)
{
	return fresh_pair(REAL(pipe2)(fds, flags), fds);
}

EXPORT int socketpair(int domain, int type, int proto, int fds[2])
{
	return fresh_pair(REAL(socketpair)(domain, type, proto, fds), fds);
}

EXPORT int openpty(int *master, int *slave, char *name, const struct termios *t,
		   const struct winsize *w)
{
	int r = REAL(openpty)(master, slave, name, t, w);

	if (r == 0) {
		door_fresh(*master);
		door_fresh(*slave);
	}
	return r;
}

EXPORT int forkpty(int *master, char *name, const struct termios *t, const struct winsize *w)
{
	int r = REAL(forkpty)(master, name, t, w);

	if (r > 0)
		door_fresh(*master);
	else if (r == 0)
		for (int fd = 0; fd < 3; fd++)
			door_fresh(fd);
	return r;
}

EXPORT mqd_t mq_open(const char *name, int oflag, ...)
{
	mode_t mode;
	struct mq_attr *attr;
	va_list ap;

	va_start(ap, oflag);
	mode = va_arg(ap, mode_t);
	attr = va_arg(ap, struct mq_attr *);
	va_end(ap);
	return door_fresh(REAL(mq_open)(name, oflag, mode, attr));
}

EXPORT mqd_t __mq_open_2(const char *name, int oflag)
{
	return door_fresh(REAL(__mq_open_2)(name, oflag));
}

/* A descriptor from another process. */
static int door_arrived(int fd)
{
	int saved = errno;

	door_fresh(fd);
	if (objects_on && fd >= 0)
		object_adopt(fd);
	errno = saved;
	return fd;
}

EXPORT int pidfd_getfd(int pidfd, int target, unsigned flags)
{
	int fd;

	if (!objects_on)
		return door_fresh(REAL(pidfd_getfd)(pidfd, target, flags));
	object_change(1);
	fd = door_arrived(REAL(pidfd_getfd)(pidfd, target, flags));
	object_change(-1);
	return fd;
}

/* Descriptors that came in a message (SCM_RIGHTS). */
static void fresh_message(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= c->cmsg_len; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			door_arrived(fd);
		}
	}
}

EXPORT ssize_t recvmsg(int s, struct msghdr *m, int flags)
{
	struct msghdr before = { 0 };
	int look = mounts_redirect && user_get(&before, m, sizeof(before)) == 0;
	int rights = look && objects_on && before.msg_controllen;
	ssize_t r;

	if (door_no_socket(s))
		return -1;
	if (rights)
		object_change(1);
	r = REAL(recvmsg)(s, m, flags);
	if (r >= 0 && m->msg_controllen)
		fresh_message(m);
	if (rights)
		object_change(-1);
	if (r >= 0 && look && before.msg_name)
		unix_out(m->msg_name, &m->msg_namelen, before.msg_namelen);
	return r;
}

#define LOOKED_AT 32

EXPORT int recvmmsg(int s, struct mmsghdr *v, unsigned n, int flags, struct timespec *timeout)
{
	struct mmsghdr before[LOOKED_AT];      /* addresses are the program's in the first ones */
	unsigned most = n < LOOKED_AT ? n : LOOKED_AT;
	int look = mounts_redirect && most && user_get(before, v, most * sizeof(*v)) == 0;
	int r;

	if (door_no_socket(s))
		return -1;
	if (objects_on)
		object_change(1);
	r = REAL(recvmmsg)(s, v, n, flags, timeout);
	for (int i = 0; i < r; i++) {
		struct msghdr *m = &v[i].msg_hdr;

		if (m->msg_controllen)
			fresh_message(m);
		if (look && i < (int)most && m->msg_name)
			unix_out(m->msg_name, &m->msg_namelen, before[i].msg_hdr.msg_namelen);
	}
	if (objects_on)
		object_change(-1);
	return r;
}

/* How much of n bytes a source can have: programs ask for "all". */
static size_t at_most(int from, size_t n)
{
	size_t size = 1 << 20;       /* a pipe's, and what one call moves of a socket */
	struct stat st;

	if (n <= size)
		return n;
	if (REAL(fstat)(from, &st) == 0 && S_ISREG(st.st_mode))
		size = (size_t)st.st_size;
	return n < size ? n : size;
}

/*
 * The copies inside the kernel: on the kernel's own files they are right as
 * they stand. Timed for the side that is ours, the written one first.
 */
#define COPY(name, to, from, n, ours, call) ({                                \
	struct file *f_ = fdtab_get(to);                                      \
	int in_ = !f_;                                                        \
	WRITES(f_);                                                           \
	if (in_)                                                              \
		f_ = fdtab_get(from);                                         \
	!f_ ? call :                                                          \
	!in_ && !f_->ofd && file_room(f_, to, -1, at_most(from, n)) < 0 ? -1 : \
	TIMED(name, f_, n, object_of(to) || object_of(from) ? OBJECT_RESULT(ours) : call); })

EXPORT ssize_t sendfile(int out, int in, off_t *off, size_t n)
{
	return COPY(sendfile, out, in, n, object_sendfile(out, in, off, n), REAL(sendfile)(out, in, off, n));
}

TWIN_OF(sendfile64, sendfile)

EXPORT ssize_t copy_file_range(int in, off64_t *inoff, int out, off64_t *outoff, size_t n,
			       unsigned flags)
{
	return COPY(copy_file_range, out, in, n,
		    object_copy_file_range(in, inoff, out, outoff, n, flags),
		    REAL(copy_file_range)(in, inoff, out, outoff, n, flags));
}

EXPORT ssize_t splice(int in, off64_t *inoff, int out, off64_t *outoff, size_t n, unsigned flags)
{
	return COPY(splice, out, in, n, object_splice(in, inoff, out, outoff, n, flags),
		    REAL(splice)(in, inoff, out, outoff, n, flags));
}

EXPORT ssize_t tee(int in, int out, size_t n, unsigned flags)
{
	return REAL(tee)(in, out, n, flags);
}

EXPORT ssize_t vmsplice(int fd, const struct iovec *iov, size_t n, unsigned flags)
{
	return REAL(vmsplice)(fd, iov, n, flags);
}
