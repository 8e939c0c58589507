/* SPDX-License-Identifier: MIT */
/* String work for the configuration; see conf_text.h. */
#include "conf_text.h"

#include <stdint.h>
#include <string.h>

static int hex(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch |= 0x20;
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* The byte of "%XX", or -1. */
static int escaped(const char *src, size_t n)
{
	int hi, lo;

	if (n < 3)
		return -1;
	hi = hex(src[1]);
	lo = hex(src[2]);
	return hi < 0 || lo < 0 ? -1 : hi << 4 | lo;
}

long text_decode(char *dst, size_t size, const char *src, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		int ch = src[i];

		if (ch == '%') {
			ch = escaped(src + i, n - i);
			if (ch <= 0)
				return TEXT_ESCAPE;
			i += 2;
		}
		if (out + 1 >= size)
			return TEXT_LONG;
		dst[out++] = (char)ch;
	}
	dst[out] = '\0';
	return (long)out;
}

int text_must_encode(char ch)
{
	return (unsigned char)ch < ' ' || ch == 0x7f || strchr(";?&=%", ch);
}

void text_clean_path(char *path)
{
	char *out = path;

	for (const char *p = path; *p;) {
		size_t n;

		while (*p == '/')
			p++;
		n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.') {
			while (out > path && *--out != '/')
				;
		} else if (n && !(n == 1 && p[0] == '.')) {
			*out++ = '/';
			memmove(out, p, n);
			out += n;
		}
		p += n;
	}
	if (out == path)
		*out++ = '/';
	*out = '\0';
}

long long text_size(const char *word)
{
	static const char suffixes[] = "kmgt";
	long long v = 0;
	const char *p = word, *suffix;
	int shift = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *p - '0', &v))
			return -1;
	}
	if (p == word)
		return -1;
	if (*p) {
		suffix = strchr(suffixes, *p | 0x20);
		if (!suffix || p[1])
			return -1;
		shift = 10 * (int)(suffix - suffixes + 1);
	}
	return v > INT64_MAX >> shift ? -1 : v << shift;
}

long long text_time(const char *word)
{
	static const struct { const char *unit; long long ms; } units[] = {
		{ "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
	};
	long long v = 0;
	const char *p = word;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *p - '0', &v))
			return -1;
	for (unsigned i = 0; p != word && i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(p, units[i].unit))
			return __builtin_mul_overflow(v, units[i].ms, &v) ? -1 : v;
	return -1;
}

/* ---- word lists */

static size_t word_length(const char *words)
{
	return strcspn(words, "|");
}

static const char *next_word(const char *words)
{
	words += word_length(words);
	return *words ? words + 1 : words;
}

int text_index(const char *word, const char *words)
{
	size_t n = strlen(word);

	for (int i = 0; *words; i++, words = next_word(words))
		if (word_length(words) == n && !memcmp(word, words, n))
			return i;
	return -1;
}

static const char name_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

int text_is_name(const char *word)
{
	size_t n = strlen(word);

	return n >= 1 && n <= 64 && word[0] != '.' && strspn(word, name_chars) == n;
}

int text_is_bucket(const char *word)
{
	size_t n = strlen(word);

	return n >= 1 && n <= 255 && !strchr("._-", word[0]) && strspn(word, name_chars) == n;
}

/* ---- the nearest word */

#define NEAR_MAX 32            /* longer words get no hint */

static int min(int a, int b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, changes and swaps of neighbours between two short words. */
static int distance(const char *a, int na, const char *b, int nb)
{
	int d[NEAR_MAX + 1][NEAR_MAX + 1];

	for (int i = 0; i <= na; i++)
		d[i][0] = i;
	for (int j = 0; j <= nb; j++)
		d[0][j] = j;
	for (int i = 1; i <= na; i++) {
		for (int j = 1; j <= nb; j++) {
			d[i][j] = min(min(d[i - 1][j], d[i][j - 1]) + 1,
				      d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[na][nb];
}

int text_nearest(char *near, size_t size, const char *word, const char *words)
{
	size_t len = strlen(word);
	int best = len > 6 ? 3 : len > 2 ? 2 : 1;

	*near = '\0';
	if (len > NEAR_MAX || best >= (int)len)
		return 0;
	best++;
	for (; *words; words = next_word(words)) {
		size_t n = word_length(words);
		int d;

		if (n > NEAR_MAX || n >= size)
			continue;
		d = distance(word, (int)len, words, (int)n);
		if (d < best && d < (int)n) {
			best = d;
			memcpy(near, words, n);
			near[n] = '\0';
		}
	}
	return *near != '\0';
}
