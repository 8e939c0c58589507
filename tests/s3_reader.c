/* SPDX-License-Identifier: MIT */
/*
 * s3_reader PREFIX COPY STEP:NAME...
 *
 * Reads what is below PREFIX in several ways and compares it with COPY; a step
 * prints "STEP:NAME ok" or the error it met, a "WRONG" and what differs if it
 * got other bytes, names or sizes. Status 0: none was wrong.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *prefix, *copy;
static char wrong[300];
static char *model;                     /* the copy's bytes */
static off_t size;
static sigjmp_buf bus;

static void full(const char *top, const char *name, char out[4096])
{
	snprintf(out, 4096, "%s/%s", top, name);
}

static int open_it(const char *name)
{
	char path[4096];
	full(prefix, name, path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int compare(off_t at, const char *got, ssize_t n)
{
	if (n < 0)
		return -errno;
	if (n > 0 && at + n > size)
		snprintf(wrong, sizeof(wrong), "%zd bytes at %lld of %lld", n, (long long)at, (long long)size);
	else if (memcmp(got, model + at, n) != 0)
		snprintf(wrong, sizeof(wrong), "other bytes in %zd at %lld", n, (long long)at);
	return *wrong ? -EILSEQ : 0;
}

/* ---- the steps: 0, or -errno */

static int do_stat(const char *name)
{
	char path[4096];
	struct stat st;
	full(prefix, name, path);
	if (stat(path, &st) < 0)
		return -errno;
	if (st.st_size != size)
		snprintf(wrong, sizeof(wrong), "size %lld, not %lld", (long long)st.st_size, (long long)size);
	return 0;
}

/* From the beginning to the end. */
static int do_read(const char *name)
{
	static char buf[100000];
	int fd = open_it(name), err = 0;
	if (fd < 0)
		return fd;
	for (off_t at = 0;;) {
		ssize_t n = read(fd, buf, sizeof(buf));
		if (n == 0 && at != size)
			snprintf(wrong, sizeof(wrong), "the end at %lld of %lld", (long long)at, (long long)size);
		if (n == 0 || (err = compare(at, buf, n)))
			break;
		at += n;
	}
	close(fd);
	return err;
}

/* Here and there, beyond the end too. */
static int do_pread(const char *name)
{
	static char buf[100000];
	int fd = open_it(name), err = 0;
	if (fd < 0)
		return fd;
	srandom(size);
	for (int i = 0; i < 12 && !err; i++) {
		off_t at = random() % (size + 2);
		size_t len = random() % (i % 3 ? 5000 : 100000);
		ssize_t n = pread(fd, buf, len, at);
		ssize_t want = at >= size ? 0 : at + (off_t)len > size ? size - at : (ssize_t)len;
		err = compare(at, buf, n);
		if (!err && n != want)
			snprintf(wrong, sizeof(wrong), "%zd bytes of %zd at %lld", n, want, (long long)at);
	}
	close(fd);
	return err;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of a directory, sorted, each with a newline; NULL and errno. */
static char *names(const char *top, const char *name)
{
	char path[4096], *list[2000], *text = calloc(1, 300000);
	int n = 0;
	full(top, name, path);
	DIR *d = opendir(path);
	if (!d)
		return NULL;
	errno = 0;
	for (struct dirent *e; n < 2000 && (e = readdir(d)); errno = 0) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			list[n++] = strdup(e->d_name);
	}
	int err = errno;
	closedir(d);
	qsort(list, n, sizeof(*list), by_name);
	for (int i = 0; i < n; i++)
		strcat(strcat(text, list[i]), "\n");
	errno = err;
	return err ? NULL : text;
}

static int do_list(const char *name)
{
	char *want = names(copy, name), *got = names(prefix, name);
	if (!got)
		return -errno;
	if (!want || strcmp(want, got) != 0)
		snprintf(wrong, sizeof(wrong), "other names: %.200s", got);
	return 0;
}

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(bus, 1);
}

static int do_map(const char *name)
{
	int fd = open_it(name), err = 0;
	if (fd < 0)
		return fd;
	char *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		err = -errno;
	} else {
		signal(SIGBUS, on_bus);
		err = sigsetjmp(bus, 1) ? -EFAULT : compare(0, p, size);
		munmap(p, size);
	}
	close(fd);
	return err;
}

static const struct {
	const char *name;
	int (*fn)(const char *name);
} steps[] = { { "stat", do_stat }, { "read", do_read }, { "pread", do_pread }, { "list", do_list }, { "map", do_map } };

static void load(const char *name)
{
	char path[4096];
	struct stat st;
	full(copy, name, path);
	int fd = open(path, O_RDONLY);
	size = 0;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		size = st.st_size;
		model = realloc(model, size + 1);
		if (read(fd, model, size) != size)
			exit(2);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	int bad = 0;
	if (argc < 4)
		return 2;
	prefix = argv[1];
	copy = argv[2];
	for (int i = 3; i < argc; i++) {
		const char *name = strchr(argv[i], ':') + 1;
		int err = -ENOSYS;
		*wrong = '\0';
		load(name);
		for (size_t k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
			if (strncmp(argv[i], steps[k].name, name - argv[i] - 1) == 0)
				err = steps[k].fn(name);
		}
		bad |= *wrong != '\0';
		printf("%s %s%s\n", argv[i], *wrong ? "WRONG: " : err ? strerrorname_np(-err) : "ok", wrong);
		fflush(stdout);
	}
	return bad;
}
