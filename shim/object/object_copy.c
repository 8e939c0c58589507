/* SPDX-License-Identifier: MIT */
/* Copies with a side that has no kernel file; see object_copy.h. */
#include "object_copy.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/grow.h"
#include "object.h"
#include "object_pin.h"
#include "base/real.h"
#include "base/user.h"

#define CHUNK (256u << 10)           /* bytes; no less than a pipe usually takes */
#define MOST 0x7ffff000u             /* what the kernel moves in one call */
#define SPLICE_KNOWN (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

/* One side of a copy. */
struct side {
	int fd;
	struct file *f;              /* NULL: the kernel's */
	off64_t *off;                /* the program's, NULL: at the position */
	off64_t pos;                 /* where it is now; unknown for the kernel's without `off` */
	off64_t moved;
};

/* What is between the two sides. */
struct stage {
	int fd;
	char *map;                   /* CHUNK bytes of it */
};

static int stage_open(struct stage *s)
{
	int r;

	s->fd = REAL(memfd_create)("copy", MFD_CLOEXEC);
	if (s->fd < 0)
		return -errno;
	r = grow_allocate(s->fd, 0, 0, CHUNK);
	s->map = r < 0 ? MAP_FAILED : REAL(mmap)(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (r == 0 && s->map == MAP_FAILED)
		r = -errno;
	if (r < 0)
		REAL(close)(s->fd);
	return r;
}

static void stage_close(struct stage *s)
{
	REAL(munmap)(s->map, CHUNK);
	REAL(close)(s->fd);
}

static int side_begin(struct side *s, int fd, off64_t *off)
{
	*s = (struct side){ .fd = fd, .f = object_of(fd), .off = off };
	if (off)
		return user_get(&s->pos, off, sizeof(s->pos));
	if (s->f)
		s->pos = s->f->ofd->pos;
	return 0;
}

/* The position or the program's offset is behind what was moved. */
static void side_end(struct side *s)
{
	if (s->moved <= 0)
		return;
	if (s->off)
		user_put(s->off, &s->pos, sizeof(s->pos));
	else if (s->f)
		object_lseek(s->f, s->fd, s->pos, SEEK_SET);
}

static void side_move(struct side *s, ssize_t n)
{
	if (n > 0) {
		s->pos += n;
		s->moved += n;
	}
}

static int readable(const struct side *s)
{
	return ofd_reads(s->f->ofd);
}

static int writable(const struct side *s)
{
	return ofd_writes(s->f->ofd);
}

static size_t chunk_of(size_t left)
{
	return left < CHUNK ? left : CHUNK;
}

static ssize_t done_or(const struct side *s, ssize_t r)
{
	return s->moved ? s->moved : r;
}

static ssize_t kernel(ssize_t r)
{
	return r < 0 ? -errno : r;
}

/* ---- sendfile ---- */

/* The stage's first m bytes to `out`; of none at all, only what is wrong with `out`. */
static ssize_t send_stage(struct stage *s, struct side *out, size_t m)
{
	off_t zero = 0, end = CHUNK;

	if (out->f)
		return m ? object_write(out->f, out->fd, s->map, m) : 0;
	return kernel(REAL(sendfile)(out->fd, s->fd, m ? &zero : &end, m ? m : 1));
}

/* Up to m bytes of the kernel's `in` to the stage; its position has moved then. */
static ssize_t fetch(struct stage *s, struct side *in, size_t m)
{
	off_t at = in->pos;

	REAL(lseek)(s->fd, 0, SEEK_SET);
	return kernel(REAL(sendfile)(s->fd, in->fd, in->off ? &at : NULL, m));
}

/* n bytes were fetched and not taken. */
static void take_back(struct side *in, ssize_t n)
{
	if (!in->f && !in->off && n > 0)
		REAL(lseek)(in->fd, -n, SEEK_CUR);
}

static int is_pipe(int fd)
{
	struct stat st;

	return own_fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

static ssize_t send_all(struct stage *s, struct side *in, struct side *out, size_t n)
{
	int once = !out->f && is_pipe(out->fd);
	ssize_t m, r;

	do {
		size_t want = chunk_of(n - (size_t)in->moved);

		m = in->f ? object_pread(in->f, in->fd, s->map, want, in->pos) : fetch(s, in, want);
		if (m < 0)
			return done_or(in, m);
		if (m == 0 && in->moved)
			break;
		r = send_stage(s, out, (size_t)m);
		take_back(in, m - (r > 0 ? r : 0));
		if (r < 0)
			return done_or(in, r);
		side_move(in, r);
	} while (r > 0 && r == m && !once && (size_t)in->moved < n);
	return in->moved;
}

ssize_t object_sendfile(int outfd, int infd, off_t *off, size_t n)
{
	struct side in, out;
	struct stage s;
	ssize_t r = side_begin(&in, infd, off);

	if (r < 0)
		return r;
	if (side_begin(&out, outfd, NULL) < 0 || (in.f && !readable(&in)) || (out.f && !writable(&out)))
		return -EBADF;
	if (in.f ? in.f->ofd->mode != S_IFREG || in.pos < 0 : 0)
		return -EINVAL;
	if (out.f && (out.f->ofd->flags & O_APPEND) && n)
		return -EINVAL;
	r = stage_open(&s);
	if (r < 0)
		return r;
	r = send_all(&s, &in, &out, n < MOST ? n : MOST);
	stage_close(&s);
	side_end(&in);
	return r;
}

/* ---- splice ---- */

/* A file without a kernel file into a pipe, if it is one: the kernel says. */
static ssize_t into_pipe(struct stage *s, struct side *in, int out, off64_t *outoff, size_t n, unsigned flags)
{
	off64_t zero = 0, end = CHUNK;
	ssize_t m = object_pread(in->f, in->fd, s->map, chunk_of(n), in->pos), r;

	if (m < 0)
		return m;
	r = kernel(REAL(splice)(s->fd, m ? &zero : &end, out, outoff, m ? (size_t)m : 1, flags));
	side_move(in, r);
	return r;
}

/* The pipe keeps its bytes until they are written. */
static ssize_t out_of_pipe(struct stage *s, int in, struct side *out, const int copy[2], size_t n, unsigned flags)
{
	ssize_t m = kernel(REAL(tee)(in, copy[1], chunk_of(n), flags)), r, taken;

	if (m <= 0)
		return m;
	m = kernel(REAL(read)(copy[0], s->map, (size_t)m));
	if (m <= 0)
		return m;
	r = object_pwrite(out->f, out->fd, s->map, (size_t)m, out->pos);
	if (r <= 0)
		return r;
	side_move(out, r);
	for (m = r; m > 0; m -= taken) {
		taken = REAL(read)(in, s->map, (size_t)m);
		if (taken <= 0)
			break;
	}
	return r;
}

static ssize_t from_pipe(struct stage *s, int in, struct side *out, size_t n, unsigned flags)
{
	int copy[2];
	ssize_t r;

	if (!is_pipe(in))
		return REAL(fcntl)(in, F_GETFD) < 0 ? -EBADF : -EINVAL;
	if (REAL(pipe2)(copy, O_CLOEXEC) < 0)
		return -errno;
	r = out_of_pipe(s, in, out, copy, n, flags);
	REAL(close)(copy[0]);
	REAL(close)(copy[1]);
	return r;
}

/* What the kernel looks at before it moves anything: 0 or -errno. */
static int splice_checks(const struct side *in, const struct side *out)
{
	if ((in->f && !readable(in)) || (out->f && !writable(out)))
		return -EBADF;
	if ((!in->f && in->off && is_pipe(in->fd)) || (!out->f && out->off && is_pipe(out->fd)))
		return -ESPIPE;
	if (in->f && out->f)
		return -EINVAL;
	if (in->f ? in->f->ofd->mode != S_IFREG || in->pos < 0 : out->pos < 0)
		return -EINVAL;
	return out->f && (out->f->ofd->flags & O_APPEND) ? -EINVAL : 0;
}

ssize_t object_splice(int infd, off64_t *inoff, int outfd, off64_t *outoff, size_t n, unsigned flags)
{
	struct side in, out;
	struct stage s;
	ssize_t r;

	if (!n)
		return 0;
	if (flags & ~SPLICE_KNOWN)
		return -EINVAL;
	if (side_begin(&in, infd, inoff) < 0 || side_begin(&out, outfd, outoff) < 0)
		return -EFAULT;
	r = splice_checks(&in, &out);
	if (r == 0)
		r = stage_open(&s);
	if (r < 0)
		return r;
	r = in.f ? into_pipe(&s, &in, outfd, outoff, n, flags) : from_pipe(&s, infd, &out, n, flags);
	stage_close(&s);
	side_end(&in);
	side_end(&out);
	return r;
}

/* ---- copy_file_range ---- */

/* 0 or -errno for a side that must be a regular file, ours or the kernel's. */
static int regular(const struct side *s)
{
	struct stat st;

	if (s->f)
		return s->f->ofd->mode == S_IFDIR ? -EISDIR : 0;
	if (own_fstat(s->fd, &st) < 0)
		return -EBADF;
	return S_ISDIR(st.st_mode) ? -EISDIR : S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

static int kernel_access(const struct side *s, int not)
{
	int flags = REAL(fcntl)(s->fd, F_GETFL);

	return flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) == not ? -EBADF : 0;
}

static int is_open(const struct side *s)
{
	return s->f ? !(s->f->ofd->flags & O_PATH) : kernel_access(s, -1) == 0;
}

static int range_checks(const struct side *in, const struct side *out, uint64_t n, unsigned flags)
{
	int r, s;

	if (!is_open(in) || !is_open(out))
		return -EBADF;
	if (flags)
		return -EINVAL;
	r = regular(in);
	s = regular(out);
	if (r == -EISDIR || s == -EISDIR)
		return -EISDIR;
	if (r < 0 || s < 0)
		return r < 0 ? r : s;
	if ((in->f ? !readable(in) : kernel_access(in, O_WRONLY)) ||
	    (out->f ? !writable(out) || (out->f->ofd->flags & O_APPEND) : kernel_access(out, O_RDONLY)))
		return -EBADF;
	if (!in->f || !out->f || in->f->mount != out->f->mount)
		return -EXDEV;
	/* the kernel adds without a sign */
	if ((uint64_t)in->pos + n < (uint64_t)in->pos || (uint64_t)out->pos + n < (uint64_t)out->pos)
		return -EOVERFLOW;
	return in->pos < 0 || out->pos < 0 ? -EINVAL : 0;
}

/* How much of n there is to copy, or -errno. */
static off64_t available(const struct side *in, const struct side *out, off64_t n)
{
	struct stat st;
	ssize_t r = object_fstat(in->f, in->fd, &st);

	if (r < 0)
		return r;
	if (n > st.st_size - in->pos)
		n = in->pos < st.st_size ? st.st_size - in->pos : 0;
	if (in->f->ofd->ino == out->f->ofd->ino && in->f->ofd->dev == out->f->ofd->dev &&
	    out->pos + n > in->pos && out->pos < in->pos + n)
		return -EINVAL;
	return n;
}

static ssize_t copy_all(struct stage *s, struct side *in, struct side *out, off64_t n)
{
	while (in->moved < n) {
		ssize_t m = object_pread(in->f, in->fd, s->map, chunk_of((size_t)(n - in->moved)), in->pos), r;

		if (m <= 0)
			return done_or(in, m);
		r = object_pwrite(out->f, out->fd, s->map, (size_t)m, out->pos);
		side_move(in, r);
		side_move(out, r);
		if (r < m)
			return done_or(in, r);
	}
	return in->moved;
}

ssize_t object_copy_file_range(int infd, off64_t *inoff, int outfd, off64_t *outoff, size_t n, unsigned flags)
{
	struct side in, out;
	struct stage s;
	ssize_t r;

	if (side_begin(&in, infd, inoff) < 0 || side_begin(&out, outfd, outoff) < 0)
		return -EFAULT;
	r = range_checks(&in, &out, n, flags);
	if (r == 0)
		r = available(&in, &out, n < MOST ? (off64_t)n : MOST);
	if (r <= 0)
		return r;
	n = (size_t)r;
	r = stage_open(&s);
	if (r < 0)
		return r;
	r = copy_all(&s, &in, &out, (off64_t)n);
	stage_close(&s);
	side_end(&in);
	side_end(&out);
	return r;
}
