/* SPDX-License-Identifier: MIT */
/* Where objects are fetched to; see cmd_fetch.h. */
#include "cmd_fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "names/names.h"

int fetch_open_dir(const struct task_end *e, char base[NAME_MAX + 1])
{
	char top[PATH_MAX];
	const char *s = e->name + e->trusted, *slash;
	int dir, below;

	if (e->trusted >= sizeof(top))
		return -ENAMETOOLONG;
	snprintf(top, sizeof(top), "%.*s", (int)e->trusted, e->name);
	dir = open(*top ? top : ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	for (; dir >= 0 && (slash = strchr(s, '/')); s = slash + 1) {
		if (slash == s)
			continue;
		if (slash - s > NAME_MAX)
			break;
		snprintf(base, NAME_MAX + 1, "%.*s", (int)(slash - s), s);
		if (mkdirat(dir, base, 0777) < 0 && errno != EEXIST)
			below = -1;
		else
			below = openat(dir, base, O_DIRECTORY | O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (below < 0) {
			int err = -errno;

			close(dir);
			return err;
		}
		close(dir);
		dir = below;
	}
	if (dir < 0)
		return -errno;
	if (strlen(s) > NAME_MAX || strchr(s, '/')) {
		close(dir);
		return -ENAMETOOLONG;
	}
	strcpy(base, s);
	return dir;
}

int fetch_make_dir(struct fetch *f)
{
	struct stat st;

	if (mkdirat(f->dir, f->base, 0777) == 0)
		return 0;
	if (errno == EEXIST && fstatat(f->dir, f->base, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return -errno;
}

static void name_temp(struct fetch *f)
{
	static unsigned long n;

	snprintf(f->temp, sizeof(f->temp), ".shim-cp-%d-%lu", (int)getpid(), ++n);
}

int fetch_open_target(struct fetch *f)
{
	struct stat st;

	if (fstatat(f->dir, f->base, &st, 0) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) {
		f->stream = 1;
		f->fd = openat(f->dir, f->base, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		return f->fd < 0 ? -errno : 0;
	}
	name_temp(f);
	f->fd = openat(f->dir, f->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (f->fd >= 0)
		return 0;
	*f->temp = 0;
	return -errno;
}

int fetch_place(struct fetch *f)
{
	int r = renameat2(f->dir, f->temp, f->dir, f->base, task_options.if_absent ? RENAME_NOREPLACE : 0);

	if (r < 0)
		return -errno;
	*f->temp = 0;
	if (task_options.move)
		fsync(f->dir);
	return 0;
}

int fetch_place_link(struct fetch *f)
{
	unlinkat(f->dir, f->temp, 0);
	f->link[f->link_len] = 0;
	return symlinkat(f->link, f->dir, f->temp) < 0 ? -errno : fetch_place(f);
}

int fetch_set_attributes(struct fetch *f)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = f->attr.mtime_sec, .tv_nsec = f->attr.mtime_nsec } };
	struct stat st;

	if (names_meta_object(f->t->from.b))
		fchmod(f->fd, f->attr.mode & 0777);
	else if (fstatat(f->dir, f->base, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
		fchmod(f->fd, st.st_mode & 07777);
	futimens(f->fd, times);
	return task_options.move && fsync(f->fd) < 0 ? -errno : 0;
}
