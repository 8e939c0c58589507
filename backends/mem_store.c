/* SPDX-License-Identifier: MIT */
/* The stores of the mem back end; see mem_store.h. */
#include "mem_store.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/quiet.h"
#include "base/real.h"

void mem_store_root(char root[MEM_ROOT_MAX], const char *name)
{
	snprintf(root, MEM_ROOT_MAX, "/dev/shm/shim-mem-%u/%s/files", (unsigned)geteuid(),
		 *name ? name : "default");
}

int mem_store_make(const char *root)
{
	char path[MEM_ROOT_MAX];
	int r;

	for (int up = 2; up >= 1; up--) {
		strcpy(path, root);
		for (int i = 0; i < up; i++)
			*strrchr(path, '/') = 0;
		r = private_directory(path);
		if (r < 0)
			return r;
	}
	if (REAL(mkdir)(root, 0755) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

struct mem_control *mem_store_map(const char *root, int *error)
{
	char path[MEM_ROOT_MAX + 8];

	strcpy(path, root);
	strcpy(strrchr(path, '/'), "/control");
	return private_map(path, sizeof(struct mem_control), error);
}

/* One entry of getdents64(2). */
struct entry {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

static int count_directory(int dir, uint64_t *used);

static int count_entry(int dir, const char *name, uint64_t *used)
{
	struct stat st;
	int sub, r;

	if (!strcmp(name, ".") || !strcmp(name, "..") ||
	    own_stat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;       /* gone meanwhile */
	*used += (uint64_t)st.st_blocks * 512 / (st.st_nlink ? st.st_nlink : 1);
	if (!S_ISDIR(st.st_mode))
		return 0;
	sub = REAL(openat)(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0)
		return errno == ENOENT ? 0 : -errno;
	r = count_directory(sub, used);
	REAL(close)(sub);
	return r;
}

static int count_directory(int dir, uint64_t *used)
{
	_Alignas(struct entry) char buf[1024];
	long n;

	while ((n = REAL(syscall)(SYS_getdents64, dir, buf, sizeof(buf))) > 0)
		for (long i = 0; i < n;) {
			const struct entry *e = (const struct entry *)(buf + i);
			int r = count_entry(dir, e->name, used);

			if (r < 0)
				return r;
			i += e->len;
		}
	return n < 0 ? -errno : 0;
}

int mem_store_count(const char *root, uint64_t *used)
{
	struct quiet q;
	int dir, r;

	*used = 0;
	quiet_begin(&q);
	dir = REAL(openat)(AT_FDCWD, root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? -errno : count_directory(dir, used);
	if (dir >= 0)
		REAL(close)(dir);
	quiet_end(&q);
	return r;
}
