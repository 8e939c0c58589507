/* SPDX-License-Identifier: MIT */
/* The memory of mapped files: their bytes and size; see map_image.h. */
#include "map_image.h"

#include <errno.h>

#include "base/grow.h"
#include "map_head.h"
#include "base/real.h"
#include "stats/stats.h"

off_t image_size(struct image *im)
{
	struct stat st;

	return own_fstat(image_data(im), &st) < 0 ? -errno : st.st_size;
}

char *image_map(int fd, off_t from, off_t to)
{
	void *p = REAL(mmap)(NULL, (size_t)(to - from), PROT_READ | PROT_WRITE, MAP_SHARED, fd, from);

	return p == MAP_FAILED ? NULL : p;
}

void image_unmap(char *p, off_t from, off_t to)
{
	UNMAP(p, (size_t)(to - from));
}

int image_allocate(int fd, off_t from, off_t to)
{
	return fd < 0 || grow_allocate(fd, FALLOC_FL_KEEP_SIZE, from, to - from) < 0 ? -ENOMEM : 0;
}

/* For each part of the vector's first n bytes, which are at off, that the set has: `what`. */
#define EACH_PART(set, iov, cnt, off, n, p, len, at, what)                    \
	for (size_t i_ = 0, done_ = 0, m_; i_ < (size_t)(cnt) && done_ < (n); i_++, done_ += m_) { \
		off_t o_ = (off) + (off_t)done_;                              \
		m_ = iov[i_].iov_len < (n) - done_ ? iov[i_].iov_len : (n) - done_; \
		RANGES_EACH(set, o_, o_ + (off_t)m_, r_) {                    \
			char *p = (char *)iov[i_].iov_base + (r_.from - o_);  \
			size_t len = (size_t)(r_.to - r_.from);               \
			off_t at = r_.from;                                   \
			what;                                                 \
		}                                                             \
	}

void image_read(struct image *im, struct file *f, const struct iovec *iov, int cnt, off_t off, size_t n)
{
	image_mend(im, f);
	EACH_PART(&image_sets(im)->based, iov, cnt, off, n, p, len, at,
		  if (REAL(pread)(image_data(im), p, len, at) < 0) return);
}

void image_wrote(struct image *im, const struct iovec *iov, int cnt, off_t off, size_t n)
{
	off_t size = image_size(im), end = off + (off_t)n;

	if (end > size && image_resize(im, end) < 0) {
		stats_note("mmap: no memory to follow a file that grows");
		return;
	}
	EACH_PART(&image_sets(im)->wanted, iov, cnt, off, n, p, len, at,
		  if (REAL(pwrite)(image_data(im), p, len, at) < 0) return);
	EACH_PART(&image_sets(im)->based, iov, cnt, off, n, p, len, at,
		  if (REAL(pwrite)(image_base(im), p, len, at) < 0) return);
}

static void zero(int fd, off_t from, off_t to)
{
	static const char zeroes[IMAGE_PAGE];

	while (from < to) {
		size_t n = to - from < IMAGE_PAGE ? (size_t)(to - from) : IMAGE_PAGE;

		if (REAL(pwrite)(fd, zeroes, n, from) < 0)
			return;
		from += (off_t)n;
	}
}

void image_zero(struct image *im, off_t from, off_t to)
{
	const struct image_sets *s = image_sets(im);
	off_t size = image_size(im);

	if (to > size)
		to = size;
	RANGES_EACH(&s->wanted, from, to, w)
		zero(image_data(im), w.from, w.to);
	RANGES_EACH(&s->based, from, to, b)
		zero(image_base(im), b.from, b.to);
}

static int set_length(int fd, off_t size)
{
	return fd < 0 ? -ENOMEM : grow_truncate(fd, size);
}

/* One of the two files; what a program left behind the old end is not the file's. */
static int resize_one(int fd, const struct ranges *set, off_t old, off_t size)
{
	off_t end = image_page_up(old) < size ? image_page_up(old) : size;
	int r;

	if (size > old && set->n)
		zero(fd, old, end);
	r = set_length(fd, size);
	RANGES_EACH(set, old, size, w)
		if (r == 0)
			r = image_allocate(fd, w.from, w.to);
	return r;
}

int image_resize(struct image *im, off_t size)
{
	const struct image_sets *s = image_sets(im);
	off_t old = image_size(im);
	int r;

	if (old < 0 || old == size)
		return old < 0 ? (int)old : 0;
	r = resize_one(image_data(im), &s->wanted, old, size);
	if (r == 0)
		r = resize_one(image_base(im), &s->based, old, size);
	return r;
}

static void punch(int fd, off_t from, off_t to)
{
	if (REAL(fallocate)(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, to - from) < 0)
		stats_note("mmap: memory could not be given back");
}

void image_trim(struct image *im, const struct ranges *used)
{
	struct image_sets *next;
	struct range gap = { 0, 0 };

	if (!image_alone(im))
		return;
	if (!used->n) {
		image_remove(im);
		return;
	}
	if (image_dirty(im))
		return;
	next = image_next(im);
	while (ranges_gap(used, gap.to, INT64_MAX, &gap))
		if (ranges_cut(&next->wanted, gap.from, gap.to) < 0 ||
		    ranges_cut(&next->based, gap.from, gap.to) < 0)
			return;
	image_commit(im);
	gap.to = 0;
	while (ranges_gap(used, gap.to, image_page_up(image_size(im)), &gap)) {
		punch(image_data(im), gap.from, gap.to);
		punch(image_base(im), gap.from, gap.to);
	}
}
