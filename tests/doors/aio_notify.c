/* SPDX-License-Identifier: MIT */
/*
 * What a program is told when an asynchronous request is over: a queued signal,
 * a handler that asks and starts the next, a thread with attributes; a wait that
 * a handler interrupts.
 */
#include <aio.h>
#include <pthread.h>
#include <semaphore.h>

#include "door.h"

static char buf[4096];
static struct aiocb cb;
static volatile sig_atomic_t left, wrong_code;
static sem_t told;
static char heard[100];

static void again(int sig, siginfo_t *info, void *context)
{
	int e = errno;

	(void)sig, (void)context;
	wrong_code |= info->si_code != SI_ASYNCIO || info->si_pid != getpid() || info->si_value.sival_ptr != &cb;
	wrong_code |= aio_error(&cb) != 0 || aio_return(&cb) != sizeof(buf);
	if (--left > 0)
		aio_read(&cb);
	errno = e;
}

static void nothing(int sig)
{
	(void)sig;
}

static void function(union sigval v)
{
	sigset_t blocked;
	int n = 0;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	for (int s = 1; s < 32; s++)
		n += sigismember(&blocked, s) == 1;
	snprintf(heard, sizeof(heard), "function: value %d, %d signals blocked, the request %s", v.sival_int, n,
		 name_of(aio_error(&cb)));
	sem_post(&told);
}

static void hear(void)
{
	CALL(sem_wait(&told));
	say("%s", heard);
}

static void in_threads(void)
{
	pthread_attr_t attr;
	size_t size = 300000;

	sem_init(&told, 0, 0);
	cb.aio_sigevent = (struct sigevent){ .sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 5,
					     .sigev_notify_function = function };
	CALL(aio_read(&cb));
	hear();
	CALL(aio_write(&cb));
	hear();
	CALL(aio_fsync(O_SYNC, &cb));
	hear();
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, size);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	cb.aio_sigevent.sigev_notify_attributes = (void *)&attr;
	CALL(aio_read(&cb));
	hear();
	/* also of one that fails */
	cb.aio_offset = -5;
	CALL(aio_read(&cb));
	hear();
	cb.aio_offset = 0;
}

static void interrupted(void)
{
	struct sigaction act = { .sa_handler = nothing };
	struct timespec soon = { 30, 0 };
	const struct aiocb *list[1];
	struct aiocb pending = cb;
	int v[2];

	pipe(v);
	sigaction(SIGALRM, &act, NULL);
	pending.aio_fildes = v[0];
	pending.aio_nbytes = 1;
	pending.aio_sigevent.sigev_notify = SIGEV_NONE;
	list[0] = &pending;
	CALL(aio_read(&pending));
	alarms_each(20);
	CALL(aio_suspend(list, 1, &soon));
	CALL(aio_suspend(list, 1, NULL));
	alarms_each(0);
	write(v[1], "x", 1);
	CALL(aio_suspend(list, 1, NULL));
	say("%s %zd", name_of(aio_error(&pending)), aio_return(&pending));
	close(v[0]);
	close(v[1]);
}

static void door(void)
{
	struct sigaction act = { .sa_sigaction = again, .sa_flags = SA_SIGINFO | SA_RESTART };
	int fd;

	make(P("file"), 100000, 3);
	fd = open(P("file"), O_RDWR);
	cb.aio_fildes = fd;
	cb.aio_buf = buf;
	cb.aio_nbytes = sizeof(buf);
	cb.aio_sigevent = (struct sigevent){ .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3,
					     .sigev_value.sival_ptr = &cb };
	sigaction(SIGRTMIN + 3, &act, NULL);
	left = 20;
	CALL(aio_read(&cb));
	for (int i = 0; left > 0 && i < 500; i++)
		nap();
	say("left %d, wrong %d", left, wrong_code);
	BYTES(buf, (long)sizeof(buf));
	in_threads();
	interrupted();
	close(fd);
}
