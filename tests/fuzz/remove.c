/* SPDX-License-Identifier: MIT */
/* DeleteObjects: any answer, and any key comes back out of the document it is put into. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd_delete.h"
#include "http/xml.h"

static const char *key;

static void failed(void *arg, const char *name)
{
	*(size_t *)arg += strlen(name);
}

static int leaf(void *arg, const char *path, const char *value)
{
	if (!strcmp(path, "Delete/Object/Key")) {
		++*(int *)arg;
		if (strcmp(value, key))
			abort();
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1), *document;
	size_t len, names = 0;
	int keys = 0;

	memcpy(text, data, n);
	text[n] = '\0';
	delete_answer(text, n, failed, &names);
	key = text;
	document = delete_text(&text, 1, &len);
	if (xml_parse(document, len, leaf, NULL, &keys) || keys != delete_can(text))
		abort();
	free(document);
	free(text);
	return 0;
}
