/* SPDX-License-Identifier: MIT */
/*
 * What a rule may say about each back end: the words of its TARGET and its
 * key=value options, as constant data. The configuration checks itself
 * against these tables, the tool prints them, and the back ends read the
 * values by index; nobody else parses an option.
 */
#ifndef BACKENDS_OPTIONS_H
#define BACKENDS_OPTIONS_H

enum be_option_kind {
	BE_OPT_WORD,   /* one of `words`; the value is its index */
	BE_OPT_BOOL,   /* off|on, no|yes, false|true, 0|1 */
	BE_OPT_SIZE,   /* bytes, with an optional suffix k m g t (powers of 1024) */
	BE_OPT_NUMBER, /* 0 and up */
	BE_OPT_TIME,   /* milliseconds; written with ms, s, m or h, without: seconds */
	BE_OPT_TEXT,   /* anything; the value is its place in conf_rule.text, 0: none */
	BE_OPT_FILE,   /* likewise, an absolute path */
	BE_OPT_URL,    /* likewise, http or https without a user, or one of `words` */
};

struct be_option {
	const char *key;
	enum be_option_kind kind;
	const char *words;      /* BE_OPT_WORD: "auto|ring"; of BE_OPT_URL, or NULL; BE_OPT_SIZE: "least|most", but 0 will do, or NULL */
	long long def;          /* the value when the key is absent */
	const char *help;       /* one line */
};

/* What may follow "NAME:" in a TARGET. */
enum be_target {
	BE_TARGET_DIR,   /* nothing, or an absolute directory */
	BE_TARGET_NAME,  /* nothing, or a store's name: [A-Za-z0-9._-]{1,64}, not starting with '.' */
	/*
	 * "//bucket[/prefix]": the target of the rule is then "bucket[/prefix][?key=value&...]"
	 * as it is written, %XX encoded, with all options that were given.
	 */
	BE_TARGET_BUCKET,
};

#define BE_OPTIONS_MAX 40

struct be_info {
	const char *name;              /* the scheme: "uring" */
	enum be_target target;
	const char *help;              /* one line */
	const struct be_option *options;
	unsigned noptions;
};

/* Every back end there is, in the order the documentation lists them. */
extern const struct be_info be_infos[];
extern const unsigned be_ninfos;

/* Indices into a rule's values, in the order of the tables in options.c. */
enum uring_option { URING_ENGINE, URING_MAP, URING_ORDER, URING_READAHEAD };
enum uring_engine { URING_ENGINE_AUTO, URING_ENGINE_RING };
enum uring_order { URING_ORDER_FREE, URING_ORDER_FD };
enum mem_option { MEM_SIZE };
enum s3_option {
	S3_OPT_ENDPOINT, S3_OPT_REGION, S3_OPT_PROFILE, S3_OPT_ANONYMOUS, S3_OPT_STYLE, S3_OPT_REQUESTER_PAYS,
	S3_OPT_CA, S3_OPT_VERIFY, S3_OPT_PROXY, S3_OPT_TIMEOUT, S3_OPT_RETRIES, S3_OPT_CONNECTIONS,
	S3_OPT_READ_BANDWIDTH, S3_OPT_WRITE_BANDWIDTH,
	S3_OPT_DISK, S3_OPT_DISK_SIZE, S3_OPT_HEDGE,
	S3_OPT_CACHE, S3_OPT_READAHEAD, S3_OPT_MMAP, S3_OPT_TTL, S3_OPT_META,
	S3_OPT_SPOOL, S3_OPT_CONFLICT, S3_OPT_EXCLUSIVE, S3_OPT_PUBLISH, S3_OPT_WRITE, S3_OPT_PART, S3_OPT_RENAME, S3_OPT_LINK,
	S3_OPT_SSE, S3_OPT_KMS_KEY, S3_OPT_SSE_C, S3_OPT_CLASS, S3_OPT_TAGS, S3_OPT_ACL, S3_OPT_TYPE,
};
enum s3_style { S3_STYLE_AUTO, S3_STYLE_PATH, S3_STYLE_VIRTUAL };
enum s3_meta { S3_META_LIST, S3_META_OBJECT };
enum s3_conflict { S3_CONFLICT_STALE, S3_CONFLICT_LAST };
enum s3_link { S3_LINK_REFUSE, S3_LINK_COPY };
enum s3_exclusive { S3_EXCLUSIVE_OPEN, S3_EXCLUSIVE_CLOSE };
enum s3_publish { S3_PUBLISH_CLOSE, S3_PUBLISH_DEFERRED };
/* The words of sse= and acl= are what the headers have, too. */
#define S3_SSE_WORDS "bucket|AES256|aws:kms|aws:kms:dsse"
#define S3_ACL_WORDS "bucket|private|public-read|public-read-write|authenticated-read|aws-exec-read|" \
	"bucket-owner-read|bucket-owner-full-control"
enum s3_sse { S3_SSE_BUCKET, S3_SSE_AES256, S3_SSE_KMS, S3_SSE_DSSE };
enum object_option { OBJECT_PUBLISH, OBJECT_DELAY, OBJECT_ORDER };
enum object_publish { OBJECT_PUBLISH_ALWAYS, OBJECT_PUBLISH_CLOSE };

#endif
