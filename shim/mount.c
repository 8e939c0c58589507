/* SPDX-License-Identifier: MIT */
/* The rules as mounts; see mount.h. */
#include "mount.h"

#include <errno.h>
#include <string.h>

#include "pin.h"
#include "real.h"

struct mount mount_none = { .be = &be_posix };
unsigned mounts_count;
int mounts_redirect;

static struct mount *mounts;

/* What follows the prefix in path ("" or "/..."), NULL if it does not match. */
static const char *after(const char *path, const char *prefix, size_t len)
{
	if (len == 1 && *prefix == '/')
		return path[1] ? path : path + 1;
	if (!len || strncmp(path, prefix, len) || (path[len] && path[len] != '/'))
		return NULL;
	return path + len;
}

struct mount *mount_find(const char *path, const char **rel, int *in_root)
{
	struct mount *best = &mount_none;
	size_t most = 0;

	*rel = path;
	*in_root = 0;
	for (struct mount *m = mounts; m < mounts + mounts_count; m++) {
		const char *r = after(path, m->rule->prefix, m->prefixlen);

		if (r && m->prefixlen >= most) {
			best = m, *rel = r, *in_root = 0;
			most = m->prefixlen;
		}
		r = after(path, m->root, m->rootlen);
		if (r && m->rootlen >= most) {
			best = m, *rel = r, *in_root = 1;
			most = m->rootlen;
		}
	}
	return best;
}

int mount_is_ancestor(const char *path)
{
	size_t len = strlen(path);

	for (struct mount *m = mounts; m < mounts + mounts_count; m++)
		if (m->rootlen && m->prefixlen > len &&
		    after(m->rule->prefix, path, len))
			return 1;
	return 0;
}

static int mount_one(struct mount *m, const struct conf_rule *rule, unsigned id)
{
	m->rule = rule;
	m->be = backend_find(rule->be->name);
	m->id = id;
	m->flags = m->be->flags;
	m->prefixlen = strlen(rule->prefix);
	if (rule->be->target == BE_TARGET_DIR && strcmp(rule->target, rule->prefix))
		strcpy(m->root, rule->target);
	if (m->be->mount) {
		int r = m->be->mount(m);

		if (r < 0)
			return r;
	}
	m->rootlen = strlen(m->root);
	mounts_redirect |= m->rootlen != 0;
	if (m->flags & BE_PIN)
		pin_init();
	return 0;
}

int mounts_init(const struct conf *c, const struct conf_rule **bad)
{
	if (!c->nrules)
		return 0;
	mounts = REAL(mmap)(NULL, c->nrules * sizeof(*mounts), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mounts == MAP_FAILED)
		return -errno;
	for (unsigned i = 0; i < c->nrules; i++) {
		int r = mount_one(&mounts[i], &c->rules[i], i + 1);

		*bad = &c->rules[i];
		if (r < 0)
			return r;
	}
	mounts_count = c->nrules;
	return 0;
}

int mount_start(struct mount *m)
{
	pid_t pid;
	int r;

	if (!m->be->start)
		return 0;
	pid = getpid();
	if (atomic_load_explicit(&m->started, memory_order_acquire) == pid)
		return 0;
	r = m->be->start(m);
	if (r >= 0)
		atomic_store_explicit(&m->started, pid, memory_order_release);
	return r;
}
