/* SPDX-License-Identifier: MIT */
/* Which segments a sub-command means: by tree, process or directory; see segment.h. */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "tool.h"

int stats_dir_open(char *path, size_t size)
{
	static struct conf c;
	char error[CONF_ERROR_MAX];

	tree_default_dir(path, size);
	/* a configuration in error has no directory, and does not concern us here */
	if (conf_load(&c, environ, error) == 0) {
		if (c.stats == CONF_STATS_DIR)
			snprintf(path, size, "%s", c.stats_dir);
		conf_free(&c);
	}
	return tree_open_dir(path, 0);
}

struct newest {
	int dir;
	struct timespec when;
	char name[TREE_NAME_MAX];
};

static int note_newest(const char *name, void *arg)
{
	struct newest *n = arg;
	struct stat st;

	if (!tree_name_valid(name) || fstatat(n->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISDIR(st.st_mode))
		return 0;
	if (n->name[0] && (st.st_mtim.tv_sec < n->when.tv_sec ||
			   (st.st_mtim.tv_sec == n->when.tv_sec &&
			    st.st_mtim.tv_nsec < n->when.tv_nsec)))
		return 0;
	n->when = st.st_mtim;
	strcpy(n->name, name);
	return 0;
}

int newest_tree(int dir, char name[TREE_NAME_MAX])
{
	struct newest n = { .dir = dir };

	tree_each(dir, note_newest, &n);
	strcpy(name, n.name);
	return name[0] != 0;
}

static int load_tree(struct stats_set *set, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int n;

	if (fd < 0)
		return -errno;
	snprintf(set->tree, sizeof(set->tree), "%s", name);
	n = stats_set_add(set, fd, 0);
	close(fd);
	return n ? 0 : -ENOENT;
}

static int load_newest(struct stats_set *set, int dir)
{
	char name[TREE_NAME_MAX];

	return newest_tree(dir, name) ? load_tree(set, dir, name) : -ENOENT;
}

/* A tree's own directory, or one of trees. */
static int load_directory(struct stats_set *set, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	snprintf(set->tree, sizeof(set->tree), "%s", path);
	if (!stats_set_add(set, fd, 0))
		r = load_newest(set, fd);
	close(fd);
	return r;
}

struct of_process {
	struct stats_set *set;
	int dir;
	pid_t pid;
};

static int add_of_process(const char *name, void *arg)
{
	struct of_process *p = arg;
	int fd;

	if (!tree_name_valid(name))
		return 0;
	fd = openat(p->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (stats_set_add(p->set, fd, p->pid))
		snprintf(p->set->tree, sizeof(p->set->tree), "%s", name);
	close(fd);
	return 0;
}

static int load_process(struct stats_set *set, int dir, const char *digits)
{
	long pid = strtol(digits, NULL, 10);
	struct of_process p = { set, dir, (pid_t)pid };

	if (pid <= 0 || pid > INT_MAX)
		return -ENOENT;
	tree_each(dir, add_of_process, &p);
	return set->nsegments ? 0 : -ENOENT;
}

int stats_set_load(struct stats_set *set, const char *what)
{
	char path[CONF_PATH_MAX];
	int dir, r;

	memset(set, 0, sizeof(*set));
	if (what && strchr(what, '/'))
		return load_directory(set, what);
	dir = stats_dir_open(path, sizeof(path));
	if (dir < 0)
		return dir;
	r = what ? load_tree(set, dir, what) : load_newest(set, dir);
	if (r < 0 && what && !what[strspn(what, "0123456789")])
		r = load_process(set, dir, what);
	close(dir);
	return r;
}
