/* SPDX-License-Identifier: MIT */
/*
 * The configuration: environment and shim.conf read once into one immutable
 * structure. Used by the library before main and by the tool; it allocates
 * with mmap only, calls libc only through real.h, and prints nothing.
 */
#ifndef SHIM_CONF_H
#define SHIM_CONF_H

#include <stddef.h>
#include "options.h"

#define CONF_RULES_MAX 64
#define CONF_PATH_MAX 4096
#define CONF_ERROR_MAX 1024
#define CONF_TEXT_MAX 2048

struct conf_rule {
	char prefix[CONF_PATH_MAX];    /* absolute, lexically clean, no trailing slash ("/" for the root) */
	char target[CONF_PATH_MAX];    /* after "NAME:"; a clean directory, a store's name, or ""; a bucket: options.h */
	const struct be_info *be;
	long long value[BE_OPTIONS_MAX];  /* by index into be->options; defaults filled in */
	char text[CONF_TEXT_MAX];      /* values that are text, NUL after each; begins with an empty one */
	unsigned text_used;
	char where[64];                /* "SHIM_MAP" or "shim.conf:12", for messages */
};

enum conf_stats { CONF_STATS_DEFAULT, CONF_STATS_OFF, CONF_STATS_DIR };

struct conf {
	unsigned nrules;
	enum conf_stats stats;
	char stats_dir[CONF_PATH_MAX]; /* CONF_STATS_DIR only */
	char file[CONF_PATH_MAX];      /* the default one, if that was read; else "" */
	struct conf_rule *rules;       /* nrules of them, in the order they were read */
};

/*
 * Reads the configuration the environment names: SHIM_MAP, SHIM_CONFIG and
 * SHIM_STATS. SHIM_MAP without SHIM_CONFIG is the whole configuration; with
 * neither, $XDG_CONFIG_HOME/shim.conf (or ~/.config/shim.conf), else
 * /etc/shim.conf, is read if there is one. SHIM_CONFIG="" reads no file. A
 * rule of SHIM_MAP replaces one of the file with the same prefix. `envp` is
 * a NULL-terminated environment. Returns 0, or -EINVAL with one line in
 * `error` that names the place, the word and what would be right. Not
 * thread-safe; called once, before main.
 */
int conf_load(struct conf *c, char *const envp[], char error[CONF_ERROR_MAX]);

/*
 * Adds the rules of one "PREFIX=TARGET[;PREFIX=TARGET...]" string; `where`
 * names it in messages. A prefix twice in one source is an error. Returns 0
 * or -EINVAL as above.
 */
int conf_add_map(struct conf *c, const char *map, const char *where,
		 char error[CONF_ERROR_MAX]);

/* Adds the sections of one INI file. Same results. A missing file is an error. */
int conf_add_file(struct conf *c, const char *path, char error[CONF_ERROR_MAX]);

/*
 * Writes the rules back as a SHIM_MAP string, so that a process tree can be
 * given a snapshot. Returns the length it needs without the NUL, as
 * snprintf does. Options at their default are left out.
 */
size_t conf_format_map(const struct conf *c, char *buf, size_t size);

/* Reads one "NAME:rest?key=value&..." into a zeroed rule. 0 or -EINVAL as above. */
int conf_read_target(struct conf_rule *r, const char *target, const char *where,
		     char error[CONF_ERROR_MAX]);

/* Frees what conf_load allocated. */
void conf_free(struct conf *c);

#endif
