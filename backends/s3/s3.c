/* SPDX-License-Identifier: MIT */
/* s3://bucket/prefix: objects as files, by way of the agent (proto.h). */
#include <errno.h>

#include "backend.h"

static int s3_mount(struct mount *m)
{
	(void)m;
	return -ENOSYS;
}

static const struct object_ops ops = { .stat = NULL };

const struct backend be_s3 = {
	.name = "s3",
	.mount = s3_mount,
	.object = &ops,
};
