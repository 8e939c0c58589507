/* SPDX-License-Identifier: MIT */
/*
 * Buckets as rules name them, and where requests for them go; see s3.h. The
 * text of a rule is read by the library's own parser, against its table.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/conf.h"
#include "conf/conf_text.h"
#include "count.h"
#include "express.h"
#include "headers.h"
#include "s3_private.h"
#include "sum.h"

#define DEFAULT_REGION "us-east-1"

struct entry {
	struct s3_bucket b;
	struct conf_rule rule;
	char *target;
	struct entry *next;
};

static struct entry *entries;

/* ---- addresses */

/* What of a URL counts here. */
struct place {
	char scheme[8], host[256], port[8], path[300];   /* port "" if it is the scheme's own */
};

static int url_part(CURLU *u, CURLUPart what, unsigned flags, char *to, size_t room)
{
	char *v = NULL;
	int n = 0;

	if (curl_url_get(u, what, &v, flags) == CURLUE_OK)
		n = snprintf(to, room, "%s", v);
	else
		*to = '\0';
	curl_free(v);
	return n < (int)room ? 0 : -EINVAL;
}

static int parse_url(const char *url, struct place *p)
{
	CURLU *u = curl_url();
	char user[8];
	int err;

	if (!u)
		return -ENOMEM;
	err = curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) ? -EINVAL : 0;
	if (!err)
		err = url_part(u, CURLUPART_SCHEME, 0, p->scheme, sizeof(p->scheme)) ||
		      url_part(u, CURLUPART_HOST, 0, p->host, sizeof(p->host)) ||
		      url_part(u, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT, p->port, sizeof(p->port)) ||
		      url_part(u, CURLUPART_PATH, 0, p->path, sizeof(p->path)) ||
		      url_part(u, CURLUPART_USER, 0, user, sizeof(user)) ? -EINVAL : 0;
	curl_url_cleanup(u);
	if (err || *user || !*p->host || (strcmp(p->scheme, "http") && strcmp(p->scheme, "https")))
		return -EINVAL;
	for (size_t n = strlen(p->path); n && p->path[n - 1] == '/';)
		p->path[--n] = '\0';
	return 0;
}

static int ends_in(const char *host, const char *domain)
{
	size_t n = strlen(host), m = strlen(domain);

	return n >= m && !strcasecmp(host + n - m, domain);
}

static int is_aws(const char *host)
{
	return ends_in(host, ".amazonaws.com") || ends_in(host, ".amazonaws.com.cn");
}

static int is_address(const char *host)
{
	struct in_addr a;

	return *host == '[' || inet_pton(AF_INET, host, &a) == 1;
}

/* A name that a certificate of *.host is good for, and DNS. */
static int is_label(const char *bucket)
{
	return strlen(bucket) <= 63 && strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(bucket);
}

/* Like AWS's tools: in the host's name on AWS, in the path of other services unless they are told. */
static int wants_virtual(const struct s3_bucket *b, const char *host)
{
	const char *set = creds_setting(b->creds, "s3.addressing_style");

	if (is_address(host) || b->option[S3_OPT_STYLE] == S3_STYLE_PATH)
		return 0;
	if (b->option[S3_OPT_STYLE] == S3_STYLE_VIRTUAL)
		return 1;
	if (set && (!strcmp(set, "path") || !strcmp(set, "virtual")))
		return !strcmp(set, "virtual");
	return is_aws(host) && is_label(b->name);
}

/* bucket: its name goes before the host's; NULL: it is there, or goes into the path. */
static int set_aim(struct s3_aim *aim, const struct place *p, const char *bucket)
{
	const char *dot = bucket ? "." : "", *colon = *p->port ? ":" : "";
	int n = snprintf(aim->host, sizeof(aim->host), "%s%s%s%s%s", bucket ? bucket : "", dot, p->host, colon,
			 p->port);
	int m = snprintf(aim->base, sizeof(aim->base), "%s://%s", p->scheme, aim->host);

	return n < (int)sizeof(aim->host) && m < (int)sizeof(aim->base) ? 0 : -EINVAL;
}

int s3_aim_set(struct s3_bucket *b)
{
	struct place p;
	int n;

	if (parse_url(b->endpoint, &p))
		return -EINVAL;
	b->virtual_host = wants_virtual(b, p.host);
	n = snprintf(b->aim.root, sizeof(b->aim.root), "%s%s%s", p.path, b->virtual_host ? "" : "/",
		     b->virtual_host ? "" : b->name);
	if (n >= (int)sizeof(b->aim.root))
		return -EINVAL;
	return set_aim(&b->aim, &p, b->virtual_host ? b->name : NULL);
}

static int is_below(const char *host, const char *domain)
{
	size_t n = strlen(host), m = strlen(domain);

	return !strcasecmp(host, domain) || (n > m && host[n - m - 1] == '.' && ends_in(host, domain));
}

int s3_aim_redirected(const struct s3_bucket *b, const char *url, struct s3_aim *to)
{
	size_t n = strlen(b->name);
	struct place from, p;
	int in_host;

	if (parse_url(b->endpoint, &from))
		return -EINVAL;
	if (!strstr(url, "://")) {      /* an error's Endpoint is a host alone */
		char whole[320];

		if (snprintf(whole, sizeof(whole), "%s://%s", from.scheme, url) >= (int)sizeof(whole) ||
		    !strstr(whole, "://") || *url == '/' || parse_url(whole, &p))
			return -EINVAL;
	} else if (parse_url(url, &p)) {
		return -EINVAL;
	}
	if (!is_below(p.host, from.host) && !(is_aws(p.host) && is_aws(from.host)))
		return -EINVAL;
	if (!strcmp(from.scheme, "https") && strcmp(p.scheme, "https"))
		return -EINVAL;
	in_host = !strncasecmp(p.host, b->name, n) && p.host[n] == '.';
	snprintf(to->root, sizeof(to->root), "%s%s%s", from.path, in_host ? "" : "/", in_host ? "" : b->name);
	return set_aim(to, &p, NULL);
}

static int set_text(char **to, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

static int aws_endpoint_of(struct s3_bucket *b)
{
	char url[200], zone[32] = "";

	snprintf(url, sizeof(url), "https://s3%s%s.%.100s.amazonaws.com%s", express_zone(b->name, zone) ? "" : "express-", zone,
		 b->region, strncmp(b->region, "cn-", 3) ? "" : ".cn");
	return set_text(&b->endpoint, url);
}

int s3_region_set(struct s3_bucket *b, const char *region)
{
	size_t n = strlen(region);

	if (!n || strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != n || set_text(&b->region, region))
		return -EINVAL;
	return b->default_endpoint ? aws_endpoint_of(b) || s3_aim_set(b) : 0;
}

/* ---- a rule's text */

static const char *text_of(const struct entry *e, enum s3_option o)
{
	return e->rule.value[o] ? e->rule.text + e->rule.value[o] : NULL;
}

static const char *first_of(const char *a, const char *b)
{
	return a ? a : b;
}

/* It is the way to a service that is narrow: its rules with the same bound share that. */
static void set_pace(struct entry *e, enum http_way way, enum s3_option o)
{
	long long limit = e->rule.value[o];

	for (struct entry *other = entries; limit && other; other = other->next)
		if (other->rule.value[o] == limit && !strcmp(other->b.endpoint, e->b.endpoint))
			e->b.site.pace[way] = other->b.site.pace[way];
	if (limit && !e->b.site.pace[way])
		e->b.site.pace[way] = http_pace_new(way, (uint64_t)limit, &count->held[way]);
}

static void set_site(struct entry *e)
{
	struct http_site *s = &e->b.site;
	const char *ca = first_of(text_of(e, S3_OPT_CA), creds_setting(e->b.creds, "ca_bundle"));
	const char *proxy = text_of(e, S3_OPT_PROXY);
	long long ms = e->rule.value[S3_OPT_TIMEOUT];

	s->ca_file = ca ? strdup(ca) : NULL;
	s->proxy = proxy ? strdup(strcmp(proxy, "none") ? proxy : "") : NULL;
	s->trust = !e->rule.value[S3_OPT_VERIFY];
	s->stall_ms = ms < HTTP_STALL_MS ? (unsigned)ms : HTTP_STALL_MS;
	s->connect_ms = ms < HTTP_CONNECT_MS ? (unsigned)ms : HTTP_CONNECT_MS;
	set_pace(e, HTTP_IN, S3_OPT_READ_BANDWIDTH);
	set_pace(e, HTTP_OUT, S3_OPT_WRITE_BANDWIDTH);
}

static int set_names(struct entry *e)
{
	struct s3_bucket *b = &e->b;
	char text[CONF_PATH_MAX], *prefix;
	size_t n;

	/* options follow, and all of it is as it is written */
	if (text_decode(text, sizeof(text), e->rule.target, strcspn(e->rule.target, "?")) < 0)
		return -EINVAL;
	prefix = strchrnul(text, '/');
	if (*prefix)
		*prefix++ = '\0';
	n = strlen(prefix);
	b->name = strdup(text);
	b->prefix = malloc(n + 2);
	if (!b->name || !b->prefix)
		return -ENOMEM;
	sprintf(b->prefix, "%s%s", prefix, n && prefix[n - 1] != '/' ? "/" : "");
	return 0;
}

static int set_endpoint(struct entry *e)
{
	struct s3_bucket *b = &e->b;
	const char *endpoint = first_of(text_of(e, S3_OPT_ENDPOINT), creds_setting(b->creds, "endpoint_url"));
	const char *region = first_of(text_of(e, S3_OPT_REGION), creds_setting(b->creds, "region"));

	b->default_endpoint = !endpoint;
	if (set_text(&b->region, region ? region : DEFAULT_REGION))
		return -ENOMEM;
	if (endpoint ? set_text(&b->endpoint, endpoint) : aws_endpoint_of(b))
		return -ENOMEM;
	return s3_aim_set(b);
}

static int set_bucket(struct entry *e, char why[S3_WHY])
{
	int n = (int)strcspn(e->rule.target, "?");
	struct s3_bucket *b = &e->b;
	struct creds_how how = { text_of(e, S3_OPT_PROFILE), e->rule.value[S3_OPT_ANONYMOUS] != 0 };
	char said[S3_WHY], zone[32];

	b->option = e->rule.value;
	b->disk = text_of(e, S3_OPT_DISK);
	b->text = e->rule.text;
	b->timeout = (uint64_t)(e->rule.value[S3_OPT_TIMEOUT] ? e->rule.value[S3_OPT_TIMEOUT] : 1) * 1000000;
	b->retries = e->rule.value[S3_OPT_RETRIES] ? (unsigned)e->rule.value[S3_OPT_RETRIES] : 1;
	b->if_match = b->if_none_match = b->copy_if_match = b->remove_if_match = b->checksums = b->full_sums = b->versions = b->etag_md5 = b->etag_parts = -1;
	b->sum = SUM_CRC32C;
	b->tokens = S3_BUDGET;
	b->filled = loop_now();
	b->creds = creds_of(&how);
	if (!b->creds || creds_wrong(b->creds)) {
		snprintf(why, S3_WHY, "s3://%.*s: %.200s", n < 63 ? n : 63, e->rule.target,
			 b->creds ? creds_wrong(b->creds) : "no memory");
		return -EINVAL;
	}
	if (set_names(e) || set_endpoint(e)) {
		snprintf(why, S3_WHY, "s3://%.*s: \"%.150s\" is no endpoint", n < 63 ? n : 63, e->rule.target,
			 b->endpoint ? b->endpoint : "");
		return -EINVAL;
	}
	set_site(e);
	if (!express_zone(b->name, zone)) {
		b->express = express_new(b);
		b->checksums = 1;       /* and no Content-MD5 */
	}
	if (headers_new(&b->headers, &e->rule, b, said)) {
		snprintf(why, S3_WHY, "s3://%.*s: %.220s", n < 63 ? n : 63, e->rule.target, said);
		return -EINVAL;
	}
	return 0;
}

static int read_rule(struct entry *e, const char *target, char why[S3_WHY])
{
	char text[CONF_PATH_MAX + 8], error[CONF_ERROR_MAX];

	if (snprintf(text, sizeof(text), "s3://%s", target) >= (int)sizeof(text)) {
		snprintf(why, S3_WHY, "the target is too long");
		return -EINVAL;
	}
	if (conf_read_target(&e->rule, text, "s3", error)) {
		snprintf(why, S3_WHY, "%.*s", S3_WHY - 1, error);
		return -EINVAL;
	}
	return 0;
}

static void forget(struct entry *e)
{
	free(e->b.name);
	free(e->b.prefix);
	free(e->b.endpoint);
	free(e->b.region);
	free(e->b.site.ca_file);
	free(e->b.site.proxy);
	free(e->target);
	free(e);
}

int s3_bucket_get(const char *target, struct s3_bucket **out, char why[S3_WHY])
{
	struct entry *e;

	if (!strncmp(target, "s3://", 5))
		target += 5;
	for (e = entries; e; e = e->next)
		if (!strcmp(e->target, target)) {
			*out = &e->b;
			return 0;
		}
	e = calloc(1, sizeof(*e));
	if (!e || !(e->target = strdup(target))) {
		free(e);
		return -ENOMEM;
	}
	if (read_rule(e, target, why) || set_bucket(e, why)) {
		forget(e);
		return -EINVAL;
	}
	e->b.target = e->target;
	e->next = entries;
	entries = e;
	*out = &e->b;
	return 0;
}
