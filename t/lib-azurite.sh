# shellcheck shell=sh
# lib-azurite - an Azure Blob service of our own for the tests of a file.
#
# azurite_start DIR: starts Azurite on loopback, with TLS and a container "casg";
# sets $az_account, $az_endpoint, $az_key, $az_sas, $az_sas_read, $az_sas_old and
# $az_token.  It ends when the test file does.  Needs prerequisite AZURITE.

test_lazy_prereq AZURITE '
	command -v node && command -v openssl &&
	test -f "$TEST_DIRECTORY/npm/node_modules/azurite/dist/src/blob/main.js"
'

# where it must not be skipped
require_server AZURITE

azurite_start () {
	mkdir "$1" && mkfifo "$1/end" &&
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
		-keyout "$1/key.pem" -out "$1/cert.pem" 2>/dev/null &&
	{
		NODE_EXTRA_CA_CERTS=$1/cert.pem node "$TEST_DIRECTORY/npm/azurite.mjs" "$1" \
			"$1/cert.pem" "$1/key.pem" <"$1/end" >"$1/log" 2>&1 9>&- &
	} &&
	azurite_pid=$! &&
	trap 'azurite_stop; test_exit' EXIT &&
	exec 8>"$1/end" &&
	wait_for test -s "$1/env" &&
	. "$1/env"
}

azurite_stop () {
	exec 8>&-
	kill "$azurite_pid" 2>/dev/null
	wait "$azurite_pid" 2>/dev/null
}
