/* SPDX-License-Identifier: MIT */
/*
 * Copies that survive a fault. A mapping may lose its pages to a truncation,
 * an I/O error or a full tmpfs (SIGBUS), and a program may hand us a bad
 * buffer (SIGSEGV); guard_copy then returns an error, and the caller asks the
 * kernel, whose answer is the program's.
 *
 * Once armed, the two signals' handlers are ours and the program's own are
 * kept beside them: sigaction and its relatives answer from the copy
 * (signal.c), and a fault that is not ours goes on to the program's handler
 * with the signal's own mask and flags. A fault while the signal is blocked
 * kills, so a thread that blocks one of them does not copy; nor does any
 * while the program ignores one, or has a handler that would block one as it
 * runs. Not seen: a
 * mask given to sigsuspend or ppoll, or restored by siglongjmp.
 *
 * x86-64 only; elsewhere guard_arm fails and every caller uses the kernel.
 */
#ifndef SHIM_GUARD_H
#define SHIM_GUARD_H

#include <signal.h>
#include <stddef.h>

/* Takes the handlers over. Idempotent, any thread. 0 or -errno. */
int guard_arm(void);

/* Whether guard_arm has run. */
extern int guard_armed;

/*
 * memcpy. Returns 0; -EFAULT after a fault, with dst written in part; -EAGAIN
 * if this thread must not copy now. Async-signal-safe.
 */
int guard_copy(void *dst, const void *src, size_t n);

/* In a fork child: no other thread holds anything. */
void guard_fork_child(void);

/* The calling thread's signal mask may have changed. */
void guard_mask_changed(void);

/* Whether signo is one whose disposition is kept here: SIGBUS or SIGSEGV, armed. */
int guard_keeps(int signo);

/* sigaction(2) for such a signal: sets and gives back the program's. 0 or -errno. */
int guard_action(int signo, const struct sigaction *act, struct sigaction *old);

/* Any other signal's handler was set; its mask decides whether we may copy. */
void guard_saw_action(int signo, const struct sigaction *act);

#endif
