#include "inventory.h"

#include <stdlib.h>

#include "tap.h"

static struct casg_err err = CASG_ERR_INIT;
static struct casg_hasher *hasher;

/* An id that sorts by its number. */
static struct casg_oid oid(int i)
{
	struct casg_oid id = { { 0 } };

	id.b[0] = (uint8_t)i;
	return id;
}

struct spec {
	int64_t time;
	struct casg_oid after;   /* zero: none */
	int pack, replaced, version; /* 0: none */
};

static struct casg_oid put(struct casg_inventory *inv, struct spec s)
{
	struct casg_invrec r;
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_invpack p = { oid(s.pack), 100 + (uint64_t)s.pack, "nodes" };
	const struct casg_oid none = { { 0 } }, replaced = oid(s.replaced), v = oid(s.version);
	struct casg_oid id;

	casg_invrec_init(&r);
	r.time = s.time;
	if (!casg_oid_eq(&s.after, &none))
		casg_invids_add(&r.after, &s.after, &err);
	if (s.pack)
		casg_invrec_add_pack(&r, &p, &err);
	if (s.replaced)
		casg_invids_add(&r.replaced, &replaced, &err);
	if (s.version)
		casg_invids_add(&r.versions, &v, &err);
	if (casg_invrec_encode(&r, hasher, &text, &err) ||
	    casg_inventory_add(inv, text.data, text.len, &r.id, &err) < 0)
		printf("# %s\n", err.msg);
	id = r.id;
	casg_invrec_release(&r);
	casg_buf_release(&text);
	return id;
}

/* "3 7" for the packs that a version needs, or "missing". */
static const char *need(struct casg_inventory *inv, int version)
{
	static char out[256];
	struct casg_invpack *packs;
	struct casg_oid v = oid(version), missing = oid(0);
	size_t n, at = 0;
	int rc = casg_inventory_need(inv, &v, 1, &packs, &n, &missing, &err);

	if (rc)
		return rc == CASG_EABSENT ? "missing" : "wrong";
	*out = '\0';
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%d", i ? " " : "",
				       packs[i].id.b[0]);
	free(packs);
	return out;
}

static void test_need(void)
{
	struct casg_inventory *inv = casg_inventory_new();
	struct casg_oid r1 = put(inv, (struct spec){ .time = 10, .pack = 1, .version = 101 });
	struct casg_oid r2 = put(inv, (struct spec){ 20, r1, 2, 0, 102 });

	put(inv, (struct spec){ 30, r2, 3, 0, 103 });
	is_str(need(inv, 101), "1", "the packs of the record");
	is_str(need(inv, 103), "1 2 3", "and of those it comes after");
	is_str(need(inv, 104), "missing", "a version that no record names");

	put(inv, (struct spec){ .time = 40, .pack = 4, .replaced = 1 });
	is_str(need(inv, 101), "4", "what is replaced is had from where it went");
	is_str(need(inv, 102), "2 4", "also when it is reached");
	put(inv, (struct spec){ .time = 50, .pack = 5, .replaced = 4 });
	is_str(need(inv, 102), "2 5", "and from where that went");
	put(inv, (struct spec){ .time = 45, .pack = 6, .replaced = 5 });
	is_str(need(inv, 102), "2 5", "an earlier record replaces nothing");
	put(inv, (struct spec){ .time = 50, .pack = 7, .replaced = 5 });
	is_str(need(inv, 102), "2 5", "nor does one of the same time");
	put(inv, (struct spec){ .time = 60, .pack = 1, .version = 105 });
	is_str(need(inv, 101), "1", "a pack that came back is there");
	put(inv, (struct spec){ .time = 70, .pack = 5, .replaced = 1 });
	put(inv, (struct spec){ .time = 80, .pack = 1, .replaced = 5 });
	is_str(need(inv, 101), "1", "packs that replace one another by turns: the last");
	put(inv, (struct spec){ .time = 90, .pack = 8, .replaced = 1, .after = r1 });
	is_str(need(inv, 101), "8", "a record that comes after what it replaces");
	put(inv, (struct spec){ .time = 95, .pack = 9, .version = 103 });
	is_str(need(inv, 103), "9", "of two records that name a version, the later");
	put(inv, (struct spec){ .time = 96, .after = oid(77), .version = 106 });
	is_str(need(inv, 106), "missing", "a record that is not there");
	casg_inventory_free(inv);
}

static void test_summary(void)
{
	struct casg_inventory *a = casg_inventory_new(), *b = casg_inventory_new();
	struct casg_buf text = CASG_BUF_INIT, again = CASG_BUF_INIT;
	struct casg_oid *ids;
	struct casg_invpack *packs;
	size_t n;

	for (int i = 1; i < 40; i++)
		put(a, (struct spec){ .time = i, .pack = i, .version = 200 - i });
	is_int(casg_inventory_summary(a, &text, &err), 0, "a summary");
	is_int(casg_inventory_add_summary(b, text.data, text.len, &err), 0, "is read");
	is_int((int64_t)casg_inventory_count(b), 39, "all records");
	casg_inventory_summary(b, &again, &err);
	ok(text.len == again.len && !memcmp(text.data, again.data, text.len), "the same text");
	is_int(casg_inventory_versions(b, &ids, &n, &err), 0, "versions");
	ok(n == 39 && ids[0].b[0] == 161 && ids[38].b[0] == 199, "sorted");
	free(ids);
	is_int(casg_inventory_packs(b, &packs, &n, &err), 0, "packs");
	ok(n == 39 && packs[0].nbytes == 101 && packs[38].id.b[0] == 39, "sorted");
	free(packs);
	casg_inventory_free(b);

	/* every byte counts */
	n = 0;
	for (size_t i = 0; i < text.len; i++) {
		b = casg_inventory_new();
		text.data[i] ^= 1;
		n += casg_inventory_add_summary(b, text.data, text.len, &err) < 0 &&
		     !casg_inventory_count(b);
		text.data[i] ^= 1;
		casg_inventory_free(b);
	}
	is_int((int64_t)n, (int64_t)text.len, "no bit may differ, and then nothing is taken");
	b = casg_inventory_new();
	is_int(casg_inventory_add_summary(b, text.data, text.len - 1, &err), CASG_ECORRUPT,
	       "cut short");
	casg_inventory_free(b);
	casg_inventory_free(a);
	casg_buf_release(&text);
	casg_buf_release(&again);
}

#define X "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
#define Y "a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa"
#define HEAD "casg-inventory 1\ntime 2024-03-01T00:00:00Z\n"

static void test_refusals(void)
{
	static const struct { const char *text; int code; } bad[] = {
		{ "", CASG_ENOTOURS },
		{ "casg-version 1\n", CASG_ENOTOURS },
		{ "casg-inventory 2\n", CASG_EUNSUPPORTED },
		{ "casg-inventory 01\n", CASG_ECORRUPT },
		{ "casg-inventory 1", CASG_ECORRUPT },
		{ HEAD, CASG_ECORRUPT },
		{ "casg-inventory 1\nversion " X "\n", CASG_ECORRUPT },
		{ HEAD "version " X, CASG_ECORRUPT },
		{ HEAD "version " X " \n", CASG_ECORRUPT },
		{ HEAD "version " X "\nversion " X "\n", CASG_ECORRUPT },
		{ HEAD "version " Y "\nversion " X "\n", CASG_ECORRUPT },
		{ HEAD "version " X "\nreplaced " X "\n", CASG_ECORRUPT },
		{ HEAD "after " X "\n", CASG_ECORRUPT },
		{ HEAD "pack " X " 0 nodes\n", CASG_ECORRUPT },
		{ HEAD "pack " X " 01 nodes\n", CASG_ECORRUPT },
		{ HEAD "pack " X " 1 nodes,\n", CASG_ECORRUPT },
		{ HEAD "pack " X " 1 Nodes\n", CASG_ECORRUPT },
		{ HEAD "pack " X " 1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
		  CASG_ECORRUPT },
		{ HEAD "pack " X " 12345678901234567890 nodes\n", CASG_ECORRUPT },
		{ HEAD "pack " X " 1 nodes\nreplaced " X "\n", CASG_ECORRUPT },
	};
	struct casg_invrec r;

	casg_invrec_init(&r);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		is_int(casg_invrec_decode(&r, hasher, (const uint8_t *)bad[i].text,
					  strlen(bad[i].text), &err), bad[i].code,
		       "refused, number %zu", i);
		if (r.npacks || r.versions.n || r.replaced.n)
			ok(0, "half filled");
	}
	casg_invrec_release(&r);
}

static void test_sorting(void)
{
	struct casg_invpack big = { oid(1), 2, "nodes" }, small = { oid(1), 1, "nodes" };
	struct casg_buf text = CASG_BUF_INIT;
	struct casg_oid ids[3] = { oid(3), oid(1), oid(3) };
	struct casg_invrec r, again;

	casg_invrec_init(&r);
	casg_invrec_init(&again);
	for (int i = 0; i < 3; i++)
		casg_invids_add(&r.versions, &ids[i], &err);
	is_int(casg_invrec_encode(&r, hasher, &text, &err), 0, "in any order");
	is_int(casg_invrec_decode(&again, hasher, text.data, text.len, &err), 0, "is canonical");
	is_int((int64_t)again.versions.n, 2, "each once");
	ok(casg_oid_eq(&r.id, &again.id), "and has the id of its text");
	casg_invrec_add_pack(&r, &big, &err);
	casg_invrec_add_pack(&r, &small, &err);
	is_int(casg_invrec_encode(&r, hasher, &text, &err), CASG_ECORRUPT, "a pack of two sizes");
	casg_invrec_release(&r);
	casg_invrec_release(&again);
	casg_buf_release(&text);
}

int main(void)
{
	hasher = casg_hasher_new();
	test_need();
	test_summary();
	test_refusals();
	test_sorting();
	casg_hasher_free(hasher);
	return done_testing();
}
