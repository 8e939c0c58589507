/* SPDX-License-Identifier: MIT */
/* Thread exit; see thread.h. */
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "real.h"

static void (*_Atomic fns[THREAD_EXITS])(void);
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int have_key;
static __thread unsigned char armed;    /* bit i: fns[i] is wanted by this thread */
static __thread int id;                 /* 0: not asked for */

static void thread_ended(void *unused)
{
	(void)unused;
	for (int i = 0; i < THREAD_EXITS; i++)
		if (armed & 1 << i)
			atomic_load(&fns[i])();
	armed = 0;
}

static void make_key(void)
{
	have_key = pthread_key_create(&key, thread_ended) == 0;
}

static int number_of(void (*fn)(void))
{
	for (int i = 0; i < THREAD_EXITS; i++) {
		void (*seen)(void) = NULL;

		if (atomic_compare_exchange_strong(&fns[i], &seen, fn) || seen == fn)
			return i;
	}
	return -1;
}

int thread_at_exit(void (*fn)(void))
{
	int i = number_of(fn);

	pthread_once(&once, make_key);
	if (i < 0 || !have_key)
		return -EAGAIN;
	if (!armed && pthread_setspecific(key, &armed) != 0)
		return -EAGAIN;
	armed |= (unsigned char)(1 << i);
	return 0;
}

int thread_id(void)
{
	if (!id)
		id = (int)REAL(syscall)(SYS_gettid);
	return id;
}

void thread_id_forget(void)
{
	id = 0;
}
