#include "xmlscan.h"

#include <stdlib.h>

#include "tap.h"

/* The events of a document as text: "<a" opened, ">a=text" closed; or the error. */
static const char *scan(const char *xml, size_t n, struct casg_buf *out)
{
	struct casg_xml x;
	struct casg_err err = CASG_ERR_INIT;
	int rc;

	casg_buf_reset(out);
	casg_xml_init(&x, xml, n);
	while ((rc = casg_xml_next(&x, &err)) > 0)
		if (rc == CASG_XML_OPEN)
			casg_buf_addf(out, "<%s", x.name);
		else
			casg_buf_addf(out, ">%s%u=%s", x.name, x.depth, (char *)x.text.data);
	if (rc < 0) {
		casg_buf_reset(out);
		casg_buf_addf(out, "%s", err.msg);
	}
	casg_xml_release(&x);
	return casg_buf_cstr(out);
}

static void good(struct casg_buf *out)
{
#define IS(xml, events) is_str(scan(xml, strlen(xml), out), events, "%s", xml)
	IS("<a/>", "<a>a1=");
	IS("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a xmlns=\"x\" b='c'>t</a>\n", "<a>a1=t");
	IS(" \n<?xml version=\"1.0\"?><a> <b>1</b><b>2</b> </a>", "<a<b>b2=1<b>b2=2>a1= ");
	IS("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#xe9;&#x20ac;&#x1F600;</a>",
	   "<a>a1=<>&\"'AB\303\251\342\202\254\360\237\230\200");
	IS("<a:b c.d=\"&lt;\" ><c /></a:b >", "<a:b<c>c2=>a:b1=");
}

static void broken(struct casg_buf *out)
{
	static const char *const docs[] = {
		"", " ", "a", "<", "<a", "<a>", "<a></b>", "</a>", "<a/><b/>", "<a/>x", "<a b>", "<a b=c/>",
		"<a b=\"c/>", "<a b=\"<\"/>", "<a>&x;</a>", "<a>&amp</a>", "<a>&#0;</a>", "<a>&#xd800;</a>",
		"<a>&#x110000;</a>", "<a>&#;</a>", "<a>&#-1;</a>", "<a><![CDATA[x]]></a>", "<a><!-- x --></a>",
		"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a><?php x?></a>", "<1/>", "<a", "<a/", "<a b=\"c\"d=\"e\"/>",
		"&amp;<a/>", "<a/>&amp;", "<?xml version=\"1.0\"", "<a></a", "<a><b></a></b>", "<-a/>",
	};

	for (size_t i = 0; i < sizeof(docs) / sizeof(*docs); i++)
		ok(!strncmp(scan(docs[i], strlen(docs[i]), out), "bad XML: ", 9), "refused: %s", docs[i]);
	ok(!strncmp(scan("<a>\0</a>", 8, out), "bad XML: ", 9), "refused: a NUL");
}

static void bounds(struct casg_buf *out)
{
	struct casg_buf doc = CASG_BUF_INIT;

	for (int i = 0; i < CASG_XML_DEPTH; i++)
		casg_buf_addstr(&doc, "<a>");
	for (int i = 0; i < CASG_XML_DEPTH; i++)
		casg_buf_addstr(&doc, "</a>");
	ok(!strncmp(scan((char *)doc.data, doc.len, out), "<a<a", 4), "as deep as it may be");
	casg_buf_reset(&doc);
	for (int i = 0; i < 100000; i++)
		casg_buf_addstr(&doc, "<a>");
	ok(strstr(scan((char *)doc.data, doc.len, out), "too deep") != NULL, "too deep");
	casg_buf_reset(&doc);
	casg_buf_addstr(&doc, "<a>");
	for (unsigned i = 0; i <= CASG_XML_TEXT_MAX; i++)
		casg_buf_addch(&doc, 'x');
	casg_buf_addstr(&doc, "</a>");
	ok(strstr(scan((char *)doc.data, doc.len, out), "too long") != NULL, "too long a text");
	casg_buf_reset(&doc);
	casg_buf_addch(&doc, '<');
	for (int i = 0; i < CASG_XML_NAME; i++)
		casg_buf_addch(&doc, 'x');
	casg_buf_addstr(&doc, "/>");
	ok(strstr(scan((char *)doc.data, doc.len, out), "no name") != NULL, "too long a name");
	casg_buf_release(&doc);
}

/* Every beginning of a document is an error, and none is read beyond its end. */
static void cut(struct casg_buf *out)
{
	static const char xml[] = "<?xml version='1.0'?><a b=\"c\"><d>e&amp;&#x41;</d><f/></a>";
	int bad = 0;

	for (size_t n = 0; n < sizeof(xml) - 1; n++) {
		char *copy = malloc(n + 1);

		memcpy(copy, xml, n);
		bad += strncmp(scan(copy, n, out), "bad XML: ", 9) != 0;
		free(copy);
	}
	is_int(bad, 0, "what is cut is refused");
}

int main(void)
{
	struct casg_buf out = CASG_BUF_INIT;

	good(&out);
	broken(&out);
	bounds(&out);
	cut(&out);
	casg_buf_release(&out);
	return done_testing();
}
