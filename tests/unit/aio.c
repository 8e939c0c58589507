/* SPDX-License-Identifier: MIT */
/*
 * The queue of asynchronous requests from several threads at once: started,
 * waited for, cancelled, drained. What the sanitizers say is half of the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aio/aio_direct.h"
#include "aio/aio_engine.h"
#include "files/fdtab.h"

#define THREADS 4
#define SLOTS 8
#define BLOCK 512

static struct mount rule = { .be = &be_posix, .flags = BE_AIO_RING };
static struct file file = { .mount = &rule, .refs = 1 };
static int fd, all_queued;

struct slot {
	struct aiocb cb;
	char buf[BLOCK], want;
	int reads;
};

static int over(void *cb)
{
	return aio_state(cb) != EINPROGRESS;
}

static void start(struct slot *s, int number, int reads)
{
	struct aio_req *req;

	memset(&s->cb, 0, sizeof(s->cb));
	s->cb.aio_fildes = fd;
	s->cb.aio_buf = s->buf;
	s->cb.aio_nbytes = BLOCK;
	s->cb.aio_offset = (off_t)number * BLOCK;
	s->cb.aio_sigevent.sigev_notify = SIGEV_NONE;
	s->reads = reads;
	memset(s->buf, reads ? 0 : ++s->want, BLOCK);
	assert_int_equal(aio_queue_ready(), 0);
	assert_int_equal(aio_req_new(&req, &s->cb, &file), 0);
	req->op = reads ? AIO_OP_READ : AIO_OP_WRITE;
	if (all_queued || !aio_direct_submit(req))
		aio_req_post(req);
}

static void finish(struct slot *s)
{
	assert_int_equal(aio_wait(over, &s->cb, -1, -1, aio_is_direct(&s->cb) ? AIO_WAIT_DIRECT : 0), 1);
	if (aio_state(&s->cb) == ECANCELED) {
		s->want -= !s->reads;
		return;
	}
	assert_int_equal(aio_state(&s->cb), 0);
	assert_int_equal(s->cb.__return_value, BLOCK);
	assert_true(s->buf[0] == s->want && !memcmp(s->buf, s->buf + 1, BLOCK - 1));
}

static void *work(void *arg)
{
	struct slot slots[SLOTS] = { 0 };
	int base = (int)(intptr_t)arg * SLOTS;

	for (int i = 0; i < SLOTS; i++)
		start(&slots[i], base + i, 0);
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < SLOTS; i++) {
			finish(&slots[i]);
			start(&slots[i], base + i, slots[i].want && (round + i) % 3);
		}
		if (round % 16 == 3)
			aio_queue_cancel(fd, &slots[round % SLOTS].cb);
		if (round % 50 == 7)
			aio_queue_drain((unsigned)fd, (unsigned)fd);
	}
	for (int i = 0; i < SLOTS; i++)
		finish(&slots[i]);
	return NULL;
}

static void many_threads(void **state)
{
	pthread_t t[THREADS];

	(void)state;
	for (intptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, work, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	aio_queue_drain(0, ~0U);
	assert_int_equal(aio_in_flight, 0);
}

static void *too_many(void *cb)
{
	struct aio_req *req;

	return (void *)(intptr_t)aio_req_new(&req, cb, &file);
}

static void the_limit(void **state)
{
	struct aiocb cb = { .aio_fildes = fd };

	(void)state;
	aio_in_flight = AIO_MAX;
	assert_int_equal((intptr_t)too_many(&cb), EAGAIN);
	assert_int_equal(aio_in_flight, AIO_MAX);
	assert_int_equal(aio_state(&cb), EAGAIN);
	aio_in_flight = 0;
}

/* A handful of bytes each, on every file one after the other. */
static void one_after_the_other(void **state)
{
	rule.flags |= BE_AIO_ORDER;
	many_threads(state);
	rule.flags &= ~(unsigned)BE_AIO_ORDER;
}

/*
 * The threads' own requests in the kernel, whose ends are anybody's to fetch. The
 * file is not really opened with O_DIRECT: what is not cached is left to the queue.
 */
static void without_the_queue(void **state)
{
	file.flags = O_DIRECT;
	many_threads(state);
	file.flags = 0;
}

/* In a child: a process has one queue. */
static void with_another_engine(int *without, void **state)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		*without = 1;
		many_threads(state);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* With a bell that older kernels have. */
static void an_eventfd(void **state)
{
	with_another_engine(&aio_engine_no_futex, state);
}

/* By the kernel's older asynchronous I/O, as in a container: what is cached; threads do the rest. */
static void no_ring(void **state)
{
	file.flags = O_DIRECT;
	all_queued = 1;
	with_another_engine(&aio_engine_no_ring, state);
	file.flags = all_queued = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_eventfd),      /* first: a process has one queue */
		cmocka_unit_test(no_ring),
		cmocka_unit_test(many_threads),
		cmocka_unit_test(without_the_queue),
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(the_limit),
	};
	FILE *f = tmpfile();

	fd = fileno(f);
	fdtab_set(fd, &file);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
