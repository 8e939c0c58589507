/* SPDX-License-Identifier: MIT */
/* The memory of mapped files: giving what was stored there to the back end; see map_image.h. */
#include <errno.h>
#include <string.h>

#include "map_head.h"

#define SCRATCH ((size_t)1 << 20)        /* bytes given to the back end at once */

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
	off_t size = image_sets(im)->based.n ? image_size(im) : 0;
	const struct ranges *based = &image_sets(im)->based;
	size_t at, end;
	int r = 0;

	RANGES_EACH(based, image_page_down(from), to < size ? to : size, b) {
		char *data = image_map(image_data(im), b.from, b.to), *base = image_map(image_base(im), b.from, b.to);

		at = 0;
		if (!data || !base)
			r = -ENOMEM;
		else if (f)
			r = give_dirty(f, data, base, (size_t)(b.to - b.from), b.from);
		else
			r = next_dirty(data, base, (size_t)(b.to - b.from), &at, &end);
		if (data)
			image_unmap(data, b.from, b.to);
		if (base)
			image_unmap(base, b.from, b.to);
		if (r)
			return r;
	}
	return r;
}

int image_sync(struct image *im, struct file *f, off_t from, off_t to)
{
	int r = image_mend(im, f);

	return r < 0 ? r : each_changed(im, f, from, to);
}

int image_dirty(struct image *im)
{
	return each_changed(im, NULL, 0, INT64_MAX) != 0;
}
