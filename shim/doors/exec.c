/* SPDX-License-Identifier: MIT */
/* The doors by which a process becomes another program. */
#include "exec.h"

#include <string.h>
#include <sys/syscall.h>

#include "door.h"
#include "base/env.h"
#include "object/object_image.h"
#include "base/script.h"

/* What exec returns. */
static int failed(void)
{
	int saved = errno;

	object_exec_failed();
	errno = saved;
	return -1;
}

static int native(int dirfd, const char *path, char *const argv[], char *const envp[], int flags)
{
	object_exec_begin();
	if (dirfd == AT_FDCWD && !flags)
		REAL(execve)(path, argv, envp);
	else
		REAL(syscall)(SYS_execveat, dirfd, path, argv, envp, flags);
	return failed();
}

/* What execveat(2) knows; the last is AT_EXECVE_CHECK. */
#define EXEC_FLAGS (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | 0x10000)

/*
 * A successful exec gives nothing back, and after vfork the place would be
 * lost to the parent: the path moves to the stack. 1 if it was translated, 0
 * if it is as it was, 2 if there is nothing to be known of it, or -errno. A
 * file the kernel does not have is executed from a copy, *image, the caller's
 * to close.
 */
static int locate(int dirfd, const char *path, int flags, char there[PATH_MAX], int *image)
{
	struct place *p;
	int r = place_get(&p, dirfd, path, !(flags & AT_SYMLINK_NOFOLLOW));

	if (r < 0)
		return r;
	r = p->translated ? 1 : *p->virt ? 0 : 2;
	if (p->mount->be->object) {
		*image = flags & ~EXEC_FLAGS ? -EINVAL : object_image(p, flags);
		r = *image < 0 ? *image : 1;
		snprintf(there, PATH_MAX, "/proc/self/fd/%d", *image);
	} else if (r == 1) {
		strcpy(there, p->path);
	}
	place_put(p);
	return r;
}

int exec_elsewhere(const char *path)
{
	char there[PATH_MAX];
	int image = -1, r = locate(AT_FDCWD, path, 0, there, &image);

	if (image >= 0)
		REAL(close)(image);
	return r == 1;
}

static int exec_level(int dirfd, const char *path, char *const argv[], char *const envp[],
		      int flags, int level);

/* The interpreter in place of the script `shown`, as the program calls it. */
static int interpret(const struct script *s, const char *shown, char *const argv[],
		     char *const envp[], int level)
{
	long argc = env_count(argv);
	const char **args;
	size_t n = 0;

	if (argc < 0 || level == SCRIPT_LEVELS) {
		errno = argc < 0 ? EFAULT : ELOOP;
		return -1;
	}
	args = __builtin_alloca(((size_t)argc + 4) * sizeof(*args));
	args[n++] = s->interpreter;
	if (s->argument)
		args[n++] = s->argument;
	args[n++] = shown;
	for (long i = 1; i < argc; i++)
		args[n++] = argv[i];
	args[n] = NULL;
	return exec_level(AT_FDCWD, s->interpreter, (char **)args, envp, 0, level + 1);
}

/* The name by which the kernel would tell an interpreter of the script; 0 if it would not. */
static int script_name(char *name, size_t size, int dirfd, const char *path)
{
	if (*path == '/' || dirfd == AT_FDCWD)
		return snprintf(name, size, "%s", path) < (int)size;
	if (REAL(fcntl)(dirfd, F_GETFD) & FD_CLOEXEC)
		return 0;
	return snprintf(name, size, "/dev/fd/%d%s%s", dirfd, *path ? "/" : "", path) < (int)size;
}

/* Whether path is a script to be interpreted by us: it, or the interpreter, lies elsewhere. */
static int is_ours(struct script *s, char shown[PATH_MAX], int dirfd, const char *path,
		   const char *there, char *const envp[])
{
	return script_name(shown, PATH_MAX, dirfd, path) && script_read(s, there ? there : shown) &&
	       env_serves(envp) && (there || exec_elsewhere(s->interpreter));
}

/* The program, whose name for the kernel is `there` if that is not NULL. */
static int exec_real(int dirfd, const char *path, const char *there, char *const argv[],
		     char *const envp[], int flags, int level)
{
	char shown[PATH_MAX];
	struct script s;

	if (!flags && is_ours(&s, shown, dirfd, path, there, envp)) {
		if (REAL(faccessat)(AT_FDCWD, there ? there : shown, X_OK, AT_EACCESS) < 0)
			return -1;
		return interpret(&s, shown, argv, envp, level);
	}
	if (there)
		return native(AT_FDCWD, there, argv, envp, flags);
	return native(dirfd, path, argv, envp, flags);
}

static int exec_level(int dirfd, const char *path, char *const argv[], char *const envp[],
		      int flags, int level)
{
	char there[PATH_MAX];
	int image = -1, r;

	if (!mounts_redirect)
		return native(dirfd, path, argv, envp, flags);
	r = locate(dirfd, path, flags, there, &image);
	if (r < 0) {
		errno = -r;
		return -1;
	}
	if (r == 2)
		return native(dirfd, path, argv, envp, flags);
	r = exec_real(dirfd, path, r ? there : NULL, argv, envp, image < 0 ? flags : 0, level);
	if (image >= 0) {
		int saved = errno;

		REAL(close)(image);
		errno = saved;
	}
	return r;
}

int exec_at(int dirfd, const char *path, char *const argv[], char *const envp[], int flags)
{
	return exec_level(dirfd, path, argv, envp, flags, 0);
}

/* ---- PATH, as glibc's posix/execvpe.c has it */

/* What the kernel knows no format of is for the shell. */
static int shell(const char *path, char *const argv[], char *const envp[])
{
	static const struct script s = { .interpreter = (char *)"/bin/sh" };

	return interpret(&s, path, argv, envp, 0);
}

static int try_one(const char *path, char *const argv[], char *const envp[], int sh)
{
	int r = exec_at(AT_FDCWD, path, argv, envp, 0);

	return errno == ENOEXEC && sh ? shell(path, argv, envp) : r;
}

/* Whether the search goes on after this errno. */
static int go_on(int error)
{
	return error == EACCES || error == ENOENT || error == ESTALE || error == ENOTDIR ||
	       error == ENODEV || error == ETIMEDOUT;
}

int exec_search(const char *file, char *const argv[], char *const envp[], int sh)
{
	const char *dirs = getenv("PATH"), *end;
	char path[PATH_MAX + NAME_MAX + 1];
	int denied = 0;

	if (strchr(file, '/'))
		return try_one(file, argv, envp, sh);
	errno = !*file ? ENOENT : strnlen(file, NAME_MAX + 1) > NAME_MAX ? ENAMETOOLONG : 0;
	if (errno)
		return -1;
	for (dirs = dirs ? dirs : "/bin:/usr/bin"; ; dirs = end + 1) {
		size_t n = (size_t)((end = strchrnul(dirs, ':')) - dirs);

		if (n < PATH_MAX) {
			sprintf(path, "%.*s%s%s", (int)n, dirs, n ? "/" : "", file);
			try_one(path, argv, envp, sh);
			if (!go_on(errno))
				return -1;
			denied |= errno == EACCES;
		}
		if (!*end)
			break;
	}
	if (denied)
		errno = EACCES;
	return -1;
}

/* ---- the doors */

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	return exec_at(AT_FDCWD, path, argv, ENV_COMPLETE(envp), 0);
}

EXPORT int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

EXPORT int execveat(int dirfd, const char *path, char *const argv[], char *const envp[], int flags)
{
	return exec_at(dirfd, path, argv, ENV_COMPLETE(envp), flags);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	char *const *env = (uintptr_t)envp ? ENV_COMPLETE(envp) : envp;

	if (object_of(fd) && (uintptr_t)argv && (uintptr_t)envp)
		return exec_at(fd, "", argv, env, AT_EMPTY_PATH);
	object_exec_begin();
	REAL(fexecve)(fd, argv, env);
	return failed();
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	char *const *env = ENV_COMPLETE(envp);

	return mounts_redirect ? exec_search(file, argv, env, 1) : REAL(execvpe)(file, argv, env);
}

EXPORT int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

/* The arguments up to a NULL as an array in the caller's frame; `ap` is left behind it. */
#define ARGUMENTS(argv, first, ap)                                            \
	va_list ap;                                                           \
	size_t argc_ = 1;                                                     \
	va_start(ap, first);                                                  \
	while (first && va_arg(ap, char *))                                   \
		argc_++;                                                      \
	va_end(ap);                                                           \
	char **argv = __builtin_alloca((argc_ + 1) * sizeof(char *));         \
	va_start(ap, first);                                                  \
	argv[0] = (char *)(uintptr_t)first;                                   \
	for (size_t i_ = 1; first && i_ <= argc_; i_++)                       \
		argv[i_] = va_arg(ap, char *)

EXPORT int execl(const char *path, const char *arg, ...)
{
	ARGUMENTS(argv, arg, ap);
	va_end(ap);
	return execve(path, argv, environ);
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	char *const *envp;

	ARGUMENTS(argv, arg, ap);
	envp = va_arg(ap, char *const *);
	va_end(ap);
	return execve(path, argv, envp);
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
	ARGUMENTS(argv, arg, ap);
	va_end(ap);
	return execvpe(file, argv, environ);
}
