/* SPDX-License-Identifier: MIT */
/*
 * Random operations on a file against a model of it in memory: fails with the
 * seed and the last operations at the first byte, size or result that
 * differs.
 *
 *     fsx [-n OPS | -d SECONDS] [-s SEED] [-l BYTES] [-t THREADS] [-p PROCESSES]
 *         [-o OTHER] [-1] [-a] [-D] PATH
 *
 * Threads have regions of their own and, with -1, share all of one file, one
 * operation at a time; processes (-p) always do. OTHER is where an unshimmed
 * program finds the same file: every 500 operations `fsx -c` there must see
 * the model's size and bytes. With -a the file is close-to-open: what its writers
 * share is seen by others as it was at the last fsync or close, and who has it open
 * to read keeps that, or is told ESTALE. With -D each also reads with O_DIRECT, blocks in turn,
 * and nothing is mapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG 24

/* The model, in memory that processes share. */
struct model {
	pthread_mutex_t lock;
	size_t max;
	off_t size;
	_Atomic long ops, failed;
	off_t seen;              /* size of what is published, which is behind the data */
	unsigned char data[];
};

/* One worker's view: a range of the file, its descriptors, its dice. */
struct worker {
	struct model *m;
	const char *path;
	size_t base, length;     /* its region; all of the file when shared */
	bool shared;             /* takes the lock, may change the size */
	uint64_t dice;
	int fd;
	int direct;              /* with -D: to read, O_DIRECT */
	size_t next;             /* where its last read ended */
	int reader;              /* of the version in `was`, -1: none */
	off_t was_size;
	unsigned char *was;
	char log[LOG][100];
	unsigned logged;
	unsigned char *buf;
};

static long max_ops = 2000;
static int seconds;
static const char *other, *self;
static bool closes;              /* -a */
static bool directly;            /* -D */
static time_t deadline;

/* ---- dice, and the bytes that should be there */

static uint64_t roll(struct worker *w, uint64_t n)
{
	w->dice ^= w->dice << 13;
	w->dice ^= w->dice >> 7;
	w->dice ^= w->dice << 17;
	return n ? (w->dice >> 11) % n : 0;
}

__attribute__((format(printf, 2, 3))) static void note(struct worker *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->log[w->logged++ % LOG], sizeof(w->log[0]), fmt, ap);
	va_end(ap);
}

__attribute__((format(printf, 2, 3))) static void wrong(struct worker *w, const char *fmt, ...)
{
	va_list ap;

	w->m->failed++;
	flockfile(stdout);
	printf("WRONG: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(" (errno %s)\n", strerrorname_np(errno) ? strerrorname_np(errno) : "?");
	for (unsigned i = w->logged > LOG ? w->logged - LOG : 0; i < w->logged; i++)
		printf("  %s\n", w->log[i % LOG]);
	fflush(stdout);
	funlockfile(stdout);
	_exit(1);
}

static void compare(struct worker *w, const char *how, const unsigned char *got, size_t off, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (got[i] != w->m->data[off + i])
			wrong(w, "%s: byte %zu of [%zu, %zu) is %02x, must be %02x", how,
			      off + i, off, off + n, got[i], w->m->data[off + i]);
}

/* Sizes of all orders of magnitude, often on the edges of pages. */
static size_t length(struct worker *w, size_t max)
{
	size_t n;

	switch (roll(w, 4)) {
	case 0: n = roll(w, 64); break;
	case 1: n = roll(w, 5000); break;
	case 2: n = 4096 * (1 + roll(w, 4)) + roll(w, 3) - 1; break;
	default: n = roll(w, 70000); break;
	}
	return n > max ? max : n;
}

static size_t place(struct worker *w)
{
	size_t at = roll(w, w->length);

	if (roll(w, 3) == 0)
		at &= ~(size_t)4095;
	return w->base + at;
}

/* ---- what a step may do */

static void do_read(struct worker *w, int how)
{
	size_t off = place(w), n = length(w, w->base + w->length - off);
	size_t size = w->shared ? (size_t)w->m->size : w->m->max;
	ssize_t want = off >= size ? 0 : n < size - off ? (ssize_t)n : (ssize_t)(size - off), r;
	struct iovec v[3];

	v[0] = (struct iovec){ w->buf, n / 3 };
	v[1] = (struct iovec){ w->buf + n / 3, n / 5 };
	v[2] = (struct iovec){ w->buf + n / 3 + n / 5, n - n / 3 - n / 5 };
	memset(w->buf, 0xEE, n);
	switch (how) {
	case 0:
		note(w, "pread %zu at %zu", n, off);
		r = pread(w->fd, w->buf, n, (off_t)off);
		break;
	case 1:
		note(w, "preadv %zu at %zu", n, off);
		r = preadv(w->fd, v, 3, (off_t)off);
		break;
	case 2:
		note(w, "lseek, readv %zu at %zu", n, off);
		lseek(w->fd, (off_t)off, SEEK_SET);
		r = readv(w->fd, v, 3);
		break;
	case 3:
		note(w, "preadv2 %zu at %zu", n, off);
		r = preadv2(w->fd, v, 3, (off_t)off, 0);
		break;
	default:
		note(w, "lseek, read %zu at %zu", n, off);
		lseek(w->fd, (off_t)off, SEEK_SET);
		r = read(w->fd, w->buf, n);
		if (lseek(w->fd, 0, SEEK_CUR) != (off_t)off + r)
			wrong(w, "position after read");
	}
	if (r != want)
		wrong(w, "read returned %zd, must be %zd", r, want);
	compare(w, "read", w->buf, off, (size_t)r);
}

static void grow(struct worker *w, size_t end)
{
	if (w->shared && (off_t)end > w->m->size)
		w->m->size = (off_t)end;
}

static void do_write(struct worker *w, int how)
{
	size_t off = place(w), n = length(w, w->base + w->length - off);
	struct iovec v[2] = { { w->buf, n / 2 }, { w->buf + n / 2, n - n / 2 } };
	ssize_t r;

	if (!n)
		return;
	for (size_t i = 0; i < n; i++)
		w->buf[i] = (unsigned char)roll(w, 256);
	switch (how) {
	case 0:
		note(w, "pwrite %zu at %zu", n, off);
		r = pwrite(w->fd, w->buf, n, (off_t)off);
		break;
	case 1:
		note(w, "pwritev %zu at %zu", n, off);
		r = pwritev(w->fd, v, 2, (off_t)off);
		break;
	case 2:
		note(w, "lseek, writev %zu at %zu", n, off);
		lseek(w->fd, (off_t)off, SEEK_SET);
		r = writev(w->fd, v, 2);
		break;
	default:
		note(w, "lseek, write %zu at %zu", n, off);
		lseek(w->fd, (off_t)off, SEEK_SET);
		r = write(w->fd, w->buf, n);
		if (lseek(w->fd, 0, SEEK_CUR) != (off_t)off + r)
			wrong(w, "position after write");
	}
	if (r != (ssize_t)n)
		wrong(w, "write of %zu returned %zd", n, r);
	memcpy(w->m->data + off, w->buf, n);
	grow(w, off + n);
}

/* What the writers have is what others see now. */
static void published(struct worker *w)
{
	if (!closes)
		return;
	memcpy(w->m->data + w->m->max, w->m->data, w->m->max);
	w->m->seen = w->m->size;
}

static void do_truncate(struct worker *w)
{
	off_t size = (off_t)place(w), old = w->m->size;
	bool name = roll(w, 2) == 0;
	int r;

	note(w, "%struncate %lld", name ? "" : "f", (long long)size);
	r = name ? truncate(w->path, size) : ftruncate(w->fd, size);
	if (r)
		wrong(w, "truncate");
	if (size < old)
		memset(w->m->data + size, 0, (size_t)(old - size));
	w->m->size = size;
	if (name)
		published(w);
}

static void do_allocate(struct worker *w)
{
	size_t off = place(w), n = length(w, w->base + w->length - off);
	int mode = roll(w, 3) == 0 && w->shared ? (roll(w, 2) ? 0 : FALLOC_FL_KEEP_SIZE)
		 : FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	if (!n)
		return;
	note(w, "fallocate mode %d, %zu at %zu", mode, n, off);
	if (fallocate(w->fd, mode, (off_t)off, (off_t)n)) {
		if (errno == EOPNOTSUPP)
			return;
		wrong(w, "fallocate");
	}
	if (mode & FALLOC_FL_PUNCH_HOLE)
		memset(w->m->data + off, 0, n);
	else if (!mode)
		grow(w, off + n);
}

static void do_map(struct worker *w)
{
	size_t off = place(w) & ~(size_t)4095, n = length(w, w->base + w->length - off);
	size_t size = w->shared ? (size_t)w->m->size : w->m->max;
	bool writes = roll(w, 2);
	unsigned char *m;

	if (off < w->base || off >= size)
		return;
	if (n > size - off)
		n = size - off;
	if (!n)
		return;
	note(w, "mmap to %s %zu at %zu", writes ? "write" : "read", n, off);
	m = mmap(NULL, n, writes ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, w->fd, (off_t)off);
	if (m == MAP_FAILED)
		wrong(w, "mmap");
	compare(w, "mapping", m, off, n);
	if (writes)
		for (size_t i = 0; i < n; i++)
			w->m->data[off + i] = m[i] = (unsigned char)roll(w, 256);
	munmap(m, n);
}

static void open_direct(struct worker *w)
{
	w->direct = open(w->path, O_RDONLY | O_DIRECT);
	if (w->direct < 0)
		wrong(w, "open with O_DIRECT");
}

/* Blocks in turn, from where the last ones ended or from elsewhere, to the end of the region or the file. */
static void do_direct(struct worker *w)
{
	size_t n = 512 << roll(w, 5), off = roll(w, 3) ? w->next : (place(w) + 511) & ~(size_t)511;
	size_t size = w->shared ? (size_t)w->m->size : w->m->max;
	bool moves = roll(w, 2);

	/* a new one is read ahead, another perhaps no more, having had too many writes in between */
	if (!roll(w, 4)) {
		close(w->direct);
		open_direct(w);
	}
	if (off < w->base)
		off = (w->base + 511) & ~(size_t)511;
	note(w, "%s, O_DIRECT, blocks of %zu from %zu", moves ? "read" : "pread", n, off);
	if (moves && lseek(w->direct, (off_t)off, SEEK_SET) != (off_t)off)
		wrong(w, "lseek");
	for (int i = (int)roll(w, 30); i > 0 && off + n <= w->base + w->length; i--) {
		ssize_t want = off >= size ? 0 : n < size - off ? (ssize_t)n : (ssize_t)(size - off), r;

		r = moves ? read(w->direct, w->buf, n) : pread(w->direct, w->buf, n, (off_t)off);
		if (r != want)
			wrong(w, "O_DIRECT: %zu at %zu returned %zd, must be %zd", n, off, r, want);
		compare(w, "O_DIRECT", w->buf, off, (size_t)r);
		if (r < (ssize_t)n)
			break;
		off += n;
	}
	w->next = off;
}

static void do_append(struct worker *w)
{
	size_t n = length(w, w->m->max - (size_t)w->m->size);
	int fd;

	if (!n)
		return;
	note(w, "append %zu", n);
	fd = open(w->path, O_WRONLY | O_APPEND);
	for (size_t i = 0; i < n; i++)
		w->buf[i] = (unsigned char)roll(w, 256);
	if (fd < 0 || write(fd, w->buf, n) != (ssize_t)n)
		wrong(w, "append");
	if (close(fd))
		wrong(w, "close");
	memcpy(w->m->data + w->m->size, w->buf, n);
	w->m->size += (off_t)n;
	published(w);
}

static void do_sync(struct worker *w)
{
	note(w, "fsync");
	if (roll(w, 8))
		return;
	if (roll(w, 2) ? fsync(w->fd) : fdatasync(w->fd))
		wrong(w, "fsync");
	published(w);
}

/* Opens the file to read; or looks at what was opened before. */
static void do_reader(struct worker *w)
{
	size_t off = place(w), n = length(w, w->m->max - off);
	ssize_t r = 0, want, done;

	if (w->reader < 0) {
		note(w, "open a reader");
		w->reader = open(w->path, O_RDONLY);
		if (w->reader < 0)
			wrong(w, "open to read");
		memcpy(w->was, w->m->data + w->m->max, w->m->max);
		w->was_size = w->m->seen;
	}
	note(w, "reader: pread %zu at %zu of %lld", n, off, (long long)w->was_size);
	want = (off_t)off >= w->was_size ? 0 : (off_t)n < w->was_size - (off_t)off ? (ssize_t)n : (ssize_t)(w->was_size - (off_t)off);
	for (done = 0; done < want && (r = pread(w->reader, w->buf + done, n - (size_t)done, (off_t)off + done)) > 0; )
		done += r;
	if (r < 0 && errno == ESTALE)
		note(w, "reader: its version is gone");
	else if (done != want)
		wrong(w, "reader got %zd and then %zd, must be %zd", done, r, want);
	if (memcmp(w->buf, w->was + off, (size_t)done))
		wrong(w, "reader: [%zu, %zu) is not of its version", off, off + (size_t)done);
	if (r >= 0 && roll(w, 3))
		return;
	close(w->reader);
	w->reader = -1;
}

static void do_reopen(struct worker *w)
{
	int fd;

	switch (roll(w, 3)) {
	case 0:
		note(w, "close, open");
		if (close(w->fd))
			wrong(w, "close");
		published(w);
		w->fd = open(w->path, O_RDWR);
		break;
	case 1:
		note(w, "dup, close");
		fd = dup(w->fd);
		close(w->fd);
		w->fd = fd;
		break;
	default:
		note(w, "open, dup2");
		fd = open(w->path, O_RDWR);
		if (dup2(fd, w->fd) != w->fd)
			wrong(w, "dup2");
		published(w);
		close(fd);
	}
	if (w->fd < 0)
		wrong(w, "open");
}

/* ---- what must hold in between */

static void check_size(struct worker *w)
{
	off_t seen = closes ? w->m->seen : w->m->size;
	struct stat st;

	note(w, "sizes");
	if (fstat(w->fd, &st) || st.st_size != w->m->size)
		wrong(w, "fstat says %lld, must be %lld", (long long)st.st_size, (long long)w->m->size);
	if (stat(w->path, &st) || st.st_size != seen)
		wrong(w, "stat says %lld, must be %lld", (long long)st.st_size, (long long)seen);
	if (lseek(w->fd, 0, SEEK_END) != w->m->size)
		wrong(w, "SEEK_END");
}

/* The whole file through this process's own calls. */
static void check_all(struct worker *w)
{
	for (size_t off = 0; off < (size_t)w->m->size; off += 65536) {
		size_t n = (size_t)w->m->size - off < 65536 ? (size_t)w->m->size - off : 65536;

		if (pread(w->fd, w->buf, n, (off_t)off) != (ssize_t)n)
			wrong(w, "short at %zu", off);
		compare(w, "all", w->buf, off, n);
	}
}

/* A program without the library must see the same: `fsx -c` gets the model on its input. */
static void observe(struct worker *w)
{
	int v[2], status = 0;
	pid_t pid;

	if (!other)
		return;
	note(w, "observed");
	if (pipe(v))
		wrong(w, "pipe");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		dup2(v[0], 0);
		close(v[0]);
		close(v[1]);
		unsetenv("LD_PRELOAD");
		execl(self, "fsx", "-c", other, (char *)NULL);
		_exit(99);
	}
	close(v[0]);
	for (off_t off = 0; off < w->m->size; ) {
		ssize_t r = write(v[1], w->m->data + off, (size_t)(w->m->size - off));

		if (r <= 0)
			break;
		off += r;
	}
	close(v[1]);
	if (waitpid(pid, &status, 0) != pid || status)
		wrong(w, "an unshimmed program sees another file: status %x", (unsigned)status);
}

/* The unshimmed observer. */
static int observer(const char *path)
{
	unsigned char a[65536], b[65536];
	size_t total = 0, n;
	struct stat st;
	int fd = open(path, O_RDONLY);

	if (fd < 0) {
		printf("%s: %m\n", path);
		return 1;
	}
	while ((n = fread(a, 1, sizeof(a), stdin)) > 0) {
		if (pread(fd, b, n, (off_t)total) != (ssize_t)n || memcmp(a, b, n)) {
			printf("%s: differs within %zu bytes from %zu\n", path, n, total);
			return 1;
		}
		total += n;
	}
	if (fstat(fd, &st) || (size_t)st.st_size != total) {
		printf("%s: size %lld, must be %zu\n", path, (long long)st.st_size, total);
		return 1;
	}
	return 0;
}

/* ---- workers */

static void step(struct worker *w)
{
	if (w->shared)
		pthread_mutex_lock(&w->m->lock);
	if (directly && !roll(w, 3)) {
		do_direct(w);
	} else switch (roll(w, w->shared && closes ? 23 : w->shared ? 20 : 15)) {
	case 0: case 1: case 2: case 3: case 4: do_read(w, (int)roll(w, 5)); break;
	case 5: case 6: case 7: case 8: case 9: do_write(w, (int)roll(w, 4)); break;
	case 10: if (!directly) do_map(w); break;
	case 11: do_allocate(w); break;
	case 12: do_sync(w); break;
	case 13: case 14: do_reopen(w); break;
	case 15: case 16: case 17: do_truncate(w); break;
	case 18: do_append(w); break;
	case 20: case 21: case 22: do_reader(w); break;
	default: check_size(w);
	}
	if (++w->m->ops % 500 == 0 && w->shared) {
		check_all(w);
		observe(w);
	}
	if (w->shared)
		pthread_mutex_unlock(&w->m->lock);
}

static bool done(struct worker *w)
{
	return seconds ? time(NULL) >= deadline : w->m->ops >= max_ops;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	w->buf = aligned_alloc(4096, 1 << 17);
	w->fd = open(w->path, O_RDWR | O_CREAT, 0644);
	if (w->fd < 0 || !w->buf)
		wrong(w, "open %s", w->path);
	if (directly)
		open_direct(w);
	w->reader = -1;
	w->was = closes ? malloc(w->m->max) : NULL;
	while (!done(w))
		step(w);
	if (w->shared)
		pthread_mutex_lock(&w->m->lock);
	if (close(w->fd))
		wrong(w, "close");
	published(w);
	if (w->reader >= 0)
		close(w->reader);
	if (w->shared)
		pthread_mutex_unlock(&w->m->lock);
	free(w->was);
	free(w->buf);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct worker workers[64];
	static char path_self[4096];
	int threads = 1, processes = 1, opt, status, bad = 0;
	bool one = false;
	size_t max = 1 << 18;
	uint64_t seed = (uint64_t)time(NULL) * 1000 + (uint64_t)getpid();
	pthread_mutexattr_t attr;
	pthread_t tid[64];
	struct model *m;
	ssize_t n;

	while ((opt = getopt(argc, argv, "n:d:s:l:t:p:o:c:1aD")) != -1) {
		switch (opt) {
		case 'n': max_ops = atol(optarg); break;
		case 'd': seconds = atoi(optarg); break;
		case 's': seed = strtoull(optarg, NULL, 10); break;
		case 'l': max = strtoull(optarg, NULL, 10); break;
		case 't': threads = atoi(optarg); break;
		case 'p': processes = atoi(optarg); break;
		case 'o': other = optarg; break;
		case 'c': return observer(optarg);
		case '1': one = true; break;
		case 'a': closes = true; break;
		case 'D': directly = true; break;
		default: return 2;
		}
	}
	if (optind != argc - 1 || threads < 1 || threads > 32 || processes < 1 || processes > 16)
		return 2;
	n = readlink("/proc/self/exe", path_self, sizeof(path_self) - 1);
	path_self[n > 0 ? n : 0] = '\0';
	self = path_self;
	m = mmap(NULL, sizeof(*m) + 2 * max, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return 2;
	m->max = max;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&m->lock, &attr);
	deadline = time(NULL) + seconds;
	one |= threads == 1 || processes > 1;
	printf("fsx -s %llu -l %zu -t %d -p %d%s%s %s\n", (unsigned long long)seed, max, threads, processes, directly ? " -D" : "", one ? closes ? " -1 -a" : " -1" : "", argv[optind]);
	fflush(stdout);
	unlink(argv[optind]);
	close(open(argv[optind], O_RDWR | O_CREAT, 0644));
	if (!one && truncate(argv[optind], (off_t)max))
		return 2;
	if (!one)
		m->size = (off_t)max;
	for (int p = 0; p < processes; p++) {
		if (processes > 1 && fork())
			continue;
		for (int t = 0; t < threads; t++) {
			struct worker *w = &workers[t];

			*w = (struct worker){ .m = m, .path = argv[optind], .shared = one, .length = max };
			w->dice = (seed + (uint64_t)(p * 64 + t)) * 0x9E3779B97F4A7C15u | 1;
			if (!one) {
				/* regions that end within a page: neighbours share it */
				w->base = max / (size_t)threads * (size_t)t;
				w->length = max / (size_t)threads;
			}
			pthread_create(&tid[t], NULL, work, w);
		}
		for (int t = 0; t < threads; t++)
			pthread_join(tid[t], NULL);
		if (processes > 1)
			_exit(0);
	}
	while (processes > 1 && wait(&status) > 0)
		bad |= status;
	if (!bad && !m->failed) {
		struct worker *w = &workers[0];

		*w = (struct worker){ .m = m, .path = argv[optind], .shared = true, .length = max };
		w->buf = malloc(1 << 17);
		w->fd = open(w->path, O_RDONLY);
		check_size(w);
		check_all(w);
		observe(w);
		printf("%ld operations, no difference\n", (long)m->ops);
	}
	return bad || m->failed;
}
