/* SPDX-License-Identifier: MIT */
/* Documents: limits hold whatever is parsed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/xml.h"

static void check(const char *path)
{
	unsigned depth = 1;

	for (const char *p = path; *p; p++)
		depth += *p == '/';
	if (!*path || depth > XML_DEPTH || strlen(path) >= XML_PATH)
		abort();
}

static int leaf(void *arg, const char *path, const char *value)
{
	check(path);
	if (strlen(value) >= XML_VALUE || strlen(value) > *(size_t *)arg)
		abort();
	return 0;
}

static int end(void *arg, const char *path)
{
	(void)arg;
	check(path);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	xml_parse((const char *)data, n, leaf, end, &n);
	return 0;
}
