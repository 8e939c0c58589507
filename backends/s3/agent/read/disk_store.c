/* SPDX-License-Identifier: MIT */
/* The directory of the disk cache, and how much is in it; see disk_store.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "disk_private.h"

#define LOCK "lock"
#define PATIENCE_MS 1000                /* for the lock; what is not kept is asked for again, no more */

/* ---- names */

struct disk_id disk_id_of(const char *const *text, unsigned n, int64_t size)
{
	struct disk_id id = { .size = size };
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned len = sizeof(id.hash);

	if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL))
		abort();
	for (unsigned i = 0; i < n; i++)
		EVP_DigestUpdate(md, text[i], strlen(text[i]) + 1);
	EVP_DigestUpdate(md, &size, sizeof(size));
	EVP_DigestFinal_ex(md, id.hash, &len);
	EVP_MD_CTX_free(md);
	return id;
}

void disk_name(char out[DISK_NAME], const struct disk_id *id, int64_t block)
{
	for (int i = 0; i < 16; i++)
		sprintf(out + 2 * i, "%02x", id->hash[i]);
	if (block == DISK_LAST)
		strcpy(out + 32, ".last");
	else
		snprintf(out + 32, DISK_NAME - 32, "-%llx", (unsigned long long)block);
}

int disk_file(const struct disk_store *s, const char *name, int flags)
{
	int fd = openat(s->dir, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid())
		return fd;
	close(fd);
	return -EPERM;
}

/* What it took is given back when the directory is looked through. */
void disk_remove(const struct disk_store *s, const char *name)
{
	unlinkat(s->dir, name, 0);
}

/* ---- the directory */

/* Makes what of a path is not there. */
static void make_path(const char *path)
{
	char up[PATH_MAX];

	if (snprintf(up, sizeof(up), "%s", path) >= (int)sizeof(up))
		return;
	for (char *p = strchr(up + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		mkdir(up, 0700);
		*p = '/';
	}
	mkdir(up, 0700);
}

struct disk_store *disk_store_open(const char *path, int64_t most)
{
	struct disk_store *s = malloc(sizeof(*s));
	struct stat st;
	int err;

	if (!s)
		return NULL;
	make_path(path);
	s->dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	s->most = most;
	err = s->dir < 0 || fstat(s->dir, &st) < 0 ? errno : 0;
	if (!err && (st.st_uid != geteuid() || (st.st_mode & 077)))
		err = EPERM;
	if (!err)
		return s;
	disk_store_close(s);
	errno = err;
	return NULL;
}

void disk_store_close(struct disk_store *s)
{
	if (s->dir >= 0)
		close(s->dir);
	free(s);
}

void disk_store_most(struct disk_store *s, int64_t most)
{
	if (s->most < most)
		s->most = most;
}

/* ---- what is in it */

struct entry {
	int64_t changed;                /* nanoseconds */
	int64_t bytes;
	char name[DISK_NAME];
};

struct list {
	struct entry *e;
	size_t n, room;
	int64_t bytes;
};

static int add(struct list *l, const char *name, const struct stat *st)
{
	struct entry *more = l->e;

	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 256;
		more = realloc(l->e, l->room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		l->e = more;
	}
	l->e[l->n] = (struct entry){ st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec, st->st_blocks * 512, "" };
	strcpy(l->e[l->n++].name, name);
	l->bytes += st->st_blocks * 512;
	return 0;
}

/* All files of ours; what else lies there is left alone. */
static int list(const struct disk_store *s, struct list *l)
{
	int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	if (!d)
		return -errno;
	while (r == 0 && (e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (n < 34 || n >= DISK_NAME || strspn(e->d_name, "0123456789abcdef") != 32)
			continue;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			r = add(l, e->d_name, &st);
	}
	closedir(d);
	return r;
}

static int oldest_first(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->changed < y->changed ? -1 : x->changed > y->changed;
}

/* Removes the oldest until at most so many bytes are left; how many are, or -errno. */
static int64_t shrink(struct disk_store *s, int64_t upto)
{
	struct list l = { 0 };
	int r = list(s, &l);

	if (r == 0 && l.bytes > upto)
		qsort(l.e, l.n, sizeof(*l.e), oldest_first);
	for (size_t i = 0; r == 0 && i < l.n && l.bytes > upto; i++)
		if (unlinkat(s->dir, l.e[i].name, 0) == 0 || errno == ENOENT)
			l.bytes -= l.e[i].bytes;
	free(l.e);
	return r < 0 ? r : l.bytes;
}

/* ---- the lock, and in it how much there is, twice: the second time inverted */

static int64_t get_total(int lock)
{
	int64_t v[2];

	return pread(lock, v, sizeof(v), 0) == sizeof(v) && v[0] == ~v[1] && v[0] >= 0 ? v[0] : -1;
}

static int set_total(int lock, int64_t bytes)
{
	int64_t v[2] = { bytes, ~bytes };

	ssize_t n = pwrite(lock, v, sizeof(v), 0);

	return n == sizeof(v) ? 0 : n < 0 ? -errno : -ENOSPC;
}

/* Waits for a while; the file may be removed and made anew meanwhile. */
static int take_lock(const struct disk_store *s)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	struct stat st;
	int fd = disk_file(s, LOCK, O_RDWR | O_CREAT);

	for (int i = 0; fd >= 0 && i < PATIENCE_MS; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			if (fstat(fd, &st) == 0 && st.st_nlink)
				return fd;
			close(fd);
			fd = disk_file(s, LOCK, O_RDWR | O_CREAT);
			continue;
		}
		nanosleep(&moment, NULL);
	}
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : -EBUSY;
}

/* Counted before it is written: a crash makes it too much, never too little. */
static int make_room(struct disk_store *s, int lock, int64_t more)
{
	int64_t most = s->most, total = get_total(lock);

	if (more > most / 2)
		return -E2BIG;
	if (total < 0)
		total = shrink(s, most);
	if (total >= 0 && total + more > most)
		total = shrink(s, most - most / 10 - more);
	if (total < 0)
		return (int)total;
	return total + more > most ? -ENOSPC : set_total(lock, total + more);
}

int disk_enter(struct disk_store *s, int64_t more)
{
	int fd = take_lock(s), r;

	if (fd < 0)
		return fd;
	r = make_room(s, fd, more);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}
