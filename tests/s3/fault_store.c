/* SPDX-License-Identifier: MIT */
/* Objects and uploads, in memory. */
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;
static struct object **object;          /* sorted by name */
static size_t objects, room;
static char *buckets[1000];
static unsigned n_buckets;
static struct upload *uploads;

struct data *data_pattern(int64_t size, uint64_t seed)
{
	struct data *d = calloc(1, sizeof(*d));
	if (!d)
		abort();
	d->users = 1;
	d->size = size;
	d->seed = seed;
	return d;
}

struct data *data_new(int64_t size)
{
	struct data *d = data_pattern(size, 0);
	d->bytes = malloc(size + 1);
	if (d->bytes)
		return d;
	free(d);
	return NULL;
}

struct data *data_get(struct data *d)
{
	d->users++;
	return d;
}

void data_put(struct data *d)
{
	if (atomic_fetch_sub(&d->users, 1) > 1)
		return;
	for (struct data **p = d->part; p && *p; p++)
		data_put(*p);
	free(d->part);
	free(d->bytes);
	free(d);
}

struct data *data_joined(struct data **part, int n)
{
	struct data *d = data_pattern(0, 0);
	d->part = calloc(n + 1, sizeof(*part));
	for (int i = 0; i < n; i++) {
		d->part[i] = data_get(part[i]);
		d->size += part[i]->size;
	}
	return d;
}

struct data *data_view(struct data *d, int64_t off, int64_t size)
{
	struct data *view = d->part ? data_joined(&d, 1) : data_pattern(size, d->seed);
	view->size = size;
	view->shift = off + (d->part ? 0 : d->shift);
	return view;
}

/* Eight bytes of a pattern: splitmix64 of their place. */
static uint64_t word(uint64_t seed, uint64_t i)
{
	uint64_t z = (seed << 32) + i * 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void read_parts(const struct data *d, int64_t off, unsigned char *to, size_t n)
{
	for (struct data **p = d->part; n && *p; p++) {
		size_t k = off < (*p)->size ? (*p)->size - off : 0;
		if (k > n)
			k = n;
		if (k)
			data_read(*p, off, to, k);
		off = k ? 0 : off - (*p)->size;
		to += k;
		n -= k;
	}
}

void data_read(const struct data *d, int64_t off, void *to, size_t n)
{
	unsigned char *out = to;
	if (d->bytes) {
		memcpy(to, d->bytes + off, n);
		return;
	}
	off += d->shift;
	if (d->part) {
		read_parts(d, off, to, n);
		return;
	}
	while (n) {
		uint64_t w = word(d->seed, off / 8);
		size_t k = 8 - off % 8;
		if (k > n)
			k = n;
		memcpy(out, (char *)&w + off % 8, k);
		out += k;
		off += k;
		n -= k;
	}
}

size_t store_place(const char *name)
{
	size_t low = 0, high = objects;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (strcmp(object[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct object *store_at(size_t i)
{
	return i < objects ? object[i] : NULL;
}

struct object *store_find(const char *name)
{
	struct object *o = store_at(store_place(name));
	return o && strcmp(o->name, name) == 0 ? o : NULL;
}

static struct object *insert(const char *name)
{
	size_t i = store_place(name);
	if (objects == room) {
		room = room ? room * 2 : 1024;
		object = realloc(object, room * sizeof(*object));
		if (!object)
			abort();
	}
	memmove(object + i + 1, object + i, (objects++ - i) * sizeof(*object));
	object[i] = calloc(1, sizeof(*object[i]));
	object[i]->name = strdup(name);
	return object[i];
}

struct object *store_put(const char *name, struct data *data, const char *etag, struct beside beside)
{
	struct object *o = store_find(name);
	if (!o) {
		o = insert(name);
	} else {
		data_put(o->data);
		beside_free(&o->beside);
	}
	o->data = data;
	o->beside = beside;
	o->mtime = server_now();
	snprintf(o->etag, sizeof(o->etag), "%s", etag);
	return o;
}

bool store_remove(const char *name)
{
	struct object *o = store_find(name);
	if (!o)
		return false;
	size_t i = store_place(name);
	data_put(o->data);
	free(o->name);
	beside_free(&o->beside);
	free(o);
	memmove(object + i, object + i + 1, (--objects - i) * sizeof(*object));
	return true;
}

bool store_bucket(const char *bucket, bool make)
{
	for (unsigned i = 0; i < n_buckets; i++) {
		if (strcmp(buckets[i], bucket) == 0)
			return true;
	}
	if (!make || n_buckets == sizeof(buckets) / sizeof(*buckets))
		return false;
	buckets[n_buckets++] = strdup(bucket);
	return true;
}

void store_bucket_gone(const char *bucket)
{
	for (unsigned i = 0; i < n_buckets; i++) {
		if (strcmp(buckets[i], bucket) == 0)
			buckets[i] = buckets[--n_buckets];
	}
}

struct upload *upload_new(const char *name, struct beside beside)
{
	unsigned char raw[16];
	struct upload *u = calloc(1, sizeof(*u));
	RAND_bytes(raw, sizeof(raw));
	for (int i = 0; i < 16; i++)
		sprintf(u->id + 2 * i, "%02x", raw[i]);
	u->name = strdup(name);
	u->beside = beside;
	u->next = uploads;
	return uploads = u;
}

struct upload *upload_first(void)
{
	return uploads;
}

struct upload *upload_find(const char *id, const char *name)
{
	for (struct upload *u = uploads; id && u; u = u->next) {
		if (strcmp(u->id, id) == 0 && strcmp(u->name, name) == 0)
			return u;
	}
	return NULL;
}

void upload_part(struct upload *u, int number, struct data *data, const char *etag)
{
	int i = 0;
	while (i < u->parts && u->part[i].number < number)
		i++;
	if (i < u->parts && u->part[i].number == number) {
		data_put(u->part[i].data);
	} else {
		u->part = realloc(u->part, (u->parts + 1) * sizeof(*u->part));
		memmove(u->part + i + 1, u->part + i, (u->parts++ - i) * sizeof(*u->part));
	}
	u->part[i] = (struct part){ number, data, "" };
	snprintf(u->part[i].etag, sizeof(u->part[i].etag), "%s", etag);
}

void upload_free(struct upload *u)
{
	struct upload **at = &uploads;
	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	for (int i = 0; i < u->parts; i++)
		data_put(u->part[i].data);
	free(u->part);
	free(u->name);
	beside_free(&u->beside);
	free(u);
}
