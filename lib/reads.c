#include "reads.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "endian.h"

enum { HEAD = 16, SLOT = 16, WAYS = 8 };

#define FILE_NBYTES (HEAD + (size_t)CASG_READS_SLOTS * SLOT)

static const uint8_t head[HEAD] = "casg reads 1\n";

struct casg_reads {
	uint8_t bytes[FILE_NBYTES];
};

static size_t set_offset(const struct casg_oid *id)
{
	return HEAD + (size_t)(casg_oid_prefix(id) >> 32) % (CASG_READS_SLOTS / WAYS) * WAYS * SLOT;
}

static int is_ours(int fd)
{
	uint8_t h[HEAD];
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return 0;
	if (!st.st_size)
		return !ftruncate(fd, (off_t)FILE_NBYTES) &&
		       pwrite(fd, head, HEAD, 0) == HEAD;
	return (size_t)st.st_size == FILE_NBYTES && pread(fd, h, HEAD, 0) == HEAD &&
	       !memcmp(h, head, HEAD);
}

/* The slot of the chunk among eight, made for it if there is none. */
static uint8_t *slot_for(uint8_t *set, const struct casg_oid *id, int *halved)
{
	uint8_t *least = set;

	for (int i = 0; i < WAYS; i++) {
		uint8_t *s = set + i * SLOT;

		if (casg_get_le64(s + 8) && !memcmp(s, id->b, 8))
			return s;
		if (casg_get_le64(s + 8) < casg_get_le64(least + 8))
			least = s;
	}
	*halved = casg_get_le64(least + 8) != 0;
	for (int i = 0; i < WAYS && *halved; i++)
		casg_put_le64(set + i * SLOT + 8, casg_get_le64(set + i * SLOT + 8) / 2);
	memcpy(least, id->b, 8);
	casg_put_le64(least + 8, 0);
	return least;
}

static int count(int fd, const struct casg_oid *id)
{
	uint8_t set[WAYS * SLOT], *s;
	size_t at = set_offset(id);
	int halved = 0;

	if (pread(fd, set, sizeof(set), (off_t)at) != (ssize_t)sizeof(set))
		return -1;
	s = slot_for(set, id, &halved);
	casg_put_le64(s + 8, casg_get_le64(s + 8) + 1);
	if (halved)
		return pwrite(fd, set, sizeof(set), (off_t)at) == (ssize_t)sizeof(set) ? 0 : -1;
	return pwrite(fd, s, SLOT, (off_t)(at + (size_t)(s - set))) == SLOT ? 0 : -1;
}

void casg_reads_add(const char *path, const struct casg_oid *chunks, size_t n)
{
	int fd = n ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666) : -1;

	if (fd < 0)
		return;
	if (is_ours(fd))
		for (size_t i = 0; i < n && !count(fd, &chunks[i]); i++)
			;
	close(fd);
}

struct casg_reads *casg_reads_load(const char *path)
{
	struct casg_reads *r = calloc(1, sizeof(*r));
	int fd = r ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

	if (fd < 0)
		return r;
	if (pread(fd, r->bytes, FILE_NBYTES, 0) != (ssize_t)FILE_NBYTES ||
	    memcmp(r->bytes, head, HEAD))
		memset(r, 0, sizeof(*r));
	close(fd);
	return r;
}

void casg_reads_free(struct casg_reads *r)
{
	free(r);
}

uint64_t casg_reads_of(const struct casg_reads *r, const struct casg_oid *chunk)
{
	const uint8_t *set = r->bytes + set_offset(chunk);

	for (int i = 0; i < WAYS; i++)
		if (casg_get_le64(set + i * SLOT + 8) && !memcmp(set + i * SLOT, chunk->b, 8))
			return casg_get_le64(set + i * SLOT + 8);
	return 0;
}
