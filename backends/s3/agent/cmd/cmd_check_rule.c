/* SPDX-License-Identifier: MIT */
/* shim s3 check: what the rule and the environment say, before anything is asked. */
#include "cmd_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "request/headers.h"
#include "write/spool.h"

/* Which of two variables said so, or "". */
static const char *from(const char *value, const char *first, const char *second)
{
	const char *a = getenv(first), *b = getenv(second);

	return a && !strcmp(a, value) ? first : b && !strcmp(b, value) ? second : "";
}

/* What the rule says of the objects it writes. */
static void describe_writes(const struct s3_bucket *b)
{
	static const struct { const char *header, *what; } said[] = {
		{ "x-amz-server-side-encryption", "encryption" },
		{ "x-amz-server-side-encryption-aws-kms-key-id", "KMS key" },
		{ "x-amz-server-side-encryption-customer-key-md5", "SSE-C key" },
		{ "x-amz-storage-class", "class" }, { "x-amz-tagging", "tags" }, { "x-amz-acl", "ACL" },
		{ "x-amz-request-payer", "payer" },
	};
	char text[900] = "";
	size_t n = 0;
	int err;

	for (size_t i = 0; i < sizeof(said) / sizeof(*said) && n < sizeof(text); i++) {
		const char *v = headers_said(b, said[i].header);

		if (v)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %.250s%s", n ? ", " : "", said[i].what, v,
					      strstr(said[i].header, "md5") ? " (its MD5)" : "");
	}
	if (*text)
		check_note("objects", "%s", text);
	if (!b->option[S3_OPT_WRITE])
		check_note("writing", "off");
	else if ((err = spool_init()) < 0)
		check_no("spool", "%s: %s: nothing can be written", spool_dir(), strerror(-err));
}

void check_describe(const struct check *c)
{
	const struct s3_bucket *b = c->b;
	const char *v = from(b->endpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
	const char *r = from(b->region, "AWS_REGION", "AWS_DEFAULT_REGION");

	check_note("bucket", "%s%s%s", b->name, *c->prefix ? ", below " : "", c->prefix);
	check_note("endpoint", "%s%s%s, %s style%s", b->endpoint, *v ? " of " : "", v, b->virtual_host ? "virtual" : "path",
	     b->default_endpoint ? ", AWS's own" : "");
	check_note("region", "%s%s%s", b->region, *r ? " of " : "", r);
	if (b->site.ca_file && !strncmp(b->endpoint, "https", 5))
		check_note("certificates", "%s", b->site.ca_file);
	if (b->site.proxy)
		check_note("proxy", "%s", *b->site.proxy ? b->site.proxy : "none");
	describe_writes(b);
}
