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
#define TEXT(name) #name
#define ASYNC(name) TEXT(name.depth), TEXT(name.submit),
	CALL_ASYNC(ASYNC)
#undef ASYNC
#undef TEXT
};
