/* SPDX-License-Identifier: MIT */
/*
 * Which request meets which fault; the log; and how both are reached, under a
 * bucket that cannot be: /-/
 *
 *      POST   /-/rules    lines: CALL KEY FAULT[=ARG] [times=N] [after=N] [every=N]
 *                         CALL and KEY (bucket/key, bucket/prefix of a listing) are globs; the first that fits
 *      GET    /-/rules    the same, each with how often it was met
 *      GET    /-/log      a line for each request: call, bucket/key, range, status,
 *                         bytes of the body, fault, error code, number of the connection,
 *                         bytes of the body that came
 *      GET    /-/headers  a line for each request: call, bucket/key, NAME=VALUE... of its x-amz-* but the
 *                         signature's, and of Content-Type; %XX
 *      DELETE /-/rules, /-/log (and the headers)
 *      POST   /-/set      lines: NAME=VALUE, as struct settings has them
 *      POST   /-/keys     lines: allow ID SECRET [TOKEN], or expire ID
 *      POST   /-/make     lines: BUCKET/KEY SIZE SEED: an object of made-up bytes
 */
#include <fnmatch.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

struct settings set = {
	.region = "us-east-1", .conditional = "on", .discard = "off", .checksums = "off", .sum = "CRC32C", .anonymous = "off",
	.min_part = 5 << 20, .max_keys = 1000, .stall_ms = 120000, .session_s = 300,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault_rule *rules;        /* never freed: requests keep them */
static struct text the_log, the_headers;

time_t server_now(void)
{
	return time(NULL) + set.clock;
}

const struct fault_rule *rule_for(const struct request *q)
{
	const struct fault_rule *found = NULL;
	pthread_mutex_lock(&lock);
	for (struct fault_rule *r = rules; r && !found; r = r->next) {
		if (fnmatch(r->call, q->call->name, 0) != 0 || fnmatch(r->key, q->name, 0) != 0)
			continue;
		if (r->seen++ < r->after || (r->times && r->used == r->times) || (r->every && r->seen % r->every))
			continue;
		r->used++;
		found = r;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

static bool is_told(const char *header)
{
	return (strncmp(header, "x-amz-", 6) == 0 && strcmp(header, "x-amz-date") != 0 &&
		strcmp(header, "x-amz-content-sha256") != 0) || strcmp(header, "content-type") == 0;
}

static void log_headers(const struct request *q)
{
	text_print(&the_headers, "%s ", q->call ? q->call->name : "-");
	text_xml(&the_headers, q->name, true);
	for (unsigned i = 0; i < q->headers; i++) {
		if (!is_told(q->header[i].name))
			continue;
		text_print(&the_headers, " %s=", q->header[i].name);
		text_xml(&the_headers, q->header[i].value, true);
	}
	text_print(&the_headers, "\n");
}

static atomic_uint unlogged;

void log_begin(struct answer *a)
{
	if (!a->begun)
		atomic_fetch_add(&unlogged, 1);
	a->begun = true;
}

void log_hold(struct answer *a)
{
	if (a->begun)
		atomic_fetch_sub(&unlogged, 1);
	a->begun = false;
}

/* Two seconds at most: a client may take its time to send or to read, and then it has not had the answer. */
static void settle(void)
{
	for (int i = 0; i < 2000 && atomic_load(&unlogged); i++)
		usleep(1000);
}

void log_request(const struct request *q, struct answer *a)
{
	const char *range = header_of(q, "range");
	pthread_mutex_lock(&lock);
	text_print(&the_log, "%s ", q->call ? q->call->name : "-");
	text_xml(&the_log, q->name, true);
	text_print(&the_log, " %s %d %lu %s %s %lu %lld\n", range ? range : "-", a->status, a->sent,
		   q->rule ? q->rule->fault->name : "-", *a->code ? a->code : "-", q->number,
		   q->body ? (long long)q->body->size : 0);
	log_headers(q);
	pthread_mutex_unlock(&lock);
	log_hold(a);
}

/* NULL, or what is wrong with the line. */
static const char *rule_line(char *line)
{
	struct fault_rule *r = calloc(1, sizeof(*r)), **at = &rules;
	char fault[300];
	int n = 0;
	if (sscanf(line, "%39s %255s %299s%n", r->call, r->key, fault, &n) != 3)
		return "CALL KEY FAULT";
	char *arg = strchr(fault, '=');
	if (arg)
		*arg++ = '\0';
	snprintf(r->arg, sizeof(r->arg), "%s", arg ? arg : "");
	r->fault = fault_named(fault);
	for (char *save, *p = strtok_r(line + n, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		if (sscanf(p, "times=%u", &r->times) != 1 && sscanf(p, "after=%u", &r->after) != 1 &&
		    sscanf(p, "every=%u", &r->every) != 1)
			return "times=N, after=N or every=N";
	}
	while (*at)
		at = &(*at)->next;
	*at = r;
	return r->fault ? NULL : "no such fault";
}

static const char *set_line(char *line)
{
	static const struct {
		const char *name;
		void *to;
		size_t room;            /* 0: a long */
	} names[] = {
		{ "region", set.region, sizeof(set.region) },
		{ "conditional", set.conditional, sizeof(set.conditional) },
		{ "checksums", set.checksums, sizeof(set.checksums) },
		{ "sum", set.sum, sizeof(set.sum) },
		{ "discard", set.discard, sizeof(set.discard) },
		{ "anonymous", set.anonymous, sizeof(set.anonymous) },
		{ "locked", set.locked, sizeof(set.locked) },
		{ "equal", set.equal, sizeof(set.equal) },
		{ "min_part", &set.min_part, 0 },
		{ "clock", &set.clock, 0 },
		{ "max_keys", &set.max_keys, 0 },
		{ "stall_ms", &set.stall_ms, 0 },
		{ "delay_ms", &set.delay_ms, 0 },
		{ "session_s", &set.session_s, 0 },
		{ "delay_us", &set.delay_us, 0 },
	};
	char *value = strchr(line, '=');
	if (!value)
		return "NAME=VALUE";
	*value++ = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(names[i].name, line) != 0)
			continue;
		if (names[i].room)
			snprintf(names[i].to, names[i].room, "%s", value);
		else
			*(long *)names[i].to = atol(value);
		return NULL;
	}
	return "no such setting";
}

static const char *key_line(char *line)
{
	char id[128], secret[128], token[512] = "";
	if (sscanf(line, "allow %127s %127s %511s", id, secret, token) >= 2)
		sign_allow(id, secret, token);
	else if (sscanf(line, "expire %127s", id) == 1)
		sign_expire(id);
	else
		return "allow ID SECRET [TOKEN], or expire ID";
	return NULL;
}

static const char *make_line(char *line)
{
	char name[1024], etag[96];
	long long size;
	unsigned long long seed;
	if (sscanf(line, "%1023s %lld %llu", name, &size, &seed) != 3)
		return "BUCKET/KEY SIZE SEED";
	sprintf(etag, "\"%016llx%016llx\"", seed, (unsigned long long)size);
	pthread_mutex_lock(&store_lock);
	store_put(name, data_pattern(size, seed), etag, beside_none());
	pthread_mutex_unlock(&store_lock);
	return NULL;
}

static void show_rules(struct text *t)
{
	for (const struct fault_rule *r = rules; r; r = r->next)
		text_print(t, "%s %s %s=%s used=%u\n", r->call, r->key, r->fault->name, r->arg, r->used);
}

static const char *lines(struct request *q, const char *(*fn)(char *line))
{
	char *text = strndup(q->body->size ? (char *)q->body->bytes : "", q->body->size), *save;
	const char *err = NULL;
	for (char *p = strtok_r(text, "\r\n", &save); p && !err; p = strtok_r(NULL, "\r\n", &save))
		err = fn(p);
	free(text);
	return err;
}

static const char *post(struct request *q)
{
	static const struct {
		const char *name;
		const char *(*fn)(char *line);
	} kinds[] = { { "rules", rule_line }, { "set", set_line }, { "keys", key_line }, { "make", make_line } };
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].name, q->key) == 0)
			return lines(q, kinds[i].fn);
	}
	return "no such control";
}

void control(struct request *q, struct answer *a)
{
	const char *err = NULL;
	bool log = strcmp(q->key, "log") == 0, headers = strcmp(q->key, "headers") == 0;
	const struct text *told = headers ? &the_headers : &the_log;
	if (log || headers)
		settle();
	pthread_mutex_lock(&lock);
	if (strcmp(q->method, "POST") == 0)
		err = post(q);
	else if (strcmp(q->method, "DELETE") == 0 && log)
		the_log.n = the_headers.n = 0;
	else if (strcmp(q->method, "DELETE") == 0)
		rules = NULL;
	else if (!log && !headers)
		show_rules(&a->body);
	else if (told->n)
		text_add(&a->body, told->p, told->n);
	pthread_mutex_unlock(&lock);
	if (err)
		answer_error(a, 400, "Control", err);
}
