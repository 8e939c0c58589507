/* SPDX-License-Identifier: MIT */
/*
 * denied [-a|-o] ERRNO COMMAND...: runs it where io_uring's system calls fail, with
 * EPERM as under a container's filter or ENOSYS as on an old kernel; with -a
 * io_setup's too; with -o all that came after Linux 4.18, as far as libc can do without,
 * and O_DIRECT, which tmpfs takes since 6.6.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const int calls[] = {
	SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register,
	SYS_io_setup,
	SYS_clone3, SYS_close_range, SYS_openat2, SYS_faccessat2, SYS_pidfd_open, SYS_pidfd_getfd, SYS_pidfd_send_signal,
	SYS_epoll_pwait2, SYS_rseq,
};
enum { RINGS = 3, CALLS = sizeof(calls) / sizeof(*calls) };

int main(int argc, char **argv)
{
	int old = argc > 1 && !strcmp(argv[1], "-o"), all = old || (argc > 1 && !strcmp(argv[1], "-a"));
	int n = old ? CALLS : all ? RINGS + 1 : RINGS;
	unsigned error = argc > 1 + all && !strcmp(argv[1 + all], "ENOSYS") ? ENOSYS : EPERM;
	struct sock_filter code[2 * CALLS + 7] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog prog = { .len = 1, .filter = code };

	for (int i = 0; i < n; i++) {
		code[prog.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], 0, 1);
		code[prog.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error);
	}
	if (old) {
		code[prog.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3);
		code[prog.len++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2]));
		code[prog.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_DIRECT, 0, 1);
		code[prog.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL);
	}
	code[prog.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	argv += all;
	if (argc < 3 + all)
		return 2;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog)) {
		perror("seccomp");
		return 77;
	}
	if (syscall(SYS_io_uring_setup, 1, NULL) != -1 || errno != (int)error) {
		fprintf(stderr, "the filter does not hold\n");
		return 2;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
