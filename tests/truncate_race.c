/* SPDX-License-Identifier: MIT */
/*
 * Readers against a writer that truncates, extends and rewrites one file, and
 * is killed and started again. Every 8 bytes ever written name their own
 * offset, so a reader knows what may be there: that or zero. Fails at any
 * other byte, at a signal, or when a call fails.
 *
 *     truncate_race [-k KILLS] [-r READERS] PATH
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
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

#define MAX (1 << 20)

struct shared {
	_Atomic int stop, failed;
	_Atomic long reads, bytes, writes;
};

static struct shared *s;
static const char *path;

static uint64_t word_at(uint64_t off)
{
	return (off << 16 | 0xA5) * 0x9E3779B97F4A7C15u | 1;
}

static uint64_t roll(uint64_t *dice)
{
	*dice ^= *dice << 13;
	*dice ^= *dice >> 7;
	*dice ^= *dice << 17;
	return *dice >> 11;
}

/* Bytes of the word that holds `off`, or zeros of a hole; mixed within a word only byte by byte. */
static void check(const unsigned char *got, uint64_t off, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t at = off + i, word = word_at(at & ~7ull);
		unsigned char want = ((unsigned char *)&word)[at & 7];

		if (got[i] && got[i] != want) {
			printf("byte %llu is %02x, which was never written there (%02x was)\n",
			       (unsigned long long)at, got[i], want);
			s->failed = 1;
			s->stop = 1;
			return;
		}
	}
}

static void *reader(void *arg)
{
	uint64_t dice = (uint64_t)(uintptr_t)arg * 7919 + (uint64_t)getpid();
	unsigned char *buf = malloc(1 << 17);
	int fd = open(path, O_RDONLY);

	while (!s->stop) {
		uint64_t off = roll(&dice) % MAX;
		size_t n = roll(&dice) % (roll(&dice) % 4 ? 9000 : 1 << 17);
		struct iovec v[2] = { { buf, n / 2 }, { buf + n / 2, n - n / 2 } };
		ssize_t r;

		memset(buf, 0xEE, n);
		switch (roll(&dice) % 3) {
		case 0:
			lseek(fd, (off_t)off, SEEK_SET);
			r = read(fd, buf, n);
			break;
		case 1:
			r = preadv(fd, v, 2, (off_t)off);
			break;
		default:
			r = pread(fd, buf, n, (off_t)off);
		}
		if (r < 0) {
			printf("read: %s\n", strerror(errno));
			s->failed = s->stop = 1;
			break;
		}
		check(buf, off, (size_t)r);
		s->reads++;
		s->bytes += r;
	}
	close(fd);
	free(buf);
	return NULL;
}

/* Forever, until killed. */
static void writer(uint64_t dice)
{
	uint64_t *words = malloc(1 << 17);
	int fd = open(path, O_RDWR);

	for (;;) {
		uint64_t off = (roll(&dice) % MAX) & ~7ull;
		size_t n = (roll(&dice) % (1 << 16)) & ~7ull;
		long r = 0;

		switch (roll(&dice) % 6) {
		case 0:
			r = ftruncate(fd, (off_t)off);
			break;
		case 1:
			r = ftruncate(fd, roll(&dice) % 3 ? (off_t)off : 0);
			break;
		case 2:
			r = truncate(path, (off_t)off);
			break;
		default:
			for (size_t i = 0; i < n / 8; i++)
				words[i] = word_at(off + i * 8);
			r = pwrite(fd, words, n, (off_t)off);
		}
		if (r < 0) {
			printf("writer: %s\n", strerror(errno));
			fflush(stdout);
			s->failed = s->stop = 1;
			_exit(1);
		}
		s->writes++;
	}
}

int main(int argc, char **argv)
{
	int kills = 20, readers = 3, opt, status, fd;
	uint64_t dice;
	pthread_t t[16];
	pid_t pid, child;

	while ((opt = getopt(argc, argv, "k:r:")) != -1) {
		if (opt == 'k')
			kills = atoi(optarg);
		else if (opt == 'r')
			readers = atoi(optarg) > 16 ? 16 : atoi(optarg);
		else
			return 2;
	}
	if (optind != argc - 1)
		return 2;
	path = argv[optind];
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (s == MAP_FAILED || fd < 0)
		return 2;
	close(fd);
	dice = (uint64_t)time(NULL) * 31 + (uint64_t)getpid();
	fflush(stdout);
	/* readers in a process of their own, with threads */
	child = fork();
	if (!child) {
		for (long i = 0; i < readers; i++)
			pthread_create(&t[i], NULL, reader, (void *)(i + 1));
		for (int i = 0; i < readers; i++)
			pthread_join(t[i], NULL);
		fflush(stdout);
		_exit(s->failed);
	}
	pthread_create(&t[0], NULL, reader, (void *)77L);
	for (int i = 0; i < kills && !s->stop; i++) {
		long before = s->writes;

		fflush(stdout);
		pid = fork();
		if (!pid)
			writer(dice + (uint64_t)i * 1000003);
		/* some work first, whatever the machine's speed */
		while (s->writes < before + 100 && !s->stop && !waitpid(pid, &status, WNOHANG))
			nanosleep(&(struct timespec){ 0, 200000 }, NULL);
		nanosleep(&(struct timespec){ 0, (long)(roll(&dice) % 30000000) }, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	s->stop = 1;
	pthread_join(t[0], NULL);
	if (waitpid(child, &status, 0) != child || status) {
		printf("readers ended with status %x\n", (unsigned)status);
		s->failed = 1;
	}
	printf("%ld reads of %ld bytes, %ld writes, %d kills\n", (long)s->reads, (long)s->bytes, (long)s->writes, kills);
	/* and afterwards the file works for everyone */
	fd = open(path, O_RDWR);
	if (ftruncate(fd, 0) || pwrite(fd, "after", 5, 100000) != 5 || lseek(fd, 0, SEEK_END) != 100005)
		s->failed = 1;
	return s->failed || !s->reads || !s->bytes;
}
