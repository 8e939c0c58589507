/* SPDX-License-Identifier: MIT */
/*
 * The sources of the configuration and their order: the environment over a
 * file, one rule for each prefix. Owns the array of rules.
 */
#include "conf.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "conf_parse.h"
#include "conf_text.h"
#include "base/real.h"

#define RULES_BYTES (CONF_RULES_MAX * sizeof(struct conf_rule))

/* ---- rules */

struct conf_rule *conf_new_rule(const struct conf_at *at, struct conf *c)
{
	struct conf_rule *r;

	if (!c->rules) {
		void *p = REAL(mmap)(NULL, RULES_BYTES, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED) {
			conf_fail(at, "no memory for the rules");
			return NULL;
		}
		c->rules = p;
	}
	if (c->nrules == CONF_RULES_MAX) {
		conf_fail(at, "more than %d rules", CONF_RULES_MAX);
		return NULL;
	}
	r = &c->rules[c->nrules];
	memset(r, 0, sizeof(*r));
	return r;
}

int conf_check_twice(const struct conf_at *at, const struct conf *c, unsigned first,
		     const struct conf_rule *r)
{
	for (unsigned i = first; i < c->nrules; i++)
		if (!strcmp(c->rules[i].prefix, r->prefix))
			return conf_fail(at, "prefix %.200s is given twice (first in %s)",
					 r->prefix, c->rules[i].where);
	return 0;
}

static int is_replaced(const struct conf *c, unsigned i, unsigned first)
{
	for (unsigned k = first; k < c->nrules; k++)
		if (!strcmp(c->rules[i].prefix, c->rules[k].prefix))
			return 1;
	return 0;
}

void conf_replace(struct conf *c, unsigned first)
{
	for (unsigned i = first; i-- > 0;) {
		if (!is_replaced(c, i, first))
			continue;
		c->nrules--;
		first--;
		memmove(&c->rules[i], &c->rules[i + 1], (c->nrules - i) * sizeof(*c->rules));
	}
}

void conf_free(struct conf *c)
{
	if (c->rules)
		REAL(munmap)(c->rules, RULES_BYTES);
	c->rules = NULL;
	c->nrules = 0;
}

/* ---- SHIM_MAP */

static int add_entry(const struct conf_at *at, struct conf *c, struct conf_text entry,
		     unsigned first)
{
	int has_target = memchr(entry.s, '=', entry.n) != NULL;
	struct conf_text prefix = conf_split(&entry, '=');
	struct conf_rule *r = conf_new_rule(at, c);
	unsigned long long seen = 0;

	if (!r || conf_set_prefix(at, r, prefix))
		return -EINVAL;
	if (!has_target)
		return conf_fail(at, "missing target for %.200s (%.200s=uring:)", r->prefix,
				 r->prefix);
	if (conf_set_target(at, r, entry, &seen) || conf_check_twice(at, c, first, r))
		return -EINVAL;
	snprintf(r->where, sizeof(r->where), "%s", at->where);
	c->nrules++;
	return 0;
}

int conf_add_map(struct conf *c, const char *map, const char *where, char error[CONF_ERROR_MAX])
{
	struct conf_at at = { where, error };
	struct conf_text text = { map, strlen(map) };
	unsigned first = c->nrules;

	while (text.n) {
		struct conf_text entry = conf_split(&text, ';');

		if (entry.n && add_entry(&at, c, entry, first)) {
			c->nrules = first;
			return -EINVAL;
		}
	}
	conf_replace(c, first);
	return 0;
}

int conf_read_target(struct conf_rule *r, const char *target, const char *where,
		     char error[CONF_ERROR_MAX])
{
	struct conf_text text = { target, strlen(target) };
	unsigned long long seen = 0;

	return conf_set_target(&(struct conf_at){ where, error }, r, text, &seen);
}

/* ---- the environment */

static const char *env_get(char *const envp[], const char *name)
{
	size_t n = strlen(name);

	for (; envp && *envp; envp++)
		if (!strncmp(*envp, name, n) && (*envp)[n] == '=')
			return *envp + n + 1;
	return NULL;
}

/*
 * Whether there is a file to read. A directory we may not search counts as
 * empty: HOME is often another user's, and its owner's rules are not ours.
 */
static int exists(const char *path)
{
	struct stat st;

	return own_stat(AT_FDCWD, path, &st, 0) == 0 || (errno != ENOENT && errno != ENOTDIR && errno != EACCES);
}

static int in_home(char *path, char *const envp[])
{
	const char *dir = env_get(envp, "XDG_CONFIG_HOME"), *sub = "";
	int n;

	if (!dir || dir[0] != '/') {
		dir = env_get(envp, "HOME");
		sub = "/.config";
	}
	if (!dir || dir[0] != '/')
		return 0;
	n = snprintf(path, CONF_PATH_MAX, "%s%s/shim.conf", dir, sub);
	return n < CONF_PATH_MAX && exists(path);
}

static int add_default_file(struct conf *c, char *const envp[], char *error)
{
	if (!in_home(c->file, envp))
		strcpy(c->file, exists("/etc/shim.conf") ? "/etc/shim.conf" : "");
	return *c->file ? conf_add_file(c, c->file, error) : 0;
}

static int add_environment(struct conf *c, char *const envp[], char *error)
{
	const char *map = env_get(envp, "SHIM_MAP");
	const char *file = env_get(envp, "SHIM_CONFIG");
	const char *stats = env_get(envp, "SHIM_STATS");

	if (file && *file && *file != '/')
		return conf_fail(&(struct conf_at){ "SHIM_CONFIG", error },
				 "\"%.200s\" is not an absolute path", file);
	if (file && *file && conf_add_file(c, file, error))
		return -EINVAL;
	if (!file && !map && add_default_file(c, envp, error))
		return -EINVAL;
	if (map && conf_add_map(c, map, "SHIM_MAP", error))
		return -EINVAL;
	if (stats && *stats)
		return conf_set_stats(&(struct conf_at){ "SHIM_STATS", error }, c, stats);
	return 0;
}

int conf_load(struct conf *c, char *const envp[], char error[CONF_ERROR_MAX])
{
	memset(c, 0, sizeof(*c));
	error[0] = '\0';
	if (add_environment(c, envp, error)) {
		conf_free(c);
		return -EINVAL;
	}
	return 0;
}

/* ---- writing a map back */

struct out {
	char *buf;
	size_t size, n;
};

static void put(struct out *o, char ch)
{
	if (o->n < o->size)
		o->buf[o->n] = ch;
	o->n++;
}

static void put_plain(struct out *o, const char *s)
{
	while (*s)
		put(o, *s++);
}

static void put_encoded(struct out *o, const char *s)
{
	char hex[4];

	for (; *s; s++) {
		if (!text_must_encode(*s)) {
			put(o, *s);
			continue;
		}
		snprintf(hex, sizeof(hex), "%%%02X", (unsigned char)*s);
		put_plain(o, hex);
	}
}

static void put_value(struct out *o, const struct be_option *opt, long long value)
{
	char number[24];
	const char *word = opt->words;

	switch (opt->kind) {
	case BE_OPT_BOOL:
		put_plain(o, value ? "on" : "off");
		return;
	case BE_OPT_SIZE:
	case BE_OPT_NUMBER:
	case BE_OPT_TIME:
		snprintf(number, sizeof(number), opt->kind == BE_OPT_TIME ? "%lldms" : "%lld", value);
		put_plain(o, number);
		return;
	case BE_OPT_WORD:
		while (value-- > 0)
			word += strcspn(word, "|") + 1;
		while (*word && *word != '|')
			put(o, *word++);
		return;
	default:                        /* texts: only buckets have them */
		return;
	}
}

static void put_rule(struct out *o, const struct conf_rule *r)
{
	char sep = '?';

	put_encoded(o, r->prefix);
	put(o, '=');
	put_plain(o, r->be->name);
	put(o, ':');
	if (r->be->target == BE_TARGET_BUCKET) {        /* options and all */
		put_plain(o, "//");
		put_plain(o, r->target);
		return;
	}
	put_encoded(o, r->target);
	for (unsigned i = 0; i < r->be->noptions; i++) {
		const struct be_option *opt = &r->be->options[i];

		if (r->value[i] == opt->def)
			continue;
		put(o, sep);
		put_plain(o, opt->key);
		put(o, '=');
		put_value(o, opt, r->value[i]);
		sep = '&';
	}
}

size_t conf_format_map(const struct conf *c, char *buf, size_t size)
{
	struct out o = { buf, size, 0 };

	for (unsigned i = 0; i < c->nrules; i++) {
		if (i)
			put(&o, ';');
		put_rule(&o, &c->rules[i]);
	}
	if (size)
		buf[o.n < size ? o.n : size - 1] = '\0';
	return o.n;
}
