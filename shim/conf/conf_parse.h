/* SPDX-License-Identifier: MIT */
/*
 * The words of a configuration: one rule's prefix, target and options, and
 * the messages about them. Shared by conf.c, which knows the sources, and
 * conf_file.c, which knows INI; nobody else includes it.
 */
#ifndef SHIM_CONF_PARSE_H
#define SHIM_CONF_PARSE_H

#include "conf.h"

/* Where a word was read, and where a message about it goes. */
struct conf_at {
	const char *where;     /* begins every message: "SHIM_MAP", "/etc/shim.conf:12" */
	char *error;           /* CONF_ERROR_MAX bytes */
};

/* Text that is not NUL-terminated: a piece of what is being parsed. */
struct conf_text {
	const char *s;
	size_t n;
};

/* Splits `text` at its first `sep`: what stands before it is returned, the rest stays. */
struct conf_text conf_split(struct conf_text *text, char sep);

/* Writes "WHERE: MESSAGE" as one printable line. Returns -EINVAL. */
int conf_fail(const struct conf_at *at, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * A hint to end a message about `word` with: " (engine?)" for the nearest
 * of `words` ("engine|map"), else all of them. Static buffer.
 */
const char *conf_hint(const char *word, const char *words);

/* Every key a section of a file may have, whatever its back end: "target|engine|..." */
const char *conf_all_keys(void);

/*
 * Each stores one part of a rule, %XX decoded and checked, or fails. The
 * target comes first: it sets the back end and every option's default.
 * `seen` collects the options that were given, one bit each.
 */
int conf_set_prefix(const struct conf_at *at, struct conf_rule *r, struct conf_text text);
int conf_set_target(const struct conf_at *at, struct conf_rule *r, struct conf_text text,
		    unsigned long long *seen);
int conf_set_option(const struct conf_at *at, struct conf_rule *r, const char *key,
		    struct conf_text value, unsigned long long *seen);

/* "off" or an absolute directory. */
int conf_set_stats(const struct conf_at *at, struct conf *c, const char *value);

/*
 * A zeroed rule at the end of `c`, not counted yet: the caller adds one to
 * c->nrules when it is whole. NULL with a message when there is no room.
 */
struct conf_rule *conf_new_rule(const struct conf_at *at, struct conf *c);

/* Fails if one of c->rules[first..nrules) has the prefix of `r`. */
int conf_check_twice(const struct conf_at *at, const struct conf *c, unsigned first,
		     const struct conf_rule *r);

/* Drops the rules before `first` that one from `first` on replaces. */
void conf_replace(struct conf *c, unsigned first);

#endif
