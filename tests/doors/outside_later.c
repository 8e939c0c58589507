/* SPDX-License-Identifier: MIT */
/*
 * not: object
 * outside.c by programs without the library: looked at a tick of the kernel's
 * clock later, what they did must be known.
 */
#define LATER 1
#include "outside.c"
