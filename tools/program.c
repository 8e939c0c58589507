/* SPDX-License-Identifier: MIT */
/*
 * What a command is before it is run: where PATH leads, which program its #!
 * names, and whether the dynamic loader will look at LD_PRELOAD there.
 */
#include "tool.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SCRIPT_LEVELS 4        /* the kernel's own limit on #! of #! */

/* ---- PATH */

/* 0, or why the file cannot be run. */
static int runnable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? errno : 0;
}

static char *search_path(const char *command)
{
	const char *dirs = getenv("PATH"), *end;
	int denied = 0;

	if (!dirs)
		dirs = "/bin:/usr/bin";
	for (;; dirs = end + 1) {
		size_t n = (size_t)((end = strchrnul(dirs, ':')) - dirs);
		char *path = format_text("%.*s%s%s", (int)n, dirs, n ? "/" : "", command);
		int err = runnable(path);

		if (!err)
			return path;
		denied |= err == EACCES;
		free(path);
		if (!*end)
			break;
	}
	if (denied)
		die(EXIT_NO_EXEC, "%s: %s", command, strerror(EACCES));
	die(EXIT_NO_COMMAND, "%s: not found in PATH", command);
}

char *find_command(const char *command)
{
	int err;

	if (*command && !strchr(command, '/'))
		return search_path(command);
	err = runnable(command);
	if (err)
		die(err == ENOENT || err == ENOTDIR ? EXIT_NO_COMMAND : EXIT_NO_EXEC, "%s: %s",
		    command, strerror(err));
	return format_text("%s", command);
}

/* ---- privileges */

/*
 * As the kernel decides it at exec: an id that changes, or capabilities for
 * someone whose real uid is not root. Then the loader runs in secure mode
 * and takes no preloads from a path.
 */
static const char *gains(const char *path, const struct stat *st)
{
	struct statvfs fs;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return NULL;
	if (!statvfs(path, &fs) && fs.f_flag & ST_NOSUID)
		return NULL;
	if (st->st_mode & S_ISUID && st->st_uid != getuid())
		return "setuid";
	if ((st->st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && st->st_gid != getgid())
		return "setgid";
	if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
		return "given capabilities";
	return NULL;
}

/* ---- the file's format */

/* Whether a segment of notes has the one that Go's linker writes: its build's id. */
static int has_go_note(int fd, const Elf64_Phdr *ph)
{
	_Alignas(4) char notes[1024];
	ssize_t n = pread(fd, notes, ph->p_filesz < sizeof(notes) ? ph->p_filesz : sizeof(notes), (off_t)ph->p_offset);
	Elf64_Nhdr note;

	for (size_t at = 0; (ssize_t)(at + sizeof(note) + 4) <= n;) {
		memcpy(&note, notes + at, sizeof(note));
		if (note.n_type == 4 && note.n_namesz == 4 && !memcmp(notes + at + sizeof(note), "Go", 3))
			return 1;
		at += sizeof(note) + ((size_t)note.n_namesz + 3) / 4 * 4 + ((size_t)note.n_descsz + 3) / 4 * 4;
	}
	return 0;
}

struct format {
	int interpreter;      /* it has a loader */
	int go;               /* it was built by Go */
};

static struct format format_of(int fd, const Elf64_Ehdr *eh)
{
	struct format f = { 0, 0 };

	for (unsigned i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr ph;

		if (pread(fd, &ph, sizeof(ph), (off_t)(eh->e_phoff + i * sizeof(ph))) != sizeof(ph))
			break;
		f.interpreter |= ph.p_type == PT_INTERP;
		f.go |= ph.p_type == PT_NOTE && has_go_note(fd, &ph);
	}
	return f;
}

static void check_privileges(const char *path)
{
	struct stat st;
	const char *why;

	if (stat(path, &st))
		return;
	why = gains(path, &st);
	if (why)
		die(EXIT_NO_EXEC, "%s is %s: the loader ignores preloads there, so it cannot be run "
		    "under the shim", path, why);
}

static void check_loader(int fd, const char *path, const char *head, size_t n)
{
	struct format f;
	Elf64_Ehdr eh;

	if (head[EI_CLASS] != ELFCLASS64) {
		warn("%s is a 32-bit program; the library is not, so nothing is intercepted in it",
		     path);
		return;
	}
	if (n < sizeof(eh))
		return;
	memcpy(&eh, head, sizeof(eh));
	f = format_of(fd, &eh);
	if (!f.interpreter)
		warn("%s is statically linked: it has no loader, so nothing is intercepted in it",
		     path);
	else if (f.go)
		warn("%s is a Go program, which makes its system calls itself: only what its C code calls "
		     "is intercepted", path);
}

/* The program after "#!", cut out of `head`; NULL if there is none. */
static char *script_program(char *head)
{
	char *p = head + 2 + strspn(head + 2, " \t");

	p[strcspn(p, " \t\n")] = '\0';
	return *p ? p : NULL;
}

/* A script's own setuid bit means nothing to the kernel; its program's does. */
static void examine(const char *path, int level)
{
	char head[256] = "", *program;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : pread(fd, head, sizeof(head) - 1, 0);

	if (n > 2 && head[0] == '#' && head[1] == '!') {
		program = script_program(head);
		if (program && level < SCRIPT_LEVELS)
			examine(program, level + 1);
	} else {
		check_privileges(path);
		if (n > SELFMAG && !memcmp(head, ELFMAG, SELFMAG))
			check_loader(fd, path, head, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
}

void examine_program(const char *path)
{
	examine(path, 0);
}
