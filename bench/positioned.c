/* SPDX-License-Identifier: MIT */
/*
 * positioned HOW DIR THREADS DEPTH SECONDS [direct]: random aligned 4 KiB reads of all
 * files of DIR, THREADS times DEPTH of them at once, by pread, mmap, advised (mmap
 * with MADV_RANDOM), posixaio, libaio or io_uring. Prints reads a second, and the
 * 50th, 99th and 99.9th percentile of their times in microseconds.
 *
 * positioned evict DIR: takes the files out of memory and prints how many pages are left.
 * positioned nop DEPTH: ns of an empty trip through a ring, DEPTH at a time.
 */
#include <aio.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <liburing.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define FILES_MAX 1024
#define DEPTH_MAX 256
#define BINS 4096                /* 64 for each octave */

static struct { int fd; off_t blocks; char *map; } files[FILES_MAX];
static int nfiles, depth;
static double seconds;
static volatile int stop;

/* A thread: one request of its own for each of its depth. */
struct slot {
	struct aiocb aio;
	struct iocb iocb;
	void *buf;
	uint64_t began;
};

struct worker {
	pthread_t thread;
	uint64_t seed, reads;
	uint64_t bin[BINS];
	struct slot slot[DEPTH_MAX];
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* As those of shim/stats/stats_layout.h. */
static unsigned bin_of(uint64_t ns)
{
	unsigned shift = 63 - (unsigned)__builtin_clzll(ns | 64) - 6;

	return (shift << 6) + (unsigned)(ns >> shift);
}

static double middle(unsigned bin)
{
	unsigned shift = bin >> 6 ? (bin >> 6) - 1 : 0;

	return (double)((uint64_t)(bin - (shift << 6)) << shift);
}

/* A random block of a random file. */
static int choose(struct worker *w, off_t *off)
{
	int f;

	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	f = (int)((w->seed >> 33) % (unsigned)nfiles);
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	*off = (off_t)((w->seed >> 33) % (uint64_t)files[f].blocks) * BLOCK;
	return f;
}

static void over(struct worker *w, struct slot *s, ssize_t r)
{
	if (r != BLOCK) {
		errno = r < 0 ? (int)-r : EIO;
		die("a read");
	}
	w->bin[bin_of(now() - s->began)]++;
	w->reads++;
}

static void *by_pread(void *arg)
{
	struct worker *w = arg;

	while (!stop) {
		off_t off;
		int f = choose(w, &off);
		ssize_t r;

		w->slot->began = now();
		r = pread(files[f].fd, w->slot->buf, BLOCK, off);
		over(w, w->slot, r < 0 ? -errno : r);
	}
	return NULL;
}

static void *by_mmap(void *arg)
{
	struct worker *w = arg;

	while (!stop) {
		off_t off;
		int f = choose(w, &off);

		w->slot->began = now();
		memcpy(w->slot->buf, files[f].map + off, BLOCK);
		over(w, w->slot, BLOCK);
	}
	return NULL;
}

static void start_posix(struct worker *w, struct slot *s)
{
	memset(&s->aio, 0, sizeof(s->aio));
	s->aio.aio_fildes = files[choose(w, &s->aio.aio_offset)].fd;
	s->aio.aio_buf = s->buf;
	s->aio.aio_nbytes = BLOCK;
	s->aio.aio_sigevent.sigev_notify = SIGEV_NONE;
	s->began = now();
	if (aio_read(&s->aio))
		die("aio_read");
}

static void *by_posixaio(void *arg)
{
	struct worker *w = arg;
	const struct aiocb *list[DEPTH_MAX];

	for (int i = 0; i < depth; i++) {
		list[i] = &w->slot[i].aio;
		start_posix(w, &w->slot[i]);
	}
	for (int busy = depth; busy; ) {
		if (aio_suspend(list, depth, NULL) && errno != EINTR)
			die("aio_suspend");
		for (int i = 0; i < depth; i++) {
			int e = list[i] ? aio_error(list[i]) : EINPROGRESS;

			if (e == EINPROGRESS)
				continue;
			over(w, &w->slot[i], e ? -e : aio_return(&w->slot[i].aio));
			if (!stop) {
				start_posix(w, &w->slot[i]);
			} else {
				list[i] = NULL;
				busy--;
			}
		}
	}
	return NULL;
}

static void *by_libaio(void *arg)
{
	struct worker *w = arg;
	struct iocb *list[DEPTH_MAX];
	struct io_event events[DEPTH_MAX];
	io_context_t context = NULL;
	int n = depth, busy = 0;

	if (io_setup(depth, &context) < 0)
		die("io_setup");
	for (int i = 0; i < depth; i++)
		list[i] = &w->slot[i].iocb;
	while (n || busy) {
		for (int i = 0; i < n; i++) {
			struct slot *s = (struct slot *)((char *)list[i] - offsetof(struct slot, iocb));
			off_t off;
			int f = choose(w, &off);

			io_prep_pread(list[i], files[f].fd, s->buf, BLOCK, off);
			list[i]->data = s;
			s->began = now();
		}
		if (n && io_submit(context, n, list) != n)
			die("io_submit");
		busy += n;
		n = io_getevents(context, 1, depth, events, NULL);
		if (n < 0)
			die("io_getevents");
		busy -= n;
		for (int i = 0; i < n; i++) {
			over(w, events[i].data, (ssize_t)events[i].res);
			list[i] = events[i].obj;
		}
		if (stop)
			n = 0;
	}
	io_destroy(context);
	return NULL;
}

static void start_uring(struct worker *w, struct io_uring *ring, struct slot *s)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	off_t off;
	int f = choose(w, &off);

	io_uring_prep_read(sqe, files[f].fd, s->buf, BLOCK, (uint64_t)off);
	io_uring_sqe_set_data(sqe, s);
	s->began = now();
}

static void make_ring(struct io_uring *ring)
{
	if (io_uring_queue_init(DEPTH_MAX, ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) < 0 &&
	    io_uring_queue_init(DEPTH_MAX, ring, 0) < 0)
		die("io_uring");
}

static void *by_uring(void *arg)
{
	struct worker *w = arg;
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	int busy = depth;

	make_ring(&ring);
	for (int i = 0; i < depth; i++)
		start_uring(w, &ring, &w->slot[i]);
	while (busy) {
		io_uring_submit_and_wait(&ring, 1);
		while (io_uring_peek_cqe(&ring, &cqe) == 0) {
			struct slot *s = io_uring_cqe_get_data(cqe);

			over(w, s, cqe->res);
			io_uring_cqe_seen(&ring, cqe);
			if (stop)
				busy--;
			else
				start_uring(w, &ring, s);
		}
	}
	io_uring_queue_exit(&ring);
	return NULL;
}

static void nop(int n)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;
	uint64_t began, trips = 0;

	make_ring(&ring);
	began = now();
	while (now() - began < 300000000) {
		for (int i = 0; i < n; i++)
			io_uring_prep_nop(io_uring_get_sqe(&ring));
		io_uring_submit_and_wait(&ring, (unsigned)n);
		for (int i = 0; i < n && io_uring_peek_cqe(&ring, &cqe) == 0; i++, trips++)
			io_uring_cqe_seen(&ring, cqe);
	}
	printf("%.0f\n", (double)(now() - began) / (double)trips);
}

static void open_all(const char *dir, int flags, int advice)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	struct stat st;
	char path[4096];

	if (!d)
		die(dir);
	while ((e = readdir(d)) && nfiles < FILES_MAX) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		files[nfiles].fd = open(path, O_RDONLY | flags);
		if (files[nfiles].fd < 0 || fstat(files[nfiles].fd, &st))
			die(path);
		files[nfiles].blocks = st.st_size / BLOCK;
		if (advice >= 0) {
			files[nfiles].map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, files[nfiles].fd, 0);
			if (files[nfiles].map == MAP_FAILED || madvise(files[nfiles].map, (size_t)st.st_size, advice))
				die("mmap");
		}
		nfiles++;
	}
	closedir(d);
}

static void evict(const char *dir)
{
	size_t left = 0;

	open_all(dir, 0, MADV_NORMAL);
	for (int i = 0; i < nfiles; i++) {
		size_t n = (size_t)files[i].blocks;
		unsigned char *in = malloc(n);

		if (fsync(files[i].fd))
			die("fsync");
		posix_fadvise(files[i].fd, 0, 0, POSIX_FADV_DONTNEED);
		if (!in || mincore(files[i].map, n * BLOCK, in))
			die("mincore");
		for (size_t k = 0; k < n; k++)
			left += in[k] & 1;
		free(in);
	}
	printf("%zu\n", left);
}

static const struct { const char *name; void *(*work)(void *); int advice; } hows[] = {
	{ "pread", by_pread, -1 }, { "mmap", by_mmap, MADV_NORMAL }, { "advised", by_mmap, MADV_RANDOM },
	{ "posixaio", by_posixaio, -1 }, { "libaio", by_libaio, -1 }, { "io_uring", by_uring, -1 },
};

static double percentile(const struct worker *all, uint64_t reads, double p)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < BINS; i++) {
		seen += all->bin[i];
		if (seen >= (uint64_t)((double)reads * p))
			return middle(i) / 1000;
	}
	return 0;
}

static void run(void *(*work)(void *), int threads)
{
	struct worker *w = calloc((size_t)threads, sizeof(*w)), *all = calloc(1, sizeof(*all));
	uint64_t began = now();

	if (!w || !all)
		die("memory");
	for (int i = 0; i < threads; i++) {
		w[i].seed = began + (unsigned)i * 7919u;
		for (int k = 0; k < depth; k++)
			w[i].slot[k].buf = aligned_alloc(BLOCK, BLOCK);
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			die("pthread_create");
	}
	usleep((unsigned)(seconds * 1e6));
	stop = 1;
	for (int i = 0; i < threads; i++) {
		pthread_join(w[i].thread, NULL);
		all->reads += w[i].reads;
		for (int k = 0; k < BINS; k++)
			all->bin[k] += w[i].bin[k];
	}
	printf("%.0f %.0f %.0f %.0f\n", (double)all->reads / ((double)(now() - began) / 1e9),
	       percentile(all, all->reads, .5), percentile(all, all->reads, .99), percentile(all, all->reads, .999));
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "evict")) {
		evict(argv[2]);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "nop")) {
		nop(atoi(argv[2]));
		return 0;
	}
	for (size_t i = 0; argc >= 6 && i < sizeof(hows) / sizeof(*hows); i++)
		if (!strcmp(argv[1], hows[i].name)) {
			depth = atoi(argv[4]);
			seconds = atof(argv[5]);
			open_all(argv[2], argc > 6 ? O_DIRECT : 0, hows[i].advice);
			if (depth < 1 || depth > DEPTH_MAX || !nfiles)
				break;
			run(hows[i].work, atoi(argv[3]));
			return 0;
		}
	fprintf(stderr, "usage: positioned HOW DIR THREADS DEPTH SECONDS [direct]\n");
	return 2;
}
