/* SPDX-License-Identifier: MIT */
/* Becoming another program; what the exec and spawn doors share. */
#ifndef SHIM_EXEC_H
#define SHIM_EXEC_H

/*
 * execveat(2) by the program's names: the path, and the interpreter that a
 * script names, are found under the rules. `envp` is handed on as it is
 * (env.h completes it). Returns -1 and errno; nothing has changed then. Any
 * thread, a signal handler, a vfork child; takes some 12 KiB of stack.
 */
int exec_at(int dirfd, const char *path, char *const argv[], char *const envp[], int flags);

/*
 * execvpe(3): looks for `file` along PATH, and with `sh` set gives what has
 * no known format to /bin/sh. Otherwise as exec_at.
 */
int exec_search(const char *file, char *const argv[], char *const envp[], int sh);

/* Whether a path leads to another place than the kernel would find. */
int exec_elsewhere(const char *path);

#endif
