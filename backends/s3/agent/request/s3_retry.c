/* SPDX-License-Identifier: MIT */
/*
 * What is done after an attempt that failed; see s3_private.h. The delays and
 * the budget are those of AWS's own clients (aws-c-io, standard retry): full
 * jitter, 500 ms doubled up to 20 s; 500 tokens, 5 a retry, 10 one after a
 * failure of the transport, one back for each success. Unlike theirs, an empty
 * budget delays, as it fills with time too: a file's reader would rather wait.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>

#include "express.h"
#include "s3_private.h"

#define FIRST_DELAY (LOOP_SECOND / 2)
#define MOST_DELAY (20 * LOOP_SECOND)
#define BUDGET_SECOND 20               /* tokens that come back each second */
#define COST 5
#define COST_TRANSPORT 10
#define REFUSALS 4                     /* attempts on a host that nothing listens on, or that has no address */
#define REDIRECTS 3
#define SKEW 300                       /* seconds that no server tolerates; S3's limit is 900 */

uint64_t s3_patience(const struct s3_try *t)
{
	return t->r->patience_ms ? t->r->patience_ms * 1000000ull : t->b->timeout;
}

/* ---- the budget */

static void refill(struct s3_bucket *b)
{
	uint64_t ns = loop_now() - b->filled;
	int64_t more = ns > 60 * LOOP_SECOND ? S3_BUDGET : (int64_t)(ns * BUDGET_SECOND / LOOP_SECOND);

	if (!more)
		return;
	b->filled = loop_now();
	b->tokens = b->tokens + more > S3_BUDGET ? S3_BUDGET : b->tokens + more;
}

void s3_pay_back(struct s3_try *t)
{
	struct s3_bucket *b = t->b;

	b->tokens += t->paid ? t->paid : 1;
	if (b->tokens > S3_BUDGET)
		b->tokens = S3_BUDGET;
	if (b->throttled)
		b->throttled--;
}

/* Takes `cost`; how long until it is earned. */
static uint64_t take(struct s3_try *t, unsigned cost)
{
	struct s3_bucket *b = t->b;

	refill(b);
	b->tokens -= cost;
	t->paid = cost;
	return b->tokens < 0 ? (uint64_t)-b->tokens * LOOP_SECOND / BUDGET_SECOND : 0;
}

/* ---- delays */

static uint64_t random_below(uint64_t limit)
{
	uint64_t v = 0;

	if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != sizeof(v))
		v = loop_now() * 0x9e3779b97f4a7c15u >> 11;
	return limit ? v % limit : 0;
}

static uint64_t jitter(unsigned attempts)
{
	uint64_t most = FIRST_DELAY;

	for (unsigned i = 1; i < attempts && most < MOST_DELAY; i++)
		most *= 2;
	return random_below(most < MOST_DELAY ? most : MOST_DELAY);
}

/* Retry-After: seconds or a date. */
static uint64_t told_to_wait(const struct http *h)
{
	const char *v = http_got(h, "retry-after");
	int64_t s;

	if (!v)
		return 0;
	s = *v >= '0' && *v <= '9' ? strtol(v, NULL, 10) : s3_date(v) - time(NULL);
	return s <= 0 ? 0 : s > 3600 ? 3600 * LOOP_SECOND : (uint64_t)s * LOOP_SECOND;
}

static enum s3_next later(struct s3_try *t, unsigned cost, uint64_t *delay)
{
	uint64_t earned, told = cost == COST ? told_to_wait(&t->http) : 0;

	*delay = jitter(t->r->attempts);
	if (*delay < told)
		*delay = told + random_below(told / 4);
	earned = take(t, cost);
	if (*delay < earned)
		*delay = earned;
	if (loop_now() + *delay < t->heard + s3_patience(t))
		return S3_AGAIN_LATER;
	t->b->tokens += cost;
	t->paid = 0;
	return S3_GIVE_UP;
}

/* ---- what can be mended at once */

static int is_one_of(const char *code, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(code, *list))
			return 1;
	return 0;
}

/* A HEAD's error has no document: 400 may be anything, and mostly is an old token. */
static int are_creds_refused(const struct s3_try *t)
{
	static const char *const list[] = { "ExpiredToken", "InvalidToken", "TokenRefreshRequired",
					    "InvalidAccessKeyId", NULL };

	return is_one_of(t->r->code, list) ||
	       (!*t->r->code && t->http.status == 400 && !strcmp(t->r->method, "HEAD"));
}

/* Seconds the server's clock is ahead of ours, if that is why it refused. */
static long skew_of(const struct s3_try *t)
{
	int64_t date = s3_date(http_got(&t->http, "date"));
	long off = (long)(date - (time(NULL) + t->b->skew));

	if (date < 0 || t->http.status != 403)
		return 0;
	if (!strcmp(t->r->code, "RequestTimeTooSkewed") || !strcmp(t->r->code, "RequestExpired"))
		return off;
	return !*t->r->code && labs(off) > SKEW ? off : 0;
}

static int is_redirect(int status)
{
	return status == 301 || status == 302 || status == 307 || status == 308;
}

/* To another region, or to another of the endpoint's own hosts; the next attempt is signed for that. */
static int redirect(struct s3_try *t)
{
	const char *url = http_got(&t->http, "location");
	int status = t->http.status;

	if (t->redirects == REDIRECTS || (!is_redirect(status) && status != 400))
		return 0;
	t->redirects++;
	if (*t->region && strcmp(t->region, t->b->region))
		return s3_region_set(t->b, t->region) == 0;
	if (!is_redirect(status) || (!url && !*t->elsewhere))
		return 0;
	if (s3_aim_redirected(t->b, url ? url : t->elsewhere, &t->moved)) {
		t->why = "a redirect to a foreign host, or to http, is not followed";
		return 0;
	}
	t->is_moved = 1;
	return 1;
}

static int mended(struct s3_try *t)
{
	long off = skew_of(t);

	if (off && !t->skewed) {
		t->b->skew += off;
		return t->skewed = 1;
	}
	if (redirect(t))
		return 1;
	if (!t->refused && are_creds_refused(t)) {
		if (t->b->express && !t->r->chain)
			express_refused(t->b->express);
		else
			creds_refused(t->b->creds);
		return t->refused = 1;
	}
	return 0;
}

/* ---- */

static enum s3_next after_status(struct s3_try *t, uint64_t *delay)
{
	static const char *const slow[] = { "SlowDown", "ServiceUnavailable", "TooManyRequests", NULL };
	static const char *const transient[] = { "InternalError", "RequestTimeout", "InternalServerError", NULL };
	static const char *const busy[] = { "ConditionalRequestConflict", "OperationAborted",
					    "ConcurrentModification", NULL };   /* Ceph's, also of a GET */
	static const int statuses[] = { 408, 429, 500, 502, 503, 504, 0 };
	const char *code = t->r->code;
	int again = is_one_of(code, transient) || (is_one_of(code, busy) && !t->r->once), is_slow = is_one_of(code, slow);

	for (const int *s = statuses; *s; s++)
		again |= t->http.status == *s;
	if (is_slow || t->http.status == 503 || t->http.status == 429) {
		t->b->throttled += t->b->throttled < 64 ? 8 : 0;
		again = 1;
	}
	if (t->r->no_status)
		return S3_GIVE_UP;
	if (mended(t))
		return S3_AGAIN_NOW;
	if (!again || t->r->attempts >= t->b->retries)
		return S3_GIVE_UP;
	return later(t, COST, delay);
}

static enum s3_next after_transport(struct s3_try *t, int err, uint64_t *delay)
{
	int unreached = err == -ECONNREFUSED || err == -EHOSTUNREACH;

	if (err == -EPROTO || err == -ENOMEM || t->fatal)
		return S3_GIVE_UP;
	/* the server had closed a connection that was kept: not its fault, nor the network's */
	if (err == -ECONNRESET && t->http.reused && !t->http.first_byte && !t->stale && !t->r->once) {
		t->stale = 1;
		return S3_AGAIN_NOW;
	}
	if (t->r->once && !unreached)
		return S3_GIVE_UP;
	if (t->r->attempts >= (unreached && t->b->retries > REFUSALS ? REFUSALS : t->b->retries))
		return S3_GIVE_UP;
	return later(t, COST_TRANSPORT, delay);
}

enum s3_next s3_after(struct s3_try *t, int err, uint64_t *delay)
{
	return err ? after_transport(t, err, delay) : after_status(t, delay);
}
