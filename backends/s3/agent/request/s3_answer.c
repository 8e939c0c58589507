/* SPDX-License-Identifier: MIT */
/* What an answer says: attributes, the range it has, errors; see s3_private.h. */
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3_private.h"
#include "http/xml.h"

static int wrong(struct s3_try *t, const char *why)
{
	t->why = why;
	return -EPROTO;
}

/* The last one is kept: the parts of an object say the same, thousands of times. */
int64_t s3_date(const char *text)
{
	static char last[40];
	static int64_t date;

	if (!text)
		return -1;
	if (strcmp(text, last)) {
		date = curl_getdate(text, NULL);
		snprintf(last, sizeof(last), "%s", strlen(text) < sizeof(last) ? text : "");
	}
	return date;
}

int64_t s3_answered(const struct s3_request *r)
{
	int64_t date = s3_date(http_got(r->http, "date"));

	return date >= 0 ? date : (int64_t)time(NULL);
}

/* A decimal number that does not overflow; moves *p behind it. */
static int number(const char **p, int64_t *out)
{
	int64_t v = 0;

	if (!isdigit((unsigned char)**p))
		return -1;
	for (; isdigit((unsigned char)**p); (*p)++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, **p - '0', &v))
			return -1;
	*out = v;
	return 0;
}

/* "bytes first-last/size"; size -1 for a star. */
static int content_range(const char *p, int64_t *first, int64_t *last, int64_t *size)
{
	if (!p || strncmp(p, "bytes ", 6))
		return -1;
	p += 6;
	if (number(&p, first) || *p++ != '-' || number(&p, last) || *p++ != '/')
		return -1;
	*size = -1;
	if (*p == '*')
		return p[1] ? -1 : 0;
	return number(&p, size) || *p ? -1 : 0;
}

/* What this attempt asked for; *last -1: to the end. */
static int64_t asked(const struct s3_try *t, int64_t *last)
{
	if (t->begun && t->at >= 0) {
		*last = t->r->upto >= 0 ? t->r->upto - 1 : -1;
		return t->at;
	}
	*last = t->r->last;
	return t->r->first;
}

/* An answer to a request without Range, or one that is as good as the range. */
static int check_all(struct s3_try *t, int64_t first, int64_t last)
{
	struct s3_request *r = t->r;
	int64_t length = t->http.length;

	if (t->http.status != 200)
		return wrong(t, "a part came where all was asked for");
	if (first > 0 || (first == 0 && last >= 0 && (length < 0 || length > last + 1)))
		return wrong(t, "the server does not honour Range");
	r->size = r->upto = length;
	r->from = 0;
	return 0;
}

static int check_part(struct s3_try *t, int64_t first, int64_t last)
{
	struct s3_request *r = t->r;
	int64_t from, upto, size;

	if (content_range(http_got(&t->http, "content-range"), &from, &upto, &size))
		return wrong(t, "206 without a Content-Range that can be read");
	if (from != first || upto < from || (size >= 0 && upto >= size) || (last >= 0 && upto > last))
		return wrong(t, "Content-Range is not what was asked for");
	if ((last < 0 || upto < last) && (size < 0 || upto != size - 1))
		return wrong(t, "Content-Range ends before what was asked for");
	if (t->http.length >= 0 && t->http.length != upto - from + 1)
		return wrong(t, "Content-Length and Content-Range contradict each other");
	if (t->begun) {                 /* the rest of what came before */
		if (size != r->size)
			return wrong(t, "the object's size changed");
		return 0;
	}
	r->from = from;
	r->upto = upto + 1;
	r->size = size;
	return 0;
}

static int check_get(struct s3_try *t)
{
	int64_t last, first = asked(t, &last);

	if (first < 0 || t->http.status == 200)
		return check_all(t, first, last);
	if (t->http.status != 206)
		return wrong(t, "not an answer to GET");
	return check_part(t, first, last);
}

static void copy(char *to, size_t room, const char *value)
{
	snprintf(to, room, "%s", value && strlen(value) < room ? value : "");
}

/* About an object, not about what it belongs to. */
static int is_of_object(const struct s3_request *r)
{
	return r->key && (!strcmp(r->method, "HEAD") || (r->data && !strcmp(r->method, "GET")));
}

/*
 * Attributes; of the rest of an answer they must be those of its beginning. A
 * page that a proxy sends with 200, or an error that came with it, has no ETag.
 */
static int attributes(struct s3_try *t)
{
	struct s3_request *r = t->r;
	const char *etag = http_got(&t->http, "etag");

	if (is_of_object(r) && (!etag || !*etag))
		return wrong(t, "an answer without an ETag is not S3's");
	if (t->begun)
		return *r->etag && (!etag || strcmp(etag, r->etag)) ? -ESTALE : 0;
	copy(r->etag, sizeof(r->etag), etag);
	copy(r->version, sizeof(r->version), http_got(&t->http, "x-amz-version-id"));
	r->mtime = s3_date(http_got(&t->http, "last-modified"));
	return 0;
}

int s3_check_head(struct s3_try *t)
{
	struct s3_request *r = t->r;
	int err;

	t->good = 0;
	if (t->http.status < 200 || t->http.status > 299)
		return 0;
	err = attributes(t);
	if (err)
		return err;
	if (r->data && !strcmp(r->method, "GET"))
		err = check_get(t);
	else if (is_of_object(r) && t->http.length < 0)
		err = wrong(t, "HEAD does not say how long the object is");
	else
		r->size = r->upto = t->http.length;
	if (!err && !t->begun)
		t->at = r->from;
	t->good = !err;
	return err;
}

/* ---- errors */

static int error_leaf(void *arg, const char *path, const char *value)
{
	struct s3_try *t = arg;
	struct s3_request *r = t->r;
	const char *name = strrchr(path, '/');

	/* Swift's and some others' have no more than this */
	if (!name || strncmp(path, "Error/", 6))
		return 0;
	if (!strcmp(name, "/Code"))
		copy(r->code, sizeof(r->code), value);
	else if (!strcmp(name, "/Message"))
		snprintf(r->message, sizeof(r->message), "%s", value);
	else if (!strcmp(name, "/Region"))
		copy(t->region, sizeof(t->region), value);
	else if (!strcmp(name, "/Endpoint"))
		copy(t->elsewhere, sizeof(t->elsewhere), value);
	return 0;
}

/* "bytes" with a star and the size: what there is where nothing of the range is. Not all servers say so. */
static void unsatisfied(struct s3_try *t)
{
	const char *range = http_got(&t->http, "content-range");
	int64_t size;

	if (!range || strncmp(range, "bytes */", 8))
		return;
	range += 8;
	if (!number(&range, &size) && !*range)
		t->r->size = size;
}

int s3_read_error(struct s3_try *t)
{
	const char *p = t->text, *region = http_got(&t->http, "x-amz-bucket-region");

	if (t->http.status == 416)
		unsatisfied(t);
	if (t->http.status >= 300 && region)
		copy(t->region, sizeof(t->region), region);
	if (!p || !memmem(p, t->text_len < 512 ? t->text_len : 512, "<Error", 6))
		return 0;
	/* a server may put a blank before the declaration, to keep the connection up */
	while (isspace((unsigned char)*p))
		p++;
	xml_parse(p, t->text_len - (size_t)(p - t->text), error_leaf, NULL, t);
	return *t->r->code != '\0';
}

static const struct { const char *code; int err; } codes[] = {
	{ "NoSuchKey", ENOENT }, { "NoSuchBucket", ENOENT }, { "NoSuchVersion", ENOENT },
	{ "NoSuchUpload", ENOENT }, { "NotFound", ENOENT },
	/* the bytes came otherwise than they were sent */
	{ "BadDigest", EIO }, { "InvalidDigest", EIO }, { "XAmzContentChecksumMismatch", EIO },
	{ "XAmzContentSHA256Mismatch", EIO },
	{ "AccessDenied", EACCES }, { "SignatureDoesNotMatch", EACCES }, { "InvalidAccessKeyId", EACCES },
	{ "ExpiredToken", EACCES }, { "InvalidToken", EACCES }, { "TokenRefreshRequired", EACCES },
	{ "AllAccessDisabled", EACCES }, { "AccountProblem", EACCES }, { "InvalidSecurity", EACCES },
	{ "RequestTimeTooSkewed", EACCES }, { "RequestExpired", EACCES },
	{ "AuthorizationHeaderMalformed", EACCES }, { "NotSignedUp", EACCES },
	{ "PreconditionFailed", ESTALE },
	{ "ConditionalRequestConflict", EBUSY }, { "OperationAborted", EBUSY }, { "ConcurrentModification", EBUSY },
	{ "SlowDown", EBUSY }, { "ServiceUnavailable", EBUSY }, { "TooManyRequests", EBUSY },
	{ "InvalidRange", ERANGE },
	{ "InvalidObjectState", ENODATA },      /* archived: it must be restored first */
	{ "KeyTooLongError", ENAMETOOLONG },
	{ "EntityTooLarge", EFBIG }, { "EntityTooSmall", EINVAL },
	{ "QuotaExceeded", EDQUOT }, { "InsufficientStorage", ENOSPC },
	{ "NotImplemented", EOPNOTSUPP }, { "MethodNotAllowed", EPERM },
	{ "InvalidArgument", EINVAL }, { "InvalidRequest", EINVAL }, { "InvalidBucketName", EINVAL },
	{ "InvalidPart", EINVAL }, { "InvalidPartOrder", EINVAL }, { "MalformedXML", EINVAL },
	{ "PermanentRedirect", EREMCHG }, { "TemporaryRedirect", EREMCHG }, { "Redirect", EREMCHG },
	{ "RequestTimeout", ETIMEDOUT },
};

/* 400 without a code is a HEAD's, and mostly an old token or another region's signature */
static const struct { int status, err; } statuses[] = {
	{ 304, EALREADY }, { 401, EACCES }, { 403, EACCES }, { 404, ENOENT }, { 405, EPERM },
	{ 408, ETIMEDOUT }, { 409, EBUSY }, { 410, ENOENT }, { 411, EINVAL }, { 412, ESTALE }, { 413, EFBIG },
	{ 414, ENAMETOOLONG }, { 416, ERANGE }, { 429, EBUSY }, { 400, EACCES }, { 501, EOPNOTSUPP },
	{ 503, EBUSY }, { 504, ETIMEDOUT }, { 507, ENOSPC },
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

int s3_errno(const char *code, int status)
{
	for (unsigned i = 0; i < COUNT(codes); i++)
		if (!strcmp(code, codes[i].code))
			return -codes[i].err;
	for (unsigned i = 0; i < COUNT(statuses); i++)
		if (status == statuses[i].status)
			return -statuses[i].err;
	return status >= 300 && status < 400 ? -EREMCHG : -EIO;
}
