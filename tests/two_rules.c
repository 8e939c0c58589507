/* SPDX-License-Identifier: MIT */
/*
 * two_rules FILE-A FILE-B: the numbers of descriptors go back and forth
 * between files of two rules while threads read from them. A holds only 'a's,
 * B only 'b's. Fails at a byte of neither, a byte of A for who has B open, an
 * error on a file that is open, or a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SIZE 65536
#define OPENERS 2
#define READERS 3

static char *path[2];
static int first;                /* the lowest number they use */
static _Atomic int stop, failed;
static _Atomic long opens, reads;

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static void failure(const char *what, long a, long b)
{
	if (!failed++)
		printf("%s: %ld, %ld\n", what, a, b);
	stop = 1;
}

/* n times the letter; 0 means any one of the two. */
static int is_all(const char *got, size_t n, char letter)
{
	if (!letter)
		letter = got[0] == 'a' ? 'a' : 'b';
	for (size_t i = 0; i < n; i++)
		if (got[i] != letter)
			return 0;
	return 1;
}

/* Its own descriptor: nobody else closes it. */
static void use(int fd, char letter)
{
	char got[512];
	struct iovec v[2] = { { got, 100 }, { got + 100, 412 } };

	for (int i = 0; i < 8; i++) {
		off_t off = (off_t)i * 5000;
		ssize_t r = i & 1 ? preadv(fd, v, 2, off) : pread(fd, got, sizeof(got), off);

		if (r != sizeof(got) || !is_all(got, sizeof(got), letter))
			failure("own file: result, byte", r, got[0]);
	}
}

static void *opener(void *arg)
{
	unsigned dice = (unsigned)(long)arg + 1;

	while (!stop) {
		int which = rand_r(&dice) >> 8 & 1, fd = open(path[which], O_RDWR);

		if (fd < 0) {
			failure("open: errno", errno, which);
			break;
		}
		use(fd, "ab"[which]);
		if (close(fd))
			failure("close: errno", errno, which);
		opens++;
	}
	return NULL;
}

static void *reader(void *arg)
{
	char got[512];
	unsigned dice = (unsigned)(long)arg + 100;

	while (!stop) {
		/* closed, a number may for a moment be a descriptor the library needs: it has no bytes there */
		int fd = first + (int)(rand_r(&dice) >> 8) % OPENERS;
		off_t off = 8192 + (off_t)(rand_r(&dice) % (SIZE - 8192 - sizeof(got)));
		ssize_t r = pread(fd, got, sizeof(got), off);

		if (r > 0 && (r != sizeof(got) || !is_all(got, sizeof(got), 0)))
			failure("another's file: result, byte", r, got[0]);
		reads++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[OPENERS + READERS];
	long long end;

	if (argc != 3)
		return 2;
	for (int i = 0; i < 2; i++) {
		char *data = malloc(SIZE);
		int fd;

		path[i] = argv[1 + i];
		fd = open(path[i], O_RDWR | O_CREAT | O_TRUNC, 0644);
		memset(data, "ab"[i], SIZE);
		if (fd < 0 || write(fd, data, SIZE) != SIZE)
			return 2;
		/* all that is made at first use, or soon after, is there before the readers are */
		use(fd, "ab"[i]);
		nanosleep(&(struct timespec){ 0, 30000000 }, NULL);
		use(fd, "ab"[i]);
		first = fd;
		close(fd);
		free(data);
	}
	end = now_ms() + (getenv("LONG") ? 2000 : 1000);
	for (long i = 0; i < OPENERS; i++)
		pthread_create(&t[i], NULL, opener, (void *)i);
	for (long i = 0; i < READERS; i++)
		pthread_create(&t[OPENERS + i], NULL, reader, (void *)i);
	while (!stop && now_ms() < end)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	stop = 1;
	for (int i = 0; i < OPENERS + READERS; i++)
		pthread_join(t[i], NULL);
	printf("%ld opens, %ld reads\n", (long)opens, (long)reads);
	return failed || !opens || !reads;
}
