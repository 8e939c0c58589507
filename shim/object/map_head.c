/* SPDX-License-Identifier: MIT */
/* The memory of mapped files: their names, locks and lives; see map_image.h. */
#include "map_head.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "base/grow.h"
#include "base/hash.h"
#include "ofd_files.h"
#include "base/real.h"
#include "base/shared_lock.h"

#define MAGIC 0x70616d6d696873ull      /* "shimmap" */
#define SLOTS 4096

struct image_head {
	uint64_t magic;
	pthread_mutex_t lock;          /* robust */
	int torn;                      /* a holder was killed: it may be behind the file */
	int dead;                      /* its files are being removed */
	_Atomic int shared;            /* more than one process may map it */
	uint64_t user;                 /* who did first: token() */
	_Atomic unsigned current;      /* of sets */
	struct image_sets sets[2];
};

/* ---- how many there are, by hash */

static _Atomic(_Atomic uint32_t *) counts;

static _Atomic uint32_t *map_counts(void)
{
	int dir = ofd_directory(1), fd = -1;
	void *p = MAP_FAILED;

	if (dir >= 0) {
		fd = own_create(dir, "map-count", 0);
		REAL(close)(dir);
	}
	if (fd < 0)
		return NULL;
	if (grow_allocate(fd, 0, 0, SLOTS * sizeof(uint32_t)) == 0)
		p = REAL(mmap)(NULL, SLOTS * sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REAL(close)(fd);
	return p == MAP_FAILED ? NULL : p;
}

/* NULL: unknown, there may be some. */
static _Atomic uint32_t *count_of(uint64_t hash)
{
	_Atomic uint32_t *c = atomic_load(&counts), *none = NULL;

	if (!c) {
		c = map_counts();
		if (!c)
			return NULL;
		if (!atomic_compare_exchange_strong(&counts, &none, c)) {
			UNMAP(c, SLOTS * sizeof(uint32_t));
			c = none;
		}
	}
	return c + hash % SLOTS;
}

/* More or fewer: too many after a kill, never too few. */
static void count(struct image *im, unsigned by)
{
	if (im->count)
		atomic_fetch_add(im->count, by);
}

static uint64_t hash_of(struct image_of of)
{
	uint64_t h = hash_bytes(HASH_START, of.be, strlen(of.be) + 1);

	h = hash_bytes(h, of.target, strlen(of.target) + 1);
	h = hash_bytes(h, &of.dev, sizeof(of.dev));
	return hash_bytes(h, &of.ino, sizeof(of.ino));
}

struct image_of image_of_file(const struct file *f)
{
	return (struct image_of){ f->ofd->be, f->ofd->target, f->ofd->dev, f->ofd->ino };
}

/* ---- files */

static const char *entry(const struct image *im, char buf[80], const char *suffix)
{
	snprintf(buf, 80, "%s.%s", im->key, suffix);
	return buf;
}

static int open_one(struct image *im, int *fd, const char *suffix)
{
	char name[80];

	if (*fd < 0)
		*fd = own_create(im->dir, entry(im, name, suffix), 0);
	return *fd;
}

int image_data(struct image *im)
{
	return open_one(im, &im->data, "data");
}

int image_base(struct image *im)
{
	return open_one(im, &im->base, "base");
}

int image_open(struct image *im, int flags)
{
	char name[80];
	int fd = REAL(openat)(im->dir, entry(im, name, "data"), (flags & O_ACCMODE) | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static struct image_head *map_head(int fd)
{
	void *h = REAL(mmap)(NULL, sizeof(struct image_head), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return h == MAP_FAILED ? NULL : h;
}

/* Written in full before it has its name. */
static int make_head(struct image *im)
{
	char name[80], new[80];
	uint64_t id = 0;
	struct image_head *h = NULL;
	int fd, r = 0;

	if (getrandom(&id, sizeof(id), 0) < 0)
		return -EAGAIN;
	snprintf(new, sizeof(new), "map-new-%016llx", (unsigned long long)id);
	fd = own_create(im->dir, new, O_EXCL);
	if (fd < 0)
		return -errno;
	if (grow_allocate(fd, 0, 0, sizeof(*h)) < 0 || !(h = map_head(fd)))
		r = -ENOMEM;
	REAL(close)(fd);
	if (r == 0) {
		h->magic = MAGIC;
		shared_lock_init(&h->lock);
		UNMAP(h, sizeof(*h));
		count(im, 1);
		if (REAL(renameat2)(im->dir, new, im->dir, entry(im, name, "map"), RENAME_NOREPLACE) < 0) {
			r = -errno;
			count(im, -1u);
		}
	}
	if (r < 0)
		REAL(unlinkat)(im->dir, new, 0);
	return r == -EEXIST ? 0 : r;
}

/* 1, 0 if there is none, or -errno. */
static int open_head(struct image *im)
{
	char name[80];
	int fd = REAL(openat)(im->dir, entry(im, name, "map"), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (own_fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof(struct image_head))
		im->head = map_head(fd);
	im->ino = st.st_ino;
	REAL(close)(fd);
	if (!im->head)
		return -ENOMEM;
	return im->head->magic == MAGIC ? 1 : -EIO;
}

static int take(struct image_head *h)
{
	int r = pthread_mutex_lock(&h->lock);

	if (r == EOWNERDEAD) {
		h->torn = 1;
		r = pthread_mutex_consistent(&h->lock);
	}
	return r == 0;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		REAL(close)(*fd);
	*fd = -1;
}

/* All but the directory and the key. */
static void put_head(struct image *im)
{
	if (im->locked)
		pthread_mutex_unlock(&im->head->lock);
	if (im->head)
		UNMAP(im->head, sizeof(*im->head));
	im->head = NULL;
	im->locked = 0;
	close_one(&im->data);
	close_one(&im->base);
}

/* The image's own name goes last: before that none is made anew. */
static void remove_files(struct image *im)
{
	static const char *const suffixes[] = { "data", "base", "map" };
	char name[80];

	for (int i = 0; i < 3; i++)
		if (REAL(unlinkat)(im->dir, entry(im, name, suffixes[i]), 0) == 0 && i == 2)
			count(im, -1u);
}

/* Whoever removed it may have been killed then; or it is gone, and the name another image's. */
static void remove_again(struct image *im)
{
	char name[80];
	struct stat st;

	if (REAL(fstatat)(im->dir, entry(im, name, "map"), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == im->ino)
		remove_files(im);
}

/* 1 with the head locked, 0 if there is none, or -errno. */
static int lock_head(struct image *im, int make)
{
	int r;

	while ((r = open_head(im)) != 0 || make) {
		if (r < 0)
			return r;
		if (r == 0 && (r = make_head(im)) < 0)
			return r;
		if (!im->head)
			continue;
		im->locked = take(im->head);
		if (!im->head->dead)
			return 1;
		remove_again(im);
		put_head(im);
	}
	return 0;
}

int image_enter(struct image *im, struct image_of of, int make)
{
	uint64_t h = hash_of(of);
	int r;

	*im = (struct image){ .dir = -1, .data = -1, .base = -1, .count = count_of(h) };
	if (im->count && !make && !atomic_load(im->count))
		return 0;
	snprintf(im->key, sizeof(im->key), "map-%016llx-%llx-%llx", (unsigned long long)h,
		 (unsigned long long)of.dev, (unsigned long long)of.ino);
	r = im->dir = ofd_directory(1);
	if (r >= 0)
		r = lock_head(im, make);
	if (r < 0 || !im->head)
		image_leave(im);
	return r < 0 ? r : 0;
}

void image_leave(struct image *im)
{
	int saved = errno;

	put_head(im);
	close_one(&im->dir);
	errno = saved;
}

/* ---- the head's fields */

const struct image_sets *image_sets(const struct image *im)
{
	return &im->head->sets[atomic_load(&im->head->current)];
}

struct image_sets *image_next(struct image *im)
{
	struct image_sets *next = &im->head->sets[!atomic_load(&im->head->current)];

	*next = *image_sets(im);
	return next;
}

void image_commit(struct image *im)
{
	atomic_store(&im->head->current, !atomic_load(&im->head->current));
}

int *image_torn(struct image *im)
{
	return &im->head->torn;
}

static _Atomic uint64_t mine;
static _Atomic pid_t mine_pid;

/* A number no other process has had. */
static uint64_t token(void)
{
	uint64_t t = 0;

	if (atomic_load(&mine_pid) != getpid()) {
		if (getrandom(&t, sizeof(t), 0) < 0)
			return 0;
		atomic_store(&mine, t);
		atomic_store(&mine_pid, getpid());
	}
	return atomic_load(&mine);
}

void image_used(struct image *im)
{
	if (!im->head->user)
		im->head->user = token();
	else if (im->head->user != token())
		image_share(im);
}

int image_alone(const struct image *im)
{
	return !atomic_load(&im->head->shared) && im->head->user == token();
}

void image_share(struct image *im)
{
	atomic_store(&im->head->shared, 1);
}

void image_remove(struct image *im)
{
	if (image_dirty(im))
		return;
	im->head->dead = 1;
	remove_files(im);
}
