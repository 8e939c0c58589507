/* SPDX-License-Identifier: MIT */
/* Pages of ListObjectsV2, one after the other. */
#ifndef S3_AGENT_NAMES_PAGE_H
#define S3_AGENT_NAMES_PAGE_H

#include "request/s3.h"

struct listed {
	char *key;                      /* decoded, behind the prefix */
	char *etag, *storage_class;
	int64_t size, mtime;
	int dir;                        /* a common prefix; its slash is cut off */
};
struct page {
	struct listed *item;
	size_t n, room;
	int truncated;
	char *token;                    /* of the next page, or NULL */
	int flat;                       /* given: it was asked for without a delimiter */
	/* names_page.c's, to notice a server that goes in circles */
	char *first;                    /* of the last page that had one: its first item */
	int again;                      /* this one begins with the same */
	char *mark;                     /* an earlier token */
	size_t pages, items;
};
/* Adds to the page's items; 0, -EBADMSG for what is no listing of the prefix, -ENOMEM. */
int page_parse(struct page *p, const char *prefix, const char *text, size_t n);
/*
 * After page_parse: 1 if another page is to be asked for, with p->token, 0 if
 * that was all; -EPROTO from a server that names none, goes round or never ends.
 */
int page_more(struct page *p);
/* What the program is told of an error of these two, and the statistics of the listing `r` asked for. */
int page_failed(const struct s3_request *r, int err);
void page_drop(struct page *p);         /* the items: they are done with */
void page_free(struct page *p);         /* empty again */
/*
 * The request for a page of a prefix: delimiter "/" or NULL, token NULL: the
 * first. Strings live as long as the request.
 */
void page_request(struct s3_request *r, struct s3_bucket *b, const char *prefix, const char *delimiter,
		  const char *token);

#endif
