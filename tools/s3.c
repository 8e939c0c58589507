/* SPDX-License-Identifier: MIT */
/* `shim s3`: the agent does it, since libcurl and OpenSSL are its. */
#include "tool.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beside the tool as it is built, or where it is installed. */
static const char *const places[] = { "shim-agent", "../lib/shim/shim-agent", "../lib64/shim/shim-agent" };

int cmd_s3(int argc, char **argv)
{
	char self[PATH_MAX], path[PATH_MAX + 64], name[] = "s3";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char **args = calloc((size_t)argc + 2, sizeof(*args));

	if (n < 0 || !args)
		die(EXIT_NO_COMMAND, "/proc/self/exe: %m");
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	memcpy(args + 1, argv, (size_t)argc * sizeof(*args));
	args[0] = path;
	args[1] = name;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), "%s/%s", self, places[i]);
		execv(path, args);
		if (errno != ENOENT)
			die(EXIT_NO_EXEC, "%s: %m", path);
	}
	die(EXIT_NO_COMMAND, "shim-agent is neither beside %s/shim nor in ../lib/shim", self);
}
