/* SPDX-License-Identifier: MIT */
/* What an image is made of, for map_*.c; see map_image.h. */
#ifndef SHIM_MAP_HEAD_H
#define SHIM_MAP_HEAD_H

#include <sys/syscall.h>

#include "map_image.h"
#include "base/real.h"

#define IMAGE_PAGE 4096

static inline off_t image_page_down(off_t off)
{
	return off & ~(off_t)(IMAGE_PAGE - 1);
}

static inline off_t image_page_up(off_t off)
{
	return image_page_down(off + IMAGE_PAGE - 1);
}

/* By number, as in object_map.c: it must not come back to our doors. */
#define UNMAP(p, n) REAL(syscall)(SYS_munmap, p, n)

/* Whole pages; beyond the end of the file, too: it may grow. */
struct image_sets {
	struct ranges wanted;          /* in the image, as in the file but for changes */
	struct ranges based;           /* in the base, too */
};

/* The sets there are now, and a copy to be changed and made the current one in one step. */
const struct image_sets *image_sets(const struct image *im);
struct image_sets *image_next(struct image *im);
void image_commit(struct image *im);

/* Whether somebody was killed who held the lock, maybe between the back end's write and the image's. */
int *image_torn(struct image *im);

/* The descriptors of the two files, opened at first use; -1 without. The image's to close. */
int image_data(struct image *im);
int image_base(struct image *im);

/* The calling process maps it. Then: whether no other one may. */
void image_used(struct image *im);
int image_alone(const struct image *im);

/* The image's size, or -errno: the file's, when it was last looked at. */
off_t image_size(struct image *im);

/* [from, to) of one of the two files, from a page's start, until image_unmap; NULL without memory. */
char *image_map(int fd, off_t from, off_t to);
void image_unmap(char *p, off_t from, off_t to);

/* Pages that are there before they are touched; a full tmpfs must not kill. 0 or -ENOMEM. */
int image_allocate(int fd, off_t from, off_t to);

/* A change that did not get to the image is made up for: 0 or -errno. f is readable. */
int image_mend(struct image *im, struct file *f);

#endif
