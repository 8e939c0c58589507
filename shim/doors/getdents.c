/* SPDX-License-Identifier: MIT */
/*
 * Reading a directory by its descriptor. The kernel's position is all the state
 * there is, shared with whoever has the descriptor: what a directory shows
 * besides (extras.h) comes with the first entries, those read at position 0.
 */
#include <string.h>
#include <sys/syscall.h>

#include "dirs.h"
#include "door.h"
#include "extras.h"

/* Takes what is not to be seen out of n bytes of entries; what is left of them. */
static size_t strain(const struct extras *x, char *buf, size_t n)
{
	size_t kept = 0;

	for (size_t at = 0; at < n;) {
		const struct dirent *e = (const struct dirent *)(buf + at);
		size_t len = e->d_reclen;

		if (!extras_hide(x, e)) {
			memmove(buf + kept, e, len);
			kept += len;
		}
		at += len;
	}
	return kept;
}

/* How many bytes the extras need. */
static size_t room_for(const struct extras *x)
{
	char entry[sizeof(struct dirent)];
	size_t n = 0;

	for (unsigned i = 0; i < x->n; i++)
		n += extras_write(&x->e[i], 0, entry, sizeof(entry));
	return n;
}

/* A batch that is not empty, unless it is the last; with the extras if it is the first. */
static ssize_t read_batch(int fd, const struct extras *x, char *buf, size_t n)
{
	size_t extra = lseek(fd, 0, SEEK_CUR) == 0 ? room_for(x) : 0, kept = 0;
	long off = 0;
	ssize_t r;

	if (extra >= n) {
		errno = EINVAL;
		return -1;
	}
	do {
		r = dirs_read(fd, buf, n - extra);
		if (r <= 0)
			break;
		for (ssize_t at = 0; at < r; at += ((struct dirent *)(buf + at))->d_reclen)
			off = ((struct dirent *)(buf + at))->d_off;
		kept = strain(x, buf, (size_t)r);
	} while (!kept && !extra);
	if (r <= 0)
		return r;
	for (unsigned i = 0; extra && i < x->n; i++)
		if (x->e[i].type != DT_UNKNOWN)
			kept += extras_write(&x->e[i], off, buf + kept, n - kept);
	return (ssize_t)kept;
}

EXPORT ssize_t getdents64(int fd, void *buf, size_t n)
{
	struct extras x;
	size_t limit = n < INT_MAX ? n : INT_MAX;

	return extras_find(&x, fd) ? read_batch(fd, &x, buf, limit) : dirs_read(fd, buf, n);
}

EXPORT ssize_t getdirentries(int fd, char *buf, size_t n, off_t *base)
{
	*base = lseek(fd, 0, SEEK_CUR);
	return getdents64(fd, buf, n);
}

TWIN_OF(getdirentries64, getdirentries)

/* The older system call's entries: as long, with the type behind the name. */
struct old_entry {
	unsigned long ino, off;
	unsigned short len;
	char name[];
};

long getdents_old(int fd, void *buf, size_t n)
{
	struct extras x;
	ssize_t r;

	if (!extras_find(&x, fd) && !dirs_own(fd))
		return REAL(syscall)(SYS_getdents, fd, buf, n);
	r = getdents64(fd, buf, n);
	for (ssize_t at = 0; at < r;) {
		struct dirent *e = (struct dirent *)((char *)buf + at);
		struct old_entry *o = (struct old_entry *)e;
		char type = (char)e->d_type;

		memmove(o->name, e->d_name, strlen(e->d_name) + 1);
		((char *)o)[o->len - 1] = type;
		at += o->len;
	}
	return r;
}
