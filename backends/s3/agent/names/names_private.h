/* SPDX-License-Identifier: MIT */
/* What names*.c share. */
#ifndef S3_AGENT_NAMES_PRIVATE_H
#define S3_AGENT_NAMES_PRIVATE_H

#include <uthash.h>

#include "names.h"
#include "names_page.h"

/* names_path.c: a name, read. */
struct place {
	char key[S3_NAME_MAX];
	size_t len;
	size_t segment;                 /* where the last segment of the key begins */
	enum { PLACE_ROOT, PLACE_NAME, PLACE_FILE, PLACE_PART } kind;
};
int place_of(const struct s3_bucket *b, const char *name, struct place *p);     /* 0 or -errno */

/*
 * The components of a segment, with slashes between them if it is a long one;
 * file: beside a directory of that name. Length or -ENAMETOOLONG.
 */
int segment_encode(const char *segment, size_t n, int file, char *out, size_t room);

/* names_cache.c: what is known of a name. Half of it may be. */
struct listing;
struct known {
	UT_hash_handle hh;
	struct known *prev, *next;      /* by last use */
	struct s3_bucket *bucket;
	struct s3_attr *file;           /* NULL: none, while file_until holds */
	struct s3_attr *dir;
	uint64_t file_until, dir_until; /* loop_now(); 0: not known */
	struct listing *listing;        /* of the directory */
	struct names_xattrs *xattrs;
	uint64_t xattrs_until;
	unsigned char id[];             /* of bucket and name, what it is found by */
};
struct known *known_find(struct s3_bucket *b, const char *name);       /* or NULL */
struct known *known_get(struct s3_bucket *b, const char *name);        /* made; NULL: no memory */
void known_file(struct known *k, const struct s3_attr *attr);           /* NULL: none */
void known_dir(struct known *k, const struct s3_attr *attr);
void known_drop(struct known *k);
void known_below(struct s3_bucket *b, const char *name);                /* drops all below a name */
void known_listing(struct known *k, struct listing *l);                 /* takes over the count; NULL: none */
void known_xattrs(struct known *k, struct names_xattrs *x);             /* takes them over */
void known_weigh(long more);                                            /* entries of a listing that is kept */
/* The fresh listing of a directory, or NULL. */
struct listing *known_listed(struct s3_bucket *b, const char *name);
uint64_t names_ttl(const struct s3_bucket *b);                          /* ns */

/* names_kept.c */
/* Half an answer: what is known of the file or of the directory of a name. */
enum half { UNKNOWN, NONE, THERE };

struct halves {
	enum half file, dir;
	int unmarked;                   /* the directory is there, its marker was not asked for */
	struct s3_attr file_attr, dir_attr;
};

/* The newer of what is known of the name itself and of what its directory's listing says. */
void halves_of(struct s3_bucket *b, const char *name, const struct place *p, struct halves *h);
/* 1 and *attr, 0: more must be known, -ENOENT. The escape of a file is there if both are. */
int halves_settle(const struct place *p, const struct halves *h, struct s3_attr *attr);

/* names_flight.c: what is on its way, and who waits for it */
struct waiter {
	struct waiter *next;
	union {
		names_got *attr;
		names_listed *list;
	} got;
	void *arg;
};
struct flight {                         /* first in what it is of; zeroed */
	struct flight *next, **all;
	struct s3_bucket *bucket;
	char *name;
	int old;                        /* nobody joins it, nobody keeps what comes of it */
	struct waiter *waiters;
};
int flight_start(struct flight *f, struct flight **all, struct s3_bucket *b, const char *name); /* 0 or -ENOMEM */
struct flight *flight_to(struct flight *all, const struct s3_bucket *b, const char *name);     /* or NULL */
void flight_old(struct flight *all, const struct s3_bucket *b, const char *name);
void flight_old_above(struct flight *all, const struct s3_bucket *b, const char *name);        /* and to it */
void flight_old_below(struct flight *all, const struct s3_bucket *b, const char *name);
int flight_join(struct flight *f, const struct waiter *w);      /* a copy of it; 0 or -ENOMEM */
/* Tells all who wait, in turn; `what` is NULL after an error. The flight is its owner's to free. */
void flight_land(struct flight *f, void (*tell)(const struct waiter *w, const void *what, int err),
		 const void *what, int err);

/* names_list.c */
struct listing {
	struct names_list list;         /* first */
	unsigned refs;
	unsigned asked;                 /* how often for an entry */
	int partial;                    /* written to since: what is there may be used, what is not may exist */
	uint64_t until;
	struct s3_attr marker;          /* of the directory */
	unsigned room;                  /* for entries */
	char *text;                     /* all its strings, */
	struct listing_text {           /* but for those that came later */
		struct listing_text *next;
		char text[];
	} *more;
	/* names_turn.c's */
	struct turn {
		unsigned last, run, told;       /* places in an order; entries opened in turn; up to where it was told */
	} by_name, by_ino;
	struct numbered {
		uint64_t ino;
		unsigned entry;
	} *numbered;
	unsigned numbers, opens;
};
struct listing *listing_hold(struct listing *l);
void listing_put(struct listing *l);
const struct names_entry *listing_find(const struct listing *l, const char *name);
/* What a listing is made of: pages of a directory to their end. */
struct listed_dir {
	struct s3_bucket *bucket;
	const char *name;
	const struct place *place;
	const char *prefix;
	struct page *page;
	const struct listing_note *notes;       /* what we wrote since it was asked for */
};
struct listing_note {
	struct listing_note *next;
	struct s3_attr attr;
	int gone, dir;
	char component[];
};
struct listing *listing_of(const struct listed_dir *d);         /* counted; NULL: no memory */
/*
 * Makes the listing, counted, and keeps it and that its directory is there
 * unless it is old. 0 and *out; -ENOENT: no such directory; -ENOMEM.
 */
int listing_learn(const struct listed_dir *d, int old, struct listing **out);
void listing_flight_old(struct s3_bucket *b, const char *name);
void listing_flight_below(struct s3_bucket *b, const char *name);       /* those of names below it */
/* One that is on its way is to have this of ours; attr NULL: it was removed. */
void listing_flight_wrote(struct s3_bucket *b, const char *name, const char *component,
			  const struct s3_attr *attr, int dir);

/* names_own.c */
/* An entry of ours, likewise; nobody goes through the listing. -EEXIST: there is one of the other kind. */
int listing_wrote(struct s3_bucket *b, struct listing *l, const char *component, const struct s3_attr *attr, int dir);

/* names_attr.c */
void attr_dir(const struct s3_bucket *b, const char *prefix, struct s3_attr *attr);
void attr_file(const struct s3_bucket *b, const char *key, int64_t size, int64_t mtime,
	       const char *etag, struct s3_attr *attr);

/* names_xattr.c */
void xattrs_free(struct names_xattrs *x);

/* names_learn.c */
/* Something is there: so are the directories above it. */
void names_above(struct s3_bucket *b, const char *name);
/* That the directories above a name are there, and what is in them, may not be so any more. */
void names_doubt_above(struct s3_bucket *b, const char *name);

/* names_tree.c */
/* Of keys that begin like `p`'s: whether one is the object, and one goes on with a slash; as far as a page tells. */
void tree_halves(const struct s3_bucket *b, const struct place *p, const struct page *page, struct halves *h);
/*
 * Keeps what a page says that was asked for without a delimiter and has all the
 * keys that begin like `p`'s: the listing of the directory of that name, and of
 * those below it.
 */
void tree_learn(struct s3_bucket *b, const char *name, const struct place *p, struct page *page);
/* Of keys below p's in a row, perhaps not the first and not the last: the directories of which it has all. */
void tree_learn_part(struct s3_bucket *b, const char *name, const struct place *p, struct page *page);

/* names_walk.c */
/*
 * 1: a directory of a walk is asked for with what comes after it, and walked()
 * is called when that is kept, as far as it goes. 0: it is none.
 */
int names_walk(struct s3_bucket *b, const char *name, void (*walked)(void *arg), void *arg);
void names_walk_old(struct s3_bucket *b, const char *name);             /* as stat_flight_old, and called by that */

/* names_turn.c */
void turn_over(const struct listing *from, struct listing *to);

/* names_look.c: as names_kept, and what is there of it. */
int names_look(struct s3_bucket *b, const char *name, struct place *p, struct halves *h, struct s3_attr *attr);

/* names_stat.c */
struct stat_of {
	struct s3_bucket *bucket;
	const char *name;
	const struct place *place;
	const struct halves *halves;    /* what is known of it */
	int as_dir;                     /* it is likely to be one, and to be listed */
};
/* Asks for what is not known; for w, or nobody in particular. 0 or -ENOMEM. */
int stat_launch(const struct stat_of *what, const struct waiter *w);
struct flight *stat_flight(const struct s3_bucket *b, const char *name);        /* or NULL */
/* The name was written to: what is under way to it, or to a directory it is in, does not know that. */
void stat_flight_old(struct s3_bucket *b, const char *name);
void stat_flight_below(struct s3_bucket *b, const char *name);

#endif
