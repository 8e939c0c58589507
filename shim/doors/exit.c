/* SPDX-License-Identifier: MIT */
/* The doors that end a process; see exit.h. */
#include "exit.h"

#include "door.h"
#include "streams.h"

int __cxa_atexit(void (*fn)(void *), void *arg, void *dso);

/* What libc would write after this goes out before it. */
static void at_exit(void *arg)
{
	(void)arg;
	streams_finish();
	object_exit();
}

/*
 * Registered before libc's start code registers the dynamic linker's part, it
 * runs after all destructors; without a library's handle, also after ours.
 */
void exit_init(void)
{
	__cxa_atexit(at_exit, NULL, NULL);
	/* should it fail, the next process sweeps up */
	/* cppcheck-suppress ignoredReturnValue */
	at_quick_exit(object_exit);
}

EXPORT void _exit(int status)
{
	object_exit();
	REAL(_exit)(status);
	__builtin_unreachable();
}

TWIN_OF(_Exit, _exit)
