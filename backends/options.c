/* SPDX-License-Identifier: MIT */
/* The option tables of every back end; see options.h. */
#include "options.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct be_option uring_options[] = {
	[URING_ENGINE] = { "engine", BE_OPT_WORD, "auto|ring", URING_ENGINE_AUTO,
		"auto: the fastest path of each call; ring: every call through io_uring" },
	[URING_MAP] = { "map", BE_OPT_BOOL, 0, 0,
		"serve cached reads by memcpy from a shared mapping" },
	[URING_ORDER] = { "order", BE_OPT_WORD, "free|fd", URING_ORDER_FREE,
		"fd: aio_read(3) and its kin one after the other on each file" },
};

static const struct be_option mem_options[] = {
	[MEM_SIZE] = { "size", BE_OPT_SIZE, 0, 0,
		"most bytes the store may hold; 0: as much as the tmpfs" },
};

#ifdef SHIM_TEST_BACKENDS         /* tests/object */
static const struct be_option object_options[] = {
	[OBJECT_PUBLISH] = { "publish", BE_OPT_WORD, "always|close", OBJECT_PUBLISH_ALWAYS,
		"close: what is written is seen as a whole, at fsync and at the last close" },
};
#endif

const struct be_info be_infos[] = {
	{ "posix", BE_TARGET_DIR, "libc's own calls, timed", 0, 0 },
	{ "uring", BE_TARGET_DIR, "local files through io_uring",
		uring_options, COUNT(uring_options) },
	{ "mem", BE_TARGET_NAME, "files in shared memory",
		mem_options, COUNT(mem_options) },
#ifdef SHIM_TEST_BACKENDS
	{ "object", BE_TARGET_DIR, "files without a kernel file", object_options, COUNT(object_options) },
#endif
};

const unsigned be_ninfos = COUNT(be_infos);
