/* SPDX-License-Identifier: MIT */
/* Who is told that a file becomes shorter; see shrink.h. */
#include "shrink.h"

#include <errno.h>

#include "base/real.h"

struct shrink shrink_begin(const struct mount *m, dev_t dev, ino_t ino)
{
	struct shrink s = { m->shrink, dev, ino, 0 };
	int saved = errno;

	if (s.mount)
		s.token = s.mount->be->shrink_begin(s.mount, dev, ino);
	errno = saved;
	return s;
}

struct shrink shrink_begin_at(const struct place *p)
{
	int saved = errno;
	struct stat st;

	if (p->mount->shrink && own_stat(p->dirfd, p->path, &st, 0) == 0 && S_ISREG(st.st_mode))
		return shrink_begin(p->mount, st.st_dev, st.st_ino);
	errno = saved;
	return (struct shrink){ NULL, 0, 0, 0 };
}

void shrink_end(const struct shrink *s)
{
	int saved = errno;

	if (s->mount)
		s->mount->be->shrink_end(s->mount, s->dev, s->ino, s->token);
	errno = saved;
}
