/* SPDX-License-Identifier: MIT */
/*
 * The memory of mapped files that have no kernel file.
 *
 * While some process maps such a file, its bytes lie in an image: a file of
 * our own on tmpfs, beside the records of ofd.h, as long as the file is, so
 * that the kernel maps it, shares it, and ends it at the same byte. All
 * processes of a user have one image of a file (told by mount, dev and ino),
 * so that mappings see each other, related or not. What stores through them
 * changed is found by comparing with a second copy, the base, and is given to
 * the back end by image_sync. read and write go to the back end as ever, and
 * then to the image (image_read, image_wrote), so that neither side is ever
 * seen behind the other.
 *
 *      map-KEY.map    struct image_head: the lock, which ranges are there
 *      map-KEY.data   the image        map-KEY.base   the base
 *      map-count      how many images there are, by hash
 *
 * A killed process leaves its image, changes included: the next user of the
 * file goes on with it, and whoever ends the description writes them back.
 *
 * image_enter to image_leave holds the image's lock, robust, across calls of
 * the back end; the order is ofd->lock, image, list (map_list.h). A signal
 * handler that interrupts a holder in the same thread goes on without it.
 * Functions return >= 0 or -errno and allocate no memory by malloc.
 */
#ifndef SHIM_MAP_IMAGE_H
#define SHIM_MAP_IMAGE_H

#include "backend.h"
#include "ranges.h"

struct image_head;

/* One use of an image, in the caller's frame; `head` is NULL while there is none. */
struct image {
	struct image_head *head;
	int dir, data, base;           /* descriptors; -1: not open */
	uint64_t ino;                  /* of the head's file */
	int locked;
	_Atomic uint32_t *count;       /* of images with its hash; NULL if that cannot be known */
	char key[56];
};

/* What an image is told by. */
struct image_of {
	const char *be, *target;
	uint64_t dev, ino;
};

struct image_of image_of_file(const struct file *f);

/*
 * Enters the image, making it if `make` is set; image->head stays NULL if
 * there is none, which costs one load where nothing with that hash is mapped.
 * Once there is a head, to be followed by image_leave.
 *
 * An image may be made while a call of the back end that found none is under
 * way: has it copied the bytes before the call changed them, or after? Who
 * changes something therefore enters again after such a call, tells the image
 * if there is one now, and calls image_doubt.
 */
int image_enter(struct image *im, struct image_of of, int make);
void image_leave(struct image *im);

/*
 * Puts [from, to) of f into the image, whole pages, and with `writable` into
 * the base; the file's size is looked at. -ENOMEM: the set, or the tmpfs, or
 * what may be mapped of one file is full. f must be readable.
 */
int image_want(struct image *im, struct file *f, off_t from, off_t to, int writable);

/* Gives what was changed in [from, to) to the back end through f, which is open for both. */
int image_sync(struct image *im, struct file *f, off_t from, off_t to);

/* Whether something was changed and not yet given to the back end. */
int image_dirty(struct image *im);

/*
 * What it holds may not be what the file has, where nobody stored anything: it
 * is read again through f, at once if f is readable, else by whoever comes next. f may be NULL.
 */
void image_doubt(struct image *im, struct file *f);

/* The back end has read n bytes at off of f into the vector: what is newer in the image goes on top. */
void image_read(struct image *im, struct file *f, const struct iovec *iov, int cnt, off_t off, size_t n);

/* The back end has written the first n bytes of the vector at off. */
void image_wrote(struct image *im, const struct iovec *iov, int cnt, off_t off, size_t n);

/* The file has that size now. */
int image_resize(struct image *im, off_t size);

/* [from, to) of the file became zeroes. */
void image_zero(struct image *im, off_t from, off_t to);

/*
 * The value of expr, which changes the file `of` with the image entered;
 * `told` if that is 0 and there is an image, `im_`, then or now. f as for
 * image_doubt.
 */
#define IMAGE_TOLD(of, f, expr, told) ({                                      \
	struct image image_, *im_ = &image_;                                  \
	ssize_t v_ = image_enter(im_, of, 0);                                 \
	int late_;                                                            \
	if (v_ == 0) {                                                        \
		v_ = (expr);                                                  \
		late_ = v_ == 0 && !im_->head && image_enter(im_, of, 0) == 0; \
		if (im_->head) {                                              \
			if (v_ == 0)                                          \
				told;                                         \
			if (late_)                                            \
				image_doubt(im_, f);                          \
			image_leave(im_);                                     \
		}                                                             \
	}                                                                     \
	v_; })

/* A descriptor of the image to be mapped, with the access mode of `flags`; the caller's to close. */
int image_open(struct image *im, int flags);

/* From now on processes that the caller does not know of may map it: nothing is cut from it. */
void image_share(struct image *im);

/*
 * Keeps only `used`, if nobody but the caller maps the image; an image of
 * which nothing is used and nothing is dirty is removed.
 */
void image_trim(struct image *im, const struct ranges *used);

/* Nobody maps it: removes it, unless it is dirty. */
void image_remove(struct image *im);

#endif
