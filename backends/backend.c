/* SPDX-License-Identifier: MIT */
/* The back ends there are; see backend.h. */
#include "backend.h"

#include <string.h>

#ifdef SHIM_TEST_BACKENDS         /* tests/object */
extern const struct backend be_object;
#define TEST_BACKENDS &be_object,
#else
#define TEST_BACKENDS
#endif

const struct backend *const backends[] = { &be_posix, &be_uring, &be_mem, &be_s3, TEST_BACKENDS NULL };

const struct backend *backend_find(const char *name)
{
	for (const struct backend *const *be = backends; *be; be++)
		if (!strcmp((*be)->name, name))
			return *be;
	return NULL;
}
