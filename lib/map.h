/*
 * map - a whole regular file, read-only, in memory.
 *
 * data[0..size) stay valid until casg_map_close, also if the file is unlinked
 * or its name is given to another file.  data is never NULL while open; an
 * empty file has size 0.  (A file that somebody truncates in place kills its
 * readers with SIGBUS; casg never writes to a file that has its final name.)
 *
 * Threads: open and close by one thread; any number may read.
 */
#ifndef CASG_MAP_H
#define CASG_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct casg_map {
	const uint8_t *data;
	size_t size;
	void *base;     /* what munmap wants; NULL for an empty file */
};

#define CASG_MAP_INIT { NULL, 0, NULL }

/*
 * CASG_EABSENT when there is no such file; CASG_EIO when it cannot be opened
 * or is not a regular file.
 */
int casg_map_open(struct casg_map *m, const char *path, struct casg_err *err);

/* The same for an open descriptor, which stays the caller's. */
int casg_map_fd(struct casg_map *m, int fd, struct casg_err *err);

/* Does nothing for a map that is not open. */
void casg_map_close(struct casg_map *m);

/*
 * Room for nbytes that will be written from end to end, in large pages where
 * the system has them (faulting in small ones costs as much as hashing).
 * NULL when out of memory; free() it.
 */
void *casg_arena_alloc(size_t nbytes);

/*
 * From now on what malloc hands out comes in large pages as well, for a program that
 * handles many chunks and wants 'most' bytes or about that; before there are threads.
 * Does nothing where it cannot be done.
 */
void casg_heap_large_pages(uint64_t most);

/*
 * Have the system find pages for part of it, which changes nothing of what is
 * there: another thread may be writing.  Does nothing where it cannot be done.
 */
void casg_arena_populate(void *p, size_t nbytes);

#endif
