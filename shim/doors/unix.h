/* SPDX-License-Identifier: MIT */
/*
 * Addresses of sockets that are bound to a path: what the program names under a
 * rule is another path to the kernel, and back. A path that has become too long
 * for an address goes by a descriptor of its directory, /proc/self/fd/N/NAME;
 * the kernel then gives that back, and so do we. Everything else is left alone,
 * bad pointers included.
 */
#ifndef SHIM_UNIX_H
#define SHIM_UNIX_H

#include <sys/un.h>

#include "base/hidden.h"

struct unix_address {
	const struct sockaddr *addr;   /* pass these two on */
	socklen_t len;
	int dir;                       /* an open directory the address needs, or -1 */
	struct sockaddr_un un;
};

/*
 * The kernel's address for the program's; `follow` as in place_get. 0 or -errno;
 * on success unix_done afterwards.
 */
int unix_in(struct unix_address *a, const struct sockaddr *addr, socklen_t len, int follow);

/* Closes what the address needed; errno is kept. */
void unix_done(struct unix_address *a);

/*
 * Makes the address the kernel wrote, *len bytes of which up to `cap` are there,
 * the program's; *len becomes its length, as the kernel would say.
 */
void unix_out(struct sockaddr *addr, socklen_t *len, socklen_t cap);

#endif
