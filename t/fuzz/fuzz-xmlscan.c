/*
 * The XML of object stores: the scanner ends, its events are those of a tree, and
 * what it says of names, depth and text keeps to the bounds of its header.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmlscan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char open[CASG_XML_DEPTH + 1][CASG_XML_NAME];
	/* of exactly the size: who reads on is caught */
	char *copy = malloc(size + !size);
	struct casg_err err = CASG_ERR_INIT;
	struct casg_xml x;
	unsigned depth = 0;
	size_t events = 0;
	int event;

	require(copy != NULL, "out of memory");
	if (size)
		memcpy(copy, data, size);
	casg_xml_init(&x, copy, size);
	while ((event = casg_xml_next(&x, &err)) > 0) {
		require(++events <= size, "more events than bytes");
		require(strlen(x.name) > 0 && strlen(x.name) < CASG_XML_NAME, "a name of no, or of any, length");
		if (event == CASG_XML_OPEN) {
			require(x.depth == ++depth && depth <= CASG_XML_DEPTH, "too deep, or not one deeper");
			strcpy(open[depth], x.name);
			require(casg_xml_is(&x, depth, x.name), "not what it is");
		} else {
			require(event == CASG_XML_CLOSE && depth && x.depth == depth, "closed where nothing is open");
			require(!strcmp(open[depth--], x.name), "closed by another name");
			require(x.text.len <= CASG_XML_TEXT_MAX && !memchr(x.text.data, 0, x.text.len),
				"a text that is too long, or holds a NUL");
			require(x.text.data[x.text.len] == '\0', "no NUL behind the text");
		}
	}
	if (!event) {
		require(!depth && events, "ended inside an element, or without any");
		require(casg_xml_next(&x, &err) == CASG_XML_EOF, "an end that does not last");
	} else {
		require(*err.msg, "refused without a reason");
	}
	casg_xml_release(&x);
	free(copy);
	return 0;
}
