#include "map.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int casg_map_fd(struct casg_map *m, int fd, struct casg_err *err)
{
	static const uint8_t nothing[1];
	struct stat st;
	void *base;

	*m = (struct casg_map)CASG_MAP_INIT;
	if (fstat(fd, &st))
		return casg_err_sys(err, errno, "cannot map");
	if (!S_ISREG(st.st_mode))
		return casg_err_set(err, CASG_EIO, "cannot map: not a regular file");
	if ((uint64_t)st.st_size > SIZE_MAX)
		return casg_err_set(err, CASG_ENOMEM, "cannot map: larger than memory can address");
	if (!st.st_size) {
		m->data = nothing;
		return 0;
	}
	base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return casg_err_sys(err, errno, "cannot map");
	m->base = base;
	m->data = base;
	m->size = (size_t)st.st_size;
	return 0;
}

int casg_map_open(struct casg_map *m, const char *path, struct casg_err *err)
{
	int fd, rc;

	*m = (struct casg_map)CASG_MAP_INIT;
	/* not blocking: a FIFO put in a file's place must not hang us */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		rc = errno == ENOENT || errno == ENOTDIR ? CASG_EABSENT : CASG_EIO;
		casg_err_sys(err, errno, "cannot open '%s'", path);
		if (err)
			err->code = rc;
		return rc;
	}
	rc = casg_map_fd(m, fd, err);
	close(fd);
	if (rc)
		casg_err_prefix(err, "'%s'", path);
	return rc;
}

void casg_map_close(struct casg_map *m)
{
	if (m->base)
		munmap(m->base, m->size);
	*m = (struct casg_map)CASG_MAP_INIT;
}

void *casg_arena_alloc(size_t nbytes)
{
	const size_t page = (size_t)2 << 20;
	size_t whole = (nbytes + page - 1) / page * page;
	void *p = NULL;

	if (whole < nbytes || posix_memalign(&p, page, whole))
		return NULL;
#ifdef MADV_HUGEPAGE
	madvise(p, whole, MADV_HUGEPAGE);
#endif
	return p;
}

void casg_arena_populate(void *p, size_t nbytes)
{
#ifdef MADV_POPULATE_WRITE
	madvise(p, nbytes, MADV_POPULATE_WRITE);
#else
	(void)p;
	(void)nbytes;
#endif
}

/*
 * The C library asks for more in steps, and what the kernel is told of one is not
 * true of the next.  So one step that is as large as most programs ever need:
 * only what is touched is taken.
 */
void casg_heap_large_pages(uint64_t most)
{
#if defined(M_TOP_PAD) && defined(M_ARENA_MAX) && defined(MADV_HUGEPAGE)
	const size_t page = (size_t)2 << 20, unit = 4096;
	const uint64_t step = most + most / 4 < 1u << 30 ? most + most / 4 : 1u << 30;
	char *start = sbrk(0), *end;
	void *volatile grown;
	size_t small;

	/* threads that have a heap of their own would not get any of it */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TRIM_THRESHOLD, (int)step + (256 << 20));
	mallopt(M_TOP_PAD, (int)step);
	/* more than there is yet, but nothing may be written beyond the first pages */
	grown = malloc((size_t)160 << 10);
	free(grown);
	mallopt(M_TOP_PAD, 4 << 20);
	end = sbrk(0);
	if (start == (char *)-1 || end == (char *)-1)
		return;
	start += -(uintptr_t)start & (unit - 1);
	if (end <= start)
		return;
	madvise(start, (size_t)(end - start), MADV_HUGEPAGE);
	/* no large one fits before the first address that is a multiple of its size */
	small = page - ((uintptr_t)start & (page - 1));
	if (small < (size_t)(end - start))
		casg_arena_populate(start, small);
#endif
}
