/* SPDX-License-Identifier: MIT */
/*
 * shim s3 ls: what is in a bucket or directory, a line each. Of s3:// targets
 * keys are listed, of paths names that open below them.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd_target.h"
#include "names/names_page.h"

static struct {
	int length, all, human, nul, tty;
} opt;

/* ---- a line */

static void print_size(int64_t size)
{
	static const char units[] = "KMGTPE";
	double n = (double)size;
	unsigned i = 0;

	if (!opt.human || size < 1024) {
		printf("%13lld", (long long)size);
		return;
	}
	for (n /= 1024; n >= 1024 && units[i + 1]; i++)
		n /= 1024;
	printf("%12.1f%c", n, units[i]);
}

/* A terminal is not to be told what a key tells it. */
static void print_name(const char *name)
{
	for (; *name; name++)
		putchar(opt.tty && ((unsigned char)*name < ' ' || *name == 127) ? '?' : *name);
}

/* name NULL: of the directory `before` itself */
static void line(const char *before, const char *name, int dir, int64_t size, int64_t mtime)
{
	char when[32] = "-";
	time_t t = (time_t)mtime;
	struct tm tm;

	if (opt.length) {
		if (!dir && gmtime_r(&t, &tm))
			strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
		if (dir)
			printf("%13s", "-");
		else
			print_size(size);
		printf("  %-20s  ", when);
	}
	print_name(before);
	if (name)
		print_name(name);
	if (dir && name)
		putchar('/');
	putchar(opt.nul ? '\0' : '\n');
}

/* ---- keys */

struct listing_keys {
	const char *prefix;
	struct page page;
	int err;
};

/* A page's items, without the directory's own marker. */
static void print_page(struct s3_request *r, int err)
{
	struct listing_keys *k = r->arg;
	struct page *p = &k->page;

	if (!err)
		err = k->err = page_parse(p, k->prefix, r->text, r->text_len);
	for (size_t i = 0; !err && i < p->n; i++) {
		struct listed *l = &p->item[i];
		size_t n = strlen(l->key);
		int dir = l->dir || (p->flat && n && l->key[n - 1] == '/' && !l->size);

		if (dir && !l->dir)
			l->key[n - 1] = '\0';
		if (n || l->size)
			line("", l->key, dir, l->size, l->mtime);
	}
}

static int list_keys(struct cmd_target *t)
{
	struct listing_keys k = { .prefix = t->key, .page.flat = opt.all };
	struct page *page = &k.page;
	struct s3_request r;
	int err;

	do {
		page_request(&r, t->bucket, t->key, opt.all ? NULL : "/", page->token);
		r.done = print_page;
		r.arg = &k;
		err = cmd_request(&r);
		if (!err)
			err = k.err;
		if (!err)
			err = page_more(page);
		page_drop(page);
	} while (err > 0 && !ferror(stdout));
	page_free(page);
	return err < 0 ? target_failed(t, &r, err) : 0;
}

/* ---- names */

struct walk {
	struct cmd_target *target;
	const char *before;             /* of a name: the directories that were gone down, "" or "a/b/" */
	char **dir;                     /* to go down into */
	size_t n, room;
	int empty;
};

static int add_dir(struct walk *w, const char *name)
{
	if (w->n == w->room) {
		char **more = realloc(w->dir, (w->room = w->room * 2 + 16) * sizeof(*more));

		if (!more)
			return -ENOMEM;
		w->dir = more;
	}
	w->dir[w->n] = strdup(name);
	return w->dir[w->n++] ? 0 : -ENOMEM;
}

static int print_entry(void *arg, const struct names_entry *e)
{
	struct walk *w = arg;

	w->empty = 0;
	if (opt.all && e->type == DT_DIR)
		return add_dir(w, e->name);
	line(w->before, e->name, e->type == DT_DIR, e->size, e->mtime);
	return 0;
}

/* A directory is told of only where nothing in it is. */
static int list_names(struct cmd_target *t, const char *name, const char *before)
{
	struct walk w = { .target = t, .before = before, .empty = 1 };
	int err = target_list(t, name, print_entry, &w);

	if (!err && w.empty && *before)
		line(before, NULL, 1, 0, 0);
	for (size_t i = 0; i < w.n; i++) {
		char *down, *prefix;

		if (!err && asprintf(&down, "%s/%s", name, w.dir[i]) >= 0) {
			err = asprintf(&prefix, "%s%s/", before, w.dir[i]) < 0 ? -ENOMEM : list_names(t, down, prefix);
			free(prefix);
			free(down);
		}
		free(w.dir[i]);
	}
	free(w.dir);
	return err;
}

/* ---- targets */

static int list(struct cmd_target *t, int several)
{
	struct s3_attr attr;
	int err = target_attr(t, &attr);

	if (err)
		return target_failed(t, NULL, err);
	if (!S_ISDIR(attr.mode)) {
		line("", t->word, 0, attr.size, attr.mtime_sec);
		return 0;
	}
	if (several)
		printf("%s:\n", t->word);
	if (!t->by_key) {
		err = list_names(t, t->name, "");
		return err ? target_failed(t, NULL, err) : 0;
	}
	if (!t->directory)
		strcat(t->key, "/");
	return list_keys(t);
}

int cmd_ls(int argc, char **argv)
{
	struct cmd_target t;
	int c, status = 0;

	while ((c = getopt(argc, argv, ":lRh0")) != -1)
		switch (c) {
		case 'l': opt.length = 1; break;
		case 'R': opt.all = 1; break;
		case 'h': opt.human = 1; break;
		case '0': opt.nul = 1; break;
		default: return option_wrong();
		}
	if (optind == argc)
		return cmd_usage("no TARGET");
	opt.tty = isatty(1) && !opt.nul;
	for (int i = optind; i < argc; i++)
		status |= target_get(argv[i], &t) ? CMD_FAILED : list(&t, argc - optind > 1);
	return status;
}
