/* SPDX-License-Identifier: MIT */
/*
 * shim mem: the stores of the mem back end as what they are, directories on
 * tmpfs: /dev/shm/shim-mem-EUID/NAME/files holds the tree of a store.
 */
#include "tool.h"

#include <errno.h>
#include <fts.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "conf/conf_text.h"

struct totals {
	unsigned long long files, bytes, used;   /* `used`: memory, holes left out */
};

static char *base;                               /* /dev/shm/shim-mem-EUID */

/* ---- finding stores */

/* 0 if there is no store at all. Dies if the directory is not ours alone. */
static int find_base(void)
{
	struct stat st;

	base = format_text("/dev/shm/shim-mem-%u", (unsigned)geteuid());
	if (lstat(base, &st)) {
		if (errno == ENOENT)
			return 0;
		die(1, "%s: %m", base);
	}
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077)
		die(1, "%s: refused: it is not a directory that only you can enter", base);
	return 1;
}

static int is_store(const char *name)
{
	char *path = format_text("%s/%s/files", base, name);
	struct stat st;
	int found = text_is_name(name) && !lstat(path, &st) && S_ISDIR(st.st_mode);

	free(path);
	return found;
}

/* The tree of a store; dies if there is none of that name. */
static char *store_files(const char *name)
{
	if (!text_is_name(name))
		die(EXIT_USAGE, "\"%s\" is not the name of a store", name);
	if (!find_base() || !is_store(name))
		die(1, "no store \"%s\"; shim mem ls lists them", name);
	return format_text("%s/%s/files", base, name);
}

/* ---- walking */

static FTS *walk(char *root)
{
	FTS *fts = fts_open((char *[]){ root, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, NULL);

	if (!fts)
		die(1, "%s: %m", root);
	return fts;
}

static struct totals add_up(char *root)
{
	struct totals t = { 0 };
	FTS *fts = walk(root);
	FTSENT *e;

	while ((e = fts_read(fts))) {
		nlink_t links;

		if (e->fts_info == FTS_DP || e->fts_level == 0 || !e->fts_statp)
			continue;
		links = e->fts_statp->st_nlink && e->fts_info == FTS_F ? e->fts_statp->st_nlink : 1;
		t.used += (unsigned long long)e->fts_statp->st_blocks * 512 / links;
		if (e->fts_info != FTS_D) {
			t.files++;
			t.bytes += (unsigned long long)e->fts_statp->st_size / links;
		}
	}
	fts_close(fts);
	return t;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Calls each(name, path of its tree) for every store, by name. */
static void each_store(void (*each)(const char *name, char *root))
{
	FTS *fts = fts_open((char *[]){ base, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *e;

	if (!fts)
		die(1, "%s: %m", base);
	while ((e = fts_read(fts))) {
		if (e->fts_level != 1 || e->fts_info != FTS_D)
			continue;
		fts_set(fts, e, FTS_SKIP);
		if (is_store(e->fts_name)) {
			char *root = format_text("%s/%s/files", base, e->fts_name);

			each(e->fts_name, root);
			free(root);
		}
	}
	fts_close(fts);
}

/* ---- ls */

/* A name may hold anything; a line of the list is one file. */
static void print_name(const char *name)
{
	for (; *name; name++)
		putchar((unsigned char)*name < ' ' || *name == 0x7f ? '?' : *name);
}

static void print_entry(const FTSENT *e, size_t skip)
{
	char target[4096];
	ssize_t n;

	printf("%15lld  ", e->fts_info == FTS_D ? 0LL : (long long)e->fts_statp->st_size);
	print_name(e->fts_path + skip);
	if (e->fts_info == FTS_D)
		putchar('/');
	if (S_ISLNK(e->fts_statp->st_mode)) {
		n = readlink(e->fts_path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		fputs(" -> ", stdout);
		print_name(target);
	}
	putchar('\n');
}

static int list_tree(const char *name)
{
	char *root = store_files(name);
	FTS *fts = fts_open((char *[]){ root, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *e;

	if (!fts)
		die(1, "%s: %m", root);
	while ((e = fts_read(fts)))
		if (e->fts_level > 0 && e->fts_info != FTS_DP && e->fts_statp)
			print_entry(e, strlen(root) + 1);
	fts_close(fts);
	return 0;
}

static void list_store(const char *name, char *root)
{
	struct totals t = add_up(root);

	printf("%8llu %15llu  %s\n", t.files, t.bytes, name);
}

static int mem_ls(int argc, char **argv)
{
	if (argc > 2)
		usage_error("unexpected \"%s\"", argv[2]);
	if (argc == 2)
		return list_tree(argv[1]);
	if (!find_base())
		return 0;
	printf("%8s %15s  %s\n", "FILES", "BYTES", "STORE");
	each_store(list_store);
	return 0;
}

/* ---- rm */

static int remove_tree(char *root)
{
	FTS *fts = walk(root);
	FTSENT *e;
	int failed = 0;

	while ((e = fts_read(fts))) {
		if (e->fts_info == FTS_D)
			continue;
		if (remove(e->fts_path)) {
			warn("%s: %m", e->fts_path);
			failed = 1;
		}
	}
	fts_close(fts);
	return failed;
}

static int has_dots(const char *path)
{
	for (const char *p = path; *p; p += strcspn(p, "/"), p += *p == '/')
		if (strcspn(p, "/") == 2 && p[0] == '.' && p[1] == '.')
			return 1;
	return 0;
}

/* Whether a directory on the way is a symbolic link, and so leads elsewhere. */
static int leads_away(const char *root, const char *path)
{
	char *copy = format_text("%s/%s", root, path);
	struct stat st;
	int away = 0;

	for (char *p = copy + strlen(root) + 1; !away && (p = strchr(p, '/')); p++) {
		*p = '\0';
		away = !lstat(copy, &st) && S_ISLNK(st.st_mode);
		*p = '/';
	}
	free(copy);
	return away;
}

/* NAME, NAME/ or NAME/PATH. */
static int remove_one(const char *arg, int force)
{
	char *name = format_text("%.*s", (int)strcspn(arg, "/"), arg), *root, *what;
	const char *path = arg + strlen(name);
	struct stat st;

	path += strspn(path, "/");
	if (!text_is_name(name) || has_dots(path))
		die(EXIT_USAGE, "\"%s\" is not NAME or NAME/PATH of a store", arg);
	root = format_text("%s/%s/files", base, name);
	what = *path ? format_text("%s/%s", root, path) : format_text("%s/%s", base, name);
	if (leads_away(root, path)) {
		warn("%s: there is a symbolic link on the way", arg);
		return 1;
	}
	if (lstat(what, &st)) {
		if (errno == ENOENT && force)
			return 0;
		warn("%s: %m", arg);
		return 1;
	}
	return remove_tree(what);
}

static int mem_rm(int argc, char **argv)
{
	int force = 0, failed = 0, opt;

	argv[0] = (char *)"shim mem rm";
	while ((opt = getopt(argc, argv, "f")) != -1) {
		if (opt != 'f')
			return EXIT_USAGE;
		force = 1;
	}
	if (optind == argc)
		usage_error("rm: which store?");
	if (!find_base() && force)
		return 0;
	for (; optind < argc; optind++)
		failed |= remove_one(argv[optind], force);
	return failed;
}

/* ---- df */

static void print_usage(const char *name, char *root)
{
	struct totals t = add_up(root);

	printf("%8llu %15llu %15llu  %s\n", t.files, t.bytes, t.used, name);
}

static int mem_df(int argc, char **argv)
{
	struct statvfs fs;

	if (argc > 2)
		usage_error("unexpected \"%s\"", argv[2]);
	if (statvfs("/dev/shm", &fs))
		die(1, "/dev/shm: %m");
	printf("%8s %15s %15s  %s\n", "FILES", "BYTES", "MEMORY", "STORE");
	if (argc == 2)
		print_usage(argv[1], store_files(argv[1]));
	else if (find_base())
		each_store(print_usage);
	printf("%8s %15s %15llu  free in /dev/shm, of %llu\n", "", "",
	       (unsigned long long)fs.f_bavail * fs.f_frsize,
	       (unsigned long long)fs.f_blocks * fs.f_frsize);
	return 0;
}

int cmd_mem(int argc, char **argv)
{
	if (argc < 2)
		usage_error("ls, rm or df?");
	if (!strcmp(argv[1], "ls"))
		return mem_ls(argc - 1, argv + 1);
	if (!strcmp(argv[1], "rm"))
		return mem_rm(argc - 1, argv + 1);
	if (!strcmp(argv[1], "df"))
		return mem_df(argc - 1, argv + 1);
	usage_error("mem has no \"%s\"", argv[1]);
}
