# shellcheck shell=sh
# lib-partial - partial clones over whatever storage.
#
# partial_over URL: a small repository is pushed there; partial clones of it read one
# record, agree with their dry run, get the rest; a clone takes half from a file.

partial_over () {
	rm -rf p-src p-git p-none p-from && casg-gen --seed 41 --type protein --records 400 --length 200 >p.fa && awk '/^>/ { n++ } n <= 200' p.fa >p-half.fa &&
	casg-gen --seed 42 --mutate p.fa --add 10 >p2.fa && casg init -q p-src && git init -q --bare p-git &&
	(
		cd p-src && git config casg.chunkSize 16k && casg import -q -d db ../p.fa && casg import -q -d db ../p2.fa &&
		casg remote add origin ../p-git "$1" && casg push -q -u
	) &&
	casg clone -q --no-data --storage "$1" p-git p-none && p_key=$(sed -n 's/^>\([^ ]*\).*/\1/p' p.fa | sed -n 300p) &&
	casg -C p-src cat db "$p_key" >expect && casg -C p-none cat db "$p_key" >got && cmp expect got && test_must_fail env CASG_NO_FETCH=1 casg -C p-none export db >got 2>err &&
	(
		cd p-none && casg fetch -n --database db >../p-plan && casg fetch --database db 2>../p-err && sed -n 's/^wanted here: //p' ../p-err >../p-did &&
		test_cmp ../p-plan ../p-did && test_grep '^[1-9][0-9]* chunks' ../p-did && casg fsck -q --full && CASG_NO_FETCH=1 casg export db
	) >got && cmp p2.fa got &&
	casg clone -q --from p-half.fa --from p.fa --storage "$1" p-git p-from && (cd p-from && casg fsck -q --full && casg export db) >got && cmp p2.fa got
}
