/* SPDX-License-Identifier: MIT */
/* A mutex in memory that processes share. */
#ifndef SHIM_SHARED_LOCK_H
#define SHIM_SHARED_LOCK_H

#include <pthread.h>

/* Makes one that its holder's death frees (EOWNERDEAD), and that tells who locks it twice (EDEADLK). */
static inline void shared_lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(lock, &a);
	pthread_mutexattr_destroy(&a);
}

#endif
