#include <stdlib.h>

#include "chunk.h"
#include "packids.h"
#include "tap.h"

static struct casg_hasher *h;

static struct casg_oid of(const char *s)
{
	struct casg_oid id;

	casg_hasher_digest(h, s, strlen(s), &id);
	return id;
}

int main(void)
{
	struct casg_objinfo objects[3];
	struct casg_idx_chunk chunks[2] = {
		{ .offset = 16, .nbytes = 60, .nraw = 7, .nmembers = 3, .kind = CASG_CHUNK_SEQ },
		{ .offset = 76, .nbytes = 40, .nraw = 9, .nmembers = 2, .kind = CASG_CHUNK_NODE,
		  .layout = CASG_LAYOUT_LINKED, .first = 3 },
	};
	struct casg_idx_node nodes[2];
	struct casg_packidx_src src = { .pack_nbytes = 200, .chunks = chunks, .nchunks = 2,
					.objects = objects, .nobjects = 3, .nodes = nodes, .nnodes = 2 };
	struct casg_buf file = CASG_BUF_INIT, again = CASG_BUF_INIT;
	struct casg_err err = CASG_ERR_INIT;
	struct casg_oid oids[3], other;
	struct casg_packids ids;
	int bad = 0;

	h = casg_hasher_new();
	src.pack_id = of("pack");
	other = of("another");
	objects[0] = (struct casg_objinfo){ of("AC"), 2 };
	objects[1] = (struct casg_objinfo){ of("ACG"), 3 };
	objects[2] = (struct casg_objinfo){ of("TT"), 2 };
	for (int i = 0; i < 3; i++)
		oids[i] = objects[i].id;
	casg_chunk_id(h, oids, 3, &chunks[0].id);
	chunks[1].id = of("nodes");
	nodes[0] = (struct casg_idx_node){ of("n0"), 1, 0 };
	nodes[1] = (struct casg_idx_node){ of("n1"), 1, 1 };

	is_int(casg_packids_encode(&src, &file, &err), 0, "encoded");
	is_int(file.len, 68 + 2 * 50 + 3 * 32 + 3 + 2 * 32 + 32, "as long as the page says");
	is_int(casg_packids_decode(&ids, file.data, file.len, &src.pack_id, &err), 0, "decoded");
	ok(!memcmp(ids.chunks, chunks, sizeof(chunks)), "the same chunks");
	ok(!memcmp(ids.objects, objects, sizeof(objects)), "the same objects");
	ok(casg_oid_eq(&ids.nodes[1].id, &nodes[1].id) && ids.nodes[1].member == 1, "the same nodes");
	is_int(casg_packids_check(&ids, &err), 0, "ids add up to those of chunks");
	is_int(casg_packids_has_sequences(&ids), 1, "it has sequences");
	is_int(casg_packids_encode(&ids.src, &again, &err), 0, "encoded again");
	ok(again.len == file.len && !memcmp(again.data, file.data, file.len), "the same bytes");

	ids.objects[1].id = other;
	is_int(casg_packids_check(&ids, &err), CASG_ECORRUPT, "another id of a sequence");
	ids.objects[1] = objects[1];
	ids.objects[1].nbytes++;
	is_int(casg_packids_check(&ids, &err), CASG_ECORRUPT, "another length");
	casg_packids_release(&ids);

	is_int(casg_packids_decode(&ids, file.data, file.len, &other, &err), CASG_ECORRUPT,
	       "of another pack");
	casg_packids_release(&ids);
	for (size_t i = 0; i < file.len; i++) {
		file.data[i] ^= 1;
		bad += !casg_packids_decode(&ids, file.data, file.len, &src.pack_id, &err);
		casg_packids_release(&ids);
		file.data[i] ^= 1;
		bad += !casg_packids_decode(&ids, file.data, i, &src.pack_id, &err);
		casg_packids_release(&ids);
	}
	is_int(bad, 0, "a flipped bit anywhere, and every shorter file, is refused");
	casg_buf_release(&file);
	casg_buf_release(&again);
	casg_hasher_free(h);
	return done_testing();
}
