/* SPDX-License-Identifier: MIT */
/* Libraries without a kernel file. */
#ifndef SHIM_LOAD_COPY_H
#define SHIM_LOAD_COPY_H

#include "files/place.h"

/*
 * dlopen of a copy in memory of the file the place names; a file that is
 * loaded, and has not changed since, is loaded once. 1 if libc was asked, with
 * its answer in *lib; 0 if there is nothing to load, or not to be loaded anew.
 * Any thread.
 */
int load_copy(const struct place *p, int mode, void **lib);

#endif
