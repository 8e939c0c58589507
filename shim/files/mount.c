/* SPDX-License-Identifier: MIT */
/* The rules as mounts; see mount.h. */
#include "mount.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "fdtab.h"
#include "pin.h"
#include "base/quiet.h"
#include "base/real.h"

struct mount mount_none = { .be = &be_posix };
unsigned mounts_count;
int mounts_redirect;
int mounts_pin, mounts_shrink, mounts_task, mounts_wrote, mounts_above;
int objects_on;

struct mount *mounts;

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
		const char *names[] = { m->prefix, m->rule->prefix, m->root };
		size_t lens[] = { m->prefixlen, strlen(m->rule->prefix), m->be->object ? 0 : m->rootlen };

		for (int i = 0; i < 3; i++) {
			size_t len = lens[i];
			const char *r = after(path, names[i], len);

			if (r && len >= most) {
				best = m, *rel = r, *in_root = i == 2;
				most = len;
			}
		}
	}
	return best;
}

/* What follows `path`, its proper ancestor, in the prefix of a mount that redirects. */
static const char *below(const struct mount *m, const char *path, size_t len)
{
	return m->rootlen && m->prefixlen > len ? after(m->prefix, path, len) : NULL;
}

int mount_is_ancestor(const char *path)
{
	size_t len = strlen(path);

	for (struct mount *m = mounts; m < mounts + mounts_count; m++)
		if (below(m, path, len))
			return 1;
	return 0;
}

size_t mount_child(const char *dir, unsigned *i, const char **name)
{
	size_t len = strlen(dir);

	while (*i < mounts_count) {
		const char *rest = below(&mounts[(*i)++], dir, len);

		if (rest) {
			*name = rest + 1;
			return strcspn(*name, "/");
		}
	}
	return 0;
}

const struct mount *mount_below(const char *path)
{
	size_t len = strlen(path);

	for (struct mount *m = mounts; m < mounts + mounts_count; m++)
		if (len > m->on_disk && below(m, path, len))
			return m;
	return NULL;
}

/*
 * The prefix as a walk arrives at it: what exists of it with its links
 * resolved, and the rest as it stands.
 */
static void resolve_prefix(struct mount *m)
{
	char head[CONF_PATH_MAX], real_head[PATH_MAX], *slash;
	const char *rest;

	strcpy(m->prefix, m->rule->prefix);
	strcpy(head, m->prefix);
	while (*head && !REAL(realpath)(head, real_head)) {
		slash = strrchr(head, '/');
		*slash = 0;
	}
	rest = m->rule->prefix + strlen(head);
	if (!*head || strlen(real_head) + strlen(rest) >= sizeof(m->prefix))
		return;
	strcpy(m->prefix, real_head[1] ? real_head : *rest ? "" : "/");
	m->on_disk = strlen(m->prefix);
	strcat(m->prefix, rest);
}

static int mount_one(struct mount *m, const struct conf_rule *rule, unsigned id)
{
	m->rule = rule;
	m->be = backend_find(rule->be->name);
	m->id = id;
	m->flags = m->be->flags;
	resolve_prefix(m);
	m->prefixlen = strlen(m->prefix);
	if (rule->be->target == BE_TARGET_DIR && strcmp(rule->target, rule->prefix))
		strcpy(m->root, rule->target);
	if (m->be->mount) {
		int r = m->be->mount(m);

		if (r < 0)
			return r;
	}
	if (m->be->object) {
		/* names there are the back end's; the kernel finds none below a device */
		strcpy(m->root, "/dev/null");
		m->flags |= BE_PIN;
		objects_on = 1;
	}
	m->rootlen = strlen(m->root);
	mounts_redirect |= m->rootlen != 0;
	mounts_above |= m->rootlen && m->on_disk < m->prefixlen &&
			strchr(m->prefix + m->on_disk + 1, '/') != NULL;
	mounts_pin |= m->flags & BE_PIN;
	mounts_shrink |= m->flags & BE_SHRINK;
	mounts_task |= m->flags & BE_TASK;
	mounts_wrote |= m->flags & BE_WROTE;
	if (m->flags & BE_PIN)
		pin_init();
	return 0;
}

/* Says to whom truncations of each mount's files matter. */
static void appoint(void)
{
	struct mount *all = NULL;

	for (struct mount *m = mounts; m < mounts + mounts_count; m++)
		if (m->flags & BE_SHRINK_ALL)
			all = m;
	for (struct mount *m = mounts; m < mounts + mounts_count; m++)
		m->shrink = m->flags & BE_SHRINK ? m : all;
	mount_none.shrink = all;
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
	appoint();
	return 0;
}

int mount_start(struct mount *m)
{
	struct quiet q;
	pid_t pid;
	int r;

	if (!m->be->start)
		return 0;
	pid = fdtab_owner();
	if (atomic_load_explicit(&m->started, memory_order_acquire) == pid)
		return 0;
	quiet_begin(&q);
	r = m->be->start(m);
	quiet_end(&q);
	if (r >= 0)
		atomic_store_explicit(&m->started, pid, memory_order_release);
	return r;
}
