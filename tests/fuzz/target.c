/* SPDX-License-Identifier: MIT */
/* A target's text as the library and the agent read it, and where a redirect to it would lead. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "request/s3_private.h"

static long long options[BE_OPTIONS_MAX];

static void as_address(char *text)
{
	struct s3_bucket b = { .name = (char[]){ "bkt" }, .endpoint = text, .option = options };
	struct s3_aim aim;

	b.creds = creds_of(&(struct creds_how){ .anonymous = 1 });
	if (s3_aim_set(&b) == 0 && strncmp(b.aim.base, "http", 4))
		abort();
	b.endpoint = (char[]){ "https://s3.example.org:8443/x" };
	if (s3_aim_redirected(&b, text, &aim))
		return;
	/* nothing leads out of the endpoint's domain, nor to http */
	if (strncmp(aim.base, "https://", 8) || !strcasestr(aim.host, "s3.example.org"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct conf_rule rule;
	struct conf c = { 0 };
	char error[CONF_ERROR_MAX], *text = malloc(n + 1);

	memcpy(text, data, n);
	text[n] = '\0';
	memset(&rule, 0, sizeof(rule));
	conf_read_target(&rule, text, "fuzz", error);
	conf_add_map(&c, text, "fuzz", error);
	conf_free(&c);
	as_address(text);
	free(text);
	return 0;
}
