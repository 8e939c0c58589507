/* SPDX-License-Identifier: MIT */
/* Neither signals nor cancellation; see quiet.h. */
#include "quiet.h"

#include <errno.h>
#include <pthread.h>

#include "real.h"

void quiet_begin(struct quiet *q)
{
	sigset_t all;

	q->saved_errno = errno;
	sigfillset(&all);
	REAL(sigprocmask)(SIG_BLOCK, &all, &q->mask);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &q->cancel);
}

void quiet_end(const struct quiet *q)
{
	pthread_setcancelstate(q->cancel, NULL);
	REAL(sigprocmask)(SIG_SETMASK, &q->mask, NULL);
	errno = q->saved_errno;
}
