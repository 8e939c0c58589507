/* SPDX-License-Identifier: MIT */
/* Small files that are likely to be opened next: they are fetched before. */
#include <stdlib.h>

#include "guest.h"
#include "names/names.h"

#define SMALL (64 << 10)
#define AHEAD_MOST 32                   /* at once, for all guests: 2 MiB */

static unsigned aheads;

static void fetched_ahead(struct object_read *r, int err)
{
	(void)err;                      /* who reads it will be told */
	aheads--;
	object_put(r->o);
	free(r);
}

static void fetch_ahead(struct s3_bucket *b, const char *name, const struct s3_attr *attr)
{
	char key[S3_NAME_MAX];
	struct object_read *r = aheads < AHEAD_MOST && names_key(b, name, key) > 0 ? calloc(1, sizeof(*r)) : NULL;

	if (!r)
		return;
	*r = (struct object_read){ .o = object_known(b, key, attr), .len = attr->size, .done = fetched_ahead };
	if (!r->o) {
		free(r);
		return;
	}
	aheads++;
	object_read(r);
}

void ahead_of(struct s3_bucket *b, const char *name)
{
	names_opened(b, name, SMALL, fetch_ahead);
}
