/* SPDX-License-Identifier: MIT */
/*
 * Does I/O in $PLUGIN_DIR when it is loaded, when it is called, in a thread's
 * destructor and when it is unloaded: as a plugin, or preloaded beside ours.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int plugin(const char *what);

/* Appends a line to a file and reads it back; the number of lines, or -1. */
int plugin(const char *what)
{
	const char *dir = getenv("PLUGIN_DIR");
	char path[4096], buf[4096];
	int fd, lines = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/plugin.%s", dir ? dir : ".", what);
	fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0644);
	if (fd < 0 || write(fd, "a line\n", 7) != 7 || pread(fd, buf, 7, 0) != 7 ||
	    memcmp(buf, "a line\n", 7) || close(fd) < 0)
		return -1;
	f = fopen(path, "r");
	while (f && fgets(buf, sizeof(buf), f))
		lines++;
	return f && fclose(f) == 0 ? lines : -1;
}

__attribute__((constructor))
static void load(void)
{
	if (getenv("PLUGIN_DIR") && plugin("load") < 0)
		_exit(99);
}

__attribute__((destructor))
static void unload(void)
{
	if (getenv("PLUGIN_DIR") && plugin("unload") < 0)
		_exit(98);
}
