/* SPDX-License-Identifier: MIT */
/* The source of a move goes once its copy is there, unless it is another by then. */
#include "cmd_task.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "write/remove.h"

struct removal {
	struct task *t;
	void (*over)(struct task *t, int err, const char *why);
};

static void removed(void *arg, int err)
{
	struct removal *v = arg;

	v->over(v->t, err, err == -ESTALE ? "it was replaced meanwhile, and stays" : NULL);
	free(v);
}

void task_remove_source(struct task *t, void (*over)(struct task *t, int err, const char *why))
{
	struct removal *v;

	if (!t->from.b) {
		int r = t->kind == TASK_DIR ? 0 : unlink(t->from.name);

		over(t, r < 0 ? -errno : 0, NULL);
		return;
	}
	v = malloc(sizeof(*v));
	if (!v)
		abort();
	*v = (struct removal){ t, over };
	remove_version(t->from.b, t->from.name, t->etag, removed, v);
}
