/* SPDX-License-Identifier: MIT */
/* Copies that survive a fault; see guard.h. */
#include "guard.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "base/real.h"
#include "stats/stats.h"

int guard_armed;

#ifdef __x86_64__

/* A copy in progress. The assembler below writes the first word. */
struct frame {
	void *sp;
	uintptr_t dst, src;
	size_t n;
	struct frame *outer;     /* of the code a signal handler interrupted */
};

/* The stack memcpy takes, and less than a signal frame. */
#ifdef __SANITIZE_ADDRESS__
#define COPY_STACK 65536
#else
#define COPY_STACK 512
#endif

enum { UNKNOWN, FREE, BLOCKED };

static __thread struct frame *top;
static __thread unsigned char mask_state;
static __thread unsigned char retries;

/*
 * Why nobody may copy, bit signo - 1: a handler that would run with SIGBUS or
 * SIGSEGV blocked, or one of these two ignored.
 */
static _Atomic uint64_t maskers;

/* The program's own actions. */
static struct kept {
	_Atomic uintptr_t handler;
	_Atomic int flags;
	sigset_t mask;
} kept_bus, kept_segv;

static atomic_flag kept_lock = ATOMIC_FLAG_INIT;

int guard_memcpy(void *dst, const void *src, size_t n, struct frame *f);
extern const char guard_fault[] __attribute__((visibility("hidden")));

__asm__(
	".text\n"
	".hidden guard_memcpy\n.globl guard_memcpy\n.type guard_memcpy,@function\n"
	"guard_memcpy:\n"
	"	push %rbp\n	push %rbx\n	push %r12\n"
	"	push %r13\n	push %r14\n	push %r15\n"
	"	sub $8, %rsp\n"
	"	mov %rsp, (%rcx)\n"
	"	call memcpy@PLT\n"
	"	xor %eax, %eax\n"
	"1:	add $8, %rsp\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n"
	"	pop %r12\n	pop %rbx\n	pop %rbp\n"
	"	ret\n"
	".hidden guard_fault\n.globl guard_fault\n"
	"guard_fault:\n"
	"	cld\n"
	"	mov $-14, %eax\n"         /* -EFAULT */
	"	jmp 1b\n"
	".size guard_memcpy, . - guard_memcpy\n");

static struct kept *kept_of(int signo)
{
	return signo == SIGBUS ? &kept_bus : &kept_segv;
}

static int blocks_ours(const sigset_t *set)
{
	return sigismember(set, SIGBUS) == 1 || sigismember(set, SIGSEGV) == 1;
}

/* Asks the kernel whether this thread blocks one of the signals. */
static int query_mask(void)
{
	sigset_t set;

	REAL(pthread_sigmask)(SIG_BLOCK, NULL, &set);
	mask_state = blocks_ours(&set) ? BLOCKED : FREE;
	return mask_state == FREE;
}

/* The rare half of usable: not known to be free. */
__attribute__((noinline, cold))
static int usable_after_all(void)
{
	/* a handler left by siglongjmp leaves this behind: look again at times */
	if (mask_state == BLOCKED && ++retries)
		return 0;
	return query_mask();
}

static inline int usable(void)
{
	if (__builtin_expect(atomic_load_explicit(&maskers, memory_order_relaxed) != 0, 0))
		return 0;
	return __builtin_expect(mask_state == FREE, 1) || usable_after_all();
}

int guard_copy(void *dst, const void *src, size_t n)
{
	struct frame f = { NULL, (uintptr_t)dst, (uintptr_t)src, n, top };
	int r;

	if (!guard_armed || !usable())
		return -EAGAIN;
	top = &f;
	atomic_signal_fence(memory_order_seq_cst);
	r = guard_memcpy(dst, src, n, &f);
	atomic_signal_fence(memory_order_seq_cst);
	top = f.outer;
	return r;
}

/*
 * Whether the fault came from the innermost copy of this thread: from just
 * below its stack frame (one that siglongjmp left behind is elsewhere, and a
 * handler that interrupts a copy runs far below), on one of its buffers.
 */
static int is_ours(const siginfo_t *si, const ucontext_t *uc, const struct frame *f)
{
	uintptr_t a = (uintptr_t)si->si_addr;

	if (!f || si->si_code <= 0 ||
	    (uintptr_t)f->sp - (uintptr_t)uc->uc_mcontext.gregs[REG_RSP] > COPY_STACK)
		return 0;
	return si->si_code == SI_KERNEL ||     /* a non-canonical address has no si_addr */
	       a - f->dst < f->n || a - f->src < f->n ||
	       (a & ~4095ul) == (f->src & ~4095ul) || (a & ~4095ul) == (f->dst & ~4095ul);
}

static void die_of(int signo, const siginfo_t *si)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	REAL(sigaction)(signo, &dfl, NULL);
	/* a fault comes again by itself; a signal that was sent is sent again */
	if (si->si_code <= 0)
		REAL(syscall)(SYS_rt_tgsigqueueinfo, getpid(), REAL(syscall)(SYS_gettid), signo, si);
}

/* The program's turn. */
static void forward(int signo, siginfo_t *si, void *uc)
{
	struct kept *k = kept_of(signo);
	uintptr_t h = atomic_load(&k->handler);

	if (h == (uintptr_t)SIG_IGN && si->si_code <= 0)
		return;
	if (h == (uintptr_t)SIG_DFL || h == (uintptr_t)SIG_IGN) {
		die_of(signo, si);
		return;
	}
	if (atomic_load(&k->flags) & SA_RESETHAND)
		atomic_store(&k->handler, (uintptr_t)SIG_DFL);
	mask_state = UNKNOWN;
	((void (*)(int, siginfo_t *, void *))h)(signo, si, uc);
	mask_state = UNKNOWN;
}

static void on_fault(int signo, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	struct frame *f = top;

	if (!is_ours(si, uc, f)) {
		forward(signo, si, context);
		return;
	}
	uc->uc_mcontext.gregs[REG_RSP] = (greg_t)(uintptr_t)f->sp;
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)guard_fault;
}

/*
 * Installs our handler with the flags and the mask of the program's. A signal
 * that is ignored stays so, for exec passes that on, and we do not copy then:
 * an ignored fault kills.
 */
static int install(int signo)
{
	struct kept *k = kept_of(signo);
	int ignored = atomic_load(&k->handler) == (uintptr_t)SIG_IGN;
	struct sigaction act = { .sa_flags = atomic_load(&k->flags) };
	uint64_t bit = 1ull << (signo - 1);

	act.sa_mask = k->mask;
	if (ignored) {
		atomic_fetch_or(&maskers, bit);
		act.sa_handler = SIG_IGN;
	} else {
		atomic_fetch_and(&maskers, ~bit);
		act.sa_sigaction = on_fault;
		act.sa_flags = SA_SIGINFO | (act.sa_flags & (SA_RESTART | SA_NODEFER | SA_ONSTACK));
	}
	return REAL(sigaction)(signo, &act, NULL) < 0 ? -errno : 0;
}

static void lock_kept(sigset_t *saved)
{
	sigset_t all;

	sigfillset(&all);
	REAL(pthread_sigmask)(SIG_BLOCK, &all, saved);
	while (atomic_flag_test_and_set(&kept_lock))
		;
}

static void unlock_kept(const sigset_t *saved)
{
	atomic_flag_clear(&kept_lock);
	REAL(pthread_sigmask)(SIG_SETMASK, saved, NULL);
}

static void keep(int signo, const struct sigaction *act)
{
	struct kept *k = kept_of(signo);

	k->mask = act->sa_mask;
	atomic_store(&k->flags, act->sa_flags);
	atomic_store(&k->handler, (uintptr_t)act->sa_handler);
}

int guard_action(int signo, const struct sigaction *act, struct sigaction *old)
{
	struct kept *k = kept_of(signo);
	struct sigaction copy;
	sigset_t saved;
	int r = 0;

	if (act)
		copy = *act;
	lock_kept(&saved);
	if (old) {
		memset(old, 0, sizeof(*old));
		old->sa_handler = (void (*)(int))atomic_load(&k->handler);
		old->sa_mask = k->mask;
		old->sa_flags = atomic_load(&k->flags);
	}
	if (act) {
		sigdelset(&copy.sa_mask, SIGKILL);
		sigdelset(&copy.sa_mask, SIGSTOP);
		keep(signo, &copy);
		r = install(signo);
	}
	unlock_kept(&saved);
	return r;
}

void guard_saw_action(int signo, const struct sigaction *act)
{
	uint64_t bit = 1ull << (signo - 1);
	int handled = act->sa_handler != SIG_DFL && act->sa_handler != SIG_IGN;

	if (signo < 1 || signo > 64)
		return;
	if (handled && blocks_ours(&act->sa_mask)) {
		if (!(atomic_fetch_or(&maskers, bit) & bit) && guard_armed)
			stats_note("mapped copies are off: the handler of signal %d blocks SIGBUS or SIGSEGV", signo);
	} else {
		atomic_fetch_and(&maskers, ~bit);
	}
}

int guard_arm(void)
{
	struct sigaction act;
	sigset_t saved;
	int error = errno, r = 0;

	if (__atomic_load_n(&guard_armed, __ATOMIC_ACQUIRE))
		return 0;
	lock_kept(&saved);
	if (!guard_armed) {
		for (int s = 1; s <= 64; s++)
			if (s != SIGBUS && s != SIGSEGV && REAL(sigaction)(s, NULL, &act) == 0)
				guard_saw_action(s, &act);
		REAL(sigaction)(SIGBUS, NULL, &act);
		keep(SIGBUS, &act);
		REAL(sigaction)(SIGSEGV, NULL, &act);
		keep(SIGSEGV, &act);
		r = install(SIGBUS);
		if (r == 0)
			r = install(SIGSEGV);
		__atomic_store_n(&guard_armed, r == 0, __ATOMIC_RELEASE);
	}
	unlock_kept(&saved);
	errno = error;
	return r;
}

void guard_fork_child(void)
{
	atomic_flag_clear(&kept_lock);
}

int guard_keeps(int signo)
{
	return guard_armed && (signo == SIGBUS || signo == SIGSEGV);
}

void guard_mask_changed(void)
{
	mask_state = UNKNOWN;
}

#else  /* no recovery here: callers use the kernel */

int guard_arm(void) { return -ENOSYS; }
int guard_copy(void *dst, const void *src, size_t n)
{
	(void)dst, (void)src, (void)n;
	return -EAGAIN;
}
void guard_mask_changed(void) { }
void guard_fork_child(void) { }
int guard_keeps(int signo) { (void)signo; return 0; }
int guard_action(int signo, const struct sigaction *act, struct sigaction *old)
{
	return REAL(sigaction)(signo, act, old) < 0 ? -errno : 0;
}
void guard_saw_action(int signo, const struct sigaction *act) { (void)signo, (void)act; }

#endif
