/* SPDX-License-Identifier: MIT */
/* What must happen when a thread of the program ends. */
#ifndef SHIM_THREAD_H
#define SHIM_THREAD_H

/*
 * Runs fn(arg) when the calling thread ends, not at exit of the process; up
 * to THREAD_EXITS functions, each remembered once. Cheap to call again.
 * Returns 0, or -EAGAIN if it could not be arranged: what was to be released
 * then stays until the process ends.
 */
int thread_at_exit(void (*fn)(void));

#define THREAD_EXITS 4

/* gettid(2), asked for once; a fork child forgets it first. */
int thread_id(void);
void thread_id_forget(void);

#endif
