/* SPDX-License-Identifier: MIT */
/* The configuration, and which rule of it a path is under; see cmd.h. */
#include "cmd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf_text.h"

const struct conf *cmd_conf(void)
{
	static struct conf conf;
	static int loaded;
	char error[CONF_ERROR_MAX];

	if (!loaded && conf_load(&conf, environ, error)) {
		cmd_warn("%s", error);
		return NULL;
	}
	loaded = 1;
	return &conf;
}

int cmd_bucket(const char *target, struct s3_bucket **b)
{
	char why[S3_WHY] = "no memory";

	if (!s3_bucket_get(target, b, why))
		return 0;
	cmd_warn("%s", why);
	return CMD_CONFIG;
}

/* ---- a path under a rule */

/* The path as the shim sees it, by its words alone. */
static int clean_path(const char *word, char path[2 * PATH_MAX])
{
	char cwd[PATH_MAX] = "";

	if (strlen(word) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (*word != '/' && !getcwd(cwd, sizeof(cwd)))
		return -errno;
	sprintf(path, "%s/%s", cwd, word);
	text_clean_path(path);
	return 0;
}

/* Of a rule's prefix: the root's slash is the path's. */
static size_t prefix_len(const struct conf_rule *r)
{
	return r->prefix[1] ? strlen(r->prefix) : 0;
}

static const struct conf_rule *rule_of(const struct conf *conf, const char *path)
{
	const struct conf_rule *best = NULL;

	for (unsigned i = 0; i < conf->nrules; i++) {
		const struct conf_rule *r = &conf->rules[i];
		size_t n = prefix_len(r);

		if (!strncmp(path, r->prefix, n) && (!path[n] || path[n] == '/') && (!best || n > prefix_len(best)))
			best = r;
	}
	return best;
}

int cmd_path(const char *word, const struct conf_rule **r, char name[S3_NAME_MAX])
{
	const struct conf *conf = cmd_conf();
	char path[2 * PATH_MAX];
	int err = conf ? clean_path(word, path) : 0;

	if (!conf)
		return CMD_CONFIG;
	if (err)
		return err;
	*r = rule_of(conf, path);
	if (!*r || strcmp((*r)->be->name, "s3"))
		return -ENOENT;
	if (snprintf(name, S3_NAME_MAX, "%s", path + prefix_len(*r)) >= S3_NAME_MAX)
		return -ENAMETOOLONG;
	if (!strcmp(name, "/"))
		*name = '\0';
	return 0;
}
