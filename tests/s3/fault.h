/* SPDX-License-Identifier: MIT */
/*
 * A small S3 server that does on command what no real one does: it answers
 * wrongly, late, in part or not at all. Objects are in memory; a thread serves
 * a connection. It shares no code with the client, least of all the signature.
 *
 *      fault.c          options, connections, the life of a request
 *      fault_http.c     requests read; fault_send.c answers sent
 *      fault_sign.c     signatures, from the specification
 *      fault_store.c    objects and uploads
 *      fault_beside.c   metadata, tags, encryption
 *      fault_calls.c    the calls on objects, fault_parts.c on uploads, fault_list.c listings
 *      fault_sums.c     checksums, and faults of what is stored
 *      fault_rules.c    which request meets which fault; the log; /-/ (the control)
 *      fault_kinds.c    the faults
 */
#ifndef TESTS_S3_FAULT_H
#define TESTS_S3_FAULT_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define HEAD_MAX 65536
#define HEADERS 100
#define PARAMS 32
#define KEY_MAX 1024

/* Text that grows. */
struct text {
	char *p;
	size_t n, room;
};
void text_add(struct text *t, const void *p, size_t n);
void text_print(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* With &, < and > as XML wants them; by %XX if `url`. */
void text_xml(struct text *t, const char *s, bool url);

struct conn {
	int fd;
	SSL *tls;                       /* NULL: plain */
	char buf[16384];
	size_t start, end;              /* what was received and not used */
};

struct pair {
	char *name, *value;             /* headers: name in lower case; parameters: decoded */
};

struct request {
	struct conn *c;
	char head[HEAD_MAX];            /* cut up: the strings below point into it */
	char *method, *target;          /* as they came */
	struct pair header[HEADERS];
	unsigned headers;
	struct pair param[PARAMS];
	unsigned params;
	unsigned long number;           /* of its connection */
	char *path;                     /* decoded */
	char bucket[256];
	char key[KEY_MAX + 1];          /* "": the bucket */
	char name[256 + KEY_MAX + 2];   /* bucket/key, or bucket/prefix of a listing */
	char id[128];                   /* access key that signed it */
	int64_t length;                 /* of the body; -1: chunked */
	bool expects;                   /* waits for 100 Continue */
	const struct call *call;
	struct data *body;              /* NULL: not read, or none */
	char md5[33], sha256[65];       /* of the body, hex */
	const struct fault_rule *rule;  /* the fault it meets, or NULL */
};
const char *header_of(const struct request *q, const char *name);      /* NULL: none */
const char *param_of(const struct request *q, const char *name);

enum stop { GO_ON, RESET, CLOSE, STALL };

struct answer {
	int status;
	char code[64];                  /* of an error */
	struct text extra;              /* header lines, CRLF at the end of each */
	char etag[96], range[96];       /* "": no such header */
	int64_t length;                 /* Content-Length; -1: the body's, NO_LENGTH, CHUNKED */
	struct text body;               /* or */
	struct data *data;              /* part of an object; counted */
	int64_t off, len;
	bool head_only;
	/* how it is sent */
	int64_t stop_at;                /* so much of the body; BEFORE_HEAD, IN_HEAD */
	enum stop stop;                 /* what happens there */
	unsigned delay_ms;              /* before the first byte */
	unsigned drip, drip_ms;         /* the body in pieces of so many bytes, so far apart */
	int64_t flip;                   /* of the body: this byte is sent inverted; -1 none */
	bool close;                     /* the connection, afterwards */
	unsigned long sent;             /* of the body */
	bool begun;                     /* the client may have it soon, and look for it in the log */
};
enum { NO_LENGTH = -2, CHUNKED = -3, BEFORE_HEAD = -2, IN_HEAD = -3, ALL = -1 };

/* An error of S3: status, code and an XML body. */
void answer_error(struct answer *a, int status, const char *code, const char *message);

/* ---- fault_http.c ---- */
/* 1 a request, 0 the client went, -1 what came is no request (status in *a). */
int request_read(struct conn *c, struct request *q, struct answer *a);
/* Reads the body into q->body, md5 and sha256; `keep` false: only counts and hashes. 0, or -1 if it broke off. */
int request_body(struct request *q, bool keep);
/* Undoes %XX (and + if `plus`) in place; the length. */
size_t undo_percent(char *s, bool plus);

/* ---- fault_send.c ---- */
/* 0, or -1 if the connection is over. */
int answer_send(struct conn *c, struct answer *a);
int conn_write(struct conn *c, const void *p, size_t n);

/* ---- fault_sign.c ---- */
struct signer {
	char id[128], secret[128], token[512];  /* token "": none wanted */
	bool expired;
	bool session;                   /* of CreateSession */
	time_t until;                   /* 0: for ever */
};
/* The table of who may sign is locked while in use. */
void sign_allow(const char *id, const char *secret, const char *token);
void sign_expire(const char *id);
/* Credentials of a session for a directory bucket (NAME--ZONE--x-s3), as XML. */
void create_session(struct request *q, struct answer *a);
/*
 * Whether the request is signed by one of them for this region at about `now`:
 * NULL, or S3's code of what is wrong, with a sentence in why.
 */
const char *sign_check(struct request *q, const char *region, time_t now, char why[256]);

/* ---- fault_store.c ---- */
struct data {
	_Atomic unsigned users;
	int64_t size;
	unsigned char *bytes;           /* NULL: a pattern, made up when it is read */
	uint64_t seed;                  /* of the pattern */
	int64_t shift;                  /* where in the pattern, or in the parts, it begins */
	struct data **part;             /* or what it is put together from; the last one is NULL */
};
struct data *data_new(int64_t size);                    /* bytes to be filled in; NULL: no memory */
struct data *data_pattern(int64_t size, uint64_t seed);
/* A range of what has no bytes of its own, without reading it. */
struct data *data_view(struct data *d, int64_t off, int64_t size);
/* All of these, one behind the other. */
struct data *data_joined(struct data **part, int n);
struct data *data_get(struct data *d);
void data_put(struct data *d);
void data_read(const struct data *d, int64_t off, void *to, size_t n);

/* What is kept beside the bytes. */
struct beside {
	char *meta;                     /* header lines that GET and HEAD repeat, and that a copy takes along */
	char *own;                      /* those that are only of the request that made it */
	char *tags;                     /* as x-amz-tagging has them */
	char key_md5[32];               /* of SSE-C; "": none */
};
struct object {
	char *name;                     /* bucket/key */
	struct data *data;
	char etag[96];                  /* quotes included */
	time_t mtime;
	struct beside beside;
};
struct upload {
	char id[33], *name;
	struct beside beside;
	struct part { int number; struct data *data; char etag[96]; } *part;    /* sorted */
	int parts;
	struct upload *next;
};
extern pthread_mutex_t store_lock;      /* held around all of these */
struct object *store_find(const char *name);
/* Takes data and what is beside it. */
struct object *store_put(const char *name, struct data *data, const char *etag, struct beside beside);
bool store_remove(const char *name);
/* Place of the first name >= `name`; store_at gives it, NULL after the last. */
size_t store_place(const char *name);
struct object *store_at(size_t i);
bool store_bucket(const char *bucket, bool make);
void store_bucket_gone(const char *bucket);
struct upload *upload_new(const char *name, struct beside beside);
struct upload *upload_find(const char *id, const char *name);
struct upload *upload_first(void);
void upload_part(struct upload *u, int number, struct data *data, const char *etag);
void upload_free(struct upload *u);

/* ---- fault_beside.c ---- */
struct beside beside_of(const struct request *q);
struct beside beside_copied(const struct request *q, const struct beside *from);
struct beside beside_again(const struct beside *b);
struct beside beside_none(void);
void beside_free(struct beside *b);
void beside_tell(const struct beside *b, struct answer *a);    /* in an answer to GET and HEAD */
void beside_echo(const struct beside *b, struct answer *a);    /* ... and to what made the object */
/* Whether the request has the key of what it reads, "" if none is wanted; prefix "" or "copy-source-". */
bool may_decrypt(struct request *q, struct answer *a, const char *key_md5, const char *prefix);
bool may_encrypt(struct request *q, struct answer *a);
void get_tags(struct request *q, struct answer *a);

/* ---- the calls ---- */
struct call {
	const char *name;               /* as S3's API has it */
	const char *method;
	int on;                         /* 0 the service, 1 a bucket, 2 an object */
	const char *param, *header;     /* that tell it from others; NULL: none */
	void (*fn)(struct request *q, struct answer *a);
};
const struct call *call_of(struct request *q);
void get_object(struct request *q, struct answer *a);
void object_attributes(struct request *q, struct answer *a);
void put_object(struct request *q, struct answer *a);
void copy_object(struct request *q, struct answer *a);
void delete_object(struct request *q, struct answer *a);
void delete_objects(struct request *q, struct answer *a);
void create_upload(struct request *q, struct answer *a);
void put_part(struct request *q, struct answer *a);
void copy_part(struct request *q, struct answer *a);
void complete_upload(struct request *q, struct answer *a);
void abort_upload(struct request *q, struct answer *a);
void list_parts(struct request *q, struct answer *a);
void list_uploads(struct request *q, struct answer *a);
void list_objects(struct request *q, struct answer *a);
/* Copy: the source's object (locked; NULL and an error answered) and the range of it. */
struct object *copy_source(struct request *q, struct answer *a, int64_t *off, int64_t *len);
/* If-Match and If-None-Match of a write. true: it may go on. */
bool may_write(struct request *q, struct answer *a, const struct object *o);
/* Calls fn(arg, tag, text) for every element without children. 0, or -1 malformed. */
int xml_leaves(const char *p, size_t n, void (*fn)(void *arg, const char *tag, const char *text), void *arg);

/* ---- settings, by option or /-/set ---- */
struct settings {
	char region[32];
	char conditional[16];           /* of PUT: on, off (ignored), refused (501) */
	char checksums[16];             /* off, composite, full (of whole uploads, too) */
	char sum[16];                   /* ... of which kind: CRC32C or CRC64NVME */
	char discard[8];                /* on: what is put is counted, not kept */
	char anonymous[8];              /* on: unsigned requests are fine */
	char locked[256];               /* a glob of bucket/key: what cannot be removed */
	char equal[8];                  /* on: all parts of an upload but the last must be of one length */
	long min_part;                  /* bytes of every part but the last */
	long clock;                     /* seconds this server is ahead */
	long max_keys;
	long stall_ms;                  /* how long a stalled answer stays so */
	long session_s;                 /* how long a session is good */
	long delay_ms, delay_us;        /* of every answer; together */
};
extern struct settings set;
time_t server_now(void);

/* ---- fault_sums.c ---- */
void sum_of(const struct data *d, char text[16]);
bool sum_told(void);
/* The body is what its checksum says; else an error is answered. */
bool sum_intact(struct request *q, struct answer *a);
/* Of what is stored, if one was sent; of a new upload; of a whole one (false: an error). */
void sum_answer(const struct request *q, struct answer *a);
void sum_create(const struct request *q, struct answer *a);
bool sum_complete(const struct request *q, struct answer *a, const struct data *d);
void fault_flip_stored(struct request *q, struct answer *a, const char *arg);
void fault_flip_part(struct request *q, struct answer *a, const char *arg);
void fault_drop_part(struct request *q, struct answer *a, const char *arg);

/* ---- fault_rules.c ---- */
struct fault_rule {
	char call[40], key[256];        /* globs: of the call's name, of bucket/key */
	const struct fault *fault;
	char arg[256];                  /* what follows = */
	unsigned times, after, every;   /* meets so many, after so many that it let pass, one of so many; 0: all */
	unsigned seen, used;
	struct fault_rule *next;
};
/* The rule this request meets; stays valid. */
const struct fault_rule *rule_for(const struct request *q);
/*
 * Who has had the answer of a request finds it in the log, which nobody gets between log_begin and
 * log_request; but while it is held up on command.
 */
void log_begin(struct answer *a);
void log_hold(struct answer *a);
void log_request(const struct request *q, struct answer *a);
void control(struct request *q, struct answer *a);

/* ---- fault_kinds.c ---- */
struct fault {
	const char *name;
	/* EARLY and INSTEAD of the call, before and after the body was read; FIRST, then the call; AFTER it */
	enum { EARLY, INSTEAD, FIRST, AFTER } when;
	void (*fn)(struct request *q, struct answer *a, const char *arg);
};
const struct fault *fault_named(const char *name);

#endif
