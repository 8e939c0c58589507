/* SPDX-License-Identifier: MIT */
/* A rule's options as headers: checked, and the key of SSE-C read; see headers.h. */
#include "headers_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "conf/conf_text.h"

#define KEY 32                          /* bytes of AES-256 */
#define KEY_TEXT 44                     /* ... in base64 */
#define TAGS 10                         /* of an object; these three are S3's limits, in characters */
#define TAG_KEY 128
#define TAG_VALUE 256

static const char classes[] = "STANDARD|REDUCED_REDUNDANCY|STANDARD_IA|ONEZONE_IA|INTELLIGENT_TIERING|GLACIER|"
	"DEEP_ARCHIVE|GLACIER_IR|OUTPOSTS|SNOW|EXPRESS_ONEZONE";

__attribute__((format(printf, 2, 3))) static int wrong(char why[S3_WHY], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, S3_WHY, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static const char *text_of(const struct conf_rule *r, enum s3_option o)
{
	return r->value[o] ? r->text + r->value[o] : NULL;
}

/* The n-th of "a|b|c". */
static void word(const char *words, long long n, char *out, size_t room)
{
	while (n--)
		words = strchr(words, '|') + 1;
	snprintf(out, room, "%.*s", (int)strcspn(words, "|"), words);
}

static int is_plain(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return 0;
	return 1;
}

/* ---- the key of SSE-C */

static int open_key(const char *path, char why[S3_WHY])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return wrong(why, "sse-c-key-file=%.150s: %s", path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		wrong(why, "sse-c-key-file=%.150s is no regular file", path);
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		wrong(why, "sse-c-key-file=%.150s belongs to user %u; it must be yours", path, st.st_uid);
	else if (st.st_mode & 077)
		wrong(why, "sse-c-key-file=%.150s has mode %04o: others can get at it (chmod 600)", path, st.st_mode & 07777);
	else
		return fd;
	close(fd);
	return -EINVAL;
}

/* 32 bytes as they are, or a line of base64. */
static int decode_key(char *text, ssize_t n, unsigned char key[KEY + 4])
{
	if (n == KEY) {
		memcpy(key, text, KEY);
		return 0;
	}
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	return n == KEY_TEXT && text[KEY_TEXT - 1] == '=' && text[KEY_TEXT - 2] != '=' &&
	       EVP_DecodeBlock(key, (unsigned char *)text, KEY_TEXT) == KEY + 1 ? 0 : -1;
}

static int read_key(const char *path, unsigned char key[KEY + 4], char why[S3_WHY])
{
	int fd = open_key(path, why), bad;
	char text[64];
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, text, sizeof(text));
	bad = n < 0 || decode_key(text, n, key);
	close(fd);
	OPENSSL_cleanse(text, sizeof(text));
	return bad ? wrong(why, "sse-c-key-file=%.150s holds no key: 32 bytes, or these in base64 "
			   "(head -c 32 /dev/urandom)", path) : 0;
}

static void set_key(struct headers *h, const unsigned char key[KEY])
{
	static const enum header where[2] = { HEADER_C_ALGORITHM, HEADER_FROM_C_ALGORITHM };
	unsigned char md5[EVP_MAX_MD_SIZE];
	char text[KEY_TEXT + 1], sum[32];

	EVP_EncodeBlock((unsigned char *)text, key, KEY);
	EVP_Digest(key, KEY, md5, NULL, EVP_md5(), NULL);
	EVP_EncodeBlock((unsigned char *)sum, md5, 16);
	for (int i = 0; i < 2; i++) {
		headers_set(h, where[i], "AES256");
		headers_set(h, where[i] + 1, text);
		headers_set(h, where[i] + 2, sum);
	}
	OPENSSL_cleanse(text, sizeof(text));
}

/* Nobody listens on the way to oneself. */
static int is_private(const char *endpoint)
{
	static const char *const own[] = { "https://", "http://127.", "http://localhost", "http://[::1]" };

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (!strncasecmp(endpoint, own[i], strlen(own[i])))
			return 1;
	return 0;
}

static int set_sse_c(struct headers *h, const struct conf_rule *r, const struct s3_bucket *b, char why[S3_WHY])
{
	const char *path = text_of(r, S3_OPT_SSE_C);
	unsigned char key[KEY + 4];
	int err;

	if (!path)
		return 0;
	if (r->value[S3_OPT_SSE])
		return wrong(why, "sse-c-key-file= and sse= exclude each other");
	if (!is_private(b->endpoint))
		return wrong(why, "sse-c-key-file=: the key would be read by everybody on the way to %.150s (https)", b->endpoint);
	err = read_key(path, key, why);
	if (!err)
		set_key(h, key);
	OPENSSL_cleanse(key, sizeof(key));
	return err;
}

/* ---- the others */

static int set_sse(struct headers *h, const struct conf_rule *r, char why[S3_WHY])
{
	const char *key = text_of(r, S3_OPT_KMS_KEY);
	char sse[32];

	if (key && r->value[S3_OPT_SSE] < S3_SSE_KMS)
		return wrong(why, "kms-key= is of sse=aws:kms or sse=aws:kms:dsse");
	if (key && !is_plain(key))
		return wrong(why, "kms-key=%.100s is no key's id, ARN or alias", key);
	if (key)
		headers_set(h, HEADER_KMS_KEY, key);
	if (r->value[S3_OPT_SSE]) {
		word(S3_SSE_WORDS, r->value[S3_OPT_SSE], sse, sizeof(sse));
		headers_set(h, HEADER_SSE, sse);
	}
	return 0;
}

/* AWS's are known; other services have names of their own. */
static int set_class(struct headers *h, const struct conf_rule *r, const struct s3_bucket *b, char why[S3_WHY])
{
	const char *class = text_of(r, S3_OPT_CLASS);
	char near[32], upper[64];
	size_t n = class ? strlen(class) : 0;

	if (!class)
		return 0;
	if (n >= sizeof(upper) || strspn(class, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") != n)
		return wrong(why, "storage-class=%.80s is none (such as STANDARD_IA)", class);
	for (size_t i = 0; i <= n; i++)
		upper[i] = (char)(class[i] >= 'a' && class[i] <= 'z' ? class[i] - 32 : class[i]);
	if (strstr(b->endpoint, ".amazonaws.com") ? text_index(class, classes) < 0 :
	    strcmp(class, upper) && text_index(upper, classes) >= 0) {
		text_nearest(near, sizeof(near), upper, classes);
		return wrong(why, "storage-class=%s is none of AWS's (%s%s)", class, *near ? near : "such as STANDARD_IA",
			     *near ? "?" : "");
	}
	headers_set(h, HEADER_CLASS, class);
	return 0;
}

/* One tag, not encoded, to *at. */
static int add_tag(char *tag, char **at, char *end, char why[S3_WHY])
{
	char *value = strchr(tag, '=');
	long n, m;

	if (!value || value == tag)
		return wrong(why, "tags=: \"%.100s\" is no KEY=VALUE", tag);
	*value++ = '\0';
	if (!strncasecmp(tag, "aws:", 4))
		return wrong(why, "tags=: \"%.100s\": keys with aws: are AWS's own", tag);
	/* bytes: at least as many as characters, so nothing is refused here that S3 would take, but for other scripts */
	if (strlen(tag) > TAG_KEY * 4 || strlen(value) > TAG_VALUE * 4)
		return wrong(why, "tags=: \"%.60s\" is longer than S3 allows (128 and 256 characters)", tag);
	n = sigv4_encode(*at, (size_t)(end - *at), tag, strlen(tag), 0);
	if (n < 0 || n + 2 > end - *at)
		return wrong(why, "tags=: they are too long");
	(*at)[n] = '=';
	m = sigv4_encode(*at + n + 1, (size_t)(end - *at - n - 1), value, strlen(value), 0);
	if (m < 0)
		return wrong(why, "tags=: they are too long");
	*at += n + 1 + m;
	return 0;
}

int headers_tags(const char *text, char *out, size_t room, char why[S3_WHY])
{
	char *copy = strdup(text), *rest = copy, *tag, *at = out;
	int err = copy ? 0 : -ENOMEM, n = 0;

	*out = '\0';
	while (!err && (tag = strsep(&rest, ",&"))) {
		if (!*tag)
			continue;
		if (n++ == TAGS)
			err = wrong(why, "tags=: more than %d", TAGS);
		if (!err && n > 1 && at < out + room - 1)
			*at++ = '&';
		if (!err)
			err = add_tag(tag, &at, out + room, why);
	}
	free(copy);
	return err;
}

static int set_tags(struct headers *h, const struct conf_rule *r, char why[S3_WHY])
{
	const char *tags = text_of(r, S3_OPT_TAGS);
	char out[4096];
	int err = tags ? headers_tags(tags, out, sizeof(out), why) : 0;

	if (!err && tags && *out)
		headers_set(h, HEADER_TAGS, out);
	return err;
}

static int check_type(const struct conf_rule *r, char why[S3_WHY])
{
	const char *type = text_of(r, S3_OPT_TYPE);

	for (const char *p = type; p && *p; p++)
		if (*p < ' ' || *p > '~')
			return wrong(why, "content-type=: only ASCII can be in a header");
	return type && !strchr(type, '/') ? wrong(why, "content-type=%.100s is none (text/plain)", type) : 0;
}

int headers_new(struct headers **out, const struct conf_rule *r, const struct s3_bucket *b, char why[S3_WHY])
{
	struct headers *h = calloc(1, sizeof(*h));
	char acl[40];
	int err;

	if (!h)
		abort();
	if (r->value[S3_OPT_REQUESTER_PAYS])
		headers_set(h, HEADER_PAYER, "requester");
	if (r->value[S3_OPT_ACL]) {
		word(S3_ACL_WORDS, r->value[S3_OPT_ACL], acl, sizeof(acl));
		headers_set(h, HEADER_ACL, acl);
	}
	err = check_type(r, why);
	if (!err)
		err = set_sse(h, r, why);
	if (!err)
		err = set_sse_c(h, r, b, why);
	if (!err)
		err = set_class(h, r, b, why);
	if (!err)
		err = set_tags(h, r, why);
	if (err) {
		headers_free(h);
		h = NULL;
	}
	*out = h;
	return err;
}
