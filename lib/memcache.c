#include "memcache.h"

#include <stdlib.h>
#include <string.h>

#define FREQ_WIDTH 4096u

enum { WINDOW, MAIN };

void casg_memcache_init(struct casg_memcache *m, uint64_t max_nbytes)
{
	memset(m, 0, sizeof(*m));
	m->max_nbytes = max_nbytes;
	m->counters = calloc(1, casg_freq_nbytes(FREQ_WIDTH));
	if (m->counters)
		casg_freq_over(&m->freq, m->counters, FREQ_WIDTH);
}

void casg_memcache_release(struct casg_memcache *m)
{
	for (int l = 0; l < 2; l++)
		while (m->lists[l].newest) {
			struct casg_cached *e = m->lists[l].newest;

			m->lists[l].newest = e->older;
			casg_chunk_free(e->ch);
			free(e);
		}
	free(m->counters);
	memset(m, 0, sizeof(*m));
}

static uint64_t hash_of(uint32_t pack, uint32_t chunk)
{
	uint64_t h = ((uint64_t)pack << 32 | chunk) * UINT64_C(0x9e3779b97f4a7c15);

	return h ^ h >> 29;
}

static struct casg_cached **bucket(struct casg_memcache *m, uint32_t pack, uint32_t chunk)
{
	return &m->buckets[(pack * 2654435761u + chunk * 40503u) % CASG_MEMCACHE_BUCKETS];
}

static unsigned asked(const struct casg_memcache *m, const struct casg_cached *e)
{
	return m->counters ? casg_freq_of(&m->freq, hash_of(e->pack, e->chunk)) : 0;
}

static void take_out(struct casg_memcache *m, struct casg_cached *e)
{
	if (e->newer)
		e->newer->older = e->older;
	else
		m->lists[e->list].newest = e->older;
	if (e->older)
		e->older->newer = e->newer;
	else
		m->lists[e->list].oldest = e->newer;
	m->lists[e->list].nbytes -= e->nbytes;
}

static void make_newest(struct casg_memcache *m, struct casg_cached *e, int list)
{
	e->list = (uint8_t)list;
	e->newer = NULL;
	e->older = m->lists[list].newest;
	if (e->older)
		e->older->newer = e;
	else
		m->lists[list].oldest = e;
	m->lists[list].newest = e;
	m->lists[list].nbytes += e->nbytes;
}

static void drop(struct casg_memcache *m, struct casg_cached *e)
{
	struct casg_cached **at = bucket(m, e->pack, e->chunk);

	while (*at != e)
		at = &(*at)->hash_next;
	*at = e->hash_next;
	take_out(m, e);
	casg_chunk_free(e->ch);
	free(e);
}

/* The oldest of a list that nobody holds. */
static struct casg_cached *oldest(struct casg_memcache *m, int list)
{
	struct casg_cached *e = m->lists[list].oldest;

	while (e && e->users)
		e = e->newer;
	return e;
}

static void settle(struct casg_memcache *m)
{
	struct casg_cached *e, *victim;

	/* while there is room, what leaves the window stays */
	while (m->lists[WINDOW].nbytes > m->max_nbytes / 8 &&
	       m->lists[WINDOW].nbytes + m->lists[MAIN].nbytes <= m->max_nbytes &&
	       (e = m->lists[WINDOW].oldest) && e != m->lists[WINDOW].newest) {
		take_out(m, e);
		make_newest(m, e, MAIN);
	}
	while (m->lists[WINDOW].nbytes + m->lists[MAIN].nbytes > m->max_nbytes) {
		e = oldest(m, WINDOW);
		victim = oldest(m, MAIN);
		if (!e && !victim)
			break;
		if (!e || (victim && (m->lists[WINDOW].nbytes <= m->max_nbytes / 8 ||
				      asked(m, e) > asked(m, victim)))) {
			drop(m, victim);
			if (!e || m->lists[WINDOW].nbytes <= m->max_nbytes / 8)
				continue;
			take_out(m, e);
			make_newest(m, e, MAIN);
		} else {
			drop(m, e);
		}
	}
}

struct casg_cached *casg_memcache_look(struct casg_memcache *m, uint32_t pack, uint32_t chunk)
{
	struct casg_cached *e = *bucket(m, pack, chunk);

	while (e && (e->pack != pack || e->chunk != chunk))
		e = e->hash_next;
	return e;
}

struct casg_cached *casg_memcache_get(struct casg_memcache *m, uint32_t pack, uint32_t chunk)
{
	struct casg_cached *e = casg_memcache_look(m, pack, chunk);

	if (m->counters)
		casg_freq_add(&m->freq, hash_of(pack, chunk));
	if (e) {
		e->users++;
		take_out(m, e);
		make_newest(m, e, e->list);
	}
	return e;
}

struct casg_cached *casg_memcache_add(struct casg_memcache *m, uint32_t pack, uint32_t chunk,
				      struct casg_chunk *ch)
{
	struct casg_cached *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->ch = ch;
	ch->owner = e;
	e->pack = pack;
	e->chunk = chunk;
	e->users = 1;
	e->nbytes = ch->offset[ch->nmembers] + (uint64_t)ch->nmembers * (8 + CASG_OID_RAWSZ);
	e->hash_next = *bucket(m, pack, chunk);
	*bucket(m, pack, chunk) = e;
	make_newest(m, e, WINDOW);
	settle(m);
	return e;
}

void casg_memcache_put(struct casg_memcache *m, struct casg_cached *e)
{
	e->users--;
	settle(m);
}
