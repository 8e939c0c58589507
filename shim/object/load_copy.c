/* SPDX-License-Identifier: MIT */
/* Libraries without a kernel file; see load_copy.h. */
#include "load_copy.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "object_image.h"
#include "object_name.h"
#include "base/real.h"

#define COPIES 256           /* libraries that are known again */
#define SERIAL_BITS 16

/* libc knows a library by its name, and takes one of the same name for the same. */
static struct copy {
	uint64_t dev, ino, size;
	struct statx_timestamp changed;
	char name[96];
} copies[COPIES];
static unsigned count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t device(const struct statx *st)
{
	return (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor;
}

static int is_of(const struct copy *c, const struct statx *st)
{
	return c->dev == device(st) && c->ino == st->stx_ino && c->size == st->stx_size &&
	       c->changed.tv_sec == st->stx_mtime.tv_sec && c->changed.tv_nsec == st->stx_mtime.tv_nsec;
}

/* The next name from copy *i on that such a file was loaded under; 0 if there is none. */
static int known(const struct statx *st, unsigned *i, char *name)
{
	int found = 0;

	pthread_mutex_lock(&lock);
	while (!found && *i < count && *i < COPIES) {
		found = is_of(&copies[*i], st);
		if (found)
			strcpy(name, copies[*i].name);
		++*i;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

/* Leads to the descriptor, spelled as no name before: the serial number is in its slashes and dots. */
static void spell(char *name, size_t size, unsigned serial, int fd)
{
	size_t n = (size_t)snprintf(name, size, "/proc/self/fd");

	for (int bit = 0; bit < SERIAL_BITS; bit++) {
		name[n++] = '/';
		name[n++] = serial >> bit & 1 ? '.' : '/';
	}
	snprintf(name + n, size - n, "/%d", fd);
}

/* A new name for the file. */
static void remember(const struct statx *st, int fd, char *name)
{
	struct copy *c;

	pthread_mutex_lock(&lock);
	c = &copies[count % COPIES];
	*c = (struct copy){ .dev = device(st), .ino = st->stx_ino, .size = st->stx_size, .changed = st->stx_mtime };
	spell(c->name, sizeof(c->name), count++, fd);
	strcpy(name, c->name);
	pthread_mutex_unlock(&lock);
}

/* libc takes a lock of its own, perhaps for long and to call back: ours is not held then. */
int load_copy(const struct place *p, int mode, void **lib)
{
	char name[sizeof(copies->name)];
	struct statx st;
	unsigned i = 0;
	int fd = object_copy_of(p, &st);

	if (fd < 0)
		return 0;
	*lib = NULL;
	while (!*lib && known(&st, &i, name))
		*lib = REAL(dlopen)(name, mode | RTLD_NOLOAD);
	if (!*lib && !(mode & RTLD_NOLOAD)) {
		remember(&st, fd, name);
		*lib = REAL(dlopen)(name, mode);
	}
	REAL(close)(fd);
	return *lib || !(mode & RTLD_NOLOAD);
}
