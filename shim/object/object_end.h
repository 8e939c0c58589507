/* SPDX-License-Identifier: MIT */
/* Between the beginning (object.c) and the end (object_end.c) of a file without a kernel file. */
#ifndef SHIM_OBJECT_END_H
#define SHIM_OBJECT_END_H

#include "files/fdtab.h"

/* The mount a description belongs to, started; NULL. */
struct mount *object_mount_of(const struct ofd *o);

/* f, whose last descriptor was closed while a call used it, is used no more. */
void object_end_released(struct file *f);

/* Closes a hidden descriptor of f (hide.h), the caller's together with a reference to f. */
int object_close_hidden(struct file *f, _Atomic int *fd);

/* This process writes: it is not closed yet, and whose exec closes it does not end it. */
static inline void object_written(struct file *f)
{
	pid_t me = fdtab_owner();

	if (f->ofd->writer != me)
		f->ofd->writer = me;
	if (__builtin_expect(f->ofd->closer, 0))
		f->ofd->closer = 0;
}

/* Calls call(fd) for every descriptor the process has, its own of the list left out. */
void object_each_fd(void (*call)(int fd));

/* A vfork child has opened a file of its own. */
void object_end_lent(void);

#endif
