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
 * so that the moment can be asked for and waited for. (Asking is a connect of
 * the wrong type: refused by the dead, EPROTOTYPE from the living, and it takes
 * no room in the queue of those who wait.)
 *
 *      ID.ofd    the struct ofd, made when the socket is bound
 *      ID        the socket
 *      ID.new    the socket until it listens
 *
 * Whoever closes a descriptor holds ofd->end from before the kernel does it
 * until it has asked whether that was the last one; nobody else may claim the
 * end meanwhile, unless the holder is killed.
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

/* Whether anybody anywhere still has a descriptor of it. The dead stay dead. */
enum ofd_state {
	OFD_ALIVE,
	OFD_DEAD,
	OFD_UNKNOWN,     /* no descriptor to ask with; another root, /dev or user */
};
enum ofd_state ofd_state(const struct ofd *o);

/* Whether the description of this id has ended, and perhaps been forgotten. */
int ofd_gone(const char *id);

/*
 * Around the close of a descriptor of it: 1 if it is for the caller to ask
 * whether that was the last and to end it then; 0 if the calling thread is
 * already about that (this is a signal handler), -1 if another one has been for
 * too long. Waits for others, a fraction of a second at most.
 */
int ofd_end_lock(struct ofd *o);
void ofd_end_unlock(struct ofd *o, int locked);

/*
 * Whether the caller is the one to end a dead description: exactly one is told
 * so, and holds ofd->end until it calls ofd_end_unlock. 0 also while somebody
 * else is at it, who may yet be killed.
 */
int ofd_claim(struct ofd *o);

/* Ends a dead description of m: 1 if it was for the caller to do so, and then *how. */
int ofd_end(struct mount *m, struct ofd *o, enum ofd_end *how);

/* Removes it, with ofd->end held, once it is finished or was never opened. */
void ofd_forget(struct ofd *o);

/*
 * Finishes every dead description of m that can be claimed, and removes what
 * was left by those who were killed while they made or ended one. Nothing that
 * lives is touched, but for this: a description that the caller's own exec
 * should have closed, and that lives, is no longer marked so.
 */
void ofd_sweep(struct mount *m);

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
