/* SPDX-License-Identifier: MIT */
/*
 * Programs that cannot be executed: every exec and posix_spawn on the names
 * that make them fail, arguments that are too large, and files that only look
 * like programs. Nothing here may ever run.
 * not: uring uring,engine=ring
 */
#include "errnos.h"

#include <elf.h>

static char *args[] = { (char *)"name", NULL }, *env[] = { (char *)"A=1", NULL };

static int spawned(int search, const char *path)
{
	pid_t pid;
	int r = (search ? posix_spawnp : posix_spawn)(&pid, path, NULL, NULL, args, env);

	errno = r;
	return r ? -1 : 0;
}

static void names(void)
{
	int d = open(dir, O_RDONLY | O_DIRECTORY);

	looking = 1;
	EACH_PATH(execve(path, args, env));
	EACH_PATH(execveat(AT_FDCWD, path, args, env, 0));
	EACH_PATH(execveat(d, path, args, env, AT_SYMLINK_NOFOLLOW));
	EACH_NAME(execv(path, args));
	EACH_NAME(execl(path, "name", (char *)NULL));
	EACH_NAME(execle(path, "name", (char *)NULL, env));
	EACH_NAME(spawned(0, path));
	EACH_NAME(spawned(1, path));
	looking = 0;
	CALL(execveat(d, "", args, env, AT_EMPTY_PATH));
	CALL(execveat(d, "file", args, env, 1 << 20));
	CALL(execveat(900, "file", args, env, 0));
	CALL(fexecve(d, args, env));
	close(d);
	CALL(fexecve(-1, args, env));
	ERR(posix_spawn(NULL, P("file"), NULL, NULL, args, env));
}

/* More than the kernel takes in one string, or in all. */
static void sizes(void)
{
	char *one = malloc(140000), *many[200];
	size_t n = 0;

	memset(one, 'x', 139999);
	one[139999] = 0;
	CALL(execve("/bin/true", ((char *[]){ one, NULL }), env));
	CALL(execve("/bin/true", args, ((char *[]){ one, NULL })));
	CALL(execve(P("program"), ((char *[]){ one, NULL }), env));
	ERR(posix_spawn(&(pid_t){ 0 }, P("program"), NULL, NULL, ((char *[]){ one, NULL }), env));
	one[130000] = 0;
	while (n < COUNT(many) - 1)
		many[n++] = one;
	many[n] = NULL;
	CALL(execve(P("program"), many, env));
	CALL(execv(P("program"), many));
	CALL(execve(P("script"), many, env));
	ERR(posix_spawn(&(pid_t){ 0 }, P("program"), NULL, NULL, many, env));
	free(one);
}

/* A program with a header that is wrong in this place. */
static void wrong(const char *what, size_t off, const void *text, size_t n, off_t size)
{
	int fd;

	unlink(P("odd"));
	copy("/bin/true", P("odd"));
	fd = open(P("odd"), O_RDWR);
	pwrite(fd, text, n, (off_t)off);
	if (size >= 0)
		ftruncate(fd, size);
	close(fd);
	say("%s", what);
	CALL(execve(P("odd"), args, env));
	ERR(posix_spawn(&(pid_t){ 0 }, P("odd"), NULL, NULL, args, env));
}

#define HEAD(member) offsetof(Elf64_Ehdr, member)

static void headers(void)
{
	Elf64_Ehdr h;
	Elf64_Phdr p[32];
	uint16_t odd = 0x7777, none = 0;
	char script[64];
	int fd = open("/bin/true", O_RDONLY);

	pread(fd, &h, sizeof(h), 0);
	pread(fd, p, sizeof(p), (off_t)h.e_phoff);
	close(fd);
	wrong("another magic", 0, "no ELF at all, and no text\1", 27, -1);
	wrong("the magic alone", 0, "", 0, 4);
	wrong("half a header", 0, "", 0, 40);
	wrong("a header alone", 0, "", 0, sizeof(h));
	wrong("another type", HEAD(e_type), &odd, 2, -1);
	wrong("another machine", HEAD(e_machine), &odd, 2, -1);
	wrong("no headers of segments", HEAD(e_phnum), &none, 2, -1);
	wrong("odd headers of segments", HEAD(e_phentsize), &odd, 2, -1);
	for (int i = 0; i < h.e_phnum && i < 32; i++) {
		size_t at = h.e_phoff + sizeof(*p) * (size_t)i;

		if (p[i].p_type != PT_INTERP)
			continue;
		wrong("an interpreter that is not there", p[i].p_offset, "/no/such/loader", 16, -1);
		wrong("one that is no program", p[i].p_offset, "/etc/passwd", 12, -1);
		wrong("one that is a script", p[i].p_offset, "/usr/bin/ldd", 13, -1);
		wrong("one that is a directory", p[i].p_offset, "/etc", 5, -1);
		wrong("a name without an end", at + offsetof(Elf64_Phdr, p_filesz), &(Elf64_Xword){ 5 }, 8, -1);
		wrong("a name that is too long", at + offsetof(Elf64_Phdr, p_filesz), &(Elf64_Xword){ 100000 }, 8, -1);
	}
	snprintf(script, sizeof(script), "#!/etc/passwd\n");
	wrong("a script of no program's", 0, script, strlen(script), (off_t)strlen(script));
}

static void door(void)
{
	begin();
	names();
	copy("/bin/true", P("program"));
	copy("/bin/true", P("script"));
	truncate(P("script"), 0);
	int fd = open(P("script"), O_WRONLY);
	write(fd, "#!/bin/true\n", 12);
	close(fd);
	sizes();
	headers();
}
