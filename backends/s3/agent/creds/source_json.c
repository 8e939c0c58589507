/* SPDX-License-Identifier: MIT */
/* JSON that has secrets in it: jansson's memory is wiped when it is freed. */
#include "source.h"

#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>

#include <openssl/crypto.h>

static void wiping_free(void *p)
{
	OPENSSL_cleanse(p, p ? malloc_usable_size(p) : 0);
	free(p);
}

json_t *source_json(struct source *s, const char *who, const char *text, size_t n)
{
	json_error_t e;
	json_t *j;

	json_set_alloc_funcs(malloc, wiping_free);
	j = json_loadb(text, n, 0, &e);
	if (j && !json_is_object(j)) {
		json_decref(j);
		j = NULL;
	}
	if (!j)
		source_fail(s, "%s: what it says is not a JSON object", who);
	return j;
}

void source_json_free(json_t *j)
{
	json_decref(j);
}

const char *source_json_text(const json_t *j, const char *name)
{
	return json_string_value(json_object_get(j, name));
}

int source_take_json(struct source *s, const json_t *j, const char *token)
{
	return source_take(s, source_json_text(j, "AccessKeyId"), source_json_text(j, "SecretAccessKey"),
			   source_json_text(j, token), source_json_text(j, "Expiration"));
}
