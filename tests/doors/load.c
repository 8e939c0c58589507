/* SPDX-License-Identifier: MIT */
/*
 * Libraries loaded by the program: from the directory, by absolute and
 * relative names and through links, and from the system by name alone. Fails
 * if one that is there is not loaded, or the system's are not found any more.
 */
#include "door.h"

#include <link.h>

static void load(int line, const char *name)
{
	void *lib = dlopen(name, RTLD_NOW | RTLD_LOCAL);

	say("%d: %s: %s", line, shown(name), lib ? "loaded" : "not loaded");
	if (lib)
		say("%d: closed %d", line, dlclose(lib));
}
#define LOAD(name) load(__LINE__, name)

/* One library by two names is one; another of the same bytes is another. */
static void again(void)
{
	void *a = dlopen(P("lib.so"), RTLD_NOW), *b = dlopen(P("sub/link.so"), RTLD_NOW), *c;

	say("same %d", a && a == b);
	dlclose(b);
	say("still there %d", a && (b = dlopen(P("lib.so"), RTLD_NOW | RTLD_NOLOAD)) == a);
	copy(P("lib.so"), P("third.so"));
	c = dlopen(P("third.so"), RTLD_NOW);
	say("another %d", c && c != a);
	dlclose(a), dlclose(b), dlclose(c);
	say("gone %d", !dlopen(P("third.so"), RTLD_NOW | RTLD_NOLOAD));
}

static void door(void)
{
	void *lib = dlopen("libutil.so.1", RTLD_NOW);
	struct link_map *map;

	if (!lib || dlinfo(lib, RTLD_DI_LINKMAP, &map)) {
		say("there is no libutil.so.1");
		return;
	}
	copy(map->l_name, P("lib.so"));
	dlclose(lib);
	CALL(mkdir(P("sub"), 0755));
	CALL(symlink("../lib.so", P("sub/link.so")));
	LOAD(P("lib.so"));
	LOAD(P("sub/link.so"));
	LOAD(P("none.so"));
	LOAD(P("sub"));
	make(P("text.so"), 100, 1);
	LOAD(P("text.so"));
	CALL(chdir(P("sub")));
	LOAD("./link.so");
	LOAD("../lib.so");
	LOAD("link.so");
	CALL(chdir("/"));
	LOAD("libutil.so.1");
	LOAD("no-such-library.so");
	LOAD("/no/such/library.so");
	LOAD(NULL);
	again();
	/* the program's own */
	lib = dlopen(NULL, RTLD_NOW);
	say("main %d", lib && dlsym(lib, "dlopen"));
}
