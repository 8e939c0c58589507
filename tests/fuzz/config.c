/* SPDX-License-Identifier: MIT */
/*
 * Configuration files: ours, whose rules come back the same out of the text that
 * a process tree is given, and AWS's two, of which any setting can be asked for.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/conf.h"
#include "creds/awsconf.h"

static char path[64];

/* A file with these bytes, at `path`. */
static int file_of(const uint8_t *data, size_t n)
{
	int fd = memfd_create("config", 0);

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fd;
}

static void one_line(const char *error)
{
	if (!*error || strchr(error, '\n'))
		abort();
}

/* What was read, as text, is read again as the same. */
static void ours(void)
{
	struct conf c = { 0 }, again = { 0 };
	char error[CONF_ERROR_MAX] = "", *text, *more;
	size_t n;

	if (conf_add_file(&c, path, error)) {
		one_line(error);
		conf_free(&c);
		return;
	}
	n = conf_format_map(&c, NULL, 0) + 1;
	text = malloc(n);
	more = malloc(n);
	conf_format_map(&c, text, n);
	if (c.nrules && conf_add_map(&again, text, "fuzz", error))
		abort();
	if (conf_format_map(&again, more, n) + 1 != n || strcmp(text, more))
		abort();
	conf_free(&again);
	conf_free(&c);
	free(text);
	free(more);
}

static void awss(void)
{
	static const char *const names[] = { "aws_access_key_id", "region", "s3.addressing_style", "credential_process" };
	char why[AWSCONF_WHY] = "";
	struct awsconf *c = awsconf_load(why);

	if (!c) {
		one_line(why);
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		awsconf_profile(c, "default", names[i]);
		awsconf_get(c, AWSCONF_SSO, "a", names[i]);
	}
	aws_endpoint(c, "default", "s3");
	awsconf_wipe(c);
	awsconf_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int fd = file_of(data, n);

	ours();
	setenv("AWS_CONFIG_FILE", path, 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
	awss();
	close(fd);
	return 0;
}
