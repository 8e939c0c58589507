/* SPDX-License-Identifier: MIT */
/*
 * Streams: fopen in every mode, freopen, fdopen, fileno, seeking, reading
 * and writing in turn. Fails if bytes, positions or errors differ.
 */
#include "door.h"

#include <stdio_ext.h>
#include <wchar.h>

static char b[70000];

static void modes(void)
{
	static const char *const all[] = {
		"r", "w", "a", "r+", "w+", "a+", "rb", "wx", "w+x", "re", "rm", "r,ccs=UTF-8", "a+e", "", "z"
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		FILE *f;
		int fd;

		make(P("f"), 20, 1);
		errno = UNTOUCHED;
		f = fopen(P("f"), all[i]);
		say("fopen \"%s\": %s", all[i], f ? "ok" : name_of(errno));
		if (!f)
			continue;
		fd = fileno(f);
		say("flags %o, cloexec %d", (unsigned)fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
		CALL(ftell(f));
		if (!strstr(all[i], "ccs")) {
			CALL(fwrite("written", 1, 7, f));
			CALL(ftell(f));
			CALL(fflush(f));
			clearerr(f);
			CALL(fseek(f, 2, SEEK_SET));
			CALL(fread(b, 1, 10, f));
			say("eof %d, error %d", feof(f) != 0, ferror(f) != 0);
		}
		CALL(fclose(f));
		FILE_AT(P("f"));
		fd = fcntl(fd, F_GETFD);
		say("closed %d", fd);
	}
	PTR(fopen(P("none"), "r"));
	PTR(fopen(P("none/x"), "w"));
	PTR(fopen(dir, "w"));
	FILE *f = PTR(fopen(dir, "r"));
	CALL(getc(f));
	CALL(fclose(f));
	unlink(P("f"));
	f = PTR(fopen(P("f"), "wx"));
	CALL(fclose(f));
	f = PTR(fopen(P("f"), "w+x"));
}

static void large(void)
{
	FILE *f = PTR(fopen(P("large"), "w+"));
	fpos_t pos;

	pattern(b, sizeof(b), 3);
	CALL(fwrite(b, 1, sizeof(b), f));
	for (int i = 0; i < 20000; i++)
		putc(i % 251, f);
	CALL(ftell(f));
	CALL(fseeko(f, 1000, SEEK_SET));
	CALL(fgetpos(f, &pos));
	CALL(fread(b, 1, 50000, f));
	BYTES(b, 50000);
	CALL(fseek(f, -10, SEEK_END));
	CALL(fread(b, 1, 50, f));
	BYTES(b, 10);
	say("eof %d", feof(f) != 0);
	CALL(fsetpos(f, &pos));
	CALL(getc(f));
	CALL(ungetc('u', f));
	CALL(getc(f));
	CALL(fseek(f, 500, SEEK_CUR));
	CALL(fprintf(f, "%s %d %5.2f\n", "formatted", 42, 3.14159));
	rewind(f);
	CALL(fread(b, 1, 2000, f));
	BYTES(b, 2000);
	CALL(fclose(f));
	FILE_AT(P("large"));
}

static void lines(void)
{
	FILE *f = fopen(P("lines"), "w");
	char *line = NULL;
	size_t cap = 0;
	int n = 0, x;
	uint32_t h = 0;

	for (int i = 0; i < 3000; i++)
		fprintf(f, "line %d %.*s\n", i, i % 70, "......................................................................");
	CALL(fclose(f));
	f = fopen(P("lines"), "r");
	while (getline(&line, &cap, f) > 0) {
		h = h * 31 + sum(line, strlen(line));
		n++;
	}
	say("%d lines, %08x, eof %d", n, h, feof(f) != 0);
	rewind(f);
	CALL(fscanf(f, "line %d", &x));
	say("%d", x);
	PTR(fgets(b, 100, f));
	PTR(fgets(b, 100, f));
	BYTES(b, (long)strlen(b));
	CALL(fclose(f));
	free(line);
	f = fopen(P("wide"), "w");
	CALL(fputws(L"wide\n", f));
	CALL(fclose(f));
	FILE_AT(P("wide"));
}

static void buffers(void)
{
	FILE *f = fopen(P("buf"), "w");
	int fd;

	CALL(setvbuf(f, NULL, _IONBF, 0));
	CALL(fputs("unbuffered", f));
	FILE_AT(P("buf"));
	CALL(fclose(f));
	f = fopen(P("buf"), "w");
	CALL(setvbuf(f, NULL, _IOLBF, 1024));
	CALL(fputs("to the newline\nnot this", f));
	FILE_AT(P("buf"));
	CALL(fclose(f));
	FILE_AT(P("buf"));

	/* a stream and its descriptor */
	f = fopen(P("buf"), "r+");
	fd = fileno(f);
	CALL(getc(f));
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(pwrite(fd, "PWRITE", 6, 3));
	CALL(fseek(f, 0, SEEK_SET));
	PTR(fgets(b, 100, f));
	BYTES(b, (long)strlen(b));
	CALL(fclose(f));

	fd = open(P("buf"), O_RDWR);
	PTR(fdopen(fd, "z"));
	PTR(fdopen(-1, "r"));
	f = PTR(fdopen(fd, "r+"));
	CALL(fileno(f) == fd);
	CALL(fputs("fdopen", f));
	CALL(fflush(f));
	CALL(lseek(fd, 0, SEEK_CUR));
	CALL(ftruncate(fd, 4));
	CALL(fclose(f));
	CALL(close(fd));
	FILE_AT(P("buf"));
	fd = open(P("buf"), O_RDONLY);
	PTR(fdopen(fd, "w"));
	close(fd);
}

static void reopened(void)
{
	FILE *f = fopen(P("one"), "w");
	int fd = fileno(f);
	pid_t pid;

	CALL(fputs("in one", f));
	f = PTR(freopen(P("two"), "w", f));
	CALL(fileno(f) == fd);
	CALL(fputs("in two", f));
	f = PTR(freopen(P("two"), "r", f));
	CALL(fread(b, 1, 10, f));
	BYTES(b, 6);
	f = PTR(freopen(NULL, "r", f));
	CALL(fread(b, 1, 10, f));
	PTR(freopen(P("none/x"), "w", f));
	CALL(pread(fd, b, 1, 0));
	FILE_AT(P("one"));
	FILE_AT(P("two"));
	/* standard output of a child into a file of ours */
	pid = split();
	if (!pid) {
		if (!freopen(P("out"), "w", stdout))
			_exit(3);
		printf("printed by the child\n");
		fflush(stdout);
		_exit(0);
	}
	WAIT(pid);
	FILE_AT(P("out"));
	pid = split();
	if (!pid) {
		if (!freopen(P("out"), "r", stdin))
			_exit(3);
		_exit(getchar() == 'p' && fgets(b, 100, stdin) ? 7 : 8);
	}
	WAIT(pid);
}

static void pipes(void)
{
	FILE *f;
	char cmd[PATH_MAX + 100];

	f = PTR(popen("printf 'from a pipe'", "r"));
	CALL(fread(b, 1, 100, f));
	CALL(pclose(f));
	snprintf(cmd, sizeof(cmd), "cat > '%s'", P("piped"));
	f = PTR(popen(OPAQUE((char *)cmd), "w"));
	CALL(fputs("through cat", f));
	CALL(pclose(f));
	FILE_AT(P("piped"));
	f = PTR(popen("exit 3", "r"));
	CALL(pclose(f));
}

static void door(void)
{
	modes();
	large();
	lines();
	buffers();
	reopened();
	pipes();
}
