/* SPDX-License-Identifier: MIT */
/*
 * RLIMIT_FSIZE, kept so that a copy into a mapping need not ask the kernel:
 * setrlimit and prlimit are doors. A limit set from another process is not
 * seen until the next exec.
 */
#ifndef SHIM_RLIMIT_H
#define SHIM_RLIMIT_H

#include <stdint.h>

/* Bytes; UINT64_MAX without a limit. */
uint64_t rlimit_fsize(void);

/* A limit was set: the next question goes to the kernel. */
void rlimit_changed(void);

#endif
