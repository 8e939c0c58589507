/* SPDX-License-Identifier: MIT */
/*
 * stream HOW END: uses the standard streams it was started with and ends in
 * one of the ways a program can; streams.sh redirects them.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <err.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

static void copy(void)
{
	char *line = NULL;
	size_t cap = 0, n = 0;

	puts("first");
	while (getline(&line, &cap, stdin) > 0) {
		printf("%zu: %s", n++, line);
		if (n % 100 == 0)
			fprintf(stderr, "%zu lines\n", n);
	}
	fwrite("last\n", 1, 5, stdout);
	free(line);
}

static void one_line(void)
{
	char line[100];

	if (fgets(line, sizeof(line), stdin))
		fputs(line, stdout);
}

static void letters(void)
{
	int c;

	while ((c = getchar_unlocked()) != EOF && c != '\n')
		putchar_unlocked(c);
	ungetc('u', stdin);
	putchar_unlocked(getchar_unlocked());
	ungetc('v', stdin);
}

static void seeks(void)
{
	char b[20] = "";

	printf("%ld", (long)ftello(stdin));
	fseeko(stdin, -8, SEEK_END);
	printf(" %zu %ld", fread(b, 1, 4, stdin), (long)ftello(stdin));
	printf(" %s at %ld\n", b, (long)ftello(stdout));
	fseeko(stdout, 0, SEEK_SET);
	putchar('S');
	fseeko(stdout, 0, SEEK_END);
	puts("the end");
	rewind(stdin);
	one_line();
}

static void wide(void)
{
	wchar_t line[100];

	setlocale(LC_ALL, "C.UTF-8");
	fputws(L"\u00e9\u20ac\n", stdout);
	while (fgetws(line, 100, stdin))
		wprintf(L"%zu %ls", wcslen(line), line);
	fwprintf(stderr, L"%d\n", fwide(stderr, 0));
}

static void errors(void)
{
	errno = ENOENT;
	perror("perror");
	errno = EACCES;
	warn("warn %d", 1);
	fprintf(stderr, "unbuffered");
	dprintf(1, "dprintf %d\n", 2);
	dprintf(2, "dprintf %d\n", 3);
}

static void unread(void)
{
	putchar('x');
	fflush(stdout);
	printf("%d", fputs("never", stdin) < 0);
	printf(" %d", ferror(stdin) != 0);
	printf(" %d\n", getc(stdout));
	clearerr(stdin);
	setvbuf(stdin, NULL, _IONBF, 0);
	one_line();
}

static void forks(void)
{
	printf("in the buffer;");
	if (!fork()) {
		printf("child;");
		exit(0);
	}
	wait(NULL);
	printf("parent;");
}

/* Reaches a limit while it writes: the error is told by the end of it all. */
static void limited(void)
{
	struct rlimit l = { 2000, 2000 };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &l);
	for (int i = 0; i < 1000; i++)
		printf("line %d\n", i);
	fprintf(stderr, "%d %d\n", ferror(stdout) != 0, fclose(stdout));
}

static void pipes(void)
{
	FILE *p;
	char line[100];

	puts("before");
	fflush(stdout);
	p = popen("cat; echo from the child; echo of it >&2", "w");
	fputs("to the child\n", p);
	printf("%d\n", pclose(p));
	fflush(stdout);
	p = popen("head -n 2", "r");
	while (fgets(line, sizeof(line), p))
		printf("read %s", line);
	printf("%d\n", pclose(p));
	printf("system %d\n", system("echo system"));
}

static void memory(void)
{
	char *text, b[10];
	size_t n;
	FILE *m = open_memstream(&text, &n), *r;

	one_line();
	fprintf(m, "in memory");
	fclose(m);
	r = fmemopen(text, n, "r");
	fgets(b, 5, r);
	printf("%zu %s %s %d\n", n, text, b, fileno(r));
	fclose(r);
	free(text);
}

static void *printer(void *arg)
{
	for (int i = 0; i < 2000; i++)
		fprintf(arg, "a line of many threads\n");
	return NULL;
}

static void *holder(void *arg)
{
	(void)arg;
	flockfile(stdin);
	pause();
	return NULL;
}

static void threads(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, printer, stdout);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	/* who ends the process waits for nobody */
	getchar();
	pthread_create(&t[0], NULL, holder, NULL);
	usleep(20000);
}

/* Whose functions libc's streams call, and whether they can be overwritten. */
static void tables(void)
{
	static const char *const names[] = { "_IO_file_jumps", "_IO_wfile_jumps" };
	int zero = open("/dev/zero", O_RDONLY);
	Dl_info lib;

	for (int i = 0; i < 2; i++) {
		void **table = dlsym(RTLD_DEFAULT, names[i]);

		dladdr(table[14], &lib);      /* the one that reads */
		printf("%s: %s, %s\n", names[i], strrchr(lib.dli_fname, '/') + 1,
		       read(zero, table, sizeof(*table)) < 0 ? strerrorname_np(errno) : "writable");
	}
}

static void opens(void)
{
	FILE *f = fopen(getenv("FILE"), "w");

	puts(f ? "opened" : strerrorname_np(errno));
	if (f && (fputs("text", f) < 0 || fclose(f) < 0))
		puts("not written");
}

static void *at_the_end(void)
{
	puts("by a destructor");
	return NULL;
}

__attribute__((destructor)) static void destructor(void)
{
	if (getenv("LATE"))
		at_the_end();
}

static const struct { const char *name; void (*run)(void); } ways[] = {
	{ "copy", copy }, { "line", one_line }, { "letters", letters }, { "seeks", seeks },
	{ "wide", wide }, { "errors", errors }, { "unread", unread }, { "forks", forks },
	{ "limited", limited }, { "pipes", pipes }, { "memory", memory }, { "threads", threads },
	{ "tables", tables }, { "opens", opens },
};

int main(int argc, char **argv)
{
	const char *end = argc > 2 ? argv[2] : "return";

	for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(argv[1], ways[i].name))
			ways[i].run();
	if (!strcmp(end, "_exit"))
		_exit(3);
	if (!strcmp(end, "quick"))
		quick_exit(4);
	if (!strcmp(end, "abort"))
		abort();
	if (!strcmp(end, "close"))
		return fclose(stdin) | fclose(stdout) | fclose(stderr);
	if (!strcmp(end, "thread"))
		pthread_exit(NULL);
	if (!strcmp(end, "exit"))
		exit(5);
	return 0;
}
