/* SPDX-License-Identifier: MIT */
/*
 * outside.c, where the children's deeds are looked at a tick of the kernel's
 * clock later: by then every rule must know.
 */
#define LATER 1
#include "outside.c"
