/* SPDX-License-Identifier: MIT */
/*
 * libaio: how events arrive: eventfds, a look into the ring, io_cancel, io_queue_run,
 * io_pgetevents, and waits that a signal ends.
 */
#include "requests.h"

static uint64_t count_of(int efd)
{
	struct pollfd p = { efd, POLLIN, 0 };
	uint64_t n = 0, sum = 0;

	while (poll(&p, 1, 0) == 1 && read(efd, &n, sizeof(n)) == 8)
		sum += n;
	return sum;
}

/* The eventfd counts each request once, also under another number. */
static void eventfds(int fd)
{
	io_context_t c = NULL;
	int efd = eventfd(0, EFD_NONBLOCK), copy = dup(efd), v[2];
	struct io_event e[MANY];

	io_setup(MANY, &c);
	for (int i = 0; i < MANY; i++) {
		io_prep_pread(&cbs[i], fd, bufs[i], BLOCK, i * 100);
		io_set_eventfd(&cbs[i], efd);
	}
	SUBMIT(c, MANY);
	REAP(c, MANY);
	nap();
	say("%d", (int)count_of(efd));
	SUBMIT(c, 2);
	close(efd);
	pipe(v);
	REAP(c, 2);
	nap();
	say("%d", (int)count_of(copy));
	SUBMIT(c, 1);
	close(v[0]), close(v[1]);
	dup2(copy, efd);
	SUBMIT(c, 1);
	/* as a program in a loop of events does it */
	for (int got = 0; got < 1; ) {
		struct pollfd p = { efd, POLLIN, 0 };
		int r;

		if (poll(&p, 1, 30000) != 1)
			break;
		r = io_getevents(c, 0, MANY, e, &zero);
		got += r > 0 ? r : 0;
	}
	say("%d", (int)count_of(copy));
	io_destroy(c);
	close(efd), close(copy);
}

/* struct aio_ring of the kernel's fs/aio.c */
struct ring {
	unsigned id, nr;
	_Atomic unsigned head, tail;
	unsigned magic, compat, incompat, header;
	struct io_event events[];
};

/* As QEMU does it: told by an eventfd, it fetches events from the ring without a call. */
static void peeked_at(int fd)
{
	int efd = eventfd(0, 0), direct = open(P("file"), O_RDWR | O_DIRECT), other = open("/etc/passwd", O_RDONLY);
	io_context_t c = NULL;
	struct ring *ring;
	int seen[3] = { 0 };

	IO(io_setup(8, &c));
	ring = (struct ring *)c;
	for (int round = 0; round < 400; round++) {
		int got = 0;

		io_prep_pread(&cbs[0], direct < 0 ? fd : direct, bufs[0], BLOCK, 4096);
		io_prep_pwrite(&cbs[1], fd, bufs[1], 100, 8192);
		io_prep_pread(&cbs[2], other, bufs[2], 10, 0);
		for (int i = 0; i < 3; i++)
			io_set_eventfd(&cbs[i], efd);
		if (submit(c, 3) != 3)
			say("round %d: not all", round);
		while (got < 3) {
			struct pollfd p = { efd, POLLIN, 0 };
			uint64_t n;

			if (poll(&p, 1, 30000) != 1 || read(efd, &n, sizeof(n)) != 8) {
				say("round %d: %d of 3", round, got);
				return;
			}
			while (ring->head != ring->tail) {
				struct io_event e = ring->events[ring->head];

				seen[number(e.obj) % 3] += e.res > 0;
				ring->head = ring->head + 1 < ring->nr ? ring->head + 1 : 0;
				got++;
			}
		}
	}
	say("%d %d %d", seen[0], seen[1], seen[2]);
	IO(io_destroy(c));
	close(efd), close(direct), close(other);
}

static void cancelled(int fd)
{
	io_context_t c = NULL;
	struct io_event e;
	int v[2];

	io_setup(MANY, &c);
	pipe(v);
	io_prep_pread(&cbs[0], fd, bufs[0], 100, 0);
	SUBMIT(c, 1);
	REAP(c, 1);
	IO(io_cancel(c, &cbs[0], &e));
	io_prep_poll(&cbs[0], v[0], POLLIN);
	SUBMIT(c, 1);
	IO(io_cancel(c, &cbs[0], &e));
	REAP(c, 1);
	IO(io_cancel(c, &cbs[0], &e));
	/* destroyed with a request that never ends */
	io_prep_poll(&cbs[0], v[0], POLLIN);
	io_prep_pread(&cbs[1], fd, bufs[0], 100, 0);
	SUBMIT(c, 2);
	IO(io_destroy(c));
	close(v[0]), close(v[1]);
}

static void called(io_context_t c, struct iocb *cb, long res, long res2)
{
	say("called: %d, %s, %ld%s", number(cb), code(res), res2, c ? "" : ", no context");
}

static void callbacks(int fd)
{
	io_context_t c = NULL;
	int efd = eventfd(0, 0);
	uint64_t n;

	IO(io_queue_init(MANY, &c));
	IO(io_queue_run(c));
	for (int i = 0; i < 3; i++) {
		struct iocb *cb = &cbs[i];

		io_prep_pread(cb, fd, bufs[i], 10, 64005);
		io_set_callback(cb, called);
		io_set_eventfd(cb, efd);         /* by which its event is known to be there */
		io_submit(c, 1, &cb);
		read(efd, &n, sizeof(n));
		IO(io_queue_run(c));
	}
	IO(io_queue_wait(c, &zero));
	IO(io_queue_release(c));
	close(efd);
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void interrupted(int fd)
{
	struct sigaction restarts = { .sa_handler = on_alarm, .sa_flags = SA_RESTART }, plain = { .sa_handler = on_alarm };
	io_context_t c = NULL;
	struct io_event e;
	sigset_t usr, none;
	int v[2];

	sigemptyset(&none);
	sigemptyset(&usr);
	sigaddset(&usr, SIGUSR1);
	sigaction(SIGALRM, &restarts, NULL);
	sigaction(SIGUSR1, &plain, NULL);
	io_setup(MANY, &c);
	alarms_each(30);
	IO(io_getevents(c, 1, 1, &e, NULL));
	alarms_each(0);
	pipe(v);
	io_prep_poll(&cbs[0], v[0], POLLIN);
	SUBMIT(c, 1);
	alarms_each(30);
	IO(io_getevents(c, 1, 1, &e, NULL));
	alarms_each(0);
	/* a mask that is for the wait */
	sigprocmask(SIG_BLOCK, &usr, NULL);
	raise(SIGUSR1);
	IO(io_pgetevents(c, 1, 1, &e, &zero, &usr));
	io_prep_pread(&cbs[1], fd, bufs[1], 10, 0);
	submit(c, 2);
	IO(io_pgetevents(c, 1, 1, &e, NULL, &usr));
	IO(io_pgetevents(c, 1, 1, &e, NULL, &none));
	IO(io_pgetevents(c, 0, 1, &e, &zero, NULL));
	io_destroy(c);
	close(v[0]), close(v[1]);
}

static void door(void)
{
	int fd;

	make(P("file"), 64000, 1);
	fd = open(P("file"), O_RDWR);
	eventfds(fd);
	peeked_at(fd);
	cancelled(fd);
	callbacks(fd);
	interrupted(fd);
	close(fd);
}
