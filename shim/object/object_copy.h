/* SPDX-License-Identifier: MIT */
/*
 * sendfile, splice and copy_file_range where one side at least has no kernel
 * file. The bytes go through a memfd, so that what the other side has to say
 * (a pipe that is full, a socket that is closed) is the kernel's answer; what
 * it did not take was not taken from the input either. As the calls of the
 * same name, but -errno; any thread.
 */
#ifndef SHIM_OBJECT_COPY_H
#define SHIM_OBJECT_COPY_H

#include <sys/types.h>

#include "base/hidden.h"

ssize_t object_sendfile(int out, int in, off_t *off, size_t n);
ssize_t object_splice(int in, off64_t *inoff, int out, off64_t *outoff, size_t n, unsigned flags);
ssize_t object_copy_file_range(int in, off64_t *inoff, int out, off64_t *outoff, size_t n, unsigned flags);

#endif
