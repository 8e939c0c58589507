/* SPDX-License-Identifier: MIT */
/*
 * Around work of ours that opens files or holds a lock, in a call that is neither
 * interrupted nor a cancellation point natively: a signal handler must not find it
 * half done nor leave it by longjmp, and the thread must not be cancelled in it.
 * For the calling thread; may be nested; errno is as before afterwards.
 */
#ifndef SHIM_QUIET_H
#define SHIM_QUIET_H

#include <signal.h>

struct quiet {
	sigset_t mask;
	int cancel, saved_errno;
};

void quiet_begin(struct quiet *q);
void quiet_end(const struct quiet *q);

#endif
