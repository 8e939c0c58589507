/* SPDX-License-Identifier: MIT */
/* The lists of files and notes in the segment; see stats_names.h. */
#include "stats_names.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stats.h"
#include "stats_private.h"
#include "stats_segment.h"

#define STEP (16u << 10)              /* the list gets memory in such pieces */
#define EARLY 8                       /* notes that outlive a segment */

uint16_t file_slot[SEG_FILES + 1];
static uint16_t file_number[SEG_FILES + 1];  /* by slot + 1 */
static uint32_t numbers;

static struct seg_note early[EARLY];
static uint32_t nearly;

/* ---- files ---- */

static struct seg_file *file_at(const struct seg_header *h, unsigned slot)
{
	return (struct seg_file *)((char *)h + SEG_FILES_AT) + slot;
}

static int reserve_files(struct seg_header *h, uint32_t end)
{
	uint32_t ready = __atomic_load_n(&h->head.files_ready, __ATOMIC_ACQUIRE);

	if (end <= ready)
		return 0;
	end = (end + STEP - 1) & ~(STEP - 1);
	if (end > SEG_ARENA_AT - SEG_FILES_AT)
		end = SEG_ARENA_AT - SEG_FILES_AT;
	if (segment_reserve((char *)h + SEG_FILES_AT + ready, SEG_FILES_AT + ready, end - ready) < 0) {
		__atomic_fetch_or(&h->head.degraded, SEG_NO_ROOM, __ATOMIC_RELAXED);
		return -1;
	}
	while (ready < end &&
	       !__atomic_compare_exchange_n(&h->head.files_ready, &ready, end, 0,
					    __ATOMIC_RELEASE, __ATOMIC_ACQUIRE))
		;
	return 0;
}

/* A fresh slot + 1, or 0. */
static uint16_t new_slot(struct seg_header *h, dev_t dev, ino_t ino, const char *path)
{
	uint32_t n = __atomic_load_n(&h->head.nfiles, __ATOMIC_RELAXED);
	size_t len = strlen(path);
	struct seg_file *f;

	do
		if (n >= SEG_FILES) {
			__atomic_fetch_or(&h->head.degraded, SEG_FILES_FULL, __ATOMIC_RELAXED);
			return 0;
		} else if (reserve_files(h, (n + 1) * (uint32_t)sizeof(*f)) < 0) {
			return 0;
		}
	while (!__atomic_compare_exchange_n(&h->head.nfiles, &n, n + 1, 0,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	f = file_at(h, n);
	f->dev = dev;
	f->ino = ino;
	if (len >= SEG_PATH_LEN)
		path += len - (SEG_PATH_LEN - 1);
	snprintf(f->path, sizeof(f->path), "%s", path);
	return (uint16_t)(n + 1);
}

/* The slot + 1 of a file, found or taken; 0 without room. */
static uint16_t find_slot(struct seg_header *h, dev_t dev, ino_t ino, const char *path)
{
	uint64_t hash = ((uint64_t)dev * 31 + ino) * 0x9e3779b97f4a7c15u >> 40;
	uint16_t fresh = 0;

	for (unsigned i = 0; i < SEG_FILE_INDEX; i++) {
		uint16_t *at = &h->file_index[(hash + i) % SEG_FILE_INDEX];
		uint16_t have = __atomic_load_n(at, __ATOMIC_ACQUIRE);
		struct seg_file *f;

		if (!have) {
			if (!fresh)
				fresh = new_slot(h, dev, ino, path);
			if (!fresh || __atomic_compare_exchange_n(at, &have, fresh, 0,
						__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
				return fresh;
		}
		f = file_at(h, have - 1u);
		if (f->dev == dev && f->ino == ino)
			return have;
	}
	return 0;
}

/* The process' number for a slot + 1, found or given out; 0 when there are no more. */
static unsigned number_of(uint16_t slot)
{
	uint16_t have = __atomic_load_n(&file_number[slot], __ATOMIC_RELAXED);
	uint32_t n = __atomic_load_n(&numbers, __ATOMIC_RELAXED);

	if (have)
		return have;
	do
		if (n >= SEG_FILES)
			return 0;
	while (!__atomic_compare_exchange_n(&numbers, &n, n + 1, 0,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	__atomic_store_n(&file_slot[n + 1], slot, __ATOMIC_RELAXED);
	/* of two numbers for one file both count */
	__atomic_store_n(&file_number[slot], (uint16_t)(n + 1), __ATOMIC_RELAXED);
	return n + 1;
}

unsigned stats_file(dev_t dev, ino_t ino, const char *path)
{
	struct seg_header *h = stats_segment();
	int saved = errno;
	unsigned number = STATS_NO_FILE;
	uint16_t slot;

	if (h) {
		slot = find_slot(h, dev, ino, path);
		if (slot)
			number = number_of(slot);
	}
	errno = saved;
	return number;
}

static void carry_files(struct seg_header *h, const struct seg_header *old)
{
	memset(file_number, 0, sizeof(file_number));
	for (unsigned n = 1; n <= numbers && n <= SEG_FILES; n++) {
		const struct seg_file *f;
		uint16_t slot = file_slot[n];

		if (!slot)
			continue;
		f = file_at(old, slot - 1u);
		slot = find_slot(h, f->dev, f->ino, f->path);
		file_slot[n] = slot;
		file_number[slot] = (uint16_t)n;
	}
}

/* ---- notes ---- */

static int said(const struct seg_note *list, unsigned n, const char *text)
{
	for (unsigned i = 0; i < n; i++)
		if (__atomic_load_n(&list[i].ready, __ATOMIC_ACQUIRE) &&
		    !strcmp(list[i].text, text))
			return 1;
	return 0;
}

/* Adds a line to a list of `max`, unless it is there. -1 if the list is full. */
static int add_note(struct seg_note *list, uint32_t *count, unsigned max, const char *text)
{
	uint32_t n = __atomic_load_n(count, __ATOMIC_RELAXED);

	if (said(list, n < max ? n : max, text))
		return 0;
	do
		if (n >= max)
			return -1;
	while (!__atomic_compare_exchange_n(count, &n, n + 1, 0,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	strcpy(list[n].text, text);
	__atomic_store_n(&list[n].ready, 1, __ATOMIC_RELEASE);
	return 0;
}

static void write_note(struct seg_header *h, const char *text)
{
	if (add_note(h->note, &h->head.nnotes, SEG_NOTES, text) < 0)
		__atomic_fetch_or(&h->head.degraded, SEG_NOTES_FULL, __ATOMIC_RELAXED);
}

void stats_note(const char *fmt, ...)
{
	char text[SEG_NOTE_LEN];
	struct seg_header *h;
	int saved = errno;
	va_list ap;

	if (!stats_on)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add_note(early, &nearly, EARLY, text);
	h = stats_segment_if_made();
	if (h)
		write_note(h, text);
	errno = saved;
}

void names_begin(struct seg_header *h, const struct seg_header *old)
{
	if (old)
		carry_files(h, old);
	for (unsigned i = 0; i < EARLY; i++)
		if (early[i].ready)
			write_note(h, early[i].text);
}
