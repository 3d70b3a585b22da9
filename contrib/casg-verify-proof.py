#!/usr/bin/env python3
"""Check a proof of casg-prove(1): a second verifier, for Python 3.

Written from casgformat-proof(5), casgformat-record(5), casgformat-taxonomy(5)
and casgformat-version(5) alone; it shares nothing with casg-verify-proof(1), and
the tests of casg compare the two.  It needs the standard library only.

usage: casg-verify-proof.py [--fasta FILE] (--version-id ID | --version-record FILE) PROOF
       casg-verify-proof.py [--fasta FILE] (--view ID |
           (--version-id ID | --version-record FILE) --taxonomy-id ID) PROOF

Exit status: 0 verified, 1 does not verify, 128 malformed or unreadable,
129 wrong usage.
"""

import re
import struct
import sys
from bisect import bisect_left
from hashlib import sha256

FORMAT = b'casg-proof 1'
PROOF_MAX = 256 << 20
VERSION_MAX = 1 << 20
LEVEL_MAX, COUNT_MAX, KEY_MAX, INLINE_MAX = 32, 512, 65535, 4096
TAXA_MAX, LINEAGE_MAX = 256, 256
WHITE = b' \t\n\v\f\r'
WHITE_BYTES = [b' ', b'\t', b'\v', b'\f', b'\r']


class Malformed(Exception):
    """Not in the form of the page: exit status 128."""


class Refused(Exception):
    """Well-formed, and not true: exit status 1."""


def malformed(why):
    raise Malformed(why)


def refuse(why):
    raise Refused(why)


# ---- hashing ---------------------------------------------------------------

def be32(n):
    return struct.pack('>I', n)


def be64(n):
    return struct.pack('>Q', n)


def field(b):
    return be32(len(b)) + b


def split(n):
    """The largest power of two below n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(leaves):
    """RFC 6962, section 2.1, of leaf hashes."""
    n = len(leaves)
    if n == 0:
        return sha256(b'').digest()
    if n == 1:
        return leaves[0]
    k = split(n)
    return sha256(b'\1' + mth(leaves[:k]) + mth(leaves[k:])).digest()


class Record:
    """A leaf entry; desc is None when only its digest and length are there."""

    def __init__(self, key, occurrence, seq, length, desc, digest, dlen):
        self.key, self.occurrence = key, occurrence
        self.seq, self.length = seq, length
        self.desc, self.digest, self.dlen = desc, digest, dlen
        self.long = None        # in a view, the description of which it has the digest

    def leaf_hash(self):
        if self.desc is None:
            desc = b'\1' + self.digest + be64(self.dlen)
        else:
            desc = b'\0' + self.desc
        return sha256(b'\0' + field(self.key) + field(be32(self.occurrence)) +
                      field(self.seq) + field(be64(self.length)) +
                      field(desc)).digest()


class Child:
    """An interior entry, and the node that stands for it."""

    def __init__(self, count, ident, first, last):
        self.count, self.id = count, ident
        self.first, self.last = first, last     # (key, occurrence)
        self.node = None

    def leaf_hash(self):
        return sha256(b'\0' + field(self.first[0]) + field(be32(self.first[1])) +
                      field(self.last[0]) + field(be32(self.last[1])) +
                      field(be64(self.count)) + field(self.id)).digest()


class Hash:
    def __init__(self, span, digest):
        self.span, self.digest = span, digest


class Node:
    def __init__(self, level, count):
        self.level, self.count = level, count
        self.items = []

    def id(self):
        items = iter(self.items)
        top = self.subtree(items, next(items, None), self.count)[0] \
            if self.count else sha256(b'').digest()
        return sha256(bytes([2, 1, self.level]) + be32(self.count) + top).digest()

    def subtree(self, items, item, n):
        """The hash of n entries, from 'item' on; and the item behind them.

        The form is checked on the way: what is not a subtree of the RFC 6962
        tree, or could have been a part of a larger hash, is malformed.
        """
        if isinstance(item, Hash) and item.span == n:
            return item.digest, next(items, None), True
        if n == 1:
            if isinstance(item, Hash):
                malformed('a hash does not stand for a subtree')
            return item.leaf_hash(), next(items, None), False
        k = split(n)
        left, item, is_hash = self.subtree(items, item, k)
        right, item, both = self.subtree(items, item, n - k)
        if is_hash and both:
            malformed('two hashes are the halves of one subtree')
        return sha256(b'\1' + left + right).digest(), item, False


# ---- reading ---------------------------------------------------------------

def number(word, most):
    if not re.fullmatch(rb'0|[1-9][0-9]{0,19}', word) or int(word) > most:
        malformed('not a number, or too large: %r' % word)
    return int(word)


def u64(word):
    return number(word, 2**64 - 1)


def u32(word):
    return number(word, 2**32 - 1)


def oid(word):
    if not re.fullmatch(rb'[0-9a-f]{64}', word):
        malformed('not an id: %r' % word)
    return bytes.fromhex(word.decode())


def key(word):
    if len(word) > KEY_MAX or re.search(rb'[\0 \t\n\v\f\r]', word):
        malformed('not a key')
    return word


def split_header(header):
    """Key and description of a header line."""
    m = re.search(rb'[ \t\n\v\f\r]', header)
    at = m.start() if m else len(header)
    if b'\0' in header or at > KEY_MAX:
        malformed('not a header')
    return header[:at], header[at:]


def timestamp(word):
    m = re.fullmatch(rb'([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z',
                     word)
    if not m:
        malformed('not a time')
    year, month, day, hour, minute, second = map(int, m.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    if not (year >= 1 and 1 <= month <= 12 and 1 <= day <= days[month - 1] and
            hour < 24 and minute < 60 and second < 60):
        malformed('not a time that was')
    return word         # times of this form sort as they are


class Version:
    """A VERSION: casgformat-version(5)."""

    # name, reader, least, most, and the kinds that have it
    FIELDS = (('records', oid, 1, 1, 'DT'), ('order', oid, 1, 1, 'DT'),
              ('presentation', oid, 1, 1, 'DT'), ('withdrawn', oid, 0, 1, 'D'),
              ('mapping', oid, 0, 1, 'T'), ('count', u64, 1, 1, 'DT'),
              ('residues', u64, 1, 1, 'D'), ('sequence-time', timestamp, 1, 1, 'D'),
              ('taxonomy-time', timestamp, 1, 1, 'T'),
              ('valid-until', timestamp, 0, 1, 'DT'), ('release', None, 0, 1, 'DT'),
              ('taxonomy', oid, 0, 1, 'D'), ('change', None, 0, None, 'T'),
              ('source', None, 0, None, 'DT'), ('source-sha256', oid, 0, 1, 'DT'),
              ('previous', oid, 0, None, 'DT'))
    CHANGES = (b'new', b'deleted', b'merged', b'split', b'renamed', b'moved', b'rank')

    def __init__(self, text):
        self.text = text
        self.id = sha256(text).digest()
        self.tree = None
        if len(text) > VERSION_MAX or not text.endswith(b'\n'):
            malformed('a VERSION is too long, or has no last LF')
        lines = text[:-1].split(b'\n')
        kinds = {b'casg-version 1': 'D', b'casg-taxonomy 1': 'T'}
        if lines[0] not in kinds:
            malformed('not a VERSION of format 1')
        self.kind = kinds[lines[0]]
        fields = [f for f in self.FIELDS if self.kind in f[4]]
        self.value = {f[0]: [] for f in self.FIELDS}
        at = 1
        for name, reader, least, most, _ in fields:
            mark = name.encode() + b' '
            values = self.value[name]
            while (at < len(lines) and lines[at].startswith(mark) and
                   (most is None or len(values) < most)):
                word = lines[at][len(mark):]
                values.append(reader(word) if reader else self.label(name, word))
                at += 1
            if len(values) < least:
                malformed('a VERSION lacks %s' % name)
        if at != len(lines):
            malformed('a VERSION holds another line: %r' % lines[at][:40])
        self.check_values()

    def check_values(self):
        previous = self.value['previous']
        if any(a >= b for a, b in zip(previous, previous[1:])):
            malformed('the previous of a VERSION are out of order')
        if self.kind == 'D' and not self['count'] and self['residues']:
            malformed('a VERSION counts residues without records')
        if self.value['valid-until'] and self['valid-until'] <= self.time():
            malformed('a VERSION ends before it begins')
        changes = [self.CHANGES.index(c) for c in self.value['change']]
        if any(a >= b for a, b in zip(changes, changes[1:])):
            malformed('the changes of a VERSION are out of order')

    def time(self):
        return self['sequence-time' if self.kind == 'D' else 'taxonomy-time']

    def __getitem__(self, name):
        return self.value[name][0]

    @staticmethod
    def label(name, word):
        if name == 'change':
            word, _, count = word.partition(b' ')
            if word not in Version.CHANGES or not u64(count):
                malformed('a VERSION holds a bad change')
            return word
        if name == 'release':
            good = re.fullmatch(rb'[\x21-\x7e\x80-\xff]([\x20-\x7e\x80-\xff]{0,253}'
                                rb'[\x21-\x7e\x80-\xff])?', word)
        else:
            good = re.fullmatch(rb'([\x20-\x24\x26-\x7e\x80-\xff]|'
                                rb'%(0[1-9A-F]|1[0-9A-F]|25|7F)){1,255}', word)
        if not good:
            malformed('a VERSION holds a bad %s' % name)
        return word


class Reader:
    def __init__(self, text):
        self.text, self.at = text, 0

    def peek(self):
        end = self.text.find(b'\n', self.at)
        if end < 0:
            malformed('the proof is cut short')
        return self.text[self.at:end]

    def line(self):
        line = self.peek()
        self.at += len(line) + 1
        return line

    def words(self, what, n):
        """A line of exactly n words, the first of which is 'what'."""
        words = self.line().split(b' ', n - 1)
        if len(words) != n or words[0] != what:
            malformed('not a line of %s' % what.decode())
        return words


class Proof:
    def __init__(self, text):
        if len(text) > PROOF_MAX:
            malformed('the proof is too long')
        r = Reader(text)
        if r.line() != FORMAT:
            malformed('not a casg proof of format 1')
        self.read_claim(r)
        self.mapping = None
        if self.claim == b'view':
            self.read_view(r)
        else:
            self.versions = [self.read_version(r)]
            while self.claim == b'history' and r.peek().startswith(b'version '):
                self.versions.append(self.read_version(r))
        body = text[:r.at]
        self.sum = oid(r.words(b'sha256', 2)[1])
        if r.at != len(text):
            malformed('bytes are left over')
        self.sum_is = sha256(body).digest()

    def read_claim(self, r):
        words = r.line().split(b' ')
        self.key = self.since = self.id = self.sources = None
        self.members = []
        kind = words[1] if len(words) > 1 and words[0] == b'claim' else None
        if kind == b'key' and len(words) == 3:
            self.key = key(words[2])
        elif kind == b'records' and len(words) == 2:
            pass
        elif kind == b'sequence' and len(words) == 3:
            self.id = oid(words[2])
        elif kind == b'chunk' and len(words) == 3:
            self.id = oid(words[2])
            while r.peek().startswith(b'member '):
                self.members.append(oid(r.words(b'member', 2)[1]))
            if not self.members:
                malformed('a chunk without members')
        elif kind == b'history' and len(words) == 4:
            self.since = timestamp(words[2])
            self.key = key(words[3])
        elif kind == b'view' and len(words) in (4, 5):
            self.sources = words[2].split(b',')
            if (len(set(self.sources)) < len(self.sources) or
                    not set(self.sources) <= {b'header', b'mapping', b'organism'}):
                malformed('not a list of sources')
            if words[3:] != [b'records']:
                if words[3] != b'key' or len(words) != 5:
                    malformed('not a claim')
                self.key = key(words[4])
        else:
            malformed('not a claim')
        self.claim = kind

    def read_view(self, r):
        self.versions = [self.read_version(r), self.read_version(r, False)]
        if [v.kind for v in self.versions] != ['D', 'T']:
            malformed('a view is of sequences and a taxonomy')
        if r.peek().startswith(b'node '):
            self.versions[1].tree = self.read_node(r, None)
        if r.peek() == b'mapping':
            r.line()
            self.mapping = self.read_node(r, None)

    def read_version(self, r, tree=True):
        n = number(r.words(b'version', 2)[1], VERSION_MAX)
        if n > len(r.text) - r.at:
            malformed('a VERSION is cut short')
        v = Version(r.text[r.at:r.at + n])
        r.at += n
        if tree and (self.claim != b'history' or v.time() >= self.since):
            v.tree = self.read_node(r, None)
        return v

    def read_node(self, r, level):
        words = r.words(b'node', 4)
        if words[1] != b'1':
            malformed('unsupported tree node kind %r' % words[1])
        node = Node(number(words[2], LEVEL_MAX), number(words[3], COUNT_MAX))
        if level is not None and node.level != level:
            malformed('a node is of another level')
        if not node.count and (node.level or level is not None):
            malformed('a node is empty')
        left = node.count
        while left > 0:
            item = self.read_item(r, node.level)
            left -= item.span if isinstance(item, Hash) else 1
            node.items.append(item)
        if left:
            malformed('a hash stands for more entries than are left')
        if node.count and all(isinstance(i, Hash) for i in node.items):
            malformed('no entry of a node is spelled out')
        node.digest = node.id()
        for item in node.items:
            if isinstance(item, Child):
                item.node = self.read_node(r, node.level - 1)
        return node

    def read_item(self, r, level):
        what = r.peek().split(b' ', 1)[0]
        if what == b'hash':
            words = r.words(what, 3)
            span = u32(words[1])
            return Hash(span, oid(words[2])) if span else malformed('a hash of nothing')
        if level:
            w = r.words(b'child', 7)
            return Child(u64(w[1]), oid(w[2]), (key(w[5]), u32(w[3])),
                         (key(w[6]), u32(w[4])))
        if what == b'long-record':
            w = r.words(what, 7)
            if u64(w[5]) <= INLINE_MAX:
                malformed('a long-record is short')
            record = Record(key(w[6]), u32(w[1]), oid(w[2]), u64(w[3]), None,
                            oid(w[4]), u64(w[5]))
            if self.claim == b'view' and r.peek().startswith(b'description'):
                record.long = r.line()[len(b'description'):]
                if (len(record.long) != record.dlen or b'\0' in record.long or
                        record.long[:1] not in WHITE_BYTES):
                    malformed('not the description of a long-record')
            return record
        w = r.words(b'record', 5)
        name, desc = split_header(w[4])
        if len(desc) > INLINE_MAX:
            malformed('the description is too long for a record')
        return Record(name, u32(w[1]), oid(w[2]), u64(w[3]), desc, None, len(desc))


# ---- checking --------------------------------------------------------------

class Walk:
    """One tree in its order: the records spelled out, and what lies between."""

    def __init__(self):
        self.records = []
        self.gap = []           # before each record: were entries passed over?
        self.open = False       # since the last one

    def check(self, node, parent, ident, total):
        if node.digest != ident:
            refuse('a node does not have the id that is wanted')
        self.check_count(node, total, parent is None)
        self.check_edges(node, parent)
        before = None
        for item in node.items:
            if isinstance(item, Hash):
                self.open = True
            elif isinstance(item, Child):
                if item.first > item.last or (before and before >= item.first):
                    refuse('children are out of order')
                before = item.last
            else:
                self.check_record(item, parent)
            if isinstance(item, Child):
                self.check(item.node, item, item.id, item.count)

    @staticmethod
    def check_count(node, total, is_root):
        if is_root and node.level and node.count < 2:
            refuse('a root above the leaves has one child')
        if not node.level:
            good = total is None or node.count == total
        else:
            shown = [i.count for i in node.items if isinstance(i, Child)]
            hidden = sum(i.span for i in node.items if isinstance(i, Hash))
            least = sum(shown) + hidden
            # nothing says how many records a mapping has
            good = all(shown) and least < 2**64 and \
                (total is None or (least <= total if hidden else least == total))
        if not good:
            refuse('the records below a node are not as many as its parent says')

    @staticmethod
    def check_edges(node, parent):
        if not parent:
            return
        for item, want, at in ((node.items[0], parent.first, 'first'),
                               (node.items[-1], parent.last, 'last')):
            if isinstance(item, Record) and (item.key, item.occurrence) != want:
                refuse('a leaf does not begin or end as its parent says')
            if isinstance(item, Child) and getattr(item, at) != want:
                refuse('a node does not begin or end as its parent says')

    def check_record(self, record, parent):
        place = (record.key, record.occurrence)
        if parent and not parent.first <= place <= parent.last:
            refuse('a record is not where its leaf is')
        if self.records:
            last = self.records[-1]
            if (last.key, last.occurrence) >= place:
                refuse('records are out of order')
        self.records.append(record)
        self.gap.append(self.open)
        self.open = False

    def answer(self, wanted):
        """The records with a key; its neighbours, or None."""
        before = [r for r in self.records if r.key < wanted]
        found = [r for r in self.records if r.key == wanted]
        after = [r for r in self.records if r.key > wanted]
        if (len(before) > 1 or len(after) > 1 or any(self.gap[len(before):]) or
                (not after and self.open)):
            refuse('the records are not those of the key and its neighbours')
        if [r.occurrence for r in found] != list(range(len(found))):
            refuse('the occurrences do not count from 0')
        return found, before[0] if before else None, after[0] if after else None


def check_chain(proof, wanted):
    chain = [wanted]
    known = {wanted}
    for i, v in enumerate(proof.versions):
        if i >= len(chain) or v.id != chain[i]:
            refuse('a VERSION does not have the id that is wanted')
        if proof.claim == b'history':
            for p in v.value['previous']:
                if p not in known:
                    known.add(p)
                    chain.append(p)
    if len(chain) != len(proof.versions):
        refuse('a VERSION is missing')


# ---- views -----------------------------------------------------------------

def view_id(sequence, taxonomy):
    return sha256(b'casg-view 1\n' + field(sequence) + field(taxonomy)).digest()


def definition_lines(desc):
    return desc.split(b'\1')


def accessions(record, desc):
    """The ids of a record, and the forms of each."""
    ids = [record.key]
    for line in definition_lines(desc)[1:]:
        m = re.match(rb' *([^\0-\x20]+)', line)
        if m:
            ids.append(m.group(1))
    for ident in ids:
        whole = [ident]
        parts = ident.split(b'|')
        if len(parts) > 1 and parts[0] in TAGS:
            bare = parts[1]
            if (parts[0] == b'gi' and len(parts) > 3 and parts[2] in TAGS and parts[3]):
                bare = parts[3]
            if bare:
                whole.append(bare)
        cut = [re.sub(rb'(?<=.)\.[0-9]+\Z', b'', w, flags=re.S) for w in whole]
        yield whole + [c for c, w in zip(cut, whole) if c != w]


TAGS = (b'bbs dbj emb gb gi gim gnl gpp lcl nat oth pat pdb pir prf ref sp tpd tpe tpg '
        b'tr').split()


def organism(desc):
    """The [NAME] of the first definition line that has one."""
    for line in definition_lines(desc):
        end = line.rfind(b']')
        depth, i = 1, end
        while i > 0 and depth:
            i -= 1
            depth += {b']': 1, b'[': -1}.get(line[i:i + 1], 0)
        if end > 0 and not depth and end > i + 1:
            return line[i + 1:end]
    return None


def check_taxon_id(word):
    if not re.fullmatch(rb'(?:[\x21-\x24\x26-\x2b\x2d-\x7e\x80-\xff]|'
                        rb'%(?:[01][0-9A-F]|2[05C]|7F))+', word) or len(word) > KEY_MAX:
        refuse('an id is not in key form')
    return word


class Lookup:
    """What a tree of which some records are spelled out has under a key."""

    def __init__(self, walk):
        self.walk = walk
        self.place = [(r.key, r.occurrence) for r in walk.records]
        self.used = [None] * len(self.place)
        self.asked = False

    def get(self, name):
        self.asked = True
        i = bisect_left(self.place, (name, 0))
        if i < len(self.place) and self.place[i][0] == name:
            record = self.walk.records[i]
            if record.occurrence:
                refuse('the first record of a key is not shown')
            self.used[i] = True
            return description(record)
        if self.walk.gap[i] if i < len(self.place) else self.walk.open:
            refuse('neither a record nor its absence is shown')
        for k in (i - 1, i):
            if 0 <= k < len(self.place) and self.used[k] is None:
                self.used[k] = False
        return None


def description(record):
    if record.desc is not None:
        return record.desc
    if record.long is None or sha256(record.long).digest() != record.digest:
        refuse('a description is missing, or another')
    return record.long


class View:
    """Taxa and lineages of records, by the records that a proof has."""

    def __init__(self, sources, taxonomy, mapping, has_mapping):
        self.sources, self.has_mapping = sources, has_mapping
        self.trees = [taxonomy, mapping]

    def get(self, which, name):
        if self.trees[which] is None:
            refuse('a tree is missing that has to be asked')
        return self.trees[which].get(name)

    def mapped(self, record, desc):
        for forms in accessions(record, desc):
            for form in forms:
                row = self.get(1, form)
                if row is None:
                    continue
                ids = [check_taxon_id(i) for i in row[1:].split(b',')]
                if row[:1] != b'\t' or len(set(ids)) < len(ids) or len(ids) > TAXA_MAX:
                    refuse('not a row of a mapping')
                yield from ids
                break

    def taxa(self, record):
        """Source and ids; a view has no answer where a name would be asked."""
        desc = description(record)
        for source in self.sources:
            found = []
            if source == b'header':
                declared = declared_taxon(record, desc)
                found = [] if declared == b'-' else declared.split(b',')
            elif source == b'mapping' and self.has_mapping:
                found = list(dict.fromkeys(self.mapped(record, desc)))
            elif source == b'organism' and organism(desc) is not None:
                refuse('the taxon of a record rests on a name')
            if found:
                return source, found
        return None, []

    def taxon(self, name):
        """What a taxonomy has under an id."""
        desc = self.get(0, name)
        if desc is None:
            return None
        words = desc.split(b'\t')
        if words[0] or re.search(rb'[\0\r\n]', desc):
            refuse('not a record of a taxonomy')
        what, words = words[1:2], words[2:]
        if what == [b'deleted'] and not words:
            return ('deleted',)
        if what == [b'merged'] and len(words) == 1:
            return ('merged', check_taxon_id(words[0]))
        others = [tuple(words[i:i + 3]) for i in range(5, len(words), 3)]
        if (what != [b'node'] or len(words) < 5 or len(words) % 3 != 2 or not words[3] or
                not all(o[0] and o[1] for o in others) or
                any(a >= b for a, b in zip(others, others[1:]))):
            refuse('not a record of a taxonomy')
        return ('node', check_taxon_id(words[0]), words[1], words[3])

    def lineage(self, name):
        """Status, and (id, rank, name) from the taxon to the root."""
        found, status = self.taxon(name), b'found'
        if found is None:
            return b'unknown', []
        if found[0] == 'deleted':
            return b'deleted', []
        merges = 0
        while found[0] == 'merged':
            name, status, merges = found[1], b'merged', merges + 1
            found = self.taxon(name)
            if found is None or found[0] == 'deleted' or merges > LINEAGE_MAX:
                refuse('an id was merged into nothing')
        steps = []
        while True:
            if len(steps) == LINEAGE_MAX:
                refuse('a lineage is too long')
            steps.append((name, found[2], found[3]))
            if found[1] == name:
                return status, steps
            name = found[1]
            found = self.taxon(name)
            if found is None or found[0] != 'node':
                refuse('a parent is no taxon')

    def classify(self, record):
        source, ids = self.taxa(record)
        return source, [(i, *self.lineage(i)) for i in ids]


def walk_tree(node, ident, total):
    walk = Walk()
    walk.check(node, None, ident, total)
    return walk


def check_view(proof, wanted):
    sequence, taxonomy = proof.versions
    if view_id(sequence.id, taxonomy.id) != wanted:
        refuse('the two versions do not make the view that is wanted')
    walk = walk_tree(sequence.tree, sequence['records'], sequence['count'])
    trees = [None, None]
    if taxonomy.tree:
        trees[0] = Lookup(walk_tree(taxonomy.tree, taxonomy['records'], taxonomy['count']))
    if proof.mapping:
        if not taxonomy.value['mapping']:
            refuse('the taxonomy has no mapping')
        trees[1] = Lookup(walk_tree(proof.mapping, taxonomy['mapping'], None))
    before = after = None
    records = walk.records
    if proof.key is not None:
        records, before, after = walk.answer(proof.key)
    if not records:
        refuse('no record is shown')
    for r in (before, after):
        if r and r.long is not None:
            refuse('a description is there that is not needed')
    proof.view = View(proof.sources, *trees, bool(taxonomy.value['mapping']))
    for r in records:
        proof.view.classify(r)
    for tree in filter(None, trees):
        if not tree.asked or None in tree.used:
            refuse('more of a tree is shown than is needed')
        for r, used in zip(tree.walk.records, tree.used):
            if r.long is not None and not used:
                refuse('a description is there that is not needed')
    return [(sequence, records, before, after)]


def check_proof(proof, wanted):
    """For each version (version, records proved, before, after)."""
    if proof.sum != proof.sum_is:
        refuse('the checksum does not match')
    if proof.claim == b'view':
        return check_view(proof, wanted)
    check_chain(proof, wanted)
    answers = []
    for v in proof.versions:
        if not v.tree:
            answers.append((v, None, None, None))
            continue
        walk = Walk()
        walk.check(v.tree, None, v['records'], v['count'])
        if proof.key is not None:
            answers.append((v, *walk.answer(proof.key)))
        else:
            answers.append((v, walk.records, None, None))
    records = answers[0][1]
    if proof.claim == b'records' and not records:
        refuse('no record is claimed')
    if proof.claim == b'sequence' and [r.seq for r in records] != [proof.id]:
        refuse('the record does not have the sequence')
    if proof.claim == b'chunk':
        if mth([sha256(b'\0' + m).digest() for m in proof.members]) != proof.id:
            refuse('the id of the chunk is not that of the sequences listed')
        if sorted(r.seq for r in records) != sorted(set(proof.members)):
            refuse('the records are not those of the sequences of the chunk')
    if proof.claim == b'history' and not any(v.tree for v in proof.versions):
        refuse('no version is as new as the time of the claim')
    return answers


# ---- FASTA -----------------------------------------------------------------

def read_fasta(text):
    """(key, description, residues) of each record: casgformat-record(5)."""
    if b'\0' in text:
        malformed('NUL in the FASTA')
    records = []
    lines = text.split(b'\n')
    for i, line in enumerate(lines):
        if line.startswith(b'>'):
            # the CR of a CR LF is not of the header
            if line.endswith(b'\r') and i + 1 < len(lines):
                line = line[:-1]
            records.append((*split_header(line[1:]), []))
        elif line.startswith(b';'):
            continue
        elif records:
            residues = line.translate(None, WHITE)
            if re.search(rb'[^\x21-\x7e]', residues):
                malformed('a byte in the FASTA that is no residue')
            records[-1][2].append(residues.upper())
        elif line.translate(None, WHITE):
            malformed('text before the first record of the FASTA')
    return [(k, d, b''.join(s)) for k, d, s in records]


def check_fasta(path, records):
    left = {}
    for r in records or []:
        left.setdefault(r.key, []).append(r)
    if not left:
        refuse('no record was proved for the FASTA to hold')
    for name, desc, residues in read_fasta(slurp(path)):
        for r in left.get(name, []):
            same = desc == r.desc if r.desc is not None else \
                (len(desc), sha256(desc).digest()) == (r.dlen, r.digest)
            if (same and r.length == len(residues) and
                    r.seq == sha256(residues).digest()):
                left[name].remove(r)
                break
        else:
            refuse('a record of the FASTA was not proved')
    if any(left.values()):
        refuse('the FASTA does not hold all records that were proved')


# ---- what was proved -------------------------------------------------------

def quote(text, is_key=False):
    """As Git quotes paths, and the record stream its fields."""
    if not (re.search(rb'[\t\n"\\]', text) or (is_key and text.startswith(b'#casg'))):
        return text
    letters = dict(zip(b'\a\b\t\n\v\f\r"\\', b'abtnvfr"\\'))
    out = b''
    for c in text:
        if c in letters:
            out += b'\\' + bytes([letters[c]])
        elif c < 0x20 or c == 0x7f:
            out += b'\\%03o' % c
        else:
            out += bytes([c])
    return b'"' + out + b'"'


def declared_taxon(record, desc):
    found = []
    for text in (record.key, desc):
        for m in re.finditer(rb'(?:(?<![^ \t\n\v\f\r\1])(?:OX|TaxID)=([0-9]+)(?![0-9A-Za-z])|'
                             rb'(?<![^|])kraken:taxid\|([0-9]+)(?![^| \t\n\v\f\r]))', text):
            found.append(m.group(1) or m.group(2))
    return b','.join(list(dict.fromkeys(found))[:256]) or b'-'


def taxon_text(name):
    """An id as users know it, from its key form."""
    return quote(re.sub(rb'%(..)', lambda m: bytes([int(m.group(1), 16)]), name))


def show_taxa(line, record, source, taxa):
    if not taxa:
        line(b'no-taxon', quote(record.key, True))
    for name, status, steps in taxa:
        line(b'taxon', source, taxon_text(name), status)
        for ident, rank, text in steps:
            line(b'lineage', taxon_text(ident), quote(rank), quote(text))


def show(proof, answers):
    def line(*fields):
        sys.stdout.buffer.write(b'\t'.join(fields) + b'\n')

    claim = [b'claim', proof.claim]
    if proof.claim == b'view':
        claim += [b','.join(proof.sources), b'records' if proof.key is None else b'key']
    if proof.since is not None:
        claim.append(proof.since)
    if proof.key is not None:
        claim.append(quote(proof.key, True))
    if proof.id is not None:
        claim.append(proof.id.hex().encode())
    line(*claim)
    if proof.claim == b'view':
        line(b'view', view_id(*(v.id for v in proof.versions)).hex().encode())
    for v, records, before, after in answers:
        line(b'older' if records is None else b'version', v.id.hex().encode(),
             v.time(), b'%d' % v['count'])
        if records is None:
            continue
        if proof.claim == b'view':
            t = proof.versions[1]
            line(b'taxonomy', t.id.hex().encode(), t.time(), b'%d' % t['count'])
        if proof.key is not None and not records:
            line(b'absent', quote(proof.key, True))
        for r in records:
            head = (quote(r.key, True), r.seq.hex().encode(), b'%d' % r.length)
            desc = r.desc if r.desc is not None else r.long
            if desc is None:
                line(b'long-record', *head, r.digest.hex().encode(), b'%d' % r.dlen)
            else:
                line(b'record', *head, declared_taxon(r, desc), b'-', quote(desc))
            if proof.claim == b'view':
                show_taxa(line, r, *proof.view.classify(r))
        if before:
            line(b'before', quote(before.key, True))
        if after:
            line(b'after', quote(after.key, True))


# ---- the program -----------------------------------------------------------

def slurp(path):
    if path == '-':
        return sys.stdin.buffer.read()
    with open(path, 'rb') as f:
        return f.read()


def usage(why):
    sys.stderr.write('error: %s\n%s' % (why, __doc__[__doc__.index('usage:'):]))
    return 129


def main(argv):
    options = {}
    args = []
    it = iter(argv[1:])
    for arg in it:
        name, eq, value = arg.partition('=')
        if name not in ('--fasta', '--version-id', '--version-record', '--view',
                        '--taxonomy-id'):
            if arg.startswith('-') and arg != '-':
                return usage('unknown option %r' % arg)
            args.append(arg)
            continue
        value = value if eq else next(it, None)
        if value is None:
            return usage('%s requires a value' % name)
        options[name] = value
    names = {'--version-id', '--version-record', '--view'} & set(options)
    if len(args) != 1 or len(names) != 1:
        return usage('give a proof and one of --version-id, --version-record and --view')
    if '--taxonomy-id' in options and '--view' in options:
        return usage('--view excludes --taxonomy-id')
    for name in ('--version-id', '--view', '--taxonomy-id'):
        if name in options and not re.fullmatch('[0-9a-f]{64}', options[name]):
            return usage('not an id')
    try:
        if '--version-record' in options:
            wanted = Version(slurp(options['--version-record'])).id
        else:
            wanted = bytes.fromhex(options[names.pop()])
        if '--taxonomy-id' in options:
            wanted = view_id(wanted, bytes.fromhex(options['--taxonomy-id']))
        proof = Proof(slurp(args[0]))
        is_view = '--view' in options or '--taxonomy-id' in options
        if is_view != (proof.claim == b'view'):
            refuse('it is about %s view' % ('no' if is_view else 'a'))
        answers = check_proof(proof, wanted)
        if '--fasta' in options:
            check_fasta(options['--fasta'], answers[0][1])
        show(proof, answers)
        sys.stdout.flush()
    except Malformed as e:
        sys.stderr.write('fatal: %s\n' % e)
        return 128
    except OSError as e:
        sys.stderr.write('fatal: %s\n' % e)
        return 128
    except Refused as e:
        sys.stderr.write('error: %r does not verify: %s\n' % (args[0], e))
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv))
