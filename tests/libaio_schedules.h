/* SPDX-License-Identifier: MIT */
/*
 * Random schedules of libaio's calls from several threads on one context,
 * against a model: each request has a block of the file of its own and knows what is in
 * it; each accepted request gives exactly one event, whoever fetches it. Between
 * them polls that are cancelled or left to io_destroy, eventfds, closes with
 * requests in flight, threads that end at once.
 *
 * Whoever includes this has the calls: sys_setup, sys_submit, sys_get,
 * sys_cancel, sys_destroy, which return -errno, and open_file, close_file.
 */
#ifndef LIBAIO_SCHEDULES_H
#define LIBAIO_SCHEDULES_H

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 3
#define SLOTS 16                 /* of a thread */
#define BLOCK 512
#define STEPS 40

struct slot {
	struct iocb cb;
	struct iovec iov[2];
	unsigned char buf[BLOCK];
	unsigned char is, becomes;
	_Atomic int busy;
	int counted;             /* an eventfd counts it */
};

static struct slot slots[THREADS][SLOTS];
static aio_context_t context;
static int file_fd, pipe_fds[2], event_fd;
static _Atomic int in_flight, polls, file_closed;
static _Atomic unsigned long counted;
static unsigned long schedule;

static void wrong(const char *what, long r)
{
	printf("schedule %lu: %s: %ld\n", schedule, what, r);
	fflush(stdout);
	abort();
}

static uint32_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005UL + 1442695040888963407UL;
	return (uint32_t)(*seed >> 33);
}

static int is_read(const struct iocb *cb)
{
	return cb->aio_lio_opcode == IOCB_CMD_PREAD || cb->aio_lio_opcode == IOCB_CMD_PREADV;
}

static int is_write(const struct iocb *cb)
{
	return cb->aio_lio_opcode == IOCB_CMD_PWRITE || cb->aio_lio_opcode == IOCB_CMD_PWRITEV;
}

static void prepare(struct slot *s, int at, uint64_t *seed)
{
	static const int ops[] = {
		IOCB_CMD_PREAD, IOCB_CMD_PREAD, IOCB_CMD_PREAD, IOCB_CMD_PWRITE, IOCB_CMD_PWRITE,
		IOCB_CMD_PREADV, IOCB_CMD_PWRITEV, IOCB_CMD_FDSYNC, IOCB_CMD_POLL,
	};
	uint32_t how = next(seed);
	int op = ops[how % (sizeof(ops) / sizeof(*ops))];
	size_t half = how / 100 % BLOCK;

	memset(&s->cb, 0, sizeof(s->cb));
	s->cb.aio_data = (uintptr_t)s ^ 0x5555;
	s->cb.aio_lio_opcode = (unsigned short)op;
	s->cb.aio_fildes = (unsigned)(op == IOCB_CMD_POLL ? pipe_fds[0] : file_fd);
	if (op == IOCB_CMD_POLL) {
		s->cb.aio_buf = POLLIN;
	} else if (is_read(&s->cb) || is_write(&s->cb)) {
		s->cb.aio_offset = (long)at * BLOCK;
		s->cb.aio_buf = (uintptr_t)s->buf;
		s->cb.aio_nbytes = BLOCK;
		s->becomes = (unsigned char)(is_write(&s->cb) ? how >> 8 : s->is);
		memset(s->buf, is_write(&s->cb) ? s->becomes : ~s->is, BLOCK);
	}
	if (op == IOCB_CMD_PREADV || op == IOCB_CMD_PWRITEV) {
		s->iov[0] = (struct iovec){ s->buf, half };
		s->iov[1] = (struct iovec){ s->buf + half, BLOCK - half };
		s->cb.aio_buf = (uintptr_t)s->iov;
		s->cb.aio_nbytes = 2;
	}
	s->counted = how / 7 % 4 == 0;
	if (s->counted) {
		s->cb.aio_flags = IOCB_FLAG_RESFD;
		s->cb.aio_resfd = (unsigned)event_fd;
	}
}

/* An event: of a request in flight, once, with the right bytes. */
static void judge(const struct io_event *e)
{
	struct slot *s = (struct slot *)(uintptr_t)(e->data ^ 0x5555);
	long r = (long)e->res;

	if (e->obj != (uintptr_t)&s->cb || s < slots[0] || s >= slots[THREADS])
		wrong("an event of nobody's", r);
	if (atomic_load(&s->busy) != 1)
		wrong("an event too many", r);
	/* of a descriptor that is being closed the error may be its placeholder's */
	if (r < 0 && !file_closed && s->cb.aio_lio_opcode != IOCB_CMD_POLL)
		wrong("an error", r);
	if (r >= 0 && (is_read(&s->cb) || is_write(&s->cb)) && r != BLOCK)
		wrong("a short result", r);
	for (int i = 0; r >= 0 && is_read(&s->cb) && i < BLOCK; i++)
		if (s->buf[i] != s->is)
			wrong("other bytes", i);
	if (r >= 0 && is_write(&s->cb))
		s->is = s->becomes;
	if (s->cb.aio_lio_opcode == IOCB_CMD_POLL)
		atomic_fetch_sub(&polls, 1);
	if (s->counted)
		atomic_fetch_add(&counted, 1);
	atomic_fetch_sub(&in_flight, 1);
	atomic_store(&s->busy, 0);
}

static void fetch(long min, long n, long ns)
{
	struct timespec t = { 0, ns };
	struct io_event e[SLOTS];
	long r = sys_get(context, min, n, e, &t);

	if (r < 0 && r != -EINTR)
		wrong("io_getevents", r);
	for (long i = 0; i < r; i++)
		judge(&e[i]);
}

static void submit(int thread, uint64_t *seed)
{
	struct iocb *list[4];
	struct slot *of[4];
	long n = 0, r;

	for (uint32_t want = next(seed) % 4 + 1; n < want; n++) {
		int i = (int)(next(seed) % SLOTS);
		int free = 0;

		of[n] = &slots[thread][i];
		if (!atomic_compare_exchange_strong(&of[n]->busy, &free, 2))
			break;
		prepare(of[n], thread * SLOTS + i, seed);
		list[n] = &of[n]->cb;
		if (of[n]->cb.aio_lio_opcode == IOCB_CMD_POLL)
			atomic_fetch_add(&polls, 1);
		atomic_fetch_add(&in_flight, 1);
		atomic_store(&of[n]->busy, 1);
	}
	r = sys_submit(context, n, list);
	if (r < 0 && r != -EAGAIN && !file_closed)
		wrong("io_submit", r);
	for (long i = r < 0 ? 0 : r; i < n; i++) {
		if (of[i]->cb.aio_lio_opcode == IOCB_CMD_POLL)
			atomic_fetch_sub(&polls, 1);
		atomic_fetch_sub(&in_flight, 1);
		atomic_store(&of[i]->busy, 0);
	}
}

static void cancel(int thread, uint64_t *seed)
{
	struct slot *s = &slots[thread][next(seed) % SLOTS];
	struct io_event e;
	long r = sys_cancel(context, &s->cb, &e);

	if (r != -EINVAL && r != -EINPROGRESS && r != -EAGAIN && r != 0)
		wrong("io_cancel", r);
}

static void *submit_and_end(void *seed)
{
	submit(0, seed);
	return NULL;
}

static void in_thread(uint64_t *seed)
{
	pthread_t t;

	if (pthread_create(&t, NULL, submit_and_end, seed) == 0)
		pthread_join(t, NULL);
}

static void close_once(void)
{
	if (!atomic_exchange(&file_closed, 1))
		close_file(file_fd);
}

static void step(int thread, uint64_t *seed)
{
	uint32_t what = next(seed) % 1000;

	if (what < 5)
		close_once();
	else if (what < 15 && !thread)
		in_thread(seed);
	else if (what < 100)
		cancel(thread, seed);
	else if (what < 550)
		submit(thread, seed);
	else
		fetch(what % 3, what % 3 + what / 3 % 5, what % 2 ? 0 : 100000);
}

static void *thread_main(void *arg)
{
	int thread = (int)(intptr_t)arg;
	uint64_t seed = schedule * THREADS + (unsigned)thread;

	for (int i = 0; i < 4; i++)
		next(&seed);
	for (int i = 0; i < STEPS; i++)
		step(thread, &seed);
	return NULL;
}

/* What is still in flight but polls is over soon; the polls are left to io_destroy or end by a byte. */
static void finish(int wake_polls)
{
	uint64_t n = 0;
	unsigned long seen = 0;
	struct pollfd p = { event_fd, POLLIN, 0 };

	if (wake_polls && write(pipe_fds[1], "x", 1) != 1)
		wrong("write", errno);
	for (int i = 0; in_flight > (wake_polls ? 0 : polls); i++) {
		fetch(1, SLOTS, 10000000);
		if (i > 2000)
			wrong("never over", in_flight);
	}
	/* those of polls that io_destroy ends are not counted for us */
	while (poll(&p, 1, seen < counted ? 2000 : 0) == 1 && read(event_fd, &n, sizeof(n)) == sizeof(n))
		seen += n;
	if (wake_polls ? seen != counted : seen < counted)
		wrong("the eventfd's count", (long)seen);
}

static void run_schedule(unsigned long number, const char *path)
{
	unsigned char zeros[BLOCK] = { 0 };
	pthread_t t[THREADS];
	long r;

	schedule = number;
	memset(slots, 0, sizeof(slots));
	atomic_store(&in_flight, 0);
	atomic_store(&polls, 0);
	atomic_store(&counted, 0);
	atomic_store(&file_closed, 0);
	file_fd = open_file(path);
	event_fd = eventfd(0, EFD_NONBLOCK);
	if (file_fd < 0 || event_fd < 0 || pipe(pipe_fds) < 0)
		wrong("open", errno);
	for (int i = 0; i < THREADS * SLOTS; i++)
		if (pwrite(file_fd, zeros, BLOCK, (off_t)i * BLOCK) != BLOCK)
			wrong("pwrite", errno);
	context = 0;
	r = sys_setup(THREADS * SLOTS, &context);
	if (r < 0)
		wrong("io_setup", r);
	for (intptr_t i = 0; i < THREADS; i++)
		if ((r = pthread_create(&t[i], NULL, thread_main, (void *)i)) != 0)
			wrong("pthread_create", r);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	finish(number % 2 == 0);
	r = sys_destroy(context);
	if (r < 0)
		wrong("io_destroy", r);
	r = sys_submit(context, 0, NULL);
	if (r != -EINVAL)
		wrong("a context that is gone", r);
	close_once();
	close(event_fd);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

#endif
