/* SPDX-License-Identifier: MIT */
/* Inode numbers as programs see them; see object_number.h. */
#include "object_number.h"

#include <string.h>

#include "base/hash.h"

static uint64_t more(uint64_t h, const char *s)
{
	return hash_bytes(h, s, strlen(s));
}

/* Without its options. */
static uint64_t of_target(const char *target)
{
	return hash_bytes(HASH_START, target, strcspn(target, "?"));
}

uint64_t number_of_name(const char *target, const char *name)
{
	return more(of_target(target), name) ?: 1;
}

uint64_t number_told(const struct object_at *at, uint64_t ino)
{
	if (!at->m->be->object->versions || (at->f && at->f->ofd->gone))
		return ino;
	return number_of_name(at->m->rule->target, at->f ? at->f->ofd->name : at->name);
}

uint64_t number_of_entry(const struct file *f, const char *name, uint64_t ino)
{
	uint64_t h = of_target(f->mount->rule->target);

	if (!f->mount->be->object->versions)
		return ino;
	return more(more(more(h, f->ofd->name), "/"), name) ?: 1;
}
