/* SPDX-License-Identifier: MIT */
/* Open file descriptions without a kernel file; see ofd.h. */
#include "ofd.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/un.h>

#include "base/grow.h"
#include "base/hash.h"
#include "ofd_files.h"
#include "base/real.h"
#include "base/shared_lock.h"
#include "stats/stats_tree.h"

#define MAGIC 0x3264666f6d696873ull  /* "shimofd2" */
#define BACKLOG 64                   /* who waits for the end */

static void directory(char *buf, size_t size)
{
	snprintf(buf, size, "/dev/shm/shim-ofd-%u", (unsigned)geteuid());
}

int ofd_directory(int make)
{
	char path[64];

	directory(path, sizeof(path));
	return tree_open_dir(path, make);
}

const char *ofd_entry(char buf[OFD_ID + 8], const char *id, const char *suffix)
{
	snprintf(buf, OFD_ID + 8, "%s%s", id, suffix);
	return buf;
}

void ofd_address(struct sockaddr_un *a, const char *id, const char *suffix)
{
	char dir[64];

	directory(dir, sizeof(dir));
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	snprintf(a->sun_path, sizeof(a->sun_path), "%s/%s%s", dir, id, suffix);
}

void ofd_rule(char rule[OFD_RULE + 1], const struct mount *m)
{
	uint64_t h = hash_bytes(HASH_START, m->be->name, strlen(m->be->name) + 1);

	h = hash_bytes(h, m->rule->target, strlen(m->rule->target));
	snprintf(rule, OFD_RULE + 1, "%08x", (uint32_t)(h ^ h >> 32));
}

/* The rule's digits, then random ones. */
static int make_id(char id[OFD_ID], const struct mount *m)
{
	uint32_t r[(OFD_ID - 1 - OFD_RULE) / 8];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		return -EAGAIN;
	ofd_rule(id, m);
	snprintf(id + OFD_RULE, OFD_ID - OFD_RULE, "%08x%08x%08x", r[0], r[1], r[2]);
	return 0;
}

static struct ofd *map_record(int fd)
{
	void *o = REAL(mmap)(NULL, sizeof(struct ofd), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return o == MAP_FAILED ? NULL : o;
}

/*
 * The pages are there before they are touched: a full tmpfs must not kill. Made
 * with all the bits, where nobody else can look, the file tells the umask.
 */
static int make_record(int dir, const char *id, struct ofd **out)
{
	char name[OFD_ID + 8];
	int fd = REAL(openat)(dir, ofd_entry(name, id, ".ofd"), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0777);
	struct stat st;
	int r = 0;

	if (fd < 0)
		return -errno;
	if (own_fstat(fd, &st) < 0 || REAL(fchmod)(fd, 0600) < 0)
		r = -errno;
	if (r == 0)
		r = grow_allocate(fd, 0, 0, sizeof(struct ofd));
	if (r == 0 && !(*out = map_record(fd)))
		r = -errno;
	if (r == 0)
		(*out)->umask = ~st.st_mode & 0777;
	REAL(close)(fd);
	if (r < 0)
		REAL(unlinkat)(dir, name, 0);
	return r;
}

static int bind_as(int fd, const char *id)
{
	struct sockaddr_un a;

	ofd_address(&a, id, ".new");
	return REAL(bind)(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && REAL(listen)(fd, BACKLOG) == 0 ? 0 : -errno;
}

/* To connect takes the right to write, which the umask may have kept from us. */
static int open_to_us(const char *id, uint32_t umask)
{
	struct sockaddr_un a;

	ofd_address(&a, id, ".new");
	return !(umask & 0200) || REAL(chmod)(a.sun_path, 0600) == 0 ? 0 : -errno;
}

/* The magic word comes last: from then on it is a description, and ends as one. */
static void describe(struct ofd *o, const char *id, uint64_t placeholder, struct mount *m,
		     const char *name, int flags)
{
	strcpy(o->id, id);
	o->placeholder = placeholder;
	o->flags = flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	snprintf(o->be, sizeof(o->be), "%s", m->be->name);
	strcpy(o->target, m->rule->target);
	snprintf(o->name, sizeof(o->name), "%s", name);
	shared_lock_init(&o->lock);
	shared_lock_init(&o->end);
	__atomic_store_n(&o->magic, MAGIC, __ATOMIC_RELEASE);
}

/* The socket, then the record, then the socket's name: in this order they can be swept. */
static int register_placeholder(int fd, int dir, struct mount *m, const char *name, int flags,
				struct ofd **out)
{
	char id[OFD_ID], from[OFD_ID + 8];
	struct stat st;
	int r = make_id(id, m);

	if (r < 0 || own_fstat(fd, &st) < 0)
		return r < 0 ? r : -errno;
	r = bind_as(fd, id);
	if (r == 0)
		r = make_record(dir, id, out);
	if (r == 0) {
		describe(*out, id, st.st_ino, m, name, flags);
		r = open_to_us(id, (*out)->umask);
		if (r == 0 && REAL(renameat)(dir, ofd_entry(from, id, ".new"), dir, id) < 0)
			r = -errno;
		if (r < 0) {
			ofd_unmap(*out);
			REAL(unlinkat)(dir, ofd_entry(from, id, ".ofd"), 0);
		}
	}
	if (r < 0)
		REAL(unlinkat)(dir, ofd_entry(from, id, ".new"), 0);
	return r;
}

/* What is wrong with the registry is nothing a program should take for its file's. */
static int registry_error(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -EACCES || r == -EPERM || r == -EEXIST ||
	       r == -ELOOP || r == -EROFS ? -EIO : r;
}

/* The placeholder is made first: it takes the lowest number. */
int ofd_make(struct mount *m, const char *name, int flags, struct ofd **out)
{
	int fd = REAL(socket)(AF_UNIX, SOCK_SEQPACKET | (flags & O_CLOEXEC ? SOCK_CLOEXEC : 0), 0);
	int dir, r;

	if (fd < 0)
		return -errno;
	r = dir = ofd_directory(1);
	if (dir >= 0) {
		r = register_placeholder(fd, dir, m, name, flags, out);
		REAL(close)(dir);
	}
	if (r < 0) {
		REAL(close)(fd);
		return registry_error(r);
	}
	return fd;
}

void ofd_unmap(struct ofd *o)
{
	REAL(munmap)(o, sizeof(*o));
}

/* The id a socket is bound under, if that is in our directory. */
static int id_of(int fd, char id[OFD_ID])
{
	struct { struct sockaddr_un un; char end; } a = { .end = 0 };     /* with a NUL, bound or not */
	socklen_t len = sizeof(a.un);
	char dir[64];
	size_t n;

	directory(dir, sizeof(dir));
	n = strlen(dir);
	if (REAL(getsockname)(fd, (struct sockaddr *)&a.un, &len) < 0 || a.un.sun_family != AF_UNIX ||
	    strncmp(a.un.sun_path, dir, n) || a.un.sun_path[n] != '/' ||
	    strspn(a.un.sun_path + n + 1, "0123456789abcdef") != OFD_ID - 1)
		return 0;
	memcpy(id, a.un.sun_path + n + 1, OFD_ID - 1);
	id[OFD_ID - 1] = 0;
	return 1;
}

struct ofd *ofd_record(int dir, const char *name)
{
	int fd = REAL(openat)(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct ofd *o = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (own_fstat(fd, &st) == 0 && st.st_size >= (off_t)sizeof(*o))
		o = map_record(fd);
	REAL(close)(fd);
	return o;
}

int ofd_described(const struct ofd *o)
{
	return __atomic_load_n(&o->magic, __ATOMIC_ACQUIRE) == MAGIC;
}

struct ofd *ofd_of(int fd)
{
	char id[OFD_ID], name[OFD_ID + 8];
	struct ofd *o = NULL;
	struct stat st;
	int dir;

	if (own_fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode) || !id_of(fd, id))
		return NULL;
	dir = ofd_directory(0);
	if (dir >= 0) {
		o = ofd_record(dir, ofd_entry(name, id, ".ofd"));
		REAL(close)(dir);
	}
	if (o && (!ofd_described(o) || o->placeholder != st.st_ino || strcmp(o->id, id))) {
		ofd_unmap(o);
		o = NULL;
	}
	return o;
}

int ofd_is_of(const struct ofd *o, const struct mount *m)
{
	return m->rule && !strcmp(o->be, m->be->name) && !strcmp(o->target, m->rule->target);
}

struct walk {
	int dir;
	int (*each)(struct ofd *o, void *arg);
	void *arg;
};

static int visit(const char *name, void *arg)
{
	const struct walk *w = arg;
	size_t n = strlen(name);
	struct ofd *o;
	int r;

	if (n < 4 || strcmp(name + n - 4, ".ofd"))
		return 0;
	o = ofd_record(w->dir, name);
	if (!o)
		return 0;
	r = ofd_described(o) ? w->each(o, w->arg) : 0;
	ofd_unmap(o);
	return r;
}

int ofd_each(int (*each)(struct ofd *o, void *arg), void *arg)
{
	struct walk w = { ofd_directory(0), each, arg };
	int r;

	if (w.dir < 0)
		return 0;
	r = tree_each(w.dir, visit, &w);
	REAL(close)(w.dir);
	return r;
}

int ofd_lock(struct ofd *o)
{
	int r = pthread_mutex_lock(&o->lock);

	if (r == EOWNERDEAD)
		r = pthread_mutex_consistent(&o->lock);
	return r == 0;
}

void ofd_unlock(struct ofd *o, int locked)
{
	if (locked)
		pthread_mutex_unlock(&o->lock);
}
