/* SPDX-License-Identifier: MIT */
/*
 * One INI file: opened with suspicion, read whole, split by libinih. The
 * lines are handed to libinih one by one by a reader of ours, because it
 * tells its handler no line numbers, cuts section names at 49 bytes and takes
 * indented lines for continuations. It is run twice over the text, first for
 * the sections and their targets, then for the keys that depend on them, so
 * that the keys of a section may stand in any order.
 */
#include "conf.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "conf_parse.h"
#include "conf_text.h"
#include "base/real.h"

#define FILE_BYTES_MAX (1 << 20)
#define LINE_BYTES (2 * CONF_PATH_MAX)

/* Debian's libinih reads its line length here, others have it compiled in. */
extern int ini_max_line __attribute__((weak));

enum section { IN_NONE, IN_SHIM, IN_RULE };

struct reader {
	struct conf *c;
	const char *path, *name;       /* for messages; the last component */
	struct conf_text text;         /* what is not read yet */
	unsigned line;
	int pass;                      /* 0: sections and targets; 1: every other key */
	int failed;
	enum section section;
	struct conf_rule *rule;        /* of the section, IN_RULE */
	unsigned first, next;          /* the file's first rule; the next section's */
	unsigned stats_line;
	unsigned long long seen[CONF_RULES_MAX]; /* options, by rule */
	char where[512];
	struct conf_at at;
};

/* ---- sections */

static int end_section(struct reader *r)
{
	if (r->pass == 0 && r->section == IN_RULE && !r->rule->be) {
		r->at.where = r->rule->where;
		return conf_fail(&r->at, "missing target in [%.200s] (target = uring:)",
				 r->rule->prefix);
	}
	return 0;
}

static int begin_rule(struct reader *r, struct conf_text prefix)
{
	if (r->pass == 1) {
		r->rule = &r->c->rules[r->next++];
		return 0;
	}
	r->rule = conf_new_rule(&r->at, r->c);
	if (!r->rule || conf_set_prefix(&r->at, r->rule, prefix) ||
	    conf_check_twice(&r->at, r->c, r->first, r->rule))
		return -EINVAL;
	snprintf(r->rule->where, sizeof(r->rule->where), "%s:%u",
		 strlen(r->path) < 50 ? r->path : r->name, r->line);
	r->c->nrules++;
	return 0;
}

static int begin_section(struct reader *r, struct conf_text name)
{
	if (end_section(r))
		return -EINVAL;
	if (name.n == 4 && !memcmp(name.s, "shim", 4)) {
		r->section = IN_SHIM;
		return 0;
	}
	if (!name.n || name.s[0] != '/')
		return conf_fail(&r->at, "unknown section [%.*s] (an absolute prefix, or shim)",
				 (int)(name.n < 200 ? name.n : 200), name.s);
	r->section = IN_RULE;
	return begin_rule(r, name);
}

/* ---- keys */

static int shim_key(struct reader *r, const char *key, const char *value)
{
	if (strcmp(key, "stats"))
		return conf_fail(&r->at, "unknown key \"%.60s\" of [shim]%s", key,
				 conf_hint(key, "stats"));
	if (r->pass == 1)
		return 0;
	if (r->stats_line)
		return conf_fail(&r->at, "key \"stats\" is given twice (first in line %u)",
				 r->stats_line);
	r->stats_line = r->line;
	return conf_set_stats(&r->at, r->c, value);
}

static int rule_key(struct reader *r, const char *key, const char *value)
{
	struct conf_text text = { value, strlen(value) };
	unsigned long long *seen = &r->seen[r->rule - r->c->rules];
	int is_target = !strcmp(key, "target");

	if (r->pass == 1)
		return is_target ? 0 : conf_set_option(&r->at, r->rule, key, text, seen);
	if (is_target && r->rule->be)
		return conf_fail(&r->at, "key \"target\" is given twice");
	if (is_target)
		return conf_set_target(&r->at, r->rule, text, seen);
	if (!r->rule->be && text_index(key, conf_all_keys()) < 0)
		return conf_fail(&r->at, "unknown key \"%.60s\"%s", key,
				 conf_hint(key, conf_all_keys()));
	return 0;
}

static int handle_key(void *user, const char *section, const char *key, const char *value)
{
	struct reader *r = user;
	int err;

	(void)section;
	if (r->failed)
		return 0;
	if (r->section == IN_NONE)
		err = conf_fail(&r->at, "key \"%.60s\" before the first [section]", key);
	else if (r->section == IN_SHIM)
		err = shim_key(r, key, value);
	else
		err = rule_key(r, key, value);
	r->failed = err != 0;
	return !err;
}

/* ---- lines */

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct conf_text next_line(struct reader *r)
{
	struct conf_text line = conf_split(&r->text, '\n');

	r->line++;
	snprintf(r->where, sizeof(r->where), "%s:%u",
		 strlen(r->path) < sizeof(r->where) - 16 ? r->path : r->name, r->line);
	if (r->line == 1 && line.n >= 3 && !memcmp(line.s, "\xEF\xBB\xBF", 3)) {
		line.s += 3;
		line.n -= 3;
	}
	while (line.n && is_blank(line.s[line.n - 1]))
		line.n--;
	while (line.n && is_blank(*line.s)) {
		line.s++;
		line.n--;
	}
	return line;
}

/* What is on a section's line, which begins with [. */
static int section_line(struct reader *r, struct conf_text line)
{
	const char *end = memchr(line.s, ']', line.n), *s;
	size_t n;

	if (!end)
		return conf_fail(&r->at, "section without its closing ]");
	for (s = end + 1; s < line.s + line.n && is_blank(*s); s++)
		;
	n = (size_t)(line.s + line.n - s);
	if (n && *s != ';' && *s != '#')
		return conf_fail(&r->at, "unexpected \"%.*s\" after the section's ]", (int)(n < 60 ? n : 60), s);
	return begin_section(r, (struct conf_text){ line.s + 1, (size_t)(end - line.s - 1) });
}

static int copy_line(struct reader *r, char *str, int num, struct conf_text line)
{
	if (memchr(line.s, '\0', line.n))
		return conf_fail(&r->at, "not text: the line has a NUL byte");
	if (line.n && strchr(";#", *line.s))
		line.n = 0;
	if (line.n && *line.s == '[') {
		if (section_line(r, line))
			return -EINVAL;
		line.n = 0;
	}
	if (line.n + 2 > (size_t)num)
		return conf_fail(&r->at, "line longer than %d bytes", num - 2);
	snprintf(str, (size_t)num, "%.*s\n", (int)line.n, line.s);
	return 0;
}

/* Called by libinih in the place of fgets. */
static char *read_line(char *str, int num, void *stream)
{
	struct reader *r = stream;

	if (r->failed || !r->text.n)
		return NULL;
	if (copy_line(r, str, num, next_line(r))) {
		r->failed = 1;
		return NULL;
	}
	return str;
}

static int run_pass(struct reader *r, struct conf_text text, int pass)
{
	int bad;

	r->pass = pass;
	r->text = text;
	r->line = 0;
	r->section = IN_NONE;
	r->next = r->first;
	bad = ini_parse_stream(read_line, r, handle_key, r);
	if (r->failed || end_section(r))
		return -EINVAL;
	if (bad) {
		snprintf(r->where, sizeof(r->where), "%.480s:%d", r->path, bad);
		return conf_fail(&r->at, "neither [section], key = value nor # comment");
	}
	return 0;
}

static int parse(struct conf *c, const char *path, struct conf_text text, char *error)
{
	const char *slash = strrchr(path, '/');
	struct reader r = { .c = c, .path = path, .name = slash ? slash + 1 : path,
			    .first = c->nrules };
	int saved = 0, err;

	r.at = (struct conf_at){ r.where, error };
	if (&ini_max_line) {
		saved = ini_max_line;
		ini_max_line = LINE_BYTES;
	}
	err = run_pass(&r, text, 0) || run_pass(&r, text, 1);
	if (&ini_max_line)
		ini_max_line = saved;
	if (err) {
		c->nrules = r.first;
		return -EINVAL;
	}
	conf_replace(c, r.first);
	return 0;
}

/* ---- the file itself */

/* A directory where anyone may replace our file by another of ours. */
static int check_parent(const struct conf_at *at, const char *path)
{
	char dir[CONF_PATH_MAX];
	struct stat st;
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] != '/')
		n--;
	snprintf(dir, sizeof(dir), "%.*s", (int)n, path);
	if (own_stat(AT_FDCWD, dir, &st, 0))
		return conf_fail(at, "refused: %s: %s", dir, strerrordesc_np(errno));
	if ((st.st_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH)
		return conf_fail(at, "refused: anyone may write to its directory (chmod o-w %.300s)",
				 dir);
	return 0;
}

static int check_file(const struct conf_at *at, const char *path, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return conf_fail(at, "refused: not a regular file");
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return conf_fail(at, "refused: it belongs to user %u, neither root nor you (%u)",
				 st->st_uid, geteuid());
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return conf_fail(at, "refused: others may write to it (chmod go-w %.300s)", path);
	if (st->st_size > FILE_BYTES_MAX)
		return conf_fail(at, "refused: larger than %d bytes", FILE_BYTES_MAX);
	return check_parent(at, path);
}

static int read_all(const struct conf_at *at, int fd, char *buf, size_t *n)
{
	for (*n = 0; *n < FILE_BYTES_MAX;) {
		ssize_t got = REAL(read)(fd, buf + *n, FILE_BYTES_MAX - *n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return conf_fail(at, "cannot read: %s", strerrordesc_np(errno));
		if (got == 0)
			break;
		*n += (size_t)got;
	}
	return 0;
}

static int load_file(struct conf *c, const struct conf_at *at, int fd)
{
	struct conf_text text = { 0 };
	struct stat st;
	char *buf;
	int err;

	if (own_fstat(fd, &st))
		return conf_fail(at, "%s", strerrordesc_np(errno));
	if (check_file(at, at->where, &st))
		return -EINVAL;
	buf = REAL(mmap)(NULL, FILE_BYTES_MAX, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED)
		return conf_fail(at, "no memory to read it");
	text.s = buf;
	err = read_all(at, fd, buf, &text.n) || parse(c, at->where, text, at->error);
	REAL(munmap)(buf, FILE_BYTES_MAX);
	return err ? -EINVAL : 0;
}

int conf_add_file(struct conf *c, const char *path, char error[CONF_ERROR_MAX])
{
	struct conf_at at = { path, error };
	int fd, err;

	if (path[0] != '/')
		return conf_fail(&at, "not an absolute path");
	fd = REAL(open)(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return conf_fail(&at, "cannot open: %s", strerrordesc_np(errno));
	err = load_file(c, &at, fd);
	REAL(close)(fd);
	return err;
}
