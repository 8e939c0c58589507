/* SPDX-License-Identifier: MIT */
/* A home with AWS's shared files, and a scripted server beside it. */
#ifndef TESTS_UNIT_S3_HOME_H
#define TESTS_UNIT_S3_HOME_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "http/http.h"
#include "loop/loop.h"
#include "s3_scripted.h"

#define SECRET "S3cr3t/never+shown="

static char home[64], config[96], credentials[104];
static struct scripted server;

static inline void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Nothing of the environment counts but this home, and its files are empty. */
static inline void home_clean(void)
{
	clearenv();
	setenv("HOME", home, 1);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	put(config, "");
	put(credentials, "");
}

static inline int home_set_up(char *(*answer)(const char *request, void *arg))
{
	strcpy(home, "/tmp/s3_home.XXXXXX");
	if (!mkdtemp(home) || loop_init() || http_init())
		return -1;
	snprintf(config, sizeof(config), "%s/.aws", home);
	mkdir(config, 0700);
	snprintf(config, sizeof(config), "%s/.aws/config", home);
	snprintf(credentials, sizeof(credentials), "%s/.aws/credentials", home);
	scripted_start(&server, answer, NULL);
	return 0;
}

static inline int home_tear_down(void **state)
{
	char command[96];

	(void)state;
	scripted_stop(&server);
	snprintf(command, sizeof(command), "rm -r %s", home);
	return system(command);
}

#endif
