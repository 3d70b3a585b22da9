/*
 * xmlscan - the little XML that object stores answer with, as events.
 *
 * What is understood: an XML declaration in front, elements, attributes (which
 * are passed over), character data, the five entities and numeric references.
 * Comments, CDATA, processing instructions and document types are refused: the
 * stores send none, and what would expand or include cannot be said.  Tags
 * must match, depth and lengths are bounded, and whatever is not well-formed is
 * an error rather than a guess.  Bytes need not be UTF-8.
 *
 * Nothing is copied but names and decoded text.  Pure.  Threads: a scanner
 * belongs to one.  Reference: Extensible Markup Language 1.0, W3C.
 */
#ifndef CASG_XMLSCAN_H
#define CASG_XMLSCAN_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define CASG_XML_DEPTH 16       /* elements in each other */
#define CASG_XML_NAME 64        /* of a tag, with its NUL; no prefix is taken off */
#define CASG_XML_TEXT_MAX 8192u /* bytes of the text of an element, decoded */

enum casg_xml_event {
	CASG_XML_EOF,    /* behind the root */
	CASG_XML_OPEN,   /* <name>; <name/> is OPEN and CLOSE */
	CASG_XML_CLOSE   /* 'text' is what stood between the last tag and this */
};

struct casg_xml {
	const char *p, *end;
	unsigned depth;          /* of the element that was opened or closed: 1 the root */
	const char *name;        /* of the same */
	struct casg_buf text;    /* CLOSE; NUL-terminated, and holds no NUL */
	char names[CASG_XML_DEPTH][CASG_XML_NAME];
	int seen_root, self_closing, closed;
};

/* The bytes must stay; casg_xml_release frees the text. */
void casg_xml_init(struct casg_xml *x, const void *bytes, size_t n);
void casg_xml_release(struct casg_xml *x);

/* An enum casg_xml_event; CASG_ECORRUPT, CASG_ENOMEM. */
int casg_xml_next(struct casg_xml *x, struct casg_err *err);

/* At the element, with this name? */
int casg_xml_is(const struct casg_xml *x, unsigned depth, const char *name);

#endif
