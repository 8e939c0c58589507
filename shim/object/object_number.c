/* SPDX-License-Identifier: MIT */
/* Inode numbers as programs see them; see object_number.h. */
#include "object_number.h"

/* FNV-1a */
static uint64_t more(uint64_t h, const char *s, char end)
{
	for (; *s && *s != end; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211ull;
	return h;
}

static uint64_t of_target(const char *target)
{
	return more(14695981039346656037ull, target, '?');
}

uint64_t number_of_name(const char *target, const char *name)
{
	return more(of_target(target), name, 0) ?: 1;
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
	return more(more(more(h, f->ofd->name, 0), "/", 0), name, 0) ?: 1;
}
