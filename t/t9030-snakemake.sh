#!/bin/sh
# contrib/snakemake: shards packed side by side make the version that one
# process makes.

test_description='the workflow for Snakemake, in contrib'
. "$(dirname "$0")/test-lib.sh"

# not asked for by CASG_TEST_REQUIRE: t1040 has what the workflow rests on
command -v snakemake >/dev/null 2>&1 || skip_all 'snakemake is not installed'

XDG_CACHE_HOME=$PWD/cache
export XDG_CACHE_HOME

# flow REPO FOLDER SHARD...: the workflow in FOLDER, as a user runs it
flow () {
	repo=$1 folder=$2 &&
	shift 2 &&
	mkdir -p "$folder" &&
	{
		printf "repository: \"%s\"\n" "$PWD/$repo" &&
		echo "database: a/db" &&
		echo "release: 1 \$HOME" &&
		printf "sequence_time: \"2024-01-01\"\n" &&
		printf "message: it's \"a\" \$(touch pwned)\n" &&
		echo "memory: 64m" &&
		echo "shards:" &&
		printf "  - \"$PWD/%s\"\n" "$@"
	} >"$folder/config.yaml" &&
	(
		cd "$folder" &&
		snakemake --quiet --nolock -s "$CASG_SOURCE_DIR/contrib/snakemake/Snakefile" \
			--configfile config.yaml --cores 2
	) >flow.log 2>&1
}

# what the records, their order and their layout amount to
roots () {
	casg -C "$1" read-version HEAD:a/db |
		grep -e "^records " -e "^order " -e "^presentation " -e "^count "
}

test_expect_success 'setup' '
	casg-gen --seed 1 --type protein --records 600 --length 300 --family 0.4 >all.fa &&
	awk "/^>/ { n++ } { print >(\"a shard\" int((n - 1) / 200) \".fa\") }" all.fa &&
	casg-gen --seed 2 --mutate all.fa --add 2 --remove 1 --change 2 >second.fa &&
	awk "/^>/ { n++ } { print >(\"b\" int((n - 1) / 350) \".fa\") }" second.fa &&
	gzip b1.fa &&
	casg init -q one &&
	casg -C one import -q -d a/db "$PWD/all.fa" && roots one >one.1 &&
	casg -C one import -q -d a/db "$PWD/second.fa" && roots one >one.2
'

test_expect_success 'three shards make the version that one import makes' '
	casg init -q "the repo" &&
	flow "the repo" first "a shard0.fa" "a shard1.fa" "a shard2.fa" &&
	roots "the repo" >actual && test_cmp one.1 actual &&
	casg -C "the repo" export a/db >back && cmp all.fa back &&
	casg -C "the repo" fsck --full &&
	git -C "the repo" status --porcelain >status && test_must_be_empty status
'

test_expect_success 'label, time and message are as configured, and data' '
	casg -C "the repo" read-version HEAD:a/db >version &&
	test_grep "^release 1 \\\$HOME\$" version &&
	test_grep "^sequence-time 2024-01-01T00:00:00Z\$" version &&
	git -C "the repo" log -1 --format=%s >subject &&
	printf "it'\''s \"a\" \$(touch pwned)\n" >expect && test_cmp expect subject &&
	find . -name pwned >files && test_must_be_empty files
'

test_expect_success 'run again it does nothing' '
	git -C "the repo" rev-parse HEAD >before &&
	flow "the repo" first "a shard0.fa" "a shard1.fa" "a shard2.fa" &&
	git -C "the repo" rev-parse HEAD >after && test_cmp before after
'

test_expect_success 'the next release follows' '
	casg -C "the repo" read-version --id HEAD:a/db >before &&
	flow "the repo" second b0.fa b1.fa.gz &&
	roots "the repo" >actual && test_cmp one.2 actual &&
	casg -C "the repo" export a/db >back && cmp second.fa back &&
	casg -C "the repo" read-version --field=previous HEAD:a/db >after && test_cmp before after &&
	casg -C "the repo" fsck --full
'

test_expect_success 'shards that cannot be put together: named, and nothing is committed' '
	git -C "the repo" rev-parse HEAD >before &&
	printf "%s" "$(cat "a shard0.fa")" >open.fa &&
	test_expect_code 1 flow "the repo" third open.fa "a shard1.fa" &&
	test_grep "fatal: records/000000 ends without a newline" flow.log &&
	casg-gen --seed 3 --records 300 --length 300 --width 70 >wide.fa &&
	test_expect_code 1 flow "the repo" fourth "a shard0.fa" wide.fa &&
	test_grep "fatal: records/000001 is laid out as \"#casg width=70 " flow.log &&
	printf "@x\nACGT\n+\nIIII\n" >fastq.fa &&
	test_expect_code 1 flow "the repo" fifth "a shard0.fa" fastq.fa &&
	git -C "the repo" rev-parse HEAD >after && test_cmp before after
'

test_expect_success 'what was committed meanwhile is not overwritten' '
	flow "the repo" sixth "a shard0.fa" "a shard1.fa" "a shard2.fa" &&
	rm sixth/commit && git -C "the repo" rev-parse HEAD >before &&
	test_expect_code 1 flow "the repo" sixth "a shard0.fa" "a shard1.fa" "a shard2.fa" &&
	test_grep "fatal: the database has another version now" flow.log &&
	git -C "the repo" rev-parse HEAD >after && test_cmp before after
'

test_expect_success 'into a bare repository' '
	casg init -q --bare bare && flow bare seventh "a shard0.fa" "a shard1.fa" "a shard2.fa" &&
	roots bare >actual && test_cmp one.1 actual
'

test_done
