/* SPDX-License-Identifier: MIT */
/*
 * realpath, canonicalize_file_name and the calls that make up names. Fails if
 * a result, an error, or what is left in the buffer is not libc's.
 */
#include "door.h"

static void canonical(const char *path)
{
	char buf[PATH_MAX] = "untouched", *r;

	errno = UNTOUCHED;
	r = realpath(path, buf);
	say("realpath %.60s: %s, %s", shown(path), r ? "found" : name_of(errno),
	    r || errno == ENOENT || errno == EACCES ? shown(buf) : "-");
	r = canonicalize_file_name(path);
	say("canonicalize_file_name: %s", r ? shown(r) : name_of(errno));
	free(r);
}

/* The made-up letters shown as #. */
static const char *masked(char *name, size_t suffix)
{
	size_t n = name ? strlen(name) : 0;

	if (n >= 6 + suffix)
		memset(name + n - 6 - suffix, '#', 6);
	return shown(name);
}

/* The linker warns of every program that names them. */
#define NAMED(fn, name) ((__typeof__(&fn))dlsym(RTLD_DEFAULT, name))
#define mktemp NAMED(mktemp, "mktemp")
#define tempnam NAMED(tempnam, "tempnam")
#define tmpnam NAMED(tmpnam, "tmpnam")
#define tmpnam_r NAMED(tmpnam_r, "tmpnam_r")

static void made_up(void)
{
	char *t = P("sub/nXXXXXX"), *s, b[L_tmpnam];

	say("mktemp %s", masked(mktemp(t), 0));
	say("mktemp '%s'", mktemp(strcpy(t, "short")));
	say("mktemp '%s'", masked(mktemp(P("none/nXXXXXX")), 0));
	say("mktemp '%s'", mktemp(P("file/nXXXXXX")));
	s = tempnam(P("sub"), "prefix");
	say("tempnam %s", masked(s, 0));
	free(s);
	s = tempnam(P("sub///"), NULL);
	say("tempnam %s", masked(s, 0));
	free(s);
	s = tempnam(P("none"), "x");
	say("tempnam %d", s != NULL);
	free(s);
	setenv("TMPDIR", dir, 1);
	s = tempnam(P("sub"), "pre");
	say("tempnam %s", masked(s, 0));
	free(s);
	unsetenv("TMPDIR");
	say("tmpnam %s", masked(tmpnam(NULL), 0));
	say("tmpnam %s", masked(tmpnam(b), 0));
	say("tmpnam_r %s, %d", masked(tmpnam_r(b), 0), tmpnam_r(NULL) != NULL);
}

static void door(void)
{
	static const char *const names[] = {
		"", "/", "file", "file/", "file/.", "file/..", "file/x", "sub", "sub/", "sub//./", "sub/..",
		"sub/../file", "none", "none/", "none/x", "none/..", "sub/none", "link", "link/", "link/..",
		"link/../file", "tolink", "absolute", "absolute/f", "dangling", "dangling/", "dangling/x", "loop",
		"loop/x", "sub/../sub/../sub/./f", "up/sub", "far", "self",
	};
	char *p = malloc(3 * PATH_MAX);

	make(P("file"), 3, 1);
	mkdir(P("sub"), 0755);
	make(P("sub/f"), 3, 1);
	mkdir(P("sub/closed"), 0755);
	symlink("sub", P("link"));
	symlink("link", P("tolink"));
	symlink(P("sub"), P("absolute"));
	symlink("nothing/here", P("dangling"));
	symlink("loop", P("loop"));
	symlink("sub/..", P("up"));
	symlink("../../../../../../../../../../../../..", P("far"));
	symlink("./", P("self"));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		canonical(P(names[i]));
	canonical("");
	canonical("/");
	canonical("//");
	canonical("/..");
	canonical("/none/such");
	PTR(realpath(OPAQUE((char *)NULL), NULL));
	CALL(chdir(P("sub")));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		canonical(names[i]);
	canonical(".");
	canonical("..");
	canonical("./f/");
	canonical("../link/f");
	memset(p, 'n', 300);
	p[300] = 0;
	canonical(p);
	*p = 0;
	for (int i = 0; i < 1000; i++)
		strcat(p, "../sub/");
	strcat(p, "f");
	canonical(p);
	*p = 0;
	for (int i = 0; i < 2000; i++)
		strcat(p, "./");
	canonical(p);
	canonical("/proc/self/cwd");
	canonical("/proc/self/cwd/f");
	open("f", O_RDONLY);
	canonical("/proc/self/fd/3");
	canonical("/dev/fd/3");
	/* where even the owner may not look */
	CALL(chmod(P("sub/closed"), 0));
	if (!split()) {
		powerless();
		canonical(P("sub/closed/x"));
		canonical(P("sub/closed/x/y"));
		canonical(P("sub/closed"));
		canonical(P("sub/closed/.."));
		_exit(0);
	}
	wait(NULL);
	CALL(chmod(P("sub/closed"), 0700));
	CALL(chdir("/"));
	made_up();
}
