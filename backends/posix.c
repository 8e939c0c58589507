/* SPDX-License-Identifier: MIT */
/* Everything is libc's, and timed: the reference, and the smallest back end. */
#include "backend.h"

const struct backend be_posix = { .name = "posix" };
