/* SPDX-License-Identifier: MIT */
/*
 * s3_model TREE COPY PROCESSES THREADS CALLS SEED
 *
 * In so many processes and threads, so many random calls each on TREE, which
 * nobody changes: stats, listings, opens, reads of all kinds. What they return
 * is what COPY has. The first difference ends it with status 1.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST 300000

static const char *tree, *copy;
static char *file[10000], *dir[1000];   /* names below both */
static int files, dirs, calls;
static unsigned seed;
static int shared = -1, shared_copy = -1;       /* a file all threads of a process have open */

struct thread {
	pthread_t t;
	unsigned random;
	int number;
	char what[300];                 /* being done now */
	char *got, *want;
};

static void differ(struct thread *t, const char *fmt, ...)
{
	char text[500];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("process %d, thread %d, seed %u: %s: %s\n", getpid(), t->number, seed, t->what, text);
	fflush(stdout);
	_exit(1);
}

static unsigned pick(struct thread *t, unsigned n)
{
	return rand_r(&t->random) % n;
}

static void path(char out[4096], const char *top, const char *name)
{
	snprintf(out, 4096, "%s/%s", top, name);
}

static int must_open(struct thread *t, const char *top, const char *name)
{
	char p[4096];
	path(p, top, name);
	int fd = open(p, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		differ(t, "open %s: %m", p);
	return fd;
}

/* n bytes at off came as `got` returned: the copy has them. */
static void same(struct thread *t, int fd, off_t off, size_t n, ssize_t got, const char *bytes)
{
	ssize_t want = pread(fd, t->want, n, off);
	if (got != want)
		differ(t, "%zu at %lld: %zd instead of %zd (%m)", n, (long long)off, got, want);
	for (ssize_t i = 0; i < want; i++) {
		if (bytes[i] != t->want[i])
			differ(t, "%zu at %lld: byte %zd is %02hhx instead of %02hhx", n, (long long)off, i, bytes[i], t->want[i]);
	}
}

static off_t place(struct thread *t, int fd)
{
	struct stat st;
	fstat(fd, &st);
	return pick(t, 8) ? (st.st_size ? rand_r(&t->random) % (st.st_size + 1) : 0) : st.st_size - pick(t, 3);
}

static size_t length(struct thread *t)
{
	return pick(t, 3) ? pick(t, 5000) : pick(t, MOST);
}

static const char *some_file(struct thread *t, const char *what)
{
	const char *name = file[pick(t, files)];
	snprintf(t->what, sizeof(t->what), "%s %.200s", what, name);
	return name;
}

/* ---- the calls */

static void do_pread(struct thread *t)
{
	const char *name = some_file(t, "pread");
	int fd = must_open(t, tree, name), at = must_open(t, copy, name);
	for (int i = pick(t, 6); i >= 0; i--) {
		off_t off = place(t, at);
		size_t n = length(t);
		if (off >= 0)
			same(t, at, off, n, pread(fd, t->got, n, off), t->got);
	}
	close(fd);
	close(at);
}

static void do_shared(struct thread *t)
{
	snprintf(t->what, sizeof(t->what), "pread of the shared file");
	off_t off = place(t, shared_copy);
	size_t n = length(t);
	if (off >= 0)
		same(t, shared_copy, off, n, pread(shared, t->got, n, off), t->got);
}

static void do_seek(struct thread *t)
{
	const char *name = some_file(t, "lseek and read");
	int fd = must_open(t, tree, name), at = must_open(t, copy, name);
	for (int i = pick(t, 5); i >= 0; i--) {
		int whence = (int[]){ SEEK_SET, SEEK_CUR, SEEK_END }[pick(t, 3)];
		off_t by = whence == SEEK_SET ? place(t, at) : -(off_t)pick(t, 10000);
		off_t r = lseek(fd, by, whence), want = lseek(at, by, whence);
		if (r != want)
			differ(t, "lseek %lld, %d: %lld instead of %lld", (long long)by, whence, (long long)r, (long long)want);
		size_t n = length(t);
		off_t now = lseek(at, 0, SEEK_CUR);
		ssize_t got = read(fd, t->got, n);
		same(t, at, now, n, got, t->got);
		lseek(at, got, SEEK_CUR);
		if (lseek(fd, 0, SEEK_CUR) != lseek(at, 0, SEEK_CUR))
			differ(t, "the position after read");
	}
	close(fd);
	close(at);
}

static void do_whole(struct thread *t)
{
	const char *name = some_file(t, "read");
	int fd = must_open(t, tree, name), at = must_open(t, copy, name);
	size_t step = 1 + length(t);
	ssize_t got;
	off_t off = 0;
	if (step < 1000)
		step = 131072;
	do {
		got = read(fd, t->got, step);
		same(t, at, off, step, got, t->got);
		off += got;
	} while (got > 0 && off < 3000000);
	close(fd);
	close(at);
}

static void do_vector(struct thread *t)
{
	const char *name = some_file(t, "preadv");
	int fd = must_open(t, tree, name), at = must_open(t, copy, name);
	off_t off = place(t, at);
	struct iovec iov[3] = { { t->got, pick(t, 1000) }, { t->got + 1000, 0 }, { t->got + 1000, pick(t, 90000) } };
	if (off >= 0) {
		ssize_t n = preadv(fd, iov, 3, off);
		size_t first = iov[0].iov_len;
		if (n > (ssize_t)first)
			memmove(t->got + first, t->got + 1000, n - first);
		same(t, at, off, first + iov[2].iov_len, n, t->got);
	}
	close(fd);
	close(at);
}

static void do_map(struct thread *t)
{
	const char *name = some_file(t, "mmap");
	int fd = must_open(t, tree, name), at = must_open(t, copy, name);
	struct stat st;
	fstat(at, &st);
	if (st.st_size && st.st_size < 2000000) {
		char *p = mmap(NULL, st.st_size, PROT_READ, pick(t, 2) ? MAP_PRIVATE : MAP_SHARED, fd, 0);
		if (p == MAP_FAILED)
			differ(t, "%m");
		off_t off = rand_r(&t->random) % st.st_size;
		size_t n = length(t);
		if (n > (size_t)(st.st_size - off))
			n = st.st_size - off;
		same(t, at, off, n, n, p + off);
		munmap(p, st.st_size);
	}
	close(fd);
	close(at);
}

static void do_stream(struct thread *t)
{
	const char *name = some_file(t, "fread");
	char p[4096];
	path(p, tree, name);
	FILE *f = fopen(p, "r");
	int at = must_open(t, copy, name);
	if (!f)
		differ(t, "fopen: %m");
	off_t off = place(t, at);
	if (off >= 0) {
		size_t n = length(t);
		if (fseeko(f, off, SEEK_SET) != 0)
			differ(t, "fseeko: %m");
		size_t got = fread(t->got, 1, n, f);
		if (ferror(f))
			differ(t, "fread: %m");
		same(t, at, off, n, got, t->got);
	}
	fclose(f);
	close(at);
}

static void do_stat(struct thread *t)
{
	bool d = !pick(t, 4);
	const char *name = d ? dir[pick(t, dirs)] : file[pick(t, files)];
	char p[4096], q[4096];
	struct stat got, want;
	snprintf(t->what, sizeof(t->what), "stat %.200s", name);
	path(p, tree, name);
	path(q, copy, name);
	if (stat(q, &want) != 0 || stat(p, &got) != 0)
		differ(t, "%m");
	if ((got.st_mode & S_IFMT) != (want.st_mode & S_IFMT) || (!d && got.st_size != want.st_size))
		differ(t, "mode %o, size %lld", got.st_mode, (long long)got.st_size);
	if (access(p, R_OK) != 0)
		differ(t, "access: %m");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int entries(const char *top, const char *name, char **list)
{
	char p[4096];
	int n = 0;
	path(p, top, name);
	DIR *d = opendir(p);
	if (!d)
		return -errno;
	for (struct dirent *e; n < 2000 && (e = readdir(d));) {
		if (asprintf(&list[n++], "%s%s", e->d_name, e->d_type == DT_DIR ? "/" : "") < 0)
			abort();
	}
	closedir(d);
	qsort(list, n, sizeof(*list), by_name);
	return n;
}

static void do_list(struct thread *t)
{
	static _Thread_local char *got[2000], *want[2000];
	const char *name = dir[pick(t, dirs)];
	snprintf(t->what, sizeof(t->what), "list %.200s", name);
	int n = entries(tree, name, got), m = entries(copy, name, want);
	if (n != m)
		differ(t, "%d entries instead of %d", n, m);
	for (int i = 0; i < n; i++) {
		if (strcmp(got[i], want[i]) != 0)
			differ(t, "%s instead of %s", got[i], want[i]);
		free(got[i]);
		free(want[i]);
	}
}

/* What is not there, and what is something else. */
static void do_absent(struct thread *t)
{
	const char *name = some_file(t, "open what cannot be opened");
	char p[4096], q[4096];
	static const char *const end[] = { ".none", "/", "/below", "/../none" };
	const char *e = end[pick(t, 4)];
	snprintf(p, sizeof(p), "%s/%s%s", tree, name, e);
	snprintf(q, sizeof(q), "%s/%s%s", copy, name, e);
	int r = open(p, O_RDONLY), got = r < 0 ? errno : 0, want = open(q, O_RDONLY) < 0 ? errno : 0;
	if (got != want)
		differ(t, "%s: %s instead of %s", e, strerror(got), strerror(want));
}

static void (*const what[])(struct thread *t) = {
	do_pread, do_pread, do_pread, do_shared, do_shared, do_seek, do_whole, do_vector, do_map, do_stream,
	do_stat, do_stat, do_list, do_absent,
};

static void *run(void *arg)
{
	struct thread *t = arg;
	t->got = malloc(MOST + 1000);
	t->want = malloc(MOST + 1000);
	for (int i = 0; i < calls; i++)
		what[pick(t, sizeof(what) / sizeof(*what))](t);
	return NULL;
}

static void find(const char *name)
{
	char p[4096];
	struct dirent *e;
	path(p, copy, name);
	DIR *d = opendir(p);
	dir[dirs++] = strdup(name);
	while ((e = readdir(d))) {
		char one[4096];
		if (e->d_name[0] == '.')
			continue;
		snprintf(one, sizeof(one), "%s%s%s", name, *name ? "/" : "", e->d_name);
		if (e->d_type == DT_DIR)
			find(one);
		else
			file[files++] = strdup(one);
	}
	closedir(d);
}

static int process(int number, int threads)
{
	struct thread *t = calloc(threads, sizeof(*t)), me = { .what = "the shared file" };
	const char *name = file[number % files];
	shared = must_open(&me, tree, name);
	shared_copy = must_open(&me, copy, name);
	for (int i = 0; i < threads; i++) {
		t[i].number = i;
		t[i].random = seed * 1000 + number * 100 + i;
		pthread_create(&t[i].t, NULL, run, &t[i]);
	}
	for (int i = 0; i < threads; i++)
		pthread_join(t[i].t, NULL);
	return 0;
}

int main(int argc, char **argv)
{
	int bad = 0, status;
	if (argc != 7)
		return 2;
	tree = argv[1];
	copy = argv[2];
	calls = atoi(argv[5]);
	seed = atoi(argv[6]);
	find("");
	for (int i = 0; i < atoi(argv[3]); i++) {
		if (fork() == 0)
			_exit(process(i, atoi(argv[4])));
	}
	while (wait(&status) > 0)
		bad |= status != 0;
	return bad;
}
