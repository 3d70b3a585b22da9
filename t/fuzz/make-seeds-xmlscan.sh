#!/bin/sh
# Make the seeds of fuzz-xmlscan in DIR (default: seeds/xmlscan beside this
# script): answers of object stores, and what nobody should send.
# usage: make-seeds-xmlscan.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds/xmlscan}
mkdir -p "$dir"

n=0
while IFS= read -r line; do
	n=$((n + 1))
	printf '%b' "$line" >"$dir/$(printf '%02d' $n)"
done <<'EOS'
<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>lab</Name><IsTruncated>false</IsTruncated><Contents><Key>packs/a&amp;b</Key><Size>12</Size></Contents></ListBucketResult>\n
<Error><Code>NoSuchKey</Code><Message>it is &#x201C;gone&#8221;</Message></Error>
<a b='1' c = "2"/>
<a><b/><c></c> x <d>&lt;&gt;&quot;&apos;</d></a>
<EnumerationResults><Blobs><Blob><Name>x</Name><Properties><Content-Length>5</Content-Length></Properties></Blob></Blobs><NextMarker /></EnumerationResults>
\0357\0273\0277<a/>
<a>&#0;</a>
<a>&#x110000;</a>
<a>&many;</a>
<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>
<a><![CDATA[x]]></a>
<a><!-- x --></a>
<a></b>
<a/><b/>
<a
<a b="1
<1>
<a></a >
<a><b><c><d><e><f><g><h><i><j><k><l><m><n><o><p><q>

EOS
# deeper than may be, and a name and a text that are longer
awk 'BEGIN { for (i = 0; i < 20; i++) printf "<a>" }' >"$dir/deep"
awk 'BEGIN { printf "<"; for (i = 0; i < 70; i++) printf "n"; printf "/>" }' >"$dir/name"
awk 'BEGIN { printf "<a>"; for (i = 0; i < 8200; i++) printf "t"; printf "</a>" }' >"$dir/text"
