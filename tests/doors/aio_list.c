/* SPDX-License-Identifier: MIT */
/* Lists of asynchronous requests: lio_listio, waited for or not, with ours and libc's. */
#include <aio.h>

#include "door.h"

#define N 16
#define BLOCK 1000

static struct aiocb cbs[N], *list[N];
static char bufs[N][BLOCK];

static void fill(int fd, int op)
{
	for (int i = 0; i < N; i++) {
		memset(&cbs[i], 0, sizeof(cbs[i]));
		cbs[i].aio_fildes = fd;
		cbs[i].aio_buf = bufs[i];
		cbs[i].aio_nbytes = BLOCK;
		cbs[i].aio_offset = i * BLOCK;
		cbs[i].aio_lio_opcode = op;
		cbs[i].aio_sigevent.sigev_notify = SIGEV_NONE;
		list[i] = &cbs[i];
	}
}

#define RESULTS() results(__LINE__)
static void results(int line)
{
	for (int i = 0; i < N; i++) {
		const struct aiocb *one[] = { &cbs[i] };

		if (!list[i] || cbs[i].aio_lio_opcode == LIO_NOP)
			continue;
		while (aio_error(&cbs[i]) == EINPROGRESS)
			aio_suspend(one, 1, NULL);
		say("%d: %d: %s, %zd", line, i, name_of(aio_error(&cbs[i])), aio_return(&cbs[i]));
	}
}

static void wait_for_signal(const sigset_t *set)
{
	siginfo_t info;
	int s = sigwaitinfo(set, &info);

	say("signal %d: code %d, value %d", s - SIGRTMIN, info.si_code, info.si_value.sival_int);
}

static void door(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1, .sigev_value.sival_int = 42 };
	int fd = open(P("list"), O_RDWR | O_CREAT, 0644), ro, v[2];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGRTMIN + 2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < N; i++)
		pattern(bufs[i], BLOCK, (unsigned)i);
	fill(fd, LIO_WRITE);
	CALL(lio_listio(LIO_WAIT, list, N, NULL));
	RESULTS();
	CONTENT(fd);
	fill(fd, LIO_READ);
	memset(bufs, 0, sizeof(bufs));
	CALL(lio_listio(LIO_NOWAIT, list, N, &ev));
	wait_for_signal(&set);
	RESULTS();
	BYTES(bufs, (long)sizeof(bufs));
	/* each with an event of its own */
	for (int i = 0; i < N; i++)
		if (i == 3) {
			cbs[i].aio_sigevent = ev;
			cbs[i].aio_sigevent.sigev_signo = SIGRTMIN + 2;
		}
	CALL(lio_listio(LIO_WAIT, list, N, &ev));
	wait_for_signal(&set);
	RESULTS();
	fill(fd, LIO_READ);
	/* holes in the list, nothing at all */
	list[0] = list[7] = NULL;
	cbs[2].aio_lio_opcode = LIO_NOP;
	CALL(lio_listio(LIO_WAIT, list, N, NULL));
	RESULTS();
	fill(fd, LIO_NOP);
	CALL(lio_listio(LIO_WAIT, list, N, NULL));
	CALL(lio_listio(LIO_NOWAIT, list, N, &ev));
	wait_for_signal(&set);
	CALL(lio_listio(LIO_WAIT, list, 0, NULL));
	CALL(lio_listio(77, list, N, NULL));
	/* some that fail */
	fill(fd, LIO_READ);
	cbs[1].aio_offset = -1;
	cbs[4].aio_fildes = -1;
	cbs[5].aio_lio_opcode = 99;
	CALL(lio_listio(LIO_WAIT, list, N, NULL));
	RESULTS();
	CALL(lio_listio(LIO_NOWAIT, list, N, &ev));
	wait_for_signal(&set);
	RESULTS();
	ro = open(P("list"), O_RDONLY);
	fill(fd, LIO_WRITE);
	cbs[6].aio_fildes = ro;
	CALL(lio_listio(LIO_WAIT, list, N, NULL));
	RESULTS();
	cbs[6].aio_fildes = fd;
	cbs[6].aio_reqprio = -1;
	CALL(lio_listio(LIO_WAIT, list, N, NULL));
	RESULTS();
	/* a pipe among them, whose writer comes before its reader */
	pipe(v);
	fill(fd, LIO_READ);
	cbs[3].aio_fildes = v[1];
	cbs[3].aio_lio_opcode = LIO_WRITE;
	cbs[8].aio_fildes = v[0];
	CALL(lio_listio(LIO_WAIT, list, N, NULL));
	RESULTS();
	BYTES(bufs, (long)sizeof(bufs));
	CALL(lio_listio(LIO_NOWAIT, list, N, NULL));
	RESULTS();
	close(v[0]);
	close(v[1]);
	close(ro);
	close(fd);
}
