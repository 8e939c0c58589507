/* SPDX-License-Identifier: MIT */
/* What shim gc removes besides statistics. */
#ifndef TOOLS_GC_DIRS_H
#define TOOLS_GC_DIRS_H

/*
 * Removes the stand-in directories (shim/files/above.h, shim/files/cwd.h) of this user
 * that are a day old and no process is in or has open, and the placeholders
 * (shim/object/ofd.h) that died before they had a record. Says how many went, or with
 * `dry` would.
 */
void gc_dirs(int dry);

#endif
