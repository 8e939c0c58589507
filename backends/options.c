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
	[URING_READAHEAD] = { "readahead", BE_OPT_SIZE, "128k|8m", 0,
		"memory for reading ahead of sequential readers with O_DIRECT; 0: none" },
};

static const struct be_option mem_options[] = {
	[MEM_SIZE] = { "size", BE_OPT_SIZE, 0, 0,
		"most bytes the store may hold; 0: as much as the tmpfs" },
};

static const struct be_option s3_options[] = {
	[S3_OPT_ENDPOINT] = { "endpoint", BE_OPT_URL, 0, 0,
		"where the service is; AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's, AWS's of the region" },
	[S3_OPT_REGION] = { "region", BE_OPT_TEXT, 0, 0,
		"AWS_REGION, AWS_DEFAULT_REGION, the profile's, us-east-1" },
	[S3_OPT_PROFILE] = { "profile", BE_OPT_TEXT, 0, 0,
		"of the shared configuration and credentials files; AWS_PROFILE" },
	[S3_OPT_ANONYMOUS] = { "anonymous", BE_OPT_BOOL, 0, 0,
		"requests without signatures" },
	[S3_OPT_STYLE] = { "style", BE_OPT_WORD, "auto|path|virtual", S3_STYLE_AUTO,
		"where the bucket's name stands: in the path, or in the host's name" },
	[S3_OPT_REQUESTER_PAYS] = { "requester-pays", BE_OPT_BOOL, 0, 0,
		"we pay for requests and transfer" },
	[S3_OPT_CA] = { "ca", BE_OPT_FILE, 0, 0,
		"the certificates trusted in; AWS_CA_BUNDLE, the profile's, the system's" },
	[S3_OPT_VERIFY] = { "verify", BE_OPT_BOOL, 0, 1,
		"off: any certificate will do" },
	[S3_OPT_PROXY] = { "proxy", BE_OPT_URL, "none", 0,
		"none: whatever http_proxy, https_proxy and no_proxy say" },
	[S3_OPT_TIMEOUT] = { "timeout", BE_OPT_TIME, 0, 60000,
		"how long nothing may come, retries included, before a call fails" },
	[S3_OPT_RETRIES] = { "retries", BE_OPT_NUMBER, 0, 10,
		"most attempts of a request" },
	[S3_OPT_CONNECTIONS] = { "connections", BE_OPT_NUMBER, 0, 32,
		"most requests to the bucket at once" },
	[S3_OPT_READ_BANDWIDTH] = { "read-bandwidth", BE_OPT_SIZE, 0, 0,
		"most bytes that come in a second, for all programs together; 0: as many as can" },
	[S3_OPT_WRITE_BANDWIDTH] = { "write-bandwidth", BE_OPT_SIZE, 0, 0,
		"most bytes that go in a second, likewise" },
	[S3_OPT_HEDGE] = { "hedge", BE_OPT_NUMBER, 0, 0,
		"most requests more, in percent, that read again what is late; 0: none" },
	[S3_OPT_CACHE] = { "cache", BE_OPT_SIZE, "1|512g", 256 << 20,
		"memory of the agent for objects; the largest of its rules counts" },
	[S3_OPT_DISK] = { "disk", BE_OPT_FILE, 0, 0,
		"a directory of the user's own where what was read stays, for all agents" },
	[S3_OPT_DISK_SIZE] = { "disk-size", BE_OPT_SIZE, 0, 10ll << 30,
		"most bytes in it; the largest of an agent's rules counts" },
	[S3_OPT_READAHEAD] = { "readahead", BE_OPT_SIZE, 0, 64 << 20,
		"most bytes fetched ahead of a sequential reader" },
	[S3_OPT_MMAP] = { "mmap", BE_OPT_SIZE, 0, 1 << 30,
		"most bytes of one object that may be mapped; beyond: ENOMEM" },
	[S3_OPT_TTL] = { "ttl", BE_OPT_TIME, 0, 1000,
		"how long names and attributes are believed" },
	[S3_OPT_META] = { "meta", BE_OPT_WORD, "list|object", S3_META_LIST,
		"object: mode, owner, time and links from the objects' metadata" },
	[S3_OPT_SPOOL] = { "spool", BE_OPT_SIZE, 0, 16ll << 30,
		"most bytes on disk for what is written and not published yet" },
	[S3_OPT_CONFLICT] = { "conflict", BE_OPT_WORD, "stale|last", S3_CONFLICT_STALE,
		"where another writer replaced the object meanwhile: stale: ESTALE; last: the last one wins" },
	[S3_OPT_EXCLUSIVE] = { "exclusive", BE_OPT_WORD, "open|close", S3_EXCLUSIVE_OPEN,
		"where O_EXCL holds against other machines: when the name is taken, or when the file is published" },
	[S3_OPT_PUBLISH] = { "publish", BE_OPT_WORD, "close|deferred", S3_PUBLISH_CLOSE,
		"deferred: small new files a moment after their last close, which does not wait for it" },
	[S3_OPT_WRITE] = { "write", BE_OPT_BOOL, 0, 1,
		"off: nothing is changed in the bucket (EROFS)" },
	[S3_OPT_PART] = { "part", BE_OPT_SIZE, 0, 0,
		"length of every part of an upload but the last, where the service wants them equal; 0: they grow" },
	[S3_OPT_RENAME] = { "rename", BE_OPT_NUMBER, 0, 10000,
		"most objects below a directory that is renamed; beyond: EXDEV" },
	[S3_OPT_LINK] = { "link", BE_OPT_WORD, "refuse|copy", S3_LINK_REFUSE,
		"link(2): EPERM, or a copy by the server" },
	[S3_OPT_SSE] = { "sse", BE_OPT_WORD, S3_SSE_WORDS, S3_SSE_BUCKET,
		"how the service encrypts what is written; bucket: as it does by itself" },
	[S3_OPT_KMS_KEY] = { "kms-key", BE_OPT_TEXT, 0, 0,
		"the key of sse=aws:kms: its id, ARN or alias; the account's" },
	[S3_OPT_SSE_C] = { "sse-c-key-file", BE_OPT_FILE, 0, 0,
		"256 bits in a file that is yours alone: the service encrypts with that key and forgets it" },
	[S3_OPT_CLASS] = { "storage-class", BE_OPT_TEXT, 0, 0,
		"of what is written; the object's own, the bucket's" },
	[S3_OPT_TAGS] = { "tags", BE_OPT_TEXT, 0, 0,
		"of new objects: KEY=VALUE,..." },
	[S3_OPT_ACL] = { "acl", BE_OPT_WORD, S3_ACL_WORDS, 0,
		"the canned ACL of what is written; bucket: as the service has it" },
	[S3_OPT_TYPE] = { "content-type", BE_OPT_TEXT, 0, 0,
		"of new objects; by the name's extension" },
};

#ifdef SHIM_TEST_BACKENDS         /* tests/object */
static const struct be_option object_options[] = {
	[OBJECT_PUBLISH] = { "publish", BE_OPT_WORD, "always|close", OBJECT_PUBLISH_ALWAYS,
		"close: what is written is seen as a whole, at fsync and at the last close" },
	[OBJECT_DELAY] = { "delay", BE_OPT_TIME, 0, 0,
		"each transfer and sync takes some time longer, up to that" },
	[OBJECT_ORDER] = { "order", BE_OPT_WORD, "free|fd", URING_ORDER_FREE,
		"as on uring" },
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
