/* SPDX-License-Identifier: MIT */
/*
 * Plain string work for the configuration, free of its structures: %XX,
 * paths, sizes, word lists, the nearest word. Allocates nothing.
 */
#ifndef SHIM_CONF_TEXT_H
#define SHIM_CONF_TEXT_H

#include <stddef.h>

enum { TEXT_LONG = -1, TEXT_ESCAPE = -2 };

/*
 * Copies n bytes of `src` to `dst`, %XX decoded and NUL-terminated. Returns
 * the length, TEXT_LONG if it does not fit in `size` with its NUL, or
 * TEXT_ESCAPE for a % without two hexadecimal digits or that means NUL.
 */
long text_decode(char *dst, size_t size, const char *src, size_t n);

/* Nonzero for a byte that has a meaning in SHIM_MAP and must be written %XX. */
int text_must_encode(char ch);

/* Cleans an absolute path in place, by its words alone: "//", ".", "..", a last "/". */
void text_clean_path(char *path);

/* Bytes, with an optional k, m, g or t (powers of 1024, either case); -1 if it is not one. */
long long text_size(const char *word);

/* Milliseconds, with ms, s, m or h; without, seconds. -1 if it is none. */
long long text_time(const char *word);

/* The index of `word` in "a|b|c", or -1. */
int text_index(const char *word, const char *words);

/* Nonzero for 1 to 64 of A-Z a-z 0-9 . _ -, not beginning with a dot. */
int text_is_name(const char *word);

/* Nonzero for what may be the name of a bucket: 1 to 255 of A-Z a-z 0-9 . _ -, beginning with a letter or digit. */
int text_is_bucket(const char *word);

/*
 * Copies to `near` the one of "a|b|c" that `word` most likely means, a slip
 * or two away. Returns 0 and "" if nothing is near.
 */
int text_nearest(char *near, size_t size, const char *word, const char *words);

#endif
