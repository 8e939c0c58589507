/* SPDX-License-Identifier: MIT */
/*
 * dlopen(3). libc's looks at who calls it, for the run path and the
 * namespace that count, so it must be reached by a jump; only a library that
 * lies elsewhere, by a name with a slash, where neither counts, is loaded
 * from here; one without a kernel file is a copy of it (load_copy.h).
 */
#include <dlfcn.h>
#include <string.h>

#include "door.h"
#include "object/load_copy.h"

typedef void *dlopen_fn(const char *, int);

/* The name is known to lead elsewhere; if it has just ceased to, libc says so. */
static void *load_there(const char *name, int mode)
{
	char there[PATH_MAX] = "";
	struct place *p;
	void *lib;

	if (place_get(&p, AT_FDCWD, name, 1) == 0) {
		if (p->mount->be->object && load_copy(p, mode, &lib)) {
			place_put(p);
			return lib;
		}
		if (p->translated)
			strcpy(there, p->path);
		place_put(p);
	}
	return REAL(dlopen)(*there ? there : name, mode);
}

/* The function that a call of dlopen goes on with. */
__attribute__((visibility("hidden"), used)) dlopen_fn *load_target(const char *name);

dlopen_fn *load_target(const char *name)
{
	struct place *p;
	int moved;

	if (!mounts_redirect || !(uintptr_t)name || !strchr(name, '/') ||
	    place_get(&p, AT_FDCWD, name, 1) < 0)
		return REAL(dlopen);
	moved = p->translated;
	place_put(p);
	return moved ? load_there : REAL(dlopen);
}

#ifdef __x86_64__
__asm__(
	".text\n"
	".globl dlopen\n.type dlopen,@function\n"
	"dlopen:\n"
	"	push %rdi\n	push %rsi\n	sub $8, %rsp\n"
	"	call load_target\n"
	"	add $8, %rsp\n	pop %rsi\n	pop %rdi\n"
	"	jmp *%rax\n"
	".size dlopen, . - dlopen\n");
#else
EXPORT void *dlopen(const char *name, int mode)
{
	return load_target(name)(name, mode);
}
#endif
