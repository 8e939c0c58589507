/* SPDX-License-Identifier: MIT */
/* The names of the interposed calls; see calls.h. */
#include "calls.h"

const char *const call_names[] = {
#define ROW(name) #name,
#include "rows.h"
#undef ROW
#define REQUEST(name) #name,
	CALL_REQUESTS(REQUEST)
#undef REQUEST
};
