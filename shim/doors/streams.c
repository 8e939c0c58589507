/* SPDX-License-Identifier: MIT */
/* libc's streams on files without a kernel file; see streams.h. */
#include "streams.h"

#include <link.h>
#include <stdio_ext.h>
#include <string.h>
#include <wchar.h>

#include "door.h"

#define ENTRIES 21             /* of a table, and its size is part of libc's ABI */

/* exported by libc, declared nowhere */
typedef struct iterator *iterator;
iterator _IO_iter_begin(void);
iterator _IO_iter_end(void);
iterator _IO_iter_next(iterator);
FILE *_IO_iter_file(iterator);
void _IO_list_lock(void);
void _IO_list_unlock(void);
void _IO_free_backup_area(FILE *);
void _IO_free_wbackup_area(FILE *);

/* libc's, called for every other stream */
static struct {
	ssize_t (*read)(FILE *, void *, ssize_t);
	ssize_t (*write)(FILE *, const void *, ssize_t);
	off64_t (*seek)(FILE *, off64_t, int);
	int (*close)(FILE *);
	int (*stat)(FILE *, void *);
} libc;

static int ready;

static ssize_t stream_read(FILE *s, void *buf, ssize_t n)
{
	struct file *f = object_of(s->_fileno);

	if (!f)
		return libc.read(s, buf, n);
	return TIMED(read, f, (size_t)n, OBJECT_RESULT(object_read(f, s->_fileno, buf, (size_t)n)));
}

/* As libc's: writes all, and keeps the stream's idea of the position. */
static ssize_t write_all(FILE *s, struct file *f, const char *data, ssize_t n)
{
	ssize_t done = 0, r;

	while (done < n) {
		size_t left = (size_t)(n - done);

		r = TIMED(write, f, left, OBJECT_RESULT(object_write(f, s->_fileno, data + done, left)));
		if (r < 0) {
			s->_flags |= _IO_ERR_SEEN;
			break;
		}
		done += r;
	}
	if (s->_offset >= 0)
		s->_offset += done;
	return done;
}

static ssize_t stream_write(FILE *s, const void *data, ssize_t n)
{
	struct file *f = object_of(s->_fileno);
	int flags = s->_flags, saved = errno;
	ssize_t done;

	if (f)
		return write_all(s, f, data, n);
	done = libc.write(s, data, n);
	/* perror(3) writes to a duplicate that libc made by itself */
	if (done == 0 && n > 0 && errno == ENOTCONN && fdtab_ours() && (f = object_adopt(s->_fileno))) {
		s->_flags = flags;
		errno = saved;
		done = write_all(s, f, data, n);
	}
	return done;
}

static off64_t stream_seek(FILE *s, off64_t off, int whence)
{
	struct file *f = object_of(s->_fileno);

	if (!f)
		return libc.seek(s, off, whence);
	return TIMED(lseek, f, 0, OBJECT_RESULT(object_lseek(f, s->_fileno, off, whence)));
}

static int stream_close(FILE *s)
{
	struct file *f = object_of(s->_fileno);
	struct mount *m;
	unsigned slot;
	uint64_t t0;
	int r;

	if (!f || !fdtab_ours())
		return libc.close(s);
	m = f->mount;
	slot = f->stat_slot;
	t0 = stats_begin();
	r = (int)OBJECT_RESULT(object_close(f, s->_fileno));
	if (t0)
		door_end(CALL_close, m, slot, t0, 0, r);
	return r;
}

static int stream_stat(FILE *s, void *st)
{
	struct file *f = object_of(s->_fileno);

	if (!f)
		return libc.stat(s, st);
	return TIMED(fstat, f, 0, (int)OBJECT_RESULT(object_fstat(f, s->_fileno, st)));
}

/* The entries: libc's function, where it is kept, and ours. */
static const struct {
	const char *name;
	void *libc, *ours;
} entries[] = {
	{ "_IO_file_read", &libc.read, stream_read },
	{ "_IO_file_write", &libc.write, stream_write },
	{ "_IO_file_seek", &libc.seek, stream_seek },
	{ "_IO_file_close", &libc.close, stream_close },
	{ "_IO_file_stat", &libc.stat, stream_stat },
};
#define NENTRIES (sizeof(entries) / sizeof(*entries))

/* A table of libc's, and the pages around it. */
struct table {
	void **entry;
	char *page;
	size_t size;
	int read_only;         /* since the dynamic linker was done with it */
	int writable;          /* it, or what it was */
};

/* Of the part of a library the table lies in, whether one may write to it. */
static int look_at(struct dl_phdr_info *lib, size_t size, void *arg)
{
	struct table *t = arg;
	uintptr_t at = (uintptr_t)t->entry;

	(void)size;
	for (int i = 0; i < lib->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &lib->dlpi_phdr[i];
		uintptr_t from = lib->dlpi_addr + part->p_vaddr;

		if (at < from || at >= from + part->p_memsz)
			continue;
		if (part->p_type == PT_LOAD && (part->p_flags & PF_W))
			t->writable = 1;
		else if (part->p_type == PT_GNU_RELRO)
			t->read_only = 1;
	}
	return t->writable;
}

static void **find_entry(const struct table *t, const void *function)
{
	for (size_t i = 0; i < ENTRIES; i++)
		if (t->entry[i] == function)
			return &t->entry[i];
	return NULL;
}

/* 1 if the table is one that can be changed as we think. */
static int find_table(struct table *t, const char *name)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t end;

	t->entry = real_symbol(name);
	if (!t->entry)
		return 0;
	for (size_t i = 0; i < NENTRIES; i++)
		if (!*(void **)entries[i].libc || !find_entry(t, *(void **)entries[i].libc))
			return 0;
	dl_iterate_phdr(look_at, t);
	t->page = (char *)((uintptr_t)t->entry & ~(page - 1));
	end = ((uintptr_t)(t->entry + ENTRIES) + page - 1) & ~(page - 1);
	t->size = end - (uintptr_t)t->page;
	return t->writable;
}

static void change(const struct table *t)
{
	for (size_t i = 0; i < NENTRIES; i++) {
		void **entry = find_entry(t, *(void **)entries[i].libc);

		__atomic_store_n(entry, entries[i].ours, __ATOMIC_RELEASE);
	}
}

static int open_up(const struct table *t)
{
	return t->read_only ? REAL(mprotect)(t->page, t->size, PROT_READ | PROT_WRITE) : 0;
}

static void close_up(const struct table *t)
{
	if (t->read_only)
		REAL(mprotect)(t->page, t->size, PROT_READ);
}

void streams_init(void)
{
	struct table narrow = { 0 }, wide = { 0 };

	for (size_t i = 0; i < NENTRIES; i++)
		*(void **)entries[i].libc = real_symbol(entries[i].name);
	if (!find_table(&narrow, "_IO_file_jumps") || !find_table(&wide, "_IO_wfile_jumps")) {
		stats_note("streams of libc are not served: its tables are not as expected");
		return;
	}
	if (open_up(&narrow) < 0 || open_up(&wide) < 0) {
		stats_note("streams of libc are not served: %s", strerrorname_np(errno));
	} else {
		change(&narrow);
		change(&wide);
		ready = 1;
	}
	close_up(&narrow);
	close_up(&wide);
}

int streams_ready(void)
{
	return ready ? 0 : -ENOTSUP;
}

/* __fpending and the rest look without a lock, as libc does at the end. */
static void finish(FILE *s)
{
	int reading = object_of(s->_fileno) && __freading(s), locked;

	if (!__fpending(s) && !reading)
		return;
	locked = ftrylockfile(s) == 0;
	/* what was pushed back does not count */
	if (reading)
		(fwide(s, 0) > 0 ? _IO_free_wbackup_area : _IO_free_backup_area)(s);
	fflush_unlocked(s);
	if (locked)
		funlockfile(s);
}

void streams_finish(void)
{
	_IO_list_lock();
	for (iterator i = _IO_iter_begin(); i != _IO_iter_end(); i = _IO_iter_next(i))
		finish(_IO_iter_file(i));
	_IO_list_unlock();
}
