/* SPDX-License-Identifier: MIT */
/* Between the beginning (object.c) and the end (object_end.c) of a file without a kernel file. */
#ifndef SHIM_OBJECT_END_H
#define SHIM_OBJECT_END_H

struct file;
struct ofd;
struct mount;

/* The mount a description belongs to, started; NULL. */
struct mount *object_mount_of(const struct ofd *o);

/* f, whose last descriptor was closed while a call used it, is used no more. */
void object_end_released(struct file *f);

/* Closes a hidden descriptor of f (hide.h), the caller's together with a reference to f. */
int object_close_hidden(struct file *f, _Atomic int *fd);

/* A vfork child has opened a file of its own. */
void object_end_lent(void);

#endif
