/* SPDX-License-Identifier: MIT */
/*
 * What a directory shows that the kernel does not know of: the prefixes below
 * it, and the way to them. A rule's entry takes the place of the disk's of that
 * name.
 */
#ifndef SHIM_EXTRAS_H
#define SHIM_EXTRAS_H

#include "conf/conf.h"
#include "base/hidden.h"

struct extra {
	const char *name;      /* the mounts' own, without a NUL */
	unsigned short len;
	unsigned char type;    /* as d_type; DT_UNKNOWN: it does not exist now, and the disk's is hidden */
	ino_t ino;             /* what stat of it gives */
};

struct extras {
	unsigned n;
	int fds;               /* the descriptors of the process: our own are not shown */
	int hollow;            /* a stand-in (above.h): of the kernel's entries only . and .. count */
	struct extra e[CONF_RULES_MAX];
};

/*
 * What the directory `fd` shows besides, or does not show; 0 if it is as it is. Whatever fd is, errno is
 * kept. A system call where any rule redirects, else a load.
 */
unsigned extras_find(struct extras *x, int fd);

/* Writes e as an entry of getdents64 with position `off`, if it fits in n bytes: its length, or 0. */
size_t extras_write(const struct extra *e, long off, void *buf, size_t n);

/* Whether the kernel's entry e is not for the program to see. */
int extras_hide(const struct extras *x, const struct dirent *e);

#endif
