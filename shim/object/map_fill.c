/* SPDX-License-Identifier: MIT */
/* The memory of mapped files: how their bytes get there; see map_image.h. */
#include <errno.h>
#include <string.h>

#include "map_head.h"
#include "stats/stats.h"

#define IMAGE_MAX ((off_t)1 << 30)       /* bytes of one file that may be mapped, unless its back end says */

static off_t file_size(struct file *f)
{
	struct object_at at = { f->mount, f, NULL };
	struct statx st;
	int r = f->mount->be->object->stat(&at, &st);

	return r < 0 ? r : (off_t)st.stx_size;
}

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
	int r = image_allocate(image_data(im), from, to);
	off_t start = image_page_down(from);
	char *p;

	if (r < 0)
		return r;
	p = image_map(im->data, start, to);
	if (!p)
		return -ENOMEM;
	r = load(f, p + (from - start), from, to);
	image_unmap(p, start, to);
	return r;
}

/* A base is what the image is. */
static int fill_base(struct image *im, struct file *f, off_t from, off_t to)
{
	int r = image_allocate(image_base(im), from, to);
	off_t start = image_page_down(from);
	char *data, *base;

	(void)f;
	if (r < 0)
		return r;
	data = image_map(im->data, start, to);
	base = image_map(im->base, start, to);
	if (data && base)
		memcpy(base + (from - start), data + (from - start), (size_t)(to - from));
	else
		r = -ENOMEM;
	if (data)
		image_unmap(data, start, to);
	if (base)
		image_unmap(base, start, to);
	return r;
}

typedef int filler(struct image *im, struct file *f, off_t from, off_t to);

/* Fills what of [from, to) is not in the set; the caller adds it. */
static int cover(struct image *im, struct file *f, const struct ranges *set, off_t from, off_t to,
		 filler *fill)
{
	off_t size = image_size(im), end = to < size ? to : size;
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

static off_t most_of(const struct file *f)
{
	const struct object_ops *ops = f->mount->be->object;

	return ops->mapped_most ? ops->mapped_most(f->mount) : IMAGE_MAX;
}

/* The set with [from, to); from `head->sets`, to be made the current one by image_commit. */
static int enlarge(struct image_sets *next, off_t from, off_t to, int writable)
{
	int r = ranges_add(&next->wanted, from, to);

	return r == 0 && writable ? ranges_add(&next->based, from, to) : r;
}

/* Whether so much of the file may be mapped: 0, or -ENOMEM. */
static int bound(const struct file *f, off_t bytes)
{
	off_t most = most_of(f);

	if (bytes <= most)
		return 0;
	stats_note("mmap: more than %lld bytes of one file; refused: %s%s", (long long)most,
		   f->mount->rule->prefix, f->ofd->name);
	return -ENOMEM;
}

/* The size the file has grown to elsewhere, and the bytes that came with it. */
static int follow_size(struct image *im, struct file *f)
{
	off_t size = file_size(f), old = image_size(im);
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
	char *data = image_map(image_data(im), from, to), *base = based ? image_map(image_base(im), from, to) : NULL;
	int r = now == MAP_FAILED || !data || (based && !base) ? -ENOMEM : load(f, now, from, to);

	if (r == 0)
		merge(data, base, now, n);
	if (now != MAP_FAILED)
		image_unmap(now, from, to);
	if (data)
		image_unmap(data, from, to);
	if (base)
		image_unmap(base, from, to);
	return r;
}

int image_mend(struct image *im, struct file *f)
{
	const struct image_sets *s = image_sets(im);
	int r = *image_torn(im) ? follow_size(im, f) : 0;
	off_t size = image_size(im);

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
		image_mend(im, f);
}

int image_want(struct image *im, struct file *f, off_t from, off_t to, int writable)
{
	struct image_sets *next;
	int r = follow_size(im, f);

	if (r == 0)
		r = image_mend(im, f);
	to = image_page_up(to);
	if (r < 0)
		return r;
	image_used(im);
	next = image_next(im);
	r = enlarge(next, from, to, writable);
	if (r == 0)
		r = bound(f, total(&next->wanted, image_size(im)));
	if (r == 0)
		r = cover(im, f, &image_sets(im)->wanted, from, to, fill_data);
	if (r == 0 && writable)
		r = cover(im, f, &image_sets(im)->based, from, to, fill_base);
	if (r == 0)
		image_commit(im);
	return r;
}
