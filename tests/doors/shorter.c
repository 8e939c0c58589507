/* SPDX-License-Identifier: MIT */
/*
 * Every way to shorten a file by its name, and by one outside the rule that is
 * a link to it, while it is read through another descriptor. Fails if that
 * still sees the old bytes.
 */
#include "shorter.h"

/* The file's name, and a link to it beside all rules. */
static char link_dir[] = "/tmp/shim-door.XXXXXX", other_name[64];
static const char *names[2];

/* Nothing is left of it, and then a little is there again. */
static void grown(int line, const char *name, int fd)
{
	int by = open(name, O_WRONLY);

	write(by, "ten bytes.", 10);
	close(by);
	is_short(line, fd, 10);
}
#define EMPTY(name, fd) grown(__LINE__, name, fd)

static void by_open(const char *name)
{
	static const int flags[] = { O_WRONLY | O_TRUNC, O_RDWR | O_TRUNC, O_RDONLY | O_TRUNC, O_WRONLY | O_CREAT | O_TRUNC };
	struct open_how { uint64_t flags, mode, resolve; } how = { O_RDWR | O_TRUNC, 0, 0 };
	int fd;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		fd = used();
		CALL(close(open(name, flags[i], 0644)));
		EMPTY(name, fd);
	}
	fd = used();
	CALL(close(creat(name, 0644)));
	EMPTY(name, fd);
	fd = used();
	CALL(close((int)syscall(SYS_openat2, AT_FDCWD, name, &how, sizeof(how))));
	EMPTY(name, fd);
}

static void by_stream(const char *name)
{
	FILE *f;
	int fd = used();

	f = PTR(fopen(name, "w"));
	EMPTY(name, fd);
	CALL(fclose(f));
	fd = used();
	f = fopen("/dev/null", "r");
	f = PTR(freopen(name, "w+", f));
	EMPTY(name, fd);
	CALL(fclose(f));
}

static void by_truncate(const char *name)
{
	int fd = used(), by;

	CALL(truncate(name, 10));
	SHORT(fd, 10);
	fd = used();
	by = open(name, O_RDWR);
	CALL(ftruncate(by, 10));
	SHORT(fd, 10);
	close(by);
	fd = used();
	by = open(name, O_WRONLY);
	dup2(by, 77);
	close(by);
	by = 77;
	CALL(ftruncate(by, 10));
	SHORT(fd, 10);
	close(by);
}

static void door(void)
{
	mkdtemp(link_dir);
	snprintf(other_name, sizeof(other_name), "%s/link", link_dir);
	symlink(P("file"), other_name);
	names[0] = strdup(P("file"));
	names[1] = other_name;
	for (int i = 0; i < 2; i++) {
		by_open(names[i]);
		by_stream(names[i]);
		by_truncate(names[i]);
	}
	unlink(other_name);
	rmdir(link_dir);
}
