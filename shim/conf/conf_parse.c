/* SPDX-License-Identifier: MIT */
/*
 * The grammar of one rule, NAME:[rest][?key=value&...], against the tables
 * of options.h. Keeps nothing: every result goes into the caller's rule.
 */
#include "conf_parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_text.h"

#define WORD_MAX_LEN 64        /* of a key, a back end's name, a value */

struct conf_text conf_split(struct conf_text *text, char sep)
{
	const char *end = memchr(text->s, sep, text->n);
	struct conf_text head = { text->s, end ? (size_t)(end - text->s) : text->n };
	size_t skip = end ? head.n + 1 : head.n;

	text->s += skip;
	text->n -= skip;
	return head;
}

int conf_fail(const struct conf_at *at, const char *fmt, ...)
{
	int n = snprintf(at->error, CONF_ERROR_MAX, "%.600s: ", at->where);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(at->error + n, CONF_ERROR_MAX - (size_t)n, fmt, ap);
	va_end(ap);
	for (char *p = at->error; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return -EINVAL;
}

/* Decodes `text` into `dst`; `what` names it in messages. */
static int decode(const struct conf_at *at, const char *what, char *dst, size_t size,
		  struct conf_text text)
{
	long n = text_decode(dst, size, text.s, text.n);

	if (n == TEXT_LONG)
		return conf_fail(at, "%s is longer than %zu bytes", what, size - 1);
	if (n == TEXT_ESCAPE)
		return conf_fail(at, "%s \"%.*s\": write %% as %%25 (%%XX is a byte in hexadecimal)",
				 what, (int)(text.n < 80 ? text.n : 80), text.s);
	return 0;
}

int conf_set_prefix(const struct conf_at *at, struct conf_rule *r, struct conf_text text)
{
	if (decode(at, "prefix", r->prefix, sizeof(r->prefix), text))
		return -EINVAL;
	if (r->prefix[0] != '/')
		return conf_fail(at, "prefix \"%.200s\" is not absolute (it must begin with /)",
				 r->prefix);
	text_clean_path(r->prefix);
	return 0;
}

/* ---- hints */

const char *conf_hint(const char *word, const char *words)
{
	static char hint[512];
	char near[WORD_MAX_LEN];
	size_t n = 0;

	hint[0] = '\0';
	if (text_nearest(near, sizeof(near), word, words)) {
		snprintf(hint, sizeof(hint), " (%s?)", near);
		return hint;
	}
	for (const char *p = words; *p && n + 4 < sizeof(hint); p++) {
		const char *piece = *p == '|' ? ", " : (char[2]){ *p, '\0' };

		n += (size_t)snprintf(hint + n, sizeof(hint) - n, "%s%s", n ? "" : " (", piece);
	}
	if (n)
		snprintf(hint + n, sizeof(hint) - n, ")");
	return hint;
}

static void join(char *buf, size_t size, const char *word)
{
	size_t n = strlen(buf);

	snprintf(buf + n, size - n, "%s%s", n ? "|" : "", word);
}

static const char *backend_names(void)
{
	static char names[256];

	names[0] = '\0';
	for (unsigned i = 0; i < be_ninfos; i++)
		join(names, sizeof(names), be_infos[i].name);
	return names;
}

static void join_keys(char *keys, size_t size, const struct be_info *be)
{
	for (unsigned i = 0; i < be->noptions; i++)
		join(keys, size, be->options[i].key);
}

const char *conf_all_keys(void)
{
	static char keys[1024];

	strcpy(keys, "target");
	for (unsigned i = 0; i < be_ninfos; i++)
		join_keys(keys, sizeof(keys), &be_infos[i]);
	return keys;
}

/* ---- options */

static int set_word(const struct conf_at *at, const struct be_option *o, const char *words,
		    const char *value, long long *out)
{
	int i = text_index(value, words);

	if (i < 0)
		return conf_fail(at, "\"%s\" is not a value of %s%s", value, o->key,
				 conf_hint(value, words));
	*out = i;
	return 0;
}

/* A number as `read` understands it; `what` it is called, and how it is written. */
static int set_number(const struct conf_at *at, const struct be_option *o, const char *value,
		      long long (*read)(const char *), const char *what, const char *how, long long *out)
{
	*out = read(value);
	return *out >= 0 ? 0 : conf_fail(at, "\"%s\" is not a %s for %s%s", value, what, o->key, how);
}

/* A size, of an option that may have bounds. */
static int set_size(const struct conf_at *at, const struct be_option *o, const char *value, long long *out)
{
	int r = set_number(at, o, value, text_size, "size", " (bytes, or with k, m, g or t)", out);
	char least[16];
	const char *most;

	if (r < 0 || !o->words || !*out)
		return r;
	most = strchr(o->words, '|') + 1;
	snprintf(least, sizeof(least), "%.*s", (int)(most - o->words - 1), o->words);
	if (*out >= text_size(least) && *out <= text_size(most))
		return 0;
	return conf_fail(at, "\"%s\" is not between %s and %s, as %s has to be, nor 0", value, least, most, o->key);
}

static long long count(const char *word)
{
	return strspn(word, "0123456789") == strlen(word) ? text_size(word) : -1;
}

static int set_value(const struct conf_at *at, const struct be_option *o, const char *value,
		     long long *out)
{
	switch (o->kind) {
	case BE_OPT_WORD:
		return set_word(at, o, o->words, value, out);
	case BE_OPT_BOOL:
		if (set_word(at, o, "off|on|no|yes|false|true|0|1", value, out))
			return -EINVAL;
		*out &= 1;
		return 0;
	case BE_OPT_SIZE:
		return set_size(at, o, value, out);
	case BE_OPT_NUMBER:
		return set_number(at, o, value, count, "number", "", out);
	case BE_OPT_TIME:
		return set_number(at, o, value, text_time, "time",
				  " (seconds, or with ms, s, m or h)", out);
	default:
		return -EINVAL;
	}
}

/* What follows "://" is "HOST" or "HOST:PORT", and perhaps a path; a host in brackets has colons of its own. */
static int is_address(const char *host)
{
	size_t n = *host == '[' ? strcspn(host, "]/") : 0;
	const char *port = host + n + strcspn(host + n, ":/");
	size_t digits = strspn(port + (*port == ':'), "0123456789");

	if (!*host || strchr("/:", *host) || strpbrk(host, " ?#") || (*host == '[' && host[n] != ']'))
		return 0;
	return *port != ':' || (digits && digits <= 5 && strchr("/", port[1 + digits]) && atoi(port + 1) <= 65535);
}

/* Nothing of it is repeated: what stands before an @ may be a password. */
static int check_url(const struct conf_at *at, const struct be_option *o, const char *url)
{
	const char *host = strstr(url, "://");
	size_t scheme = host ? (size_t)(host - url) : 0;

	if (o->words && text_index(url, o->words) >= 0)
		return 0;
	if (strchr(url, '@'))
		return conf_fail(at, "%s: a user or password has no place here (nor in the environment "
				 "of every program)", o->key);
	if (!host)
		return conf_fail(at, "\"%.200s\" of %s lacks its scheme (http://%.200s)", url, o->key, url);
	if ((scheme != 4 || memcmp(url, "http", 4)) && (scheme != 5 || memcmp(url, "https", 5)))
		return conf_fail(at, "\"%.200s\" of %s is neither http:// nor https://", url, o->key);
	if (!is_address(host + 3))
		return conf_fail(at, "\"%.200s\" of %s is no address (http://host:port)", url, o->key);
	return 0;
}

static int set_text(const struct conf_at *at, struct conf_rule *r, const struct be_option *o,
		    struct conf_text value, long long *out)
{
	unsigned place = r->text_used ? r->text_used : 1;
	char *text = r->text + place;

	if (decode(at, o->key, text, sizeof(r->text) - place, value))
		return -EINVAL;
	if (!*text)
		return conf_fail(at, "%s is empty (left out, it is the default)", o->key);
	if (o->kind == BE_OPT_FILE && *text != '/')
		return conf_fail(at, "\"%.200s\" of %s is not an absolute path", text, o->key);
	if (o->kind == BE_OPT_URL && check_url(at, o, text))
		return -EINVAL;
	r->text_used = place + (unsigned)strlen(text) + 1;
	*out = place;
	return 0;
}

static int unknown_key(const struct conf_at *at, const struct be_info *be, const char *key)
{
	static const char *const secret[] = { "secret", "access", "password", "token", "key" };
	char keys[1024] = "", near[WORD_MAX_LEN];

	join_keys(keys, sizeof(keys), be);
	for (unsigned i = 0; be->target == BE_TARGET_BUCKET && !text_nearest(near, sizeof(near), key, keys) &&
	     i < sizeof(secret) / sizeof(*secret); i++)
		if (strcasestr(key, secret[i]))
			return conf_fail(at, "\"%.60s\": credentials have no place here (AWS_PROFILE, profile=, or "
					 "the variables of the AWS tools)", key);
	return conf_fail(at, "unknown key \"%.60s\" of %s%s", key, be->name,
			 *keys ? conf_hint(key, keys) : " (it has none)");
}

/* Keeps the option in the target, as it is written there. */
static int append(const struct conf_at *at, struct conf_rule *r, const char *key, struct conf_text value)
{
	size_t n = strlen(r->target);

	n += (size_t)snprintf(r->target + n, sizeof(r->target) - n, "%c%s=", strchr(r->target, '?') ? '&' : '?', key);
	for (size_t i = 0; i < value.n && n < sizeof(r->target); i++)
		n += (size_t)snprintf(r->target + n, sizeof(r->target) - n,
				      value.s[i] != '%' && text_must_encode(value.s[i]) ? "%%%02X" : "%c",
				      (unsigned char)value.s[i]);
	return n < sizeof(r->target) ? 0 : conf_fail(at, "target is longer than %zu bytes", sizeof(r->target) - 1);
}

int conf_set_option(const struct conf_at *at, struct conf_rule *r, const char *key,
		    struct conf_text value, unsigned long long *seen)
{
	const struct be_option *o;
	char word[WORD_MAX_LEN];
	unsigned i = 0;

	while (i < r->be->noptions && strcmp(key, r->be->options[i].key))
		i++;
	if (i == r->be->noptions)
		return unknown_key(at, r->be, key);
	if (*seen & 1ull << i)
		return conf_fail(at, "key \"%s\" of %s is given twice", key, r->be->name);
	*seen |= 1ull << i;
	o = &r->be->options[i];
	if (r->be->target == BE_TARGET_BUCKET && append(at, r, key, value))
		return -EINVAL;
	if (o->kind >= BE_OPT_TEXT)
		return set_text(at, r, o, value, &r->value[i]);
	if (decode(at, key, word, sizeof(word), value))
		return -EINVAL;
	return set_value(at, o, word, &r->value[i]);
}

static int set_pair(const struct conf_at *at, struct conf_rule *r, struct conf_text pair,
		    unsigned long long *seen)
{
	int has_value = memchr(pair.s, '=', pair.n) != NULL;
	struct conf_text name = conf_split(&pair, '=');
	char key[WORD_MAX_LEN];

	if (decode(at, "a key", key, sizeof(key), name))
		return -EINVAL;
	if (!has_value)
		return conf_fail(at, "key \"%s\" of %s has no value (%s=...)", key, r->be->name, key);
	return conf_set_option(at, r, key, pair, seen);
}

static int set_query(const struct conf_at *at, struct conf_rule *r, struct conf_text query,
		     unsigned long long *seen)
{
	while (query.n) {
		struct conf_text pair = conf_split(&query, '&');

		if (pair.n && set_pair(at, r, pair, seen))
			return -EINVAL;
	}
	return 0;
}

/* ---- targets */

/* "//BUCKET[/PREFIX]", kept as it is written. Credentials come from elsewhere: a rule is seen by everybody. */
static int set_bucket(const struct conf_at *at, struct conf_rule *r, struct conf_text rest)
{
	char name[256];
	size_t n;

	if (rest.n < 3 || rest.s[0] != '/' || rest.s[1] != '/' || rest.s[2] == '/')
		return conf_fail(at, "target of %s without a bucket (%s://BUCKET/PREFIX)", r->be->name, r->be->name);
	n = strcspn(r->target + 2, "/");
	snprintf(name, sizeof(name), "%.*s", (int)(n < 255 ? n : 255), r->target + 2);
	if (strpbrk(name, ":@"))        /* not repeated: it may be a password */
		return conf_fail(at, "credentials do not belong into a target (%s takes them from AWS_PROFILE, "
				 "AWS_ACCESS_KEY_ID and the like)", r->be->name);
	if (n > 255 || !text_is_bucket(name))
		return conf_fail(at, "\"%.100s\" is not the name of a bucket (a-z 0-9 . -)", name);
	snprintf(r->target, sizeof(r->target), "%.*s", (int)(rest.n - 2), rest.s + 2);
	return 0;
}

static int set_rest(const struct conf_at *at, struct conf_rule *r, struct conf_text rest)
{
	if (decode(at, "target", r->target, sizeof(r->target), rest))
		return -EINVAL;
	if (r->be->target == BE_TARGET_BUCKET)
		return set_bucket(at, r, rest);
	if (!r->target[0])
		return 0;
	if (r->be->target == BE_TARGET_NAME) {
		if (!text_is_name(r->target))
			return conf_fail(at, "\"%.100s\" is not a name for a %s store (1 to 64 "
					 "of A-Z a-z 0-9 . _ -, not beginning with .)",
					 r->target, r->be->name);
		return 0;
	}
	if (r->target[0] != '/')
		return conf_fail(at, "directory \"%.200s\" of %s is not absolute (it must begin "
				 "with /)", r->target, r->be->name);
	text_clean_path(r->target);
	return 0;
}

static int set_backend(const struct conf_at *at, struct conf_rule *r, struct conf_text name,
		       int colon)
{
	char word[WORD_MAX_LEN];

	if (decode(at, "the name of a back end", word, sizeof(word), name))
		return -EINVAL;
	for (unsigned i = 0; i < be_ninfos; i++)
		if (!strcmp(word, be_infos[i].name))
			r->be = &be_infos[i];
	if (!r->be)
		return conf_fail(at, "unknown back end \"%s\"%s", word,
				 conf_hint(word, backend_names()));
	if (!colon)
		return conf_fail(at, "target \"%s\" lacks its colon (%s:)", word, word);
	for (unsigned i = 0; i < r->be->noptions; i++)
		r->value[i] = r->be->options[i].def;
	return 0;
}

int conf_set_target(const struct conf_at *at, struct conf_rule *r, struct conf_text text,
		    unsigned long long *seen)
{
	struct conf_text rest = conf_split(&text, '?');
	int colon = memchr(rest.s, ':', rest.n) != NULL;
	struct conf_text name = conf_split(&rest, ':');

	if (!name.n)
		return conf_fail(at, "missing target for %.200s (such as uring:)", r->prefix);
	if (set_backend(at, r, name, colon) || set_rest(at, r, rest))
		return -EINVAL;
	return set_query(at, r, text, seen);
}

int conf_set_stats(const struct conf_at *at, struct conf *c, const char *value)
{
	if (!strcmp(value, "off")) {
		c->stats = CONF_STATS_OFF;
		return 0;
	}
	if (value[0] != '/')
		return conf_fail(at, "\"%.200s\" is not a value of stats (off, or an absolute directory)", value);
	if (strlen(value) >= sizeof(c->stats_dir))
		return conf_fail(at, "the directory is longer than %zu bytes",
				 sizeof(c->stats_dir) - 1);
	strcpy(c->stats_dir, value);
	text_clean_path(c->stats_dir);
	c->stats = CONF_STATS_DIR;
	return 0;
}
