/* SPDX-License-Identifier: MIT */
/* libc's own functions, resolved by name; see real.h. */
#include "real.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/syscall.h>

struct real real;

static const struct {
	const char *name;
	size_t offset;
} rows[] = {
#define ROW(name) { #name, offsetof(struct real, name) },
#define BARE_ROW(name)
#include "rows.h"
#undef ROW
#undef BARE_ROW
};

#define NROWS (sizeof(rows) / sizeof(*rows))

static void resolve(size_t i)
{
	void **slot = (void **)((char *)&real + rows[i].offset);

	if (!__atomic_load_n(slot, __ATOMIC_RELAXED))
		__atomic_store_n(slot, dlsym(RTLD_NEXT, rows[i].name), __ATOMIC_RELAXED);
}

void real_init(void)
{
	for (size_t i = 0; i < NROWS; i++)
		resolve(i);
}

void real_find(size_t offset)
{
	for (size_t i = 0; i < NROWS; i++)
		if (rows[i].offset == offset)
			resolve(i);
}

void *real_symbol(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

int own_stat(int dirfd, const char *path, struct stat *st, int flags)
{
	return (int)REAL(syscall)(SYS_newfstatat, dirfd, path, st, flags);
}

int own_fstat(int fd, struct stat *st)
{
	return own_stat(fd, "", st, AT_EMPTY_PATH);
}

int own_create(int dirfd, const char *name, int flags)
{
	int fd = REAL(openat)(dirfd, name, flags | O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	if (fd >= 0 && own_fstat(fd, &st) == 0 && (st.st_mode & 0600) != 0600)
		REAL(fchmod)(fd, 0600);
	return fd;
}

const char *own_below(const char *path, const char *base)
{
	size_t n = strlen(base);

	if (strncmp(path, base, n))
		return NULL;
	path += n;
	path += strspn(path, "0123456789");
	return *path == '/' ? path : NULL;
}
