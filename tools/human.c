/* SPDX-License-Identifier: MIT */
/* Numbers as people read them; see human.h. */
#include "human.h"

#include <stdio.h>

static char *buffer(void)
{
	static char text[8][24];
	static unsigned turn;

	return text[turn++ % 8];
}

static const char *scaled(double v, double step, const char *const unit[])
{
	char *b = buffer();
	unsigned i = 0;

	while (v >= step * 0.9995 && unit[i + 1]) {
		v /= step;
		i++;
	}
	snprintf(b, sizeof(char[24]), "%.*f%s", i == 0 || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2,
		 v, unit[i]);
	return b;
}

const char *human_bytes(uint64_t n)
{
	static const char *const unit[] = { "", "K", "M", "G", "T", "P", NULL };

	return scaled((double)n, 1024, unit);
}

const char *human_count(uint64_t n)
{
	char *b = buffer();

	if (n >= 10000000000ull)
		snprintf(b, sizeof(char[24]), "%.2fG", (double)n / 1e9);
	else
		snprintf(b, sizeof(char[24]), "%llu", (unsigned long long)n);
	return b;
}

const char *human_ns(uint64_t ns)
{
	static const char *const unit[] = { "ns", "us", "ms", "s", NULL };

	return scaled((double)ns, 1000, unit);
}
