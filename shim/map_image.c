/* SPDX-License-Identifier: MIT */
/* The memory of mapped files: their bytes; see map_image.h. */
#include "map_image.h"

#include <errno.h>
#include <string.h>

#include "grow.h"
#include "map_head.h"
#include "real.h"
#include "stats.h"

#define IMAGE_MAX ((off_t)1 << 30)       /* bytes of one file that may be mapped */
#define SCRATCH ((size_t)1 << 20)        /* bytes given to the back end at once */

static off_t page_down(off_t off)
{
	return off & ~(off_t)(IMAGE_PAGE - 1);
}

static off_t page_up(off_t off)
{
	return page_down(off + IMAGE_PAGE - 1);
}

static off_t size_of(struct image *im)
{
	struct stat st;

	return own_fstat(image_data(im), &st) < 0 ? -errno : st.st_size;
}

static off_t file_size(struct file *f)
{
	struct object_at at = { f->mount, f, NULL };
	struct statx st;
	int r = f->mount->be->object->stat(&at, &st);

	return r < 0 ? r : (off_t)st.stx_size;
}

/* [from, to) of one of the files, from a page's start; NULL without memory. */
static char *map(int fd, off_t from, off_t to)
{
	void *p = REAL(mmap)(NULL, (size_t)(to - from), PROT_READ | PROT_WRITE, MAP_SHARED, fd, from);

	return p == MAP_FAILED ? NULL : p;
}

static void unmap(char *p, off_t from, off_t to)
{
	UNMAP(p, (size_t)(to - from));
}

/* Pages that are there before they are touched; a full tmpfs must not kill. */
static int allocate(int fd, off_t from, off_t to)
{
	return fd < 0 || grow_allocate(fd, FALLOC_FL_KEEP_SIZE, from, to - from) < 0 ? -ENOMEM : 0;
}

/* ---- filling */

/* The bytes of f at from; short at its end. */
static int load(struct file *f, char *p, off_t from, off_t to)
{
	while (from < to) {
		struct iovec v = { p, (size_t)(to - from) };
		ssize_t r = f->mount->be->object->preadv(f, &v, 1, from);

		if (r <= 0)
			return (int)r;
		p += r;
		from += r;
	}
	return 0;
}

static int fill_data(struct image *im, struct file *f, off_t from, off_t to)
{
	int r = allocate(image_data(im), from, to);
	off_t start = page_down(from);
	char *p;

	if (r < 0)
		return r;
	p = map(im->data, start, to);
	if (!p)
		return -ENOMEM;
	r = load(f, p + (from - start), from, to);
	unmap(p, start, to);
	return r;
}

/* A base is what the image is. */
static int fill_base(struct image *im, struct file *f, off_t from, off_t to)
{
	int r = allocate(image_base(im), from, to);
	off_t start = page_down(from);
	char *data, *base;

	(void)f;
	if (r < 0)
		return r;
	data = map(im->data, start, to);
	base = map(im->base, start, to);
	if (data && base)
		memcpy(base + (from - start), data + (from - start), (size_t)(to - from));
	else
		r = -ENOMEM;
	if (data)
		unmap(data, start, to);
	if (base)
		unmap(base, start, to);
	return r;
}

typedef int filler(struct image *im, struct file *f, off_t from, off_t to);

/* Fills what of [from, to) is not in the set; the caller adds it. */
static int cover(struct image *im, struct file *f, const struct ranges *set, off_t from, off_t to,
		 filler *fill)
{
	off_t size = size_of(im), end = to < size ? to : size;
	struct range gap = { 0, from };
	int r = size < 0 ? (int)size : 0;

	while (r == 0 && ranges_gap(set, gap.to, end, &gap))
		r = fill(im, f, gap.from, gap.to);
	return r;
}

/* The bytes the set has below `size`. */
static off_t total(const struct ranges *set, off_t size)
{
	off_t sum = 0;

	RANGES_EACH(set, 0, size, r)
		sum += r.to - r.from;
	return sum;
}

/* The set with [from, to); from `head->sets`, to be made the current one by image_commit. */
static int enlarge(struct image_sets *next, off_t from, off_t to, int writable, off_t size)
{
	int r = ranges_add(&next->wanted, from, to);

	if (r == 0 && writable)
		r = ranges_add(&next->based, from, to);
	if (r == 0 && total(&next->wanted, size) > IMAGE_MAX) {
		stats_note("mmap: more than %lld MiB of one file; refused", (long long)(IMAGE_MAX >> 20));
		r = -ENOMEM;
	}
	return r;
}

/* The size the file has grown to elsewhere, and the bytes that came with it. */
static int follow_size(struct image *im, struct file *f)
{
	off_t size = file_size(f), old = size_of(im);
	int r = size < 0 ? (int)size : old < 0 ? (int)old : size == old ? 0 : image_resize(im, size);
	const struct image_sets *s = image_sets(im);

	if (r < 0 || size <= old)
		return r;
	RANGES_EACH(&s->wanted, old, size, w)
		if (r == 0)
			r = fill_data(im, f, w.from, w.to);
	RANGES_EACH(&s->based, old, size, b)
		if (r == 0)
			r = fill_base(im, f, b.from, b.to);
	return r;
}

/* ---- after a kill */

/* What nobody stored is as the file has it; `base` NULL: nobody stores there. */
static void merge(char *data, char *base, const char *now, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (data[i] == now[i] || (base && data[i] != base[i]))
			continue;
		data[i] = now[i];
		if (base)
			base[i] = now[i];
	}
}

static int reload(struct image *im, struct file *f, off_t from, off_t to, int based)
{
	size_t n = (size_t)(to - from);
	char *now = REAL(mmap)(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *data = map(image_data(im), from, to), *base = based ? map(image_base(im), from, to) : NULL;
	int r = now == MAP_FAILED || !data || (based && !base) ? -ENOMEM : load(f, now, from, to);

	if (r == 0)
		merge(data, base, now, n);
	if (now != MAP_FAILED)
		unmap(now, from, to);
	if (data)
		unmap(data, from, to);
	if (base)
		unmap(base, from, to);
	return r;
}

/* A change that did not get to the image is made up for. f is readable. */
static int mend(struct image *im, struct file *f)
{
	const struct image_sets *s = image_sets(im);
	int r = *image_torn(im) ? follow_size(im, f) : 0;
	off_t size = size_of(im);

	if (r < 0 || !*image_torn(im))
		return r;
	RANGES_EACH(&s->based, 0, size, b)
		if (r == 0)
			r = reload(im, f, b.from, b.to, 1);
	RANGES_EACH(&s->wanted, 0, size, w) {
		struct range gap = { 0, w.from };

		while (r == 0 && ranges_gap(&s->based, gap.to, w.to, &gap))
			r = reload(im, f, gap.from, gap.to, 0);
	}
	if (r == 0)
		*image_torn(im) = 0;
	return r;
}

void image_doubt(struct image *im, struct file *f)
{
	*image_torn(im) = 1;
	if (f && (f->ofd->flags & O_ACCMODE) == O_RDWR)
		mend(im, f);
}

int image_want(struct image *im, struct file *f, off_t from, off_t to, int writable)
{
	struct image_sets *next;
	int r = follow_size(im, f);

	if (r == 0)
		r = mend(im, f);
	to = page_up(to);
	if (r < 0)
		return r;
	image_used(im);
	next = image_next(im);
	r = enlarge(next, from, to, writable, size_of(im));
	if (r == 0)
		r = cover(im, f, &image_sets(im)->wanted, from, to, fill_data);
	if (r == 0 && writable)
		r = cover(im, f, &image_sets(im)->based, from, to, fill_base);
	if (r == 0)
		image_commit(im);
	return r;
}

/* ---- giving changes to the back end */

/* The next stretch of differing pages from *at, cut to its first and last differing byte. */
static int next_dirty(const char *data, const char *base, size_t n, size_t *at, size_t *end)
{
	size_t page = *at & ~(size_t)(IMAGE_PAGE - 1), start, stop;

#define LEFT(p) (n - (p) < IMAGE_PAGE ? n - (p) : IMAGE_PAGE)
	while (page < n && !memcmp(data + page, base + page, LEFT(page)))
		page += IMAGE_PAGE;
	if (page >= n)
		return 0;
	start = page;
	while (page < n && page - start < SCRATCH && memcmp(data + page, base + page, LEFT(page)))
		page += IMAGE_PAGE;
	stop = page < n ? page : n;
#undef LEFT
	*at = start;
	*end = stop;
	return 1;
}

/* A copy that stands still while it is written, without the equal bytes at its ends. */
static void trim_equal(const char *copy, const char *base, size_t *from, size_t *to)
{
	while (*from < *to && copy[*from] == base[*from])
		++*from;
	while (*from < *to && copy[*to - 1] == base[*to - 1])
		--*to;
}

static int give(struct file *f, const char *p, size_t n, off_t off)
{
	const struct object_ops *ops = f->mount->be->object;

	while (n) {
		struct iovec v = { (void *)(uintptr_t)p, n };
		off_t at = off;
		ssize_t r = ops->pwritev ? ops->pwritev(f, &v, 1, &at, 0) : -EROFS;

		if (r <= 0)
			return r < 0 ? (int)r : -EIO;
		p += r;
		n -= (size_t)r;
		off += r;
	}
	return 0;
}

static int give_dirty(struct file *f, const char *data, char *base, size_t n, off_t off)
{
	char *scratch = NULL;
	size_t at = 0, end;
	int r = 0;

	while (r == 0 && next_dirty(data, base, n, &at, &end)) {
		size_t from = 0, to = end - at;

		if (!scratch)
			scratch = REAL(mmap)(NULL, SCRATCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (scratch == MAP_FAILED)
			return -ENOMEM;
		memcpy(scratch, data + at, to);
		trim_equal(scratch, base + at, &from, &to);
		r = give(f, scratch + from, to - from, off + (off_t)(at + from));
		if (r == 0)
			memcpy(base + at + from, scratch + from, to - from);
		at = end;
	}
	if (scratch)
		UNMAP(scratch, SCRATCH);
	return r;
}

/* Calls give_dirty for what of [from, to) may have been changed; without f, 1 if it was. */
static int each_changed(struct image *im, struct file *f, off_t from, off_t to)
{
	off_t size = image_sets(im)->based.n ? size_of(im) : 0;
	const struct ranges *based = &image_sets(im)->based;
	size_t at, end;
	int r = 0;

	RANGES_EACH(based, page_down(from), to < size ? to : size, b) {
		char *data = map(image_data(im), b.from, b.to), *base = map(image_base(im), b.from, b.to);

		at = 0;
		if (!data || !base)
			r = -ENOMEM;
		else if (f)
			r = give_dirty(f, data, base, (size_t)(b.to - b.from), b.from);
		else
			r = next_dirty(data, base, (size_t)(b.to - b.from), &at, &end);
		if (data)
			unmap(data, b.from, b.to);
		if (base)
			unmap(base, b.from, b.to);
		if (r)
			return r;
	}
	return r;
}

int image_sync(struct image *im, struct file *f, off_t from, off_t to)
{
	int r = mend(im, f);

	return r < 0 ? r : each_changed(im, f, from, to);
}

int image_dirty(struct image *im)
{
	return each_changed(im, NULL, 0, INT64_MAX) != 0;
}

/* ---- what goes by the image */

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
	mend(im, f);
	EACH_PART(&image_sets(im)->based, iov, cnt, off, n, p, len, at,
		  if (REAL(pread)(image_data(im), p, len, at) < 0) return);
}

void image_wrote(struct image *im, const struct iovec *iov, int cnt, off_t off, size_t n)
{
	off_t size = size_of(im), end = off + (off_t)n;

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
	off_t size = size_of(im);

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
	off_t end = page_up(old) < size ? page_up(old) : size;
	int r;

	if (size > old && set->n)
		zero(fd, old, end);
	r = set_length(fd, size);
	RANGES_EACH(set, old, size, w)
		if (r == 0)
			r = allocate(fd, w.from, w.to);
	return r;
}

int image_resize(struct image *im, off_t size)
{
	const struct image_sets *s = image_sets(im);
	off_t old = size_of(im);
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
	while (ranges_gap(used, gap.to, page_up(size_of(im)), &gap)) {
		punch(image_data(im), gap.from, gap.to);
		punch(image_base(im), gap.from, gap.to);
	}
}
