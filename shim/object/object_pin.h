/* SPDX-License-Identifier: MIT */
/* Keeping a file without a kernel file alive while a call uses it; for object_*.c. */
#ifndef SHIM_OBJECT_PIN_H
#define SHIM_OBJECT_PIN_H

#include "files/pin.h"

/*
 * Pins f while fd means it. In a vfork child, whose numbers may mean others
 * than the table says, only if the descriptor itself tells that it is f's.
 * PIN_NONE if not.
 */
enum pin object_pin(struct file *f, int fd);

/* The value of expr with f pinned, -EBADF if fd does not mean f any more. */
#define PINNED(f, fd, expr) ({                                                \
	enum pin pin_ = object_pin(f, fd);                                    \
	ssize_t r_ = -EBADF;                                                  \
	if (pin_ != PIN_NONE) {                                               \
		r_ = (expr);                                                  \
		pin_drop(f, pin_);                                            \
	}                                                                     \
	r_; })

#endif
