/* SPDX-License-Identifier: MIT */
/* Numbers as people read them; each text lives until eight more were made. */
#ifndef TOOLS_HUMAN_H
#define TOOLS_HUMAN_H

#include <stdint.h>

const char *human_bytes(uint64_t n);    /* 1.50K */
const char *human_count(uint64_t n);    /* 12345 */
const char *human_ns(uint64_t ns);      /* 3.20us */

#endif
