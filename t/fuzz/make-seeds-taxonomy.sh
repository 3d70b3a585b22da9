#!/bin/sh
# Make the seeds of fuzz-taxrec, fuzz-taxtext and fuzz-unpack in DIR (default:
# seeds beside this script).
# usage: make-seeds-taxonomy.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds}

# seed TARGET NAME FORMAT: the format is printf's
seed () {
	mkdir -p "$dir/$1"
	# shellcheck disable=SC2059
	printf -- "$3" >"$dir/$1/$2"
}

seed taxrec root '\tnode\t1\tno rank\t|8|0|1|0\troot\t'
seed taxrec names '\tnode\t561\tspecies\t\tEscherichia coli\t\tauthority\tE. coli (1895)\t\tsynonym\ta\t\tsynonym\ta\tu'
seed taxrec names-disordered '\tnode\t561\tspecies\t\tn\t\tsynonym\ta\tu\tsynonym\ta\t'
seed taxrec merged '\tmerged\t562'
seed taxrec deleted '\tdeleted'
seed taxrec mapping '\t562,s__Escherichia%%20coli'
seed taxrec mapping-twice '\t562,562'
seed taxrec id 's__a%%20b%%2C%%25%%7F'
seed taxrec id-needless 's__a%%41'
seed taxrec cut '\tnode\t561\tspecies\t\tn'

# taxtext: what ids are, how the text is split; "=" and the number of the kind
root='1\t|\t1\t|\tno rank\t|\tXX\t|\t0\t|\n'
rootname='1\t|\troot\t|\t\t|\tscientific name\t|\n'
seed taxtext dump " 0=0\n${root}2\t|\t1\t|\tspecies\t|\n=1\n${rootname}2\t|\ta b\t|\t\t|\tscientific name\t|\n2\t|\tc\t|\tc <x>\t|\tsynonym\t|\n=2\n3\t|\t2\t|\n=3\n4\t|\n"
seed taxtext dump-blank " 1=0\n1\t|\t1\t|\tno rank\t|\tXX\t|\t\n=1\n1\t|\troot\t|\t\t|\tscientific name\t|\t\n"
seed taxtext dump-crlf " 7=0\n1\t|\t1\t|\tno rank\t|\r\n=1\n1\t|\troot\t|\t\t|\tscientific name\t|\r\n"
seed taxtext by-name "!2=1\n${rootname}2\t|\troot\t|\t\t|\tscientific name\t|\n=0\n${root}2\t|\t1\t|\tspecies\t|\n"
seed taxtext cycle " 3=0\n1\t|\t2\t|\ta\t|\n2\t|\t1\t|\tb\t|\n"
seed taxtext merged-circle " 3=0\n${root}=1\n${rootname}=2\n5\t|\t6\t|\n6\t|\t5\t|\n"
seed taxtext lineages " 4=4\nG1\td__A;p__B;c__C;o__D;f__E;g__F;s__F g\nG2\td__A;p__B;c__C;o__D;f__E;g__;s__\n"
seed taxtext table " 5=5\nid\tparent\trank\tname\tsynonym\n1\t1\tr\troot\t\nx,y\t1\tr\tn\ts\n"
seed taxtext cut " 6=0\n${root}2\t|\t1\t|\tspecies"

# unpack: how the bytes are split, the archive (python3 makes them)
mkdir -p "$dir/unpack"
python3 - "$dir/unpack" <<'PYTHON'
import io, sys, tarfile, zipfile
out = sys.argv[1]
def save(name, data):
    with open(f"{out}/{name}", "wb") as f:
        f.write(b"\x25" + data)
files = [("nodes.dmp", b"1\t|\t1\t|\troot\t|\n" * 20), ("skipped", b"x" * 700),
         ("d/names.dmp", b"1\t|\troot\t|\n")]
def tar(fmt, extra=()):
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w", format=fmt) as t:
        for name, data in files + list(extra):
            i = tarfile.TarInfo(name)
            i.size = len(data)
            t.addfile(i, io.BytesIO(data))
    return b.getvalue()[:6 * 1024]
long = ("l" * 150 + "/nodes.dmp", b"long")
save("tar-ustar", tar(tarfile.USTAR_FORMAT))
save("tar-gnu", tar(tarfile.GNU_FORMAT, [long])[:6 * 1024])
save("tar-pax", tar(tarfile.PAX_FORMAT, [("\u00e9" * 80 + "/names.dmp", b"pax")]))
save("tar-cut", tar(tarfile.USTAR_FORMAT)[:1700])
class Pipe(io.RawIOBase):
    def __init__(self): self.b = b""
    def writable(self): return True
    def write(self, d): self.b += bytes(d); return len(d)
def zip_(method, stream):
    b = Pipe() if stream else io.BytesIO()
    with zipfile.ZipFile(b, "w", method) as z:
        for name, data in files:
            z.writestr(zipfile.ZipInfo(name), data, method)
    return b.b if stream else b.getvalue()
save("zip-deflated", zip_(zipfile.ZIP_DEFLATED, False))
save("zip-stored", zip_(zipfile.ZIP_STORED, False))
save("zip-streamed", zip_(zipfile.ZIP_DEFLATED, True))
save("zip-cut", zip_(zipfile.ZIP_DEFLATED, False)[:-30])
save("zip-empty", b"PK\5\6" + bytes(18))
PYTHON
