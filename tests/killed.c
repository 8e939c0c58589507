/* SPDX-License-Identifier: MIT */
/*
 * killed PATH THREADS: threads pread PATH without end; after each call its
 * thread writes one byte to standard output, a pipe, so that whoever reads it
 * knows how many calls have ended.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static int fd;

static void *work(void *arg)
{
	char b[512];

	(void)arg;
	for (;;) {
		if (pread(fd, b, sizeof(b), 0) != sizeof(b))
			_exit(3);
		if (write(1, "x", 1) != 1)
			_exit(4);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc > 2 ? atoi(argv[2]) : 1;
	pthread_t t;

	alarm(60);      /* never left behind */
	fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	if (fd < 0)
		return 2;
	for (int i = 1; i < threads; i++)
		pthread_create(&t, NULL, work, NULL);
	work(NULL);
}
