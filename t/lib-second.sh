# shellcheck shell=sh
# lib-second - contrib/casg-verify-proof.py beside casg-verify-proof.  $py is its path.
#
# A script in Python says "from second import code, casg"; its first argument is $py,
# the second the id that is wanted.  code(TEXT) is the exit status that the one has for a
# proof, without a process; casg(TEXT, OPTION) that of the other, OPTION names the id.

test_lazy_prereq PYTHON 'python3 -c "import sys; sys.exit(sys.version_info < (3, 6))"'

# shellcheck disable=SC2034 # for the tests
py=$CASG_SOURCE_DIR/contrib/casg-verify-proof.py

cat >second.py <<\EOT
import importlib.util, subprocess, sys

sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location('second', sys.argv[1])
verifier = importlib.util.module_from_spec(spec)
spec.loader.exec_module(verifier)

def code(text):
    try:
        verifier.check_proof(verifier.Proof(text), bytes.fromhex(sys.argv[2]))
    except verifier.Malformed:
        return 128
    except verifier.Refused:
        return 1
    return 0

def casg(text, option):
    with open('flipped', 'wb') as f:
        f.write(text)
    return subprocess.run(['casg-verify-proof', '-q', option, sys.argv[2], 'flipped'],
                          stderr=subprocess.DEVNULL).returncode
EOT
