/* SPDX-License-Identifier: MIT */
/*
 * The prototypes of object_NAME for every row of calls.def that has one: see
 * object.h. Generated, so that a row without its function does not link.
 */
#ifndef SHIM_OBJECT_CALLS_H
#define SHIM_OBJECT_CALLS_H

#include "base/hidden.h"
#include "files/place.h"

#define OBJECT_PARAMS(...) __VA_ARGS__
#define OBJECT_FD(name, params) ssize_t object_##name(struct file *f, OBJECT_PARAMS params);
#define OBJECT_PATH(name, params) ssize_t object_##name(const struct place *p, OBJECT_PARAMS params);

#define FD(ret, name, params, ...) OBJECT_FD(name, params)
#define FDADOPT(ret, name, params, ...) OBJECT_FD(name, params)
#define FDAT(ret, name, params, ...) OBJECT_FD(name, params)
#define PASS(ret, name, params, ...) OBJECT_FD(name, params)
#define LOOK(ret, name, params, ...) OBJECT_FD(name, params)
#define PATH(ret, name, params, ...) OBJECT_PATH(name, params)
#define PATHAT(ret, name, params, ...) OBJECT_PATH(name, params)
#define NEWFD(ret, name, ...)
#define CHK(ret, name, ...)
#define OWN(name)
#define BARE(name)
#define ALIAS(new, old)
#define TWIN(new, old)
#include "calls.def"
#undef FD
#undef FDADOPT
#undef FDAT
#undef PASS
#undef LOOK
#undef PATH
#undef PATHAT
#undef NEWFD
#undef CHK
#undef OWN
#undef BARE
#undef ALIAS
#undef TWIN

#endif
