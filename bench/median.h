/* SPDX-License-Identifier: MIT */
/* Medians, and the bounds within which they are certain. */
#ifndef BENCH_MEDIAN_H
#define BENCH_MEDIAN_H

#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 1001

static inline int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value of rank `rank` (from 1) among n. */
static inline double ranked(const double *v, int n, int rank)
{
	double sorted[VALUES_MAX];

	memcpy(sorted, v, (size_t)n * sizeof(*v));
	qsort(sorted, (size_t)n, sizeof(*sorted), by_value);
	return sorted[rank - 1];
}

static inline double median(const double *v, int n)
{
	return (ranked(v, n, (n + 1) / 2) + ranked(v, n, n / 2 + 1)) / 2;
}

/* The largest rank that is below the true median with 95 % probability; 1 for few rounds. */
static inline int bound_rank(int n)
{
	double term = 1, below = 0;
	int k = 0;

	for (int i = 0; i < n; i++)
		term /= 2;
	while (below + term <= 0.05) {
		below += term;
		term = term * (n - k) / (k + 1);
		k++;
	}
	return k ? k : 1;
}

#endif
