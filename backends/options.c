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

static const struct be_option s3_options[] = {
	[S3_OPT_ENDPOINT] = { "endpoint", BE_OPT_TEXT, 0, 0,
		"http[s]://host[:port] of the server; without it AWS's of the region" },
	[S3_OPT_REGION] = { "region", BE_OPT_TEXT, 0, 0,
		"the bucket's; without it the profile's, else what the server says" },
	[S3_OPT_PROFILE] = { "profile", BE_OPT_TEXT, 0, 0,
		"the profile whose credentials are used; without it AWS_PROFILE" },
	[S3_OPT_ANONYMOUS] = { "anonymous", BE_OPT_BOOL, 0, 0,
		"requests are not signed" },
	[S3_OPT_STYLE] = { "style", BE_OPT_WORD, "auto|path|virtual", S3_STYLE_AUTO,
		"where the bucket stands: in the path, or in the host's name" },
	[S3_OPT_REQUESTER_PAYS] = { "requester_pays", BE_OPT_BOOL, 0, 0,
		"you agree to pay for requests on a bucket that asks for it" },
	[S3_OPT_CA] = { "ca", BE_OPT_TEXT, 0, 0,
		"a file of certificates to trust; without it AWS_CA_BUNDLE, else the system's" },
	[S3_OPT_PROXY] = { "proxy", BE_OPT_TEXT, 0, 0,
		"an HTTP proxy; without it http_proxy and its kin" },
	[S3_OPT_TIMEOUT] = { "timeout", BE_OPT_SIZE, 0, 60,
		"seconds after which a request is given up, retries included" },
	[S3_OPT_RETRIES] = { "retries", BE_OPT_SIZE, 0, 5,
		"how often a request is repeated at most" },
	[S3_OPT_META] = { "meta", BE_OPT_WORD, "list|object", S3_META_LIST,
		"list: attributes by listing; object: mode, owner, times and links from the objects' metadata" },
	[S3_OPT_TTL] = { "ttl", BE_OPT_SIZE, 0, 1,
		"seconds for which names and attributes are believed" },
	[S3_OPT_CACHE] = { "cache", BE_OPT_SIZE, 0, 256ll << 20,
		"most bytes of memory for what was read, of all rules together" },
	[S3_OPT_SPOOL] = { "spool", BE_OPT_SIZE, 0, 16ll << 30,
		"most bytes on disk for what is written and not published yet" },
	[S3_OPT_CONFLICT] = { "conflict", BE_OPT_WORD, "stale|last", S3_CONFLICT_STALE,
		"where another writer replaced the object meanwhile: stale: ESTALE; last: the last one wins" },
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
	{ "s3", BE_TARGET_BUCKET, "objects of an S3 bucket",
		s3_options, COUNT(s3_options) },
#ifdef SHIM_TEST_BACKENDS
	{ "object", BE_TARGET_DIR, "files without a kernel file", object_options, COUNT(object_options) },
#endif
};

const unsigned be_ninfos = COUNT(be_infos);
