/* SPDX-License-Identifier: MIT */
/*
 * Files that staged something small and are kept, empty and under another name,
 * for what is staged next: to make and remove two files takes the disk longer
 * than to write a small one. Without the magic word they are a rest to whoever
 * finds them after this agent.
 */
#include "spool_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPARES 4
#define SMALL (1ll << 20)               /* more takes long to be given back */

static struct {
	struct spool_file f;
	char id[S3_ID];
	uint64_t number;
} spare[SPARES];
static int spares;
static int wanted;

void spool_keep_spares(void)
{
	wanted = 1;
}

static int rename_part(const char *from, const char *to, const char *suffix)
{
	char old[PATH_MAX], new[PATH_MAX];

	return rename(spool_path(old, from, suffix), spool_path(new, to, suffix)) < 0 ? -errno : 0;
}

/* The name first: who comes late with the old one, from a process that was killed, must not find this one. */
static int empty(struct spool_file *f, const char *id)
{
	int r;

	f->j->magic = 0;
	r = rename_part(f->j->id, id, "journal");
	if (r == 0)
		r = rename_part(f->j->id, id, "data");
	if (r == 0 && ftruncate(f->data, 0) < 0)
		r = -errno;
	if (r < 0)
		return r;
	memset((void *)s3_blocks_of(&f->marks, 0), 0, SPOOL_PAGE_SPAN / S3_GROUP * sizeof(struct s3_blocks));
	memset(f->j, 0, sizeof(*f->j));
	return 0;
}

int spool_spare(struct spool_file *f)
{
	int i = spares;

	if (!wanted || spares == SPARES || f->fd < 0 || f->j->ready != SPOOL_PAGE_SPAN || spool_taken(f) > SMALL ||
	    spool_new_id(spare[i].id, &spare[i].number) < 0)
		return 0;
	if (empty(f, spare[i].id) < 0) {
		spool_remove(spare[i].id);
		return 0;
	}
	spare[i].f = *f;
	spares++;
	return 1;
}

/* Somebody may have emptied the directory. */
static int is_there(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

static void drop_last(void)
{
	spares--;
	spool_close(&spare[spares].f);
	spool_remove(spare[spares].id);
}

int spare_take(struct spool_file *f, char id[S3_ID], uint64_t *number)
{
	while (spares > 0 && !(is_there(spare[spares - 1].f.fd) && is_there(spare[spares - 1].f.data)))
		drop_last();
	if (!spares)
		return 0;
	spares--;
	*f = spare[spares].f;
	memcpy(id, spare[spares].id, S3_ID);
	*number = spare[spares].number;
	return 1;
}

void spool_drop_spares(void)
{
	while (spares > 0)
		drop_last();
}
