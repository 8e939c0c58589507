/* SPDX-License-Identifier: MIT */
/*
 * aio_stress [-d] [-n STEPS] [-s SEED] FILE: random asynchronous requests against a
 * model. Each slot owns a block of the file and knows what is in it: a read must
 * find that, a write becomes it; between them cancellations, lists, signals,
 * threads that start requests and end, closes with requests in flight, and fork
 * children with requests of their own; -d: with O_DIRECT. Prints nothing unless something is wrong.
 */
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 48
#define BLOCK 4096

enum what { IDLE, READING, WRITING, SYNCING };

struct slot {
	struct aiocb cb;
	enum what what;
	uint32_t is, becomes;       /* seeds of the block's content; `becomes` of a write */
	_Alignas(BLOCK) unsigned char buf[BLOCK];
};

static struct slot slots[SLOTS];
static const char *path;
static unsigned long seed, steps = 20000;
static int fd, direct;
static volatile sig_atomic_t told;

static uint32_t next(void)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (uint32_t)(seed >> 33);
}

static void fill(unsigned char *buf, uint32_t s)
{
	for (int i = 0; i < BLOCK; i += 4) {
		uint32_t v = s * 2654435761u + (uint32_t)i;

		memcpy(buf + i, &v, 4);
	}
}

static void wrong(const char *what, const struct slot *s)
{
	printf("%s: slot %d, seed %lu, error %s, return %zd\n", what, (int)(s - slots), seed,
	       strerror(s->cb.__error_code), (ssize_t)s->cb.__return_value);
	exit(1);
}

static int holds(const struct slot *s, uint32_t content)
{
	unsigned char want[BLOCK];

	fill(want, content);
	return !memcmp(want, s->buf, BLOCK);
}

static void on_signal(int sig)
{
	(void)sig;
	told++;
}

/* What a request that is over says, against the model. */
static void judge(struct slot *s)
{
	int e = aio_error(&s->cb);
	ssize_t r = aio_return(&s->cb);

	if (e && (e != ECANCELED || r != -1))
		wrong("an error", s);
	if (!e && r != (s->what == SYNCING ? 0 : BLOCK))
		wrong("a short result", s);
	if (s->what == WRITING) {
		if (!e)
			s->is = s->becomes;       /* a cancelled one has not begun */
	} else if (s->what == READING && !e && !holds(s, s->is)) {
		wrong("other bytes", s);
	}
	s->what = IDLE;
}

static void *start(void *arg)
{
	struct slot *s = arg;
	int r = s->what == READING ? aio_read(&s->cb) : s->what == WRITING ? aio_write(&s->cb) : aio_fsync(O_DSYNC, &s->cb);

	if (r)
		wrong("not started", s);
	return NULL;
}

/* A request in an idle slot, as yet unstarted. */
static void prepare(struct slot *s)
{
	uint32_t how = next();

	memset(&s->cb, 0xa5, sizeof(s->cb));
	s->cb.aio_fildes = fd;
	s->cb.aio_reqprio = 0;
	s->cb.aio_buf = s->buf;
	s->cb.aio_nbytes = BLOCK;
	s->cb.aio_offset = (off_t)(s - slots) * BLOCK;
	memset(&s->cb.aio_sigevent, 0, sizeof(s->cb.aio_sigevent));
	s->cb.aio_sigevent.sigev_notify = how % 5 ? SIGEV_NONE : SIGEV_SIGNAL;
	s->cb.aio_sigevent.sigev_signo = SIGUSR1;
	s->what = how / 5 % 16 == 0 ? SYNCING : how / 5 % 2 ? READING : WRITING;
	s->cb.aio_lio_opcode = s->what == READING ? LIO_READ : LIO_WRITE;
	if (s->what == WRITING) {
		s->becomes = next();
		fill(s->buf, s->becomes);
	} else if (s->what == READING) {
		memset(s->buf, 0, BLOCK);
	}
}

static void begin(struct slot *s)
{
	pthread_t t;

	prepare(s);
	if (next() % 8) {
		start(s);
	} else if (pthread_create(&t, NULL, start, s) == 0) {
		pthread_join(t, NULL);
	} else {
		start(s);
	}
}

static void finish(struct slot *s)
{
	const struct aiocb *list[] = { &s->cb };

	if (s->what == IDLE)
		return;
	while (aio_error(&s->cb) == EINPROGRESS)
		if (aio_suspend(list, 1, NULL) && errno != EINTR)
			wrong("suspend", s);
	judge(s);
}

static void finish_all(void)
{
	for (int i = 0; i < SLOTS; i++)
		finish(&slots[i]);
}

static void cancel(struct slot *s)
{
	int r;

	if (s->what == IDLE)
		return;
	r = aio_cancel(fd, next() % 8 ? &s->cb : NULL);
	if (r != AIO_CANCELED && r != AIO_NOTCANCELED && r != AIO_ALLDONE)
		wrong("cancel", s);
	if (r == AIO_CANCELED && aio_error(&s->cb) != ECANCELED && aio_error(&s->cb) != 0)
		wrong("cancelled, but", s);
}

/* What is idle among some slots, in one list, waited for. */
static void list(void)
{
	struct aiocb *cbs[8] = { NULL };
	int any = 0;

	for (int i = 0; i < 8; i++) {
		struct slot *s = &slots[next() % SLOTS];

		if (s->what != IDLE)
			continue;
		prepare(s);
		if (s->what == SYNCING) {
			s->what = IDLE;
			continue;
		}
		cbs[i] = &s->cb;
		any = 1;
	}
	if (any && lio_listio(next() % 2 ? LIO_WAIT : LIO_NOWAIT, cbs, 8, NULL) && errno != EINTR) {
		perror("lio_listio");
		exit(1);
	}
}

static void reopen(void)
{
	close(fd);
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].what != IDLE && aio_error(&slots[i].cb) == EINPROGRESS)
			wrong("in progress behind a close", &slots[i]);
	finish_all();
	fd = open(path, O_RDWR | direct);
	if (fd < 0) {
		perror(path);
		exit(1);
	}
}

/* Requests of its own, of a block nobody writes now; the parent's go on. */
static void fork_child(void)
{
	int status;
	pid_t pid = fork(), r;

	if (!pid) {
		struct slot *s = &slots[next() % SLOTS];

		if (s->what == IDLE) {
			do {
				prepare(s);
			} while (s->what != READING);
			start(s);
			finish(s);
		}
		close(fd);
		_exit(0);
	}
	do {
		r = waitpid(pid, &status, 0);
	} while (r < 0 && errno == EINTR);
	if (pid < 0 || r != pid || status) {
		printf("a child ended with %#x, seed %lu\n", status, seed);
		exit(1);
	}
}

static void step(void)
{
	struct slot *s = &slots[next() % SLOTS];
	uint32_t what = next() % 1000;

	if (what < 5)
		reopen();
	else if (what < 8)
		fork_child();
	else if (what < 60)
		list();
	else if (what < 120)
		cancel(s);
	else if (s->what == IDLE)
		begin(s);
	else
		finish(s);
}

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "dn:s:")) != -1) {
		if (c == 'n')
			steps = strtoul(optarg, NULL, 0);
		else if (c == 's')
			seed = strtoul(optarg, NULL, 0);
		else if (c == 'd')
			direct = O_DIRECT;
		else
			return 2;
	}
	path = argv[optind];
	if (!path)
		return 2;
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | direct, 0644);
	if (fd < 0) {
		perror(path);
		return 1;
	}
	for (int i = 0; i < SLOTS; i++) {
		fill(slots[i].buf, 0);
		if (pwrite(fd, slots[i].buf, BLOCK, (off_t)i * BLOCK) != BLOCK) {
			perror(path);
			return 1;
		}
	}
	while (steps--)
		step();
	finish_all();
	return 0;
}
