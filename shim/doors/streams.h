/* SPDX-License-Identifier: MIT */
/*
 * libc's own streams on files without a kernel file. What libc does inside a
 * FILE passes no door; but it reads, writes, seeks, closes and stats through
 * two tables of function pointers, _IO_file_jumps and _IO_wfile_jumps, whose
 * entries are exported functions, too. Those five are replaced by ours, which
 * ask the descriptor table and hand on what is not such a file. The buffers,
 * locks, wide characters, ungetc and the streams that others have noted
 * (cout, a shell's stdout) stay libc's.
 */
#ifndef SHIM_STREAMS_H
#define SHIM_STREAMS_H

/*
 * Once before main, where there are files without a kernel file. Changes both
 * tables or neither; if this libc's are not as expected there is a note in
 * the statistics.
 */
void streams_init(void);

/* 0, or -ENOTSUP where streams_init could not: no stream is opened then. */
int streams_ready(void);

/*
 * What libc does to every stream at the end of the process, done now: output
 * is written, and the position of an input stream on one of our files is put
 * where the program has read to. A stream that another thread holds is not
 * waited for.
 */
void streams_finish(void);

#endif
