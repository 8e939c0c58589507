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

static int print_list(int fd, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vdprintf(fd, fmt, ap);
	va_end(ap);
	return r;
}

/* What writes to a descriptor or a stream without being asked for one. */
static void printers(void)
{
	int fd = open(P("printed"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	pid_t pid;

	CALL(dprintf(fd, "%d %s\n", 42, "dprintf"));
	CALL(print_list(fd, "%*d\n", 5000, 7));
	CALL(dprintf(-1, "none"));
	CALL(lseek(fd, 0, SEEK_CUR));
	FILE_AT(P("printed"));
	close(fd);
	fd = open(P("printed"), O_RDONLY);
	CALL(dprintf(fd, "read only"));
	close(fd);
	for (int rw = 0; rw < 2; rw++) {
		pid = split();
		if (!pid) {
			if (!freopen(P("err"), rw ? "a+" : "a", stderr))
				_exit(3);
			errno = ENOENT;
			perror("perror");
			say("%d", fwide(stderr, 0));
			psignal(SIGINT, "psignal");
			rw ? (void)fflush(stderr) : (void)setvbuf(stderr, NULL, _IONBF, 0);
			fprintf(stderr, "fprintf\n");
			_exit(0);
		}
		WAIT(pid);
		FILE_AT(P("err"));
	}
}

static void wide(void)
{
	FILE *f = PTR(fopen(P("wide"), "w+"));
	wchar_t line[100];

	CALL(fwide(f, 1));
	for (int i = 0; i < 2000; i++)
		fwprintf(f, L"wide %d\n", i);
	CALL(fflush(f));
	CALL(lseek(fileno(f), 0, SEEK_CUR));
	rewind(f);
	for (int i = 0; i < 1500; i++)
		fgetws(line, 100, f);
	say("%ls", line);
	CALL(ftell(f));
	CALL((long)ungetwc(L'u', f));
	CALL((long)getwc(f));
	CALL(fseek(f, 5, SEEK_SET));
	CALL((long)getwc(f));
	CALL(fclose(f));
	f = PTR(fopen(P("utf"), "w,ccs=UTF-8"));
	if (f) {
		CALL(fputws(L"\u00e9\u20ac\n", f));
		CALL(fclose(f));
		FILE_AT(P("utf"));
		f = PTR(fopen(P("utf"), "r,ccs=UTF-8"));
		CALL((long)getwc(f));
		CALL((long)getwc(f));
		CALL(fclose(f));
	}
	PTR(fopen(P("none/utf"), "r,ccs=UTF-8"));
}

/* Both streams have one position; what is left in a buffer is written twice. */
static void forked(void)
{
	FILE *f = fopen(P("forked"), "w+");
	pid_t pid;

	fputs("unwritten;", f);
	pid = split();
	if (!pid) {
		fputs("child;", f);
		CALL(fclose(f));
		_exit(0);
	}
	WAIT(pid);
	fputs("parent;", f);
	CALL(fclose(f));
	FILE_AT(P("forked"));
	f = fopen(P("forked"), "w");
	pid = split();
	if (!pid) {
		fputs("never written", f);
		_exit(0);
	}
	WAIT(pid);
	pid = split();
	if (!pid) {
		fputs("never written", f);
		signal(SIGABRT, SIG_DFL);
		abort();
	}
	WAIT(pid);
	CALL(fclose(f));
	FILE_AT(P("forked"));
}

/* exit writes what is in the buffers, and takes back what was read too far. */
static void at_exit_of(void)
{
	int fd;
	pid_t pid;
	FILE *f = fopen(P("exit"), "w");

	for (int i = 0; i < 100; i++)
		fprintf(f, "line %d\n", i);
	CALL(fclose(f));
	fd = open(P("exit"), O_RDONLY);
	pid = split();
	if (!pid) {
		f = fdopen(dup(fd), "r");
		fgets(b, 100, f);
		f = fopen(P("left"), "w");
		fputs("left in the buffer\n", f);
		exit(3);
	}
	WAIT(pid);
	CALL(lseek(fd, 0, SEEK_CUR));
	FILE_AT(P("left"));
	close(fd);
}

static void again(void)
{
	FILE *f = fopen(P("again"), "w");
	int fd = fileno(f);

	fputs("0123456789", f);
	f = PTR(freopen(NULL, "r+", f));
	CALL(fileno(f) == fd);
	CALL(fread(b, 1, 4, f));
	BYTES(b, 4);
	f = PTR(freopen(P("again"), "a", f));
	CALL(fputs("end", f));
	CALL(ftell(f));
	f = PTR(freopen("/dev/null", "w", f));
	CALL(fileno(f) == fd);
	CALL(fputs("nowhere", f));
	f = PTR(freopen(P("again"), "r", f));
	CALL(fread(b, 1, 100, f));
	BYTES(b, 13);
	CALL(setvbuf(f, b, _IOFBF, 16));
	rewind(f);
	CALL(getc_unlocked(f));
	CALL(getw(f));
	CALL(fclose(f));
}

static void door(void)
{
	modes();
	large();
	lines();
	buffers();
	reopened();
	pipes();
	printers();
	wide();
	forked();
	at_exit_of();
	again();
}
