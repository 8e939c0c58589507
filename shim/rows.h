/* SPDX-License-Identifier: MIT */
/*
 * Expands ROW(name) once for every libc function of calls.def, fortified
 * twins included and aliases left out. No include guard: it is included
 * once for each meaning of ROW.
 */
#define FD(ret, name, ...) ROW(name)
#define FDAT(ret, name, ...) ROW(name)
#define PASS(ret, name, ...) ROW(name)
#define PATH(ret, name, ...) ROW(name)
#define PATHAT(ret, name, ...) ROW(name)
#define NEWFD(ret, name, ...) ROW(name)
#define CHK(ret, name, ...) ROW(__##name##_chk)
#define OWN(name) ROW(name)
#ifdef BARE_ROW
#define BARE(name) BARE_ROW(name)
#else
#define BARE(name) ROW(name)
#endif
#define FDADOPT(ret, name, ...) ROW(name)
#define LOOK(ret, name, ...) ROW(name)
#define ALIAS(new, old)
#define TWIN(new, old)
#include "calls.def"
#undef FD
#undef FDAT
#undef PASS
#undef PATH
#undef PATHAT
#undef NEWFD
#undef CHK
#undef OWN
#undef BARE
#undef FDADOPT
#undef LOOK
#undef ALIAS
#undef TWIN
