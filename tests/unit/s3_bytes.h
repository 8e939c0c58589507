/* SPDX-License-Identifier: MIT */
/* The bytes of generated objects: what a byte is follows from its place and the object's salt. */
#ifndef S3_BYTES_H
#define S3_BYTES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * How often a test that has but one thread does what it does: fewer times under
 * TSan, which has nothing to find there and takes very long, but in a long run.
 */
__attribute__((unused)) static unsigned often(unsigned n, unsigned under_tsan)
{
#ifdef __SANITIZE_THREAD__
	return getenv("LONG") ? n : under_tsan;
#else
	(void)under_tsan;
	return n;
#endif
}

/*
 * Writes the n bytes from off on. Eight at a time, for under sanitizers what is
 * done for each byte is most of a test's time.
 */
static void bytes_at(unsigned char *to, int64_t off, size_t n, unsigned salt)
{
	while (n) {
		uint64_t x = ((uint64_t)off / 8 + salt) * 0x9e3779b97f4a7c15u >> (off % 8 * 8);
		size_t here = 8 - (size_t)(off % 8);

		if (here == 8 && n >= 8) {
			memcpy(to, &x, 8);
		} else {
			here = here < n ? here : n;
			memcpy(to, &x, here);
		}
		to += here;
		off += (int64_t)here;
		n -= here;
	}
}

/* Whether they are those. */
__attribute__((unused)) static int are_bytes_at(const unsigned char *got, int64_t off, size_t n, unsigned salt)
{
	unsigned char want[4096];

	for (size_t i = 0, here; i < n; i += here) {
		here = n - i < sizeof want ? n - i : sizeof want;
		bytes_at(want, off + (int64_t)i, here, salt);
		if (memcmp(got + i, want, here) != 0)
			return 0;
	}
	return 1;
}

#endif
