/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes by path, by link and by descriptor. Fails if a result
 * or a value differs.
 */
#include "door.h"

static char v[256];

static void door(void)
{
	int fd;
	ssize_t n;

	make(P("file"), 10, 1);
	CALL(symlink("file", P("link")));
	fd = open(P("file"), O_RDWR);
	CALL(setxattr(P("file"), "user.a", "one", 3, 0));
	CALL(setxattr(P("file"), "user.a", "two!", 4, XATTR_CREATE));
	CALL(setxattr(P("link"), "user.b", "two!", 4, XATTR_CREATE));
	CALL(setxattr(P("file"), "user.c", "x", 1, XATTR_REPLACE));
	CALL(fsetxattr(fd, "user.d", "by fd", 5, 0));
	CALL(lsetxattr(P("file"), "user.e", "", 0, 0));
	CALL(lsetxattr(P("link"), "user.f", "x", 1, 0));
	n = CALL(getxattr(P("link"), "user.a", v, sizeof(v)));
	BYTES(v, n);
	n = CALL(fgetxattr(fd, "user.b", v, sizeof(v)));
	BYTES(v, n);
	CALL(lgetxattr(P("file"), "user.d", v, sizeof(v)));
	CALL(lgetxattr(P("link"), "user.d", v, sizeof(v)));
	CALL(getxattr(P("file"), "user.a", v, 1));
	CALL(getxattr(P("file"), "user.a", NULL, 0));
	CALL(getxattr(P("file"), "user.none", v, sizeof(v)));
	CALL(getxattr(P("none"), "user.a", v, sizeof(v)));
	CALL(getxattr(P("file"), "nospace", v, sizeof(v)));
	CALL(fgetxattr(-1, "user.a", v, sizeof(v)));
	CALL(listxattr(P("file"), NULL, 0));
	CALL(flistxattr(fd, v, sizeof(v)));
	CALL(llistxattr(P("link"), v, sizeof(v)));
	CALL(listxattr(P("file"), v, 2));
	CALL(removexattr(P("link"), "user.a"));
	CALL(removexattr(P("file"), "user.a"));
	CALL(fremovexattr(fd, "user.b"));
	CALL(lremovexattr(P("file"), "user.d"));
	CALL(listxattr(P("file"), v, sizeof(v)));
	CALL(getxattr(P("file"), "user.e", OPAQUE((char *)-1), 10));
	CALL(setxattr(P("file"), "user.g", OPAQUE((char *)-1), 10, 0));
	close(fd);
}
