/*
 * casg-cachetrace - what the caches make of a list of requests, beside LRU.
 *
 *	casg-cachetrace DIR SIZE <TRACE
 *
 * TRACE has a line "NUMBER BYTES" for each request for a chunk.  The cache in DIR
 * (diskcache.h), one in memory (memcache.h) and a list in the order of use get
 * them all, each within SIZE bytes.  Prints the requests, and the hits of each.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "diskcache.h"
#include "lines.h"
#include "memcache.h"

static const char *const usage[] = { "DIR SIZE", NULL };
static const struct casg_opt no_opts[] = { { .type = CASG_OPT_END } };

#define ITEMS 65536

/* LRU as in a textbook: when each was used last; the longest ago goes. */
static struct {
	uint64_t nbytes, tick;
} lru[ITEMS];
static uint64_t lru_nbytes, tick;

static int ask_lru(size_t i, uint64_t nbytes, uint64_t most)
{
	int hit = lru[i].nbytes != 0;

	if (!hit)
		lru_nbytes += nbytes;
	lru[i].nbytes = nbytes;
	lru[i].tick = ++tick;
	while (lru_nbytes > most) {
		size_t oldest = i;

		for (size_t k = 0; k < ITEMS; k++)
			if (lru[k].nbytes && lru[k].tick < lru[oldest].tick)
				oldest = k;
		lru_nbytes -= lru[oldest].nbytes;
		lru[oldest].nbytes = 0;
	}
	return hit;
}

static void make_id(size_t i, struct casg_oid *out)
{
	struct casg_hasher *h = casg_hasher_new();

	casg_hasher_digest(h, &i, sizeof(i), out);
	casg_hasher_free(h);
}

static int ask_disk(struct casg_diskcache *d, size_t i, uint64_t nbytes)
{
	static uint8_t bytes[1 << 20];
	struct casg_buf b = CASG_BUF_INIT;
	struct casg_oid id;
	int hit;

	make_id(i, &id);
	hit = casg_diskcache_get(d, &id, nbytes, &b);
	if (!hit)
		casg_diskcache_put(d, &id, bytes, nbytes);
	casg_buf_release(&b);
	return hit;
}

/* A chunk of no members, as large as it is said to be. */
static int ask_memory(struct casg_memcache *m, size_t i, uint64_t nbytes)
{
	struct casg_cached *e = casg_memcache_get(m, 0, (uint32_t)i);
	struct casg_chunk *ch;
	int hit = e != NULL;

	if (!e) {
		ch = calloc(1, sizeof(*ch));
		ch->offset = calloc(1, sizeof(*ch->offset));
		ch->offset[0] = nbytes;
		e = casg_memcache_add(m, 0, (uint32_t)i, ch);
	}
	casg_memcache_put(m, e);
	return hit;
}

static int run(int argc, char **argv)
{
	struct casg_diskcache_opts o = { .dir = argv[0], .max_nbytes = strtoull(argv[1], NULL, 10) };
	struct casg_lines *l = casg_lines_open(0, '\n');
	struct casg_err err = CASG_ERR_INIT;
	uint64_t n = 0, by_disk = 0, by_memory = 0, by_lru = 0;
	struct casg_memcache m;
	struct casg_diskcache *d;
	const char *line;
	size_t len;

	(void)argc;
	if (!l || casg_diskcache_open(&d, &o, &err))
		casg_die_err(&err);
	casg_memcache_init(&m, o.max_nbytes);
	while (casg_lines_next(l, &line, &len, &err) > 0) {
		char *end;
		size_t i = strtoull(line, &end, 10) % ITEMS;
		uint64_t nbytes = strtoull(end, NULL, 10);

		if (!nbytes || nbytes > 1 << 20)
			casg_die("bad line of standard input: not 'NUMBER BYTES'");
		by_lru += (uint64_t)ask_lru(i, nbytes, o.max_nbytes);
		by_disk += (uint64_t)ask_disk(d, i, nbytes);
		by_memory += (uint64_t)ask_memory(&m, i, nbytes);
		n++;
	}
	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", n, by_disk, by_memory, by_lru);
	casg_memcache_release(&m);
	casg_diskcache_close(d);
	casg_lines_close(l);
	return CASG_EXIT_YES;
}

const struct casg_cmd casg_cmd = { "casg-cachetrace", usage, no_opts, 2, 2, run };
