/* SPDX-License-Identifier: MIT */
/*
 * Open file descriptions of files without a kernel file, and what stands for
 * them in a descriptor table.
 *
 * The placeholder is an AF_UNIX SEQPACKET socket that listens and never
 * accepts: an unhooked read or write of it gives ENOTCONN, mmap ENODEV,
 * reopening it through /proc ENXIO. It is bound to a name in a directory of
 * ours that nobody else may enter, so that every process that comes by a copy
 * (fork, exec, SCM_RIGHTS) finds the description's record beside that name; a
 * socket somebody else made has no name there, and the record tells the
 * socket's inode. The last close anywhere, SIGKILL included, ends the
 * listening: from then on a connect is refused, and one made before hangs up,
 * so that the moment can be asked for and waited for.
 *
 *      ID.ofd    the struct ofd        ID.end    the same, once somebody claimed the end
 *      ID        the socket            ID.new    the socket until it listens
 */
#ifndef SHIM_OFD_H
#define SHIM_OFD_H

#include "backend.h"

/*
 * A new description of `name` in m, and its placeholder: the lowest free
 * descriptor, close-on-exec if the flags say so. Returns it, or -errno. *out
 * is mapped memory, the caller's to give back with ofd_unmap.
 */
int ofd_make(struct mount *m, const char *name, int flags, struct ofd **out);

/* The description a descriptor stands for, mapped; NULL if it is no placeholder of ours. */
struct ofd *ofd_of(int fd);

void ofd_unmap(struct ofd *o);

/* Whether the description belongs to m. */
int ofd_is_of(const struct ofd *o, const struct mount *m);

/* Whether anybody anywhere still has a descriptor of it; 1 also when that cannot be known. */
int ofd_alive(const struct ofd *o);

/* Whether the caller is the one to end it: exactly one caller is told so. */
int ofd_claim(const struct ofd *o);

/* Removes what is left of a claimed description. */
void ofd_forget(const struct ofd *o);

/*
 * Calls each(o, arg) for every description there is a record of, alive or
 * not, until it returns nonzero; returns that, or 0. The record is unmapped
 * after the call.
 */
int ofd_each(int (*each)(struct ofd *o, void *arg), void *arg);

/*
 * Around what is not one atomic step. A holder that was killed frees the lock;
 * in a signal handler that interrupts the holder itself it stays unlocked, and
 * 0 is returned.
 */
int ofd_lock(struct ofd *o);
void ofd_unlock(struct ofd *o, int locked);

#endif
