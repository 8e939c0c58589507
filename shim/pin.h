/* SPDX-License-Identifier: MIT */
/*
 * Keeps an open file's memory while a back end's op uses it, without a locked
 * instruction: a hazard pointer per thread. The fence that pairs with it is
 * membarrier(2), paid by whoever closes the last descriptor of such a file;
 * where that call is missing, and in a signal handler that interrupts a pinned
 * op, the file's reference count is used.
 */
#ifndef SHIM_PIN_H
#define SHIM_PIN_H

#include "backend.h"

enum pin { PIN_NONE, PIN_HAZARD, PIN_REF };

/* Once before main if any mount pins: registers for membarrier. */
void pin_init(void);

/* Pins f if fd still means it; PIN_NONE if not. */
enum pin pin_take(struct file *f, int fd);
void pin_drop(struct file *f, enum pin pin);

/*
 * Whether some thread has f pinned, once f can no longer be found in the
 * table. Slow.
 */
int pin_held(const struct file *f);

#endif
