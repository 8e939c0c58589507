/* SPDX-License-Identifier: MIT */
/* Files that are to be copied into a bucket; see cmd_plan.h. */
#include "cmd_plan.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "names/names.h"

static void keep_dir(struct plan *p, const char *path)
{
	if (!task_options.move)
		return;
	if (p->dirs == p->dirs_room) {
		p->dirs_room = p->dirs_room * 2 + 16;
		p->dir = realloc(p->dir, p->dirs_room * sizeof(*p->dir));
		if (!p->dir)
			abort();
	}
	p->dir[p->dirs++] = plan_joined(path, "", "");
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void add_link(struct plan *p, const FTSENT *e, const char *name)
{
	struct task *t;

	if (!names_meta_object(p->to.t.bucket)) {
		plan_wrong(p, e->fts_path, "a symbolic link, left out: only meta=object keeps links");
		return;
	}
	t = plan_add(p, plan_here(e->fts_path, 0), name, NULL, 0);
	if (t)
		t->kind = TASK_LINK;
}

/* One without anything in it is kept by its marker. */
static void add_empty(struct plan *p, const FTSENT *e, const char *name)
{
	struct task *t = plan_add(p, plan_here(e->fts_path, 0), name, NULL, 0);
	size_t n = t ? strlen(t->to.name) : 0;

	if (!t)
		return;
	t->kind = TASK_DIR;
	if (!n || t->to.name[n - 1] == '/')
		return;
	t->to.name = realloc(t->to.name, n + 2);
	if (!t->to.name)
		abort();
	strcpy(t->to.name + n, "/");
}

static void add_entry(struct plan *p, FTSENT *e, const char *name)
{
	if (e->fts_info != FTS_DP && e->fts_parent)
		e->fts_parent->fts_number++;
	switch (e->fts_info) {
	case FTS_F:
		plan_add(p, plan_here(e->fts_path, 0), name, NULL, e->fts_statp->st_size);
		break;
	case FTS_SL: case FTS_SLNONE:
		add_link(p, e, name);
		break;
	case FTS_DP:
		if (!e->fts_number && *name)
			add_empty(p, e, name);
		keep_dir(p, e->fts_path);
		break;
	case FTS_DNR: case FTS_ERR: case FTS_NS:
		plan_wrong(p, e->fts_path, strerror(e->fts_errno));
		break;
	case FTS_DC:
		plan_wrong(p, e->fts_path, "a directory that is in itself");
		break;
	case FTS_DEFAULT:
		plan_wrong(p, e->fts_path, "neither a file nor a directory, left out");
		break;
	}
}

static int add_tree(struct plan *p, const char *word, const char *below)
{
	char *top[] = { (char *)word, NULL }, name[S3_NAME_MAX];
	FTS *fts = fts_open(top, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	size_t n = strlen(word);
	FTSENT *e;

	while (n > 1 && word[n - 1] == '/')
		n--;
	while (fts && (e = fts_read(fts))) {
		const char *rest = e->fts_path + (strlen(e->fts_path) > n ? n : strlen(e->fts_path));

		rest += strspn(rest, "/");
		if (snprintf(name, sizeof(name), "%s%s%s", below, *below && *rest ? "/" : "", rest) >= (int)sizeof(name))
			plan_wrong(p, e->fts_path, strerror(ENAMETOOLONG));
		else
			add_entry(p, e, name);
	}
	if (!fts)
		return plan_wrong(p, word, strerror(errno));
	fts_close(fts);
	return p->status;
}

int plan_files(struct plan *p, const char *word)
{
	char name[S3_NAME_MAX];
	struct stat st;

	if (p->to.local) {
		cmd_usage("neither \"%s\" nor \"%s\" is in a bucket: that is for cp(1)", word, p->to.word);
		return p->status = CMD_USAGE;
	}
	plan_name(word, name);
	if (!strcmp(word, "-")) {
		if (p->to.into)
			return plan_wrong(p, p->to.word, "is a directory; standard input needs a name");
		plan_add(p, plan_here(word, 1), "", NULL, -1);
		return p->status;
	}
	if (stat(word, &st) < 0)
		return plan_wrong(p, word, strerror(errno));
	if (S_ISDIR(st.st_mode) && !p->all)
		return plan_wrong(p, word, "is a directory; -r copies what is in it");
	if (S_ISDIR(st.st_mode))
		return add_tree(p, word, p->to.into ? name : "");
	plan_add(p, plan_here(word, strlen(word)), p->to.into ? name : "", NULL, S_ISREG(st.st_mode) ? st.st_size : -1);
	return p->status;
}
