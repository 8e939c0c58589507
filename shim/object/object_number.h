/* SPDX-License-Identifier: MIT */
/*
 * The inode number that programs are told of a file without a kernel file.
 * Where each version of a file has a number (object_ops.h), programs would take
 * what they have just written for another file: they are told one of the name,
 * and the version's only of an open file whose name is gone.
 */
#ifndef SHIM_OBJECT_NUMBER_H
#define SHIM_OBJECT_NUMBER_H

#include "backend.h"

/* Of a name below a rule's target, whatever the options behind it: the same in every process. Never 0. */
uint64_t number_of_name(const char *target, const char *name);

/* Of what the call is about; `ino` is what the back end says. */
uint64_t number_told(const struct object_at *at, uint64_t ino);

/* Of the entry `name` of the directory f. */
uint64_t number_of_entry(const struct file *f, const char *name, uint64_t ino);

#endif
