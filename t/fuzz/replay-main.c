/*
 * Runs a fuzz target over the files named on the command line, once each, so
 * that seeds and old findings are replayed where there is no libFuzzer.
 * Prints TAP; a finding aborts, as it does under the fuzzer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *name)
{
	FILE *file = fopen(name, "rb");
	uint8_t *data = NULL;
	size_t size = 0;

	if (!file)
		return -1;
	for (;;) {
		uint8_t *more = realloc(data, size + 65536);
		size_t got;

		if (!more)
			break;
		data = more;
		got = fread(data + size, 1, 65536, file);
		size += got;
		if (!got)
			break;
	}
	fclose(file);
	if (data) {
		/* an allocation of the exact size shows reads beyond it */
		uint8_t *exact = realloc(data, size ? size : 1);

		data = exact ? exact : data;
		LLVMFuzzerTestOneInput(data, size);
	}
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		int bad = replay(argv[i]);

		failed |= bad;
		printf("%sok %d - %s\n", bad ? "not " : "", i, argv[i]);
		fflush(stdout);
	}
	return failed ? 1 : 0;
}
