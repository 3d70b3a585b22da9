/* view: ids that sha256sum gives for the same bytes. */
#include "view.h"

#include "buf.h"
#include "tap.h"

/* The SHA-256 of "x", of "y", and no id of anything. */
static const char x[] = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
static const char y[] = "a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa";
static const char zero[] = "0000000000000000000000000000000000000000000000000000000000000000";

/*
 * printf 'casg-view 1\n\0\0\0\040...\0\0\0\040...' | sha256sum, with the 32
 * bytes of each id in octal.
 */
static const struct {
	const char *sequence, *taxonomy, *view;
} cases[] = {
	{ x, y, "8d5e92e07dbd2d427c64dc2d9f2258fe63537d01a9b09429f3b65720c284abae" },
	{ y, x, "138237d2b1bb15730d59309a0e08566e7f9f5fbfd2c330eb94d008e061553073" },
	{ zero, zero, "7ecb1aeef2602eabdbe0a988f01d633f0a84aa843b189f00500633f9c1936ad0" },
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct casg_err err = CASG_ERR_INIT;
		struct casg_oid s, t, view;
		char hex[CASG_OID_HEXSZ + 1];

		ok(!casg_oid_parse(&s, cases[i].sequence, CASG_OID_HEXSZ) &&
		   !casg_oid_parse(&t, cases[i].taxonomy, CASG_OID_HEXSZ), "ids %zu", i);
		ok(!casg_view_id(&s, &t, &view, &err), "view %zu", i);
		is_str(casg_oid_hex(&view, hex), cases[i].view, "id of view %zu", i);
	}
	return done_testing();
}
