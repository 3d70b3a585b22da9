#include "rankroom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tmpfile.h"

/* Fewer are not worth a file, nor to be counted closely. */
enum { LEAST = 1024 };

/* r->file: a descriptor + 1, so that an array of nothing is one of zeros. */
static int to_file(struct casg_rankroom *room, struct casg_ranks *r, size_t cap,
		   struct casg_err *err)
{
	int fd = r->file ? r->file - 1 : casg_tmpfile_scratch(room->tmp_dir, err);
	size_t nbytes = cap * sizeof(*r->v);
	void *m = MAP_FAILED;
	int full;

	if (fd < 0)
		return fd;
	/* a hole that the disk cannot fill later would be a SIGBUS */
	full = posix_fallocate(fd, 0, (off_t)nbytes);
	if (!full)
		m = mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED) {
		if (!r->file)
			close(fd);
		return full ? casg_err_sys(err, full, "cannot make a scratch file of %zu bytes in '%s'",
					   nbytes, room->tmp_dir) : casg_err_nomem(err);
	}
	if (r->file) {
		munmap(r->v, r->cap * sizeof(*r->v));
	} else {
		if (r->n)
			memcpy(m, r->v, r->n * sizeof(*r->v));
		room->nbytes -= r->cap * sizeof(*r->v);
		free(r->v);
	}
	r->v = m;
	r->cap = cap;
	r->file = fd + 1;
	return 0;
}

static int reserve(struct casg_rankroom *room, struct casg_ranks *r, uint64_t n,
		   struct casg_err *err)
{
	uint64_t cap = r->cap + r->cap / 2, nbytes;
	uint32_t *v;

	if (cap < n)
		cap = n;
	if (cap < LEAST)
		cap = LEAST;
	if (cap > SIZE_MAX / sizeof(*r->v) / 2)
		return casg_err_nomem(err);
	nbytes = room->nbytes + (cap - r->cap) * sizeof(*r->v);
	if (r->file || (room->tmp_dir && cap > LEAST && nbytes > room->max_nbytes))
		return to_file(room, r, (size_t)cap, err);
	v = realloc(r->v, (size_t)cap * sizeof(*v));
	if (!v)
		return casg_err_nomem(err);
	room->nbytes = nbytes;
	r->v = v;
	r->cap = (size_t)cap;
	return 0;
}

static void release(struct casg_rankroom *room, struct casg_ranks *r)
{
	if (r->file) {
		munmap(r->v, r->cap * sizeof(*r->v));
		close(r->file - 1);
	} else {
		room->nbytes -= r->cap * sizeof(*r->v);
		free(r->v);
	}
	*r = (struct casg_ranks){ NULL, 0, 0, 0 };
}

void casg_rankroom_init(struct casg_rankroom *room, uint64_t max_nbytes, const char *tmp_dir)
{
	*room = (struct casg_rankroom){ .reserve = reserve, .release = release,
					.max_nbytes = max_nbytes, .tmp_dir = tmp_dir };
}
