/* SPDX-License-Identifier: MIT */
/*
 * The doors of signals and limits: until something is mapped they only pass
 * on; afterwards SIGBUS and SIGSEGV are kept by guard.c.
 */
#include "door.h"
#include "files/guard.h"
#include "base/rlimit.h"

EXPORT int sigaction(int signo, const struct sigaction *act, struct sigaction *old)
{
	int r;

	if (guard_keeps(signo)) {
		r = guard_action(signo, act, old);
		return (int)ret_errno(r);
	}
	r = REAL(sigaction)(signo, act, old);
	if (r == 0 && act && guard_armed)
		guard_saw_action(signo, act);
	return r;
}

TWIN_OF(__sigaction, sigaction)

/* signal(3) in one of its flavours, for a signal that is kept. */
static sighandler_t keep_signal(int signo, sighandler_t h, int flags)
{
	struct sigaction act = { .sa_handler = h, .sa_flags = flags }, old;
	int r;

	if (h == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	sigemptyset(&act.sa_mask);
	if (!(flags & SA_NODEFER))
		sigaddset(&act.sa_mask, signo);
	r = guard_action(signo, &act, &old);
	return ret_errno(r) < 0 ? SIG_ERR : old.sa_handler;
}

/* libc's own, and then a look at what it installed. */
static sighandler_t other_signal(int signo, sighandler_t old)
{
	struct sigaction act;

	if (old != SIG_ERR && guard_armed && REAL(sigaction)(signo, NULL, &act) == 0)
		guard_saw_action(signo, &act);
	return old;
}

EXPORT sighandler_t signal(int signo, sighandler_t h)
{
	if (guard_keeps(signo))
		return keep_signal(signo, h, SA_RESTART);
	return other_signal(signo, REAL(signal)(signo, h));
}

TWIN_OF(bsd_signal, signal)
TWIN_OF(ssignal, signal)

EXPORT sighandler_t sysv_signal(int signo, sighandler_t h)
{
	if (guard_keeps(signo))
		return keep_signal(signo, h, SA_RESETHAND | SA_NODEFER);
	return other_signal(signo, REAL(sysv_signal)(signo, h));
}

TWIN_OF(__sysv_signal, sysv_signal)

/* System V's pair of action and mask; see sigset(3). */
static sighandler_t keep_sigset(int signo, sighandler_t h)
{
	struct sigaction act = { .sa_handler = h }, old;
	sigset_t one, was;
	int hold = h == SIG_HOLD;

	sigemptyset(&one);
	sigaddset(&one, signo);
	sigemptyset(&act.sa_mask);
	REAL(sigprocmask)(hold ? SIG_BLOCK : SIG_UNBLOCK, &one, &was);
	guard_mask_changed();
	guard_action(signo, hold ? NULL : &act, &old);
	return sigismember(&was, signo) ? SIG_HOLD : old.sa_handler;
}

EXPORT sighandler_t sigset(int signo, sighandler_t h)
{
	sighandler_t old;

	if (guard_keeps(signo))
		return keep_sigset(signo, h);
	old = REAL(sigset)(signo, h);
	guard_mask_changed();
	return other_signal(signo, old);
}

EXPORT int sigignore(int signo)
{
	struct sigaction act = { .sa_handler = SIG_IGN };

	sigemptyset(&act.sa_mask);
	return sigaction(signo, &act, NULL);
}

EXPORT int siginterrupt(int signo, int on)
{
	struct sigaction act;

	if (!guard_keeps(signo))
		return REAL(siginterrupt)(signo, on);
	guard_action(signo, NULL, &act);
	act.sa_flags = on ? act.sa_flags & ~SA_RESTART : act.sa_flags | SA_RESTART;
	return (int)ret_errno(guard_action(signo, &act, NULL));
}

/* The value of `call`, after which the thread's mask is another. */
#define MASK_CHANGES(call) ({                                                 \
	__typeof__(call) r_ = (call);                                         \
	guard_mask_changed();                                                 \
	r_; })

EXPORT int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	return MASK_CHANGES(REAL(sigprocmask)(how, set, old));
}

EXPORT int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	return MASK_CHANGES(REAL(pthread_sigmask)(how, set, old));
}

EXPORT int sigblock(int mask)
{
	return MASK_CHANGES(REAL(sigblock)(mask));
}

EXPORT int sigsetmask(int mask)
{
	return MASK_CHANGES(REAL(sigsetmask)(mask));
}

EXPORT int sighold(int signo)
{
	return MASK_CHANGES(REAL(sighold)(signo));
}

EXPORT int sigrelse(int signo)
{
	return MASK_CHANGES(REAL(sigrelse)(signo));
}

EXPORT int setrlimit(__rlimit_resource_t what, const struct rlimit *rl)
{
	int r = REAL(setrlimit)(what, rl);

	rlimit_changed();
	return r;
}

TWIN_OF(setrlimit64, setrlimit)

EXPORT int prlimit(pid_t pid, enum __rlimit_resource what, const struct rlimit *rl,
		   struct rlimit *old)
{
	int r = REAL(prlimit)(pid, what, rl, old);

	rlimit_changed();
	return r;
}

TWIN_OF(prlimit64, prlimit)
