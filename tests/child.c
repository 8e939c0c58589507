/* SPDX-License-Identifier: MIT */
/*
 * child TOPIC ...: what the doors start by exec, a program that knows only
 * the descriptors it was given.
 *
 *     child shorten FD SIZE      ftruncate
 *     child crowded PATH SIZE    truncate, the file first named when no descriptor is free
 *     child ignored PATH         reads the file, then shows which signals a program it becomes ignores
 *     child show PATH WORD...    its name and words, its environment (of PATH the name), a sum of the file if that is no script
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FEW 20

static int crowded(const char *path, off_t size)
{
	struct rlimit few = { FEW, FEW };

	if (setrlimit(RLIMIT_NOFILE, &few))
		return 3;
	while (open("/dev/null", O_RDONLY) >= 0)
		;
	(void)!access(path, F_OK);     /* at best it fails */
	for (int fd = 3; fd < FEW; fd++)
		close(fd);
	return truncate(path, size) ? 5 : 0;
}

static int ignored(const char *path)
{
	char *sh[] = { (char *)"sh", (char *)"-c", (char *)"sed -n /^SigIgn/p /proc/self/status", NULL };
	char b[64];
	int fd = open(path, O_RDWR);

	for (int i = 0; i < 200; i++)
		if (pread(fd, b, sizeof(b), 0) != sizeof(b) || pwrite(fd, b, sizeof(b), 0) != sizeof(b))
			return 3;
	close(fd);
	execv("/bin/sh", sh);
	return 4;
}

/* Names without their directory. */
static int show(int argc, char **argv)
{
	extern char **environ;
	unsigned sum = 0;
	unsigned char b[4096];
	const char *slash = strrchr(argv[0], '/');
	int fd = open(argv[2], O_RDONLY);
	ssize_t n;

	printf("  %s:", slash ? slash + 1 : argv[0]);
	for (int i = 3; i < argc; i++)
		printf(" %s", argv[i]);
	putchar('\n');
	for (char **e = environ; *e; e++)
		printf("  %s\n", strncmp(*e, "PATH=", 5) ? *e : "PATH");
	while ((n = read(fd, b, sizeof(b))) > 0 && memcmp(b, "#!", 2))
		for (ssize_t i = 0; i < n; i++)
			sum = sum * 31 + b[i];
	printf("  %s %08x\n", n < 0 ? "cannot read" : n ? "a script" : "read", sum);
	return 7;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "show"))
		return show(argc, argv);
	if (argc == 4 && !strcmp(argv[1], "shorten"))
		return ftruncate(atoi(argv[2]), atoi(argv[3])) ? 3 : 0;
	if (argc == 4 && !strcmp(argv[1], "crowded"))
		return crowded(argv[2], atoi(argv[3]));
	if (argc == 3 && !strcmp(argv[1], "ignored"))
		return ignored(argv[2]);
	return 2;
}
