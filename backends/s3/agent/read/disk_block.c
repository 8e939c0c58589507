/* SPDX-License-Identifier: MIT */
/* The files of the disk cache; see disk_store.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "disk_private.h"
#include "request/sum.h"

#define MAGIC 0x316b7369642d6873ull     /* "sh-disk1" */
#define PAGES (DISK_BLOCK / DISK_PAGE)

/* The first page of a file. */
struct head {
	uint64_t magic;
	struct disk_id id;
	int64_t block;
	uint32_t sum;                   /* of what stands above */
	uint32_t page[PAGES];           /* sums; 0: not there */
};
_Static_assert(sizeof(struct head) <= DISK_PAGE, "head");

static void head_new(struct head *h, const struct disk_id *id, int64_t block)
{
	memset(h, 0, sizeof(*h));
	h->magic = MAGIC;
	h->id = *id;
	h->block = block;
	h->sum = sum_crc32c(0, h, offsetof(struct head, sum));
}

/* Whether the file is of this block; the sums of its pages are not looked at. One that was just made is empty: ENODATA. */
static int head_read(int fd, const struct disk_id *id, int64_t block, struct head *h)
{
	struct head want;
	ssize_t n = pread(fd, h, sizeof(*h), 0);

	head_new(&want, id, block);
	if (n == sizeof(*h) && memcmp(h, &want, offsetof(struct head, page)) == 0)
		return 0;
	return n == 0 ? -ENODATA : -EIO;
}

static uint32_t sum_of(const struct head *h, unsigned page, const void *p, size_t n)
{
	uint32_t place[2] = { h->sum, page };

	return sum_crc32c(sum_crc32c(0, place, sizeof(place)), p, n);
}

/* A part of a block: pages [first, last), bytes of it all, and where it is in the object. */
struct part {
	int64_t block;
	unsigned first, last;
	int64_t off;
	size_t len;
};

/* Bytes of a page that the object has. */
static size_t page_len(const struct disk_id *id, int64_t block, unsigned page)
{
	int64_t left = id->size - block * DISK_BLOCK - (int64_t)page * DISK_PAGE;

	return left <= 0 ? 0 : left < DISK_PAGE ? (size_t)left : DISK_PAGE;
}

/* What of [off, end) lies in the block of off. */
static struct part part_of(int64_t off, int64_t end)
{
	struct part p = { .block = off / DISK_BLOCK, .off = off };
	int64_t start = p.block * DISK_BLOCK;

	end = end < start + DISK_BLOCK ? end : start + DISK_BLOCK;
	p.first = (unsigned)((off - start) / DISK_PAGE);
	p.last = (unsigned)((end - start + DISK_PAGE - 1) / DISK_PAGE);
	p.len = (size_t)(end - off);
	return p;
}

/* ---- reading */

/* Who reads it moves it behind what nobody reads; once a second is enough. */
static void touch(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_mtim.tv_sec != time(NULL))
		futimens(fd, NULL);
}

/* Bytes of the part that are there and right, from its beginning on; *wrong: the next one is there and is not right. */
static size_t read_pages(int fd, const struct disk_id *id, const struct part *p, char *buf, int *wrong)
{
	struct head h;
	size_t got = 0, want = 0;
	ssize_t n;
	int r = head_read(fd, id, p->block, &h);

	*wrong = r == -EIO;
	for (unsigned i = p->first; r == 0 && i < p->last && h.page[i]; i++)
		want += page_len(id, p->block, i);
	if (!want)
		return 0;
	n = pread(fd, buf, want, DISK_PAGE + (off_t)p->first * DISK_PAGE);
	for (unsigned i = p->first; got < want; i++) {
		size_t len = page_len(id, p->block, i);

		*wrong = n < (ssize_t)(got + len) || sum_of(&h, i, buf + got, len) != h.page[i];
		if (*wrong)
			break;
		got += len;
	}
	return got;
}

static size_t read_part(struct disk_store *s, const struct disk_id *id, const struct part *p, char *buf, unsigned *bad)
{
	char name[DISK_NAME];
	int fd, wrong;
	size_t n;

	disk_name(name, id, p->block);
	fd = disk_file(s, name, O_RDONLY);
	if (fd < 0)
		return 0;
	n = read_pages(fd, id, p, buf, &wrong);
	if (wrong) {
		disk_remove(s, name);
		++*bad;
	} else if (n) {
		touch(fd);
	}
	close(fd);
	return n;
}

size_t disk_read(struct disk_store *s, const struct disk_id *id, int64_t off, size_t len, void *buf, unsigned *bad)
{
	int64_t end = off + (int64_t)len, at = off;

	if (off % DISK_PAGE || off >= id->size)
		return 0;
	end = end < id->size ? end : id->size;
	while (at < end) {
		struct part p = part_of(at, end);
		size_t n = read_part(s, id, &p, (char *)buf + (at - off), bad);

		at += (int64_t)n;
		if (n < p.len)
			break;
	}
	return at < end ? (size_t)(at - off) : (size_t)(end - off);
}

/* ---- writing, with the lock */

static int put(int fd, const void *p, size_t n, off_t at)
{
	ssize_t r = pwrite(fd, p, n, at);

	return r == (ssize_t)n ? 0 : r < 0 ? -errno : -ENOSPC;
}

/* Data first, then their sums; what is there already is left alone. */
static int put_pages(int fd, const struct disk_id *id, const struct part *p, const char *data, struct head *h)
{
	uint32_t had[PAGES];
	unsigned from = PAGES, to = 0;
	int r = 0;

	memcpy(had, h->page, sizeof(had));
	for (unsigned i = p->first; i < p->last; i++) {
		h->page[i] = sum_of(h, i, data + (size_t)(i - p->first) * DISK_PAGE, page_len(id, p->block, i));
		if (h->page[i] == had[i])
			continue;
		from = i < from ? i : from;
		to = i + 1;
	}
	if (from >= to)
		return 0;
	r = put(fd, data + (size_t)(from - p->first) * DISK_PAGE,
		(size_t)(to - from - 1) * DISK_PAGE + page_len(id, p->block, to - 1), DISK_PAGE + (off_t)from * DISK_PAGE);
	return r ? r : put(fd, h->page + from, (to - from) * sizeof(*h->page),
			   (off_t)(offsetof(struct head, page) + from * sizeof(*h->page)));
}

static int write_part(struct disk_store *s, const struct disk_id *id, const struct part *p, const char *data)
{
	char name[DISK_NAME];
	struct head h;
	int fd, r = 0;

	disk_name(name, id, p->block);
	fd = disk_file(s, name, O_RDWR | O_CREAT);
	if (fd < 0)
		return fd;
	if (head_read(fd, id, p->block, &h) < 0) {
		head_new(&h, id, p->block);
		r = ftruncate(fd, 0) < 0 ? -errno : put(fd, &h, sizeof(h), 0);
	}
	if (r == 0)
		r = put_pages(fd, id, p, data, &h);
	close(fd);
	return r;
}

int disk_write(struct disk_store *s, const struct disk_id *id, int64_t off, size_t len, const void *p)
{
	int64_t end = off + (int64_t)len, from = (off + DISK_PAGE - 1) / DISK_PAGE * DISK_PAGE, at = from;
	int lock, r = 0;

	if (end < id->size)
		end -= end % DISK_PAGE;
	if (from >= end || end > id->size)
		return 0;
	/* and a head for each block, and what the file system rounds up */
	lock = disk_enter(s, end - from + ((end - from) / DISK_BLOCK + 2) * 2 * DISK_PAGE);
	if (lock < 0)
		return lock;
	while (r == 0 && at < end) {
		struct part part = part_of(at, end);

		r = write_part(s, id, &part, (const char *)p + (at - off));
		at += (int64_t)part.len;
	}
	close(lock);
	return r;
}

int disk_trim(struct disk_store *s)
{
	int lock = disk_enter(s, 0);

	if (lock < 0)
		return lock;
	close(lock);
	return 0;
}

void disk_forget(struct disk_store *s, const struct disk_id *id)
{
	char name[DISK_NAME];

	for (int64_t block = 0; block * DISK_BLOCK < id->size; block++) {
		disk_name(name, id, block);
		disk_remove(s, name);
	}
}

/* ---- notes */

struct note {
	struct disk_id id;
	uint32_t n, sum;                /* of id, n and the bytes */
	char bytes[DISK_NOTE];
};

static uint32_t note_sum(const struct note *t)
{
	return sum_crc32c(sum_crc32c(0, t, offsetof(struct note, sum)), t->bytes, t->n);
}

int disk_note(struct disk_store *s, const struct disk_id *id, const void *p, size_t n)
{
	struct note t = { .id = *id, .n = (uint32_t)n };
	char name[DISK_NAME];
	int lock, fd, r;

	if (n > DISK_NOTE)
		return -EFBIG;
	memcpy(t.bytes, p, n);
	t.sum = note_sum(&t);
	lock = disk_enter(s, DISK_PAGE);
	if (lock < 0)
		return lock;
	disk_name(name, id, DISK_LAST);
	fd = disk_file(s, name, O_WRONLY | O_CREAT);
	r = fd < 0 ? fd : put(fd, &t, offsetof(struct note, bytes) + n, 0);
	if (fd >= 0)
		close(fd);
	close(lock);
	return r;
}

int disk_recall(struct disk_store *s, const struct disk_id *id, void *p, size_t room)
{
	struct note t;
	char name[DISK_NAME];
	ssize_t n = -1;
	int fd;

	disk_name(name, id, DISK_LAST);
	fd = disk_file(s, name, O_RDONLY);
	if (fd < 0)
		return fd;
	n = read(fd, &t, sizeof(t)) - (ssize_t)offsetof(struct note, bytes);
	if (n >= 0)
		touch(fd);
	close(fd);
	if (n < 0 || t.n > (size_t)n || t.n > room || memcmp(&t.id, id, sizeof(*id)) || note_sum(&t) != t.sum)
		return -EIO;
	memcpy(p, t.bytes, t.n);
	return (int)t.n;
}
