/*
 * FASTA text, any: the calls do not depend on the split, what is accepted
 * comes back byte for byte, and also as canonical text.  The first byte says
 * how to split.
 */
#include <stdio.h>

#include "roundtrip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *wrong;

	if (!size)
		return 0;
	wrong = rt_check(data + 1, size - 1, 1 + data[0] % 40, 1 + data[0]);
	if (wrong) {
		fprintf(stderr, "%s\n", wrong);
		abort();
	}
	return 0;
}
