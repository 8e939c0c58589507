/* SPDX-License-Identifier: MIT */
/*
 * split FILE SIZE PARTS seq|rnd: reads half of FILE in calls of SIZE bytes
 * with a cold cache, each as one pread (PARTS 1) or as PARTS reads through a
 * ring at once; prints MiB/s.
 */
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void split_read(struct io_uring *ring, int fd, char *buf, size_t n, off_t off, int parts)
{
	size_t part = n / (size_t)parts;
	struct io_uring_cqe *cqe;

	for (int i = 0; i < parts; i++)
		io_uring_prep_read(io_uring_get_sqe(ring), fd, buf + (size_t)i * part,
				   (unsigned)part, (uint64_t)off + (size_t)i * part);
	io_uring_submit_and_wait(ring, (unsigned)parts);
	for (int i = 0; i < parts; i++) {
		if (io_uring_wait_cqe(ring, &cqe) < 0 || cqe->res != (int)part)
			exit(3);
		io_uring_cqe_seen(ring, cqe);
	}
}

int main(int argc, char **argv)
{
	struct io_uring ring;
	struct stat st;
	unsigned x = 7;
	double t;

	if (argc != 5)
		return 2;

	size_t size = strtoul(argv[2], NULL, 0);
	int parts = atoi(argv[3]), random = !strcmp(argv[4], "rnd");
	int fd = open(argv[1], O_RDONLY);
	char *buf = aligned_alloc(4096, size);

	if (fd < 0 || fstat(fd, &st) < 0 || !buf || io_uring_queue_init(64, &ring, 0) < 0)
		return 2;
	memset(buf, 1, size);

	size_t calls = (size_t)st.st_size / size, n = calls / 2;

	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	t = now();
	for (size_t i = 0; i < n; i++) {
		off_t off = (off_t)((random ? (x = x * 1103515245 + 12345) >> 8 : i) % calls * size);

		if (parts > 1)
			split_read(&ring, fd, buf, size, off, parts);
		else if (pread(fd, buf, size, off) != (ssize_t)size)
			return 3;
	}
	printf("%.0f\n", (double)(n * size) / 1048576 / (now() - t));
	return 0;
}
