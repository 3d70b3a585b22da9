#!/bin/sh
# Signed commits and tags, made with real keys, and what casg verify says.

test_description='signatures: casg import -S, casg-commit-tree -S, casg verify'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

test_lazy_prereq SSHSIG '
	ssh-keygen -q -t ed25519 -N "" -f key &&
	echo x | ssh-keygen -Y sign -n git -f key
'
# the path of its agent's socket must be short
gnupg=${TMPDIR:-/tmp}/casg-gnupg.$$
test_lazy_prereq GPG '
	mkdir -m 700 "$gnupg" "$gnupg/full" "$gnupg/empty" &&
	GNUPGHOME=$gnupg/full && export GNUPGHOME &&
	gpg --batch --quiet --passphrase "" --quick-generate-key \
		"Bob <bob@example.org>" ed25519 sign never
'

test_expect_success 'setup' '
	casg init -q . &&
	printf ">a\nACGT\n>b\nGG\n" >db.fa &&
	test_tick &&
	plumb_import db.fa db --release=r1 --sequence-time=2001-01-01 &&
	git branch first
'

# has_signature COMMIT
has_signature () {
	git cat-file commit "$1" | sed "/^\$/q" | grep "^gpgsig " >/dev/null
}

# next: a release with one more record; options go to casg import.
next () {
	printf ">r%s\nACGT\n" "$(wc -l <db.fa)" >>db.fa &&
	test_tick &&
	casg import -q "$@" db.fa
}

# next_unsigned OPTION...: the same by plumbing; options go to casg-write-version.
next_unsigned () {
	printf ">r%s\nACGT\n" "$(wc -l <db.fa)" >>db.fa &&
	test_tick &&
	plumb_import db.fa db "$@"
}

# ---- SSH

test_expect_success SSHSIG 'setup: SSH keys' '
	ssh-keygen -q -t ed25519 -N "" -C "" -f alice &&
	ssh-keygen -q -t ed25519 -N "" -C "" -f mallory &&
	printf "alice@example.org %s\n" "$(cat alice.pub)" >allowed &&
	git config gpg.format ssh &&
	git config user.signingKey "$PWD/alice" &&
	git config gpg.ssh.allowedSignersFile "$PWD/allowed"
'

test_expect_success SSHSIG 'casg import -S signs, with the trailer in the signed message' '
	next -S --release r2 --sequence-time 2002-01-01 &&
	has_signature HEAD &&
	git verify-commit HEAD &&
	echo "db $(casg-read-version --id db)" >expect &&
	git log -1 --format="%(trailers:key=Casg-Version,valueonly)" | sed "/^\$/d" >actual &&
	test_cmp expect actual &&
	git status --porcelain --untracked-files=no >out && test_must_be_empty out
'

test_expect_success SSHSIG 'the commit is the one that an unsigned one would be' '
	casg-read-version HEAD:db >v &&
	plain=$(casg-commit-tree -p first -m "a  b" -m "# c" --database=db <v) &&
	signed=$(casg-commit-tree -S -p first -m "a  b" -m "# c" --database=db <v) &&
	git cat-file commit $plain >expect &&
	git cat-file commit $signed | sed -e "/^gpgsig /d" -e "/^ .*/d" >actual &&
	test_cmp expect actual &&
	signed=$(casg-commit-tree --gpg-sign -p first -p HEAD -m x --database=db <v) &&
	git cat-file commit $signed >out &&
	test_grep "^parent $(git rev-parse first)\$" out &&
	test_grep "^parent $(git rev-parse HEAD)\$" out
'

test_expect_success SSHSIG 'commit.gpgSign is heeded, -S and --no-gpg-sign go before it' '
	git tag here &&
	git config commit.gpgSign true &&
	next && has_signature HEAD &&
	next --no-gpg-sign && ! has_signature HEAD &&
	git config commit.gpgSign false &&
	next && ! has_signature HEAD &&
	next -S && has_signature HEAD &&
	git config commit.gpgSign maybe &&
	test_expect_code 128 casg import -q db.fa &&
	git config --unset commit.gpgSign &&
	git reset -q --hard here && git tag -d here &&
	printf ">a\nACGT\n>b\nGG\n>r4\nACGT\n" >db.fa
'

test_expect_success SSHSIG 'casg gap, taxonomy import and taxonomy map sign, too' '
	test_when_finished "git reset -q --hard $(git rev-parse HEAD)" &&
	casg gap -q -S --from 2100-01-01 db && has_signature HEAD &&
	casg gap -q --from 2101-01-01 db && ! has_signature HEAD &&
	printf "id\tparent\trank\tname\n1\t1\tno rank\troot\n" >t.tsv &&
	casg taxonomy import -q --gpg-sign --name t t.tsv && has_signature HEAD &&
	printf "a\t1\n" >map.tsv &&
	casg taxonomy map -q -S --name t map.tsv && has_signature HEAD && has_signature HEAD^ &&
	git verify-commit HEAD
'

test_expect_success SSHSIG 'nothing is committed when it cannot be signed' '
	git rev-parse HEAD >expect &&
	ls .git/casg/packs >packs &&
	test_expect_code 128 env GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=user.signingKey \
		GIT_CONFIG_VALUE_0=/nonexistent casg import -q -S --release other db.fa 2>err &&
	test_grep "could not sign the commit" err &&
	git rev-parse HEAD >actual &&
	test_cmp expect actual &&
	ls .git/casg/packs >actual &&
	test_cmp packs actual &&
	git status --porcelain --untracked-files=no >out && test_must_be_empty out
'

test_expect_success SSHSIG 'a signed version covers those before it, not those after' '
	key=$(ssh-keygen -l -f alice.pub | cut -d " " -f 2) &&
	casg verify --require-signature >out &&
	cat >expect <<-EOT &&
	commit $(git rev-parse HEAD): good signature by alice@example.org, key $key
	db: 2 versions verified, signed
	EOT
	test_cmp expect out &&
	casg verify -q first >out && test_must_be_empty out &&
	test_expect_code 1 casg verify --require-signature first &&
	next_unsigned --release=r3 --sequence-time=2003-01-01 &&
	casg verify >out &&
	test_grep "^db: 3 versions verified, 2 of them signed\$" out &&
	test_expect_code 1 casg verify --require-signature 2>err &&
	test_grep "db: 1 of 3 versions are unsigned" err &&
	casg verify --require-signature --to 2002-12-31 &&
	test_expect_code 1 casg verify --require-signature --from 2003-01-01 &&
	git branch third
'

test_expect_success SSHSIG 'a missing key or list of keys is an error, never a pass' '
	printf "alice@example.org %s\n" "$(cat mallory.pub)" >others &&
	git config gpg.ssh.allowedSignersFile "$PWD/others" &&
	test_expect_code 128 casg verify >out 2>err &&
	test_must_be_empty out &&
	test_grep "cannot be checked: its key, .*, is not in .*/others" err &&
	git config gpg.ssh.allowedSignersFile "$PWD/nowhere" &&
	test_expect_code 128 casg verify 2>err &&
	test_grep "cannot read .*/nowhere., gpg.ssh.allowedSignersFile" err &&
	git config --unset gpg.ssh.allowedSignersFile &&
	test_expect_code 128 casg verify 2>err &&
	test_grep "gpg.ssh.allowedSignersFile is not set" err &&
	casg verify --from 2003-01-01 &&
	git config gpg.ssh.allowedSignersFile "$PWD/allowed" &&
	casg verify -q --from 2002-01-01
'

# resign COMMIT SCRIPT: the commit with its text changed by a sed script.
resign () {
	git cat-file commit "$1" | sed "$2" >raw &&
	git hash-object -t commit -w --stdin <raw
}

test_expect_success SSHSIG 'a bad signature' '
	git checkout -q -B work third~1 &&
	git reset -q --hard $(resign HEAD "s/^import db:/import DB:/") &&
	test_expect_code 1 casg verify >out 2>err &&
	test_must_be_empty out &&
	test_grep "^error: commit $(git rev-parse HEAD): its signature is not of these bytes" err
'

test_expect_success SSHSIG 'a signed commit that says nothing of the version covers none' '
	git checkout -q -B work first &&
	next_unsigned --release=r2 --sequence-time=2002-01-01 &&
	tree=$(git rev-parse HEAD^{tree}) &&
	git reset -q --hard $(git commit-tree -S -p first -m "no trailer" $tree) &&
	test_expect_code 1 casg verify 2>err &&
	test_grep "no commit that brings version" err &&
	git commit -q --allow-empty -m other -m "Casg-Version: db $(casg-read-version --id db)" &&
	test_expect_code 1 casg verify
'

test_expect_success SSHSIG 'a forged VERSION under a signed message' '
	git checkout -q -B work third~1 &&
	sed "s/^release r2/release rX/" db/VERSION >v &&
	tree=$(git ls-tree -r HEAD | sed "s|blob [0-9a-f]*${TAB}db/VERSION|blob $(git hash-object -w v)${TAB}db/VERSION|" | (
		GIT_INDEX_FILE=$PWD/.git/forge && export GIT_INDEX_FILE &&
		git update-index --index-info && git write-tree)) &&
	git reset -q --hard $(resign HEAD "s/^tree .*/tree $tree/") &&
	test_expect_code 1 casg verify 2>err &&
	test_grep "says .Casg-Version: db .*, but its VERSION is" err &&
	test_grep "its signature is not of these bytes" err
'

test_expect_success SSHSIG 'a signed tag covers what it names' '
	git checkout -q -B work third &&
	id=$(casg-read-version --id db) &&
	git tag -s -m "release 3" -m "Casg-Version: db $id" r3 &&
	casg verify --require-signature >out &&
	test_grep "^tag $(git rev-parse r3): good signature by alice@example.org" out &&
	test_grep "^db: 3 versions verified, signed" out &&
	git config gpg.ssh.allowedSignersFile "$PWD/others" &&
	test_expect_code 128 casg verify 2>err &&
	test_grep "^error: tag $(git rev-parse r3): its signature cannot be checked" err &&
	git config gpg.ssh.allowedSignersFile "$PWD/allowed" &&
	git cat-file tag r3 | sed "s/^release 3/release 4/" | git hash-object -t tag -w --stdin >bad &&
	git update-ref refs/tags/r3 $(cat bad) &&
	test_expect_code 1 casg verify 2>err &&
	test_grep "^error: tag $(cat bad): its signature is not of these bytes" err &&
	git tag -f -s -m "release 3" -m "Casg-Version: db $(casg-read-version --id first:db)" r3 &&
	test_expect_code 1 casg verify 2>err &&
	test_grep "^error: tag .r3. says .Casg-Version: db .*, but VERSION is $id" err &&
	git tag -f -s -m "no trailer" r3 &&
	casg verify >out && test_grep "2 of them signed" out &&
	git tag -d r3
'

test_expect_success SSHSIG 'a replaced tag' '
	id=$(casg-read-version --id db) &&
	git tag -a -m "release 3" -m "Casg-Version: db $id" r3 &&
	casg verify -q &&
	git replace -f $(git rev-parse r3) \
		$(git cat-file tag r3 | sed "s/^release 3/release X/" | git hash-object -t tag -w --stdin) &&
	test_expect_code 1 casg verify 2>err &&
	test_grep "^error: tag .r3. is replaced" err &&
	git replace -d $(git rev-parse r3) && git tag -d r3
'

# ---- OpenPGP

test_expect_success GPG 'setup: an OpenPGP key' '
	GNUPGHOME=$gnupg/full && export GNUPGHOME &&
	git checkout -q -B pgp first &&
	{ git config --unset gpg.format || :; } &&
	git config user.signingKey bob@example.org &&
	next -S --release g2 --sequence-time 2002-01-01 &&
	has_signature HEAD
'

test_expect_success GPG 'a good signature' '
	casg verify --require-signature >out &&
	test_grep "^commit $(git rev-parse HEAD): good signature by Bob <bob@example.org>, key [0-9A-F]*\$" out &&
	test_grep "^db: 2 versions verified, signed" out
'

test_expect_success GPG 'the key is missing' '
	GNUPGHOME=$gnupg/empty test_expect_code 128 casg verify >out 2>err &&
	test_must_be_empty out &&
	test_grep "^error: commit $(git rev-parse HEAD): its signature cannot be checked: the public key [0-9A-F]* is not here" err
'

test_expect_success GPG 'there is no gpg' '
	test_expect_code 128 env GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=gpg.program \
		GIT_CONFIG_VALUE_0=/nonexistent casg verify
'

test_expect_success GPG 'a bad signature' '
	git reset -q --hard $(resign HEAD "s/^import db:/import DB:/") &&
	test_expect_code 1 casg verify 2>err &&
	test_grep "its signature, by key [0-9A-F]*, is not of these bytes" err
'

test_expect_success GPG 'a signed tag' '
	git checkout -q -B pgp first &&
	git tag -s -m "release 1" -m "Casg-Version: db $(casg-read-version --id db)" g1 &&
	casg verify --require-signature >out &&
	test_grep "^tag .*: good signature by Bob" out &&
	git cat-file tag g1 | sed "s/^release 1/release 2/" | git hash-object -t tag -w --stdin >bad &&
	git update-ref refs/tags/g1 $(cat bad) &&
	test_expect_code 1 casg verify 2>err &&
	test_grep "^error: tag $(cat bad): its signature, by key" err
'

# gpg started agents, which must not stay behind
for dir in full empty; do
	gpgconf --homedir "$gnupg/$dir" --kill all 2>/dev/null
done
rm -rf "$gnupg"

test_done
