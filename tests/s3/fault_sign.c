/* SPDX-License-Identifier: MIT */
/*
 * Signature Version 4 as the server sees it, written from "Authenticating
 * Requests (AWS Signature Version 4)" of the S3 API reference: what came is
 * decoded, and put in canonical form again.
 */
#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

#define SKEW (15 * 60)                  /* seconds; RequestTimeTooSkewed beyond */

static struct signer signers[16];
static unsigned n_signers;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct signer *signer(const char *id)
{
	for (unsigned i = 0; i < n_signers; i++) {
		if (strcmp(signers[i].id, id) == 0)
			return &signers[i];
	}
	return NULL;
}

void sign_allow(const char *id, const char *secret, const char *token)
{
	pthread_mutex_lock(&lock);
	struct signer *s = signer(id);
	if (!s)
		s = &signers[n_signers < 15 ? n_signers++ : 15];
	snprintf(s->id, sizeof(s->id), "%s", id);
	snprintf(s->secret, sizeof(s->secret), "%s", secret);
	snprintf(s->token, sizeof(s->token), "%s", token);
	s->expired = s->session = false;
	s->until = 0;
	pthread_mutex_unlock(&lock);
}

void sign_expire(const char *id)
{
	pthread_mutex_lock(&lock);
	struct signer *s = signer(id);
	if (s)
		s->expired = true;
	pthread_mutex_unlock(&lock);
}

/* Eight of them are good at a time. */
void create_session(struct request *q, struct answer *a)
{
	static unsigned long n;
	char id[64], secret[64], token[64], until[64];
	time_t end = server_now() + set.session_s;
	struct tm tm;
	(void)q;
	pthread_mutex_lock(&lock);
	n++;
	pthread_mutex_unlock(&lock);
	snprintf(id, sizeof(id), "session-%lu", n % 8);
	snprintf(secret, sizeof(secret), "session-secret-%lu", n);
	snprintf(token, sizeof(token), "session-token-%lu", n);
	sign_allow(id, secret, token);
	pthread_mutex_lock(&lock);
	signer(id)->session = true;
	signer(id)->until = end;
	pthread_mutex_unlock(&lock);
	strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&end, &tm));
	text_print(&a->body, "<CreateSessionResult><Credentials><SessionToken>%s</SessionToken><SecretAccessKey>%s</SecretAccessKey>"
			     "<AccessKeyId>%s</AccessKeyId><Expiration>%s</Expiration></Credentials></CreateSessionResult>",
		   token, secret, id, until);
}

static bool is_directory_bucket(const struct request *q)
{
	size_t n = strlen(q->bucket);
	return n > 6 && strcmp(q->bucket + n - 6, "--x-s3") == 0;
}

/* All of a directory bucket's calls but these. */
static bool wants_session(const struct request *q)
{
	return is_directory_bucket(q) && q->call && strcmp(q->call->name, "CreateSession") != 0 &&
	       strcmp(q->call->name, "CreateBucket") != 0;
}

static void encode(struct text *t, const char *s, bool slash)
{
	for (; *s; s++) {
		unsigned char c = *s;
		if (isalnum(c) || strchr("-._~", c) || (slash && c == '/'))
			text_add(t, s, 1);
		else
			text_print(t, "%%%02X", c);
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Encoded first, then sorted: by name, and by value if they are the same. */
static void canonical_query(const struct request *q, struct text *t)
{
	char *line[PARAMS];
	for (unsigned i = 0; i < q->params; i++) {
		struct text one = { 0 };
		encode(&one, q->param[i].name, false);
		text_add(&one, "\1", 1);        /* below every character there can be: a name before its longer kin */
		encode(&one, q->param[i].value, false);
		line[i] = one.p;
	}
	qsort(line, q->params, sizeof(*line), by_text);
	for (unsigned i = 0; i < q->params; i++) {
		*strchr(line[i], 1) = '=';
		text_print(t, "%s%s", i ? "&" : "", line[i]);
		free(line[i]);
	}
	text_add(t, "\n", 1);
}

/* All values of a header, runs of spaces as one. false: it did not come. */
static bool canonical_header(const struct request *q, const char *name, struct text *t)
{
	bool there = false;
	for (unsigned i = 0; i < q->headers; i++) {
		if (strcmp(q->header[i].name, name) != 0)
			continue;
		text_print(t, "%s", there ? "," : "");
		for (const char *p = q->header[i].value; *p; p++) {
			if (*p != ' ' || p[1] != ' ')
				text_add(t, p, 1);
		}
		there = true;
	}
	return there;
}

/* Those that have to be signed: host, and all of Amazon's. */
static const char *unsigned_header(const struct request *q, const char *list)
{
	static _Thread_local char name[256];
	for (unsigned i = 0; i < q->headers; i++) {
		const char *h = q->header[i].name;
		if (strcmp(h, "host") != 0 && strncmp(h, "x-amz-", 6) != 0)
			continue;
		snprintf(name, sizeof(name), ";%s;", h);
		if (!strstr(list, name))
			return h;
	}
	return NULL;
}

/* `signed_headers`: a;b;c. What is wrong, or NULL. */
static const char *canonical(const struct request *q, const char *signed_headers, const char *payload,
			     struct text *t, char why[256])
{
	char list[4096], *save, *last = NULL;
	snprintf(list, sizeof(list), ";%s;", signed_headers);
	const char *missing = unsigned_header(q, list);
	if (missing) {
		snprintf(why, 256, "header %s is not signed", missing);
		return "AccessDenied";
	}
	text_print(t, "%s\n", q->method);
	encode(t, q->path, true);
	text_add(t, "\n", 1);
	canonical_query(q, t);
	for (char *h = strtok_r(list, ";", &save); h; last = h, h = strtok_r(NULL, ";", &save)) {
		if (last && strcmp(last, h) >= 0) {
			snprintf(why, 256, "signed headers out of order: %s, %s", last, h);
			return "SignatureDoesNotMatch";
		}
		text_print(t, "%s:", h);
		if (!canonical_header(q, h, t)) {
			snprintf(why, 256, "header %s is signed and did not come", h);
			return "SignatureDoesNotMatch";
		}
		text_add(t, "\n", 1);
	}
	text_print(t, "\n%s\n%s", signed_headers, payload);
	return NULL;
}

static void hmac(unsigned char key[32], const char *text)
{
	unsigned n = 32;
	unsigned char out[32];
	HMAC(EVP_sha256(), key, 32, (const unsigned char *)text, strlen(text), out, &n);
	memcpy(key, out, 32);
}

static void hex(const unsigned char raw[32], char out[65])
{
	for (int i = 0; i < 32; i++)
		sprintf(out + 2 * i, "%02x", raw[i]);
}

static void signature(const char *secret, char *scope, const char *date, const struct text *canon, char out[65])
{
	unsigned char k[32], hash[32];
	char text[1024], first[256], *save, digest[65];
	unsigned n = 32;
	EVP_Digest(canon->p, canon->n, hash, &n, EVP_sha256(), NULL);
	hex(hash, digest);
	snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, digest);
	char *part = strtok_r(scope, "/", &save);
	snprintf(first, sizeof(first), "AWS4%s", secret);
	HMAC(EVP_sha256(), first, strlen(first), (unsigned char *)part, strlen(part), k, &n);
	while ((part = strtok_r(NULL, "/", &save)))
		hmac(k, part);
	hmac(k, text);
	hex(k, out);
}

/* "NAME=..." of the Authorization header into `to`. */
static bool field(const char *auth, const char *name, char *to, size_t room)
{
	const char *p = strstr(auth, name);
	if (!p)
		return false;
	p += strlen(name);
	size_t n = strcspn(p, ", ");
	if (n >= room)
		return false;
	memcpy(to, p, n);
	to[n] = '\0';
	return true;
}

static const char *check_time(const char *date, const char *scope, time_t now, char why[256])
{
	struct tm tm = { 0 };
	if (!strptime(date, "%Y%m%dT%H%M%SZ", &tm) || strncmp(date, scope, 8) != 0 || scope[8] != '/') {
		snprintf(why, 256, "x-amz-date %.30s with scope %.100s", date, scope);
		return "AuthorizationHeaderMalformed";
	}
	long off = timegm(&tm) - now;
	if (off <= SKEW && off >= -SKEW)
		return NULL;
	snprintf(why, 256, "the request's time is off by %ld s", off);
	return "RequestTimeTooSkewed";
}

static const char *check_token(const struct request *q, const struct signer *s, char why[256])
{
	const char *token = header_of(q, s->session ? "x-amz-s3session-token" : "x-amz-security-token");
	if (s->session != wants_session(q))
		return "AccessDenied";
	snprintf(why, 256, "the token of %s", s->id);
	if (s->expired || (s->until && server_now() >= s->until))
		return "ExpiredToken";
	return strcmp(token ? token : "", s->token) == 0 ? NULL : "InvalidToken";
}

static const char *check_payload(const struct request *q, const char *payload, char why[256])
{
	if (strcmp(payload, "UNSIGNED-PAYLOAD") == 0)
		return NULL;
	if (strncmp(payload, "STREAMING-", 10) == 0)
		return "NotImplemented";
	snprintf(why, 256, "x-amz-content-sha256 is %s, the body's %s", payload, q->sha256);
	return strcmp(payload, q->sha256) == 0 ? NULL : "XAmzContentSHA256Mismatch";
}

const char *sign_check(struct request *q, const char *region, time_t now, char why[256])
{
	char credential[512], headers[4000], given[128], want[65], scope[256];
	const char *auth = header_of(q, "authorization"), *date = header_of(q, "x-amz-date");
	const char *payload = header_of(q, "x-amz-content-sha256"), *err;
	*why = '\0';
	if (!auth || !date || !payload)
		return "AccessDenied";
	if (strncmp(auth, "AWS4-HMAC-SHA256 ", 17) != 0 || !field(auth, "Credential=", credential, sizeof(credential)) ||
	    !field(auth, "SignedHeaders=", headers, sizeof(headers)) || !field(auth, "Signature=", given, sizeof(given)))
		return "AuthorizationHeaderMalformed";
	char *slash = strchr(credential, '/');
	if (!slash)
		return "AuthorizationHeaderMalformed";
	*slash = '\0';
	snprintf(scope, sizeof(scope), "%s", slash + 1);
	snprintf(q->id, sizeof(q->id), "%.127s", credential);
	snprintf(want, sizeof(want), "/%s/s3%s/aws4_request", region,
		 is_directory_bucket(q) && (!q->call || strcmp(q->call->name, "CreateBucket") != 0) ? "express" : "");
	if ((err = check_time(date, scope, now, why)))
		return err;
	if (strcmp(scope + 8, want) != 0) {
		snprintf(why, 256, "the scope is %.100s; expecting '%.32s'", scope, region);
		return "AuthorizationHeaderMalformed";
	}
	struct text canon = { 0 };
	pthread_mutex_lock(&lock);
	const struct signer *s = signer(credential);
	if (!s)
		err = "InvalidAccessKeyId";
	else if (!(err = canonical(q, headers, payload, &canon, why))) {
		signature(s->secret, scope, date, &canon, want);
		if (strlen(given) != 64 || CRYPTO_memcmp(given, want, 64) != 0) {
			snprintf(why, 256, "signed was not: %.200s", canon.p);
			err = "SignatureDoesNotMatch";
		} else {
			err = check_token(q, s, why);
		}
	}
	pthread_mutex_unlock(&lock);
	free(canon.p);
	return err ? err : check_payload(q, payload, why);
}
