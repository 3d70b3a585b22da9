# shellcheck shell=sh
# lib-second - contrib/casg-verify-proof.py beside casg-verify-proof.  $py is its path.
#
# A script in Python says "from second import code, casg"; its first argument is $py,
# the second the id that is wanted.  code(TEXT) is the exit status that the one has for a
# proof, without a process; casg(TEXT, OPTION) that of the other, OPTION names the id.
#
# To start Python is dear: second notes down what the one is to do, second_all looks.

test_lazy_prereq PYTHON 'python3 -c "import sys; sys.exit(sys.version_info < (3, 6))"'

# shellcheck disable=SC2034 # for the tests
py=$CASG_SOURCE_DIR/contrib/casg-verify-proof.py

cat >second.py <<\EOT
import importlib.util, io, subprocess, sys

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

# each line of second.todo: exit status, file with the output or -, arguments
def all_of_them():
    out, err = sys.stdout, sys.stderr
    with open('second.todo') as f:
        lines = f.readlines()
    assert lines
    for line in lines:
        want, expect, *args = line.rstrip('\t\n').split('\t')
        sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO()), io.StringIO()
        got = verifier.main(['second', *args])
        said = sys.stdout.buffer.getvalue()
        sys.stdout, sys.stderr = out, err
        assert got == int(want), (line, got)
        if expect == '-':
            assert said == b'', (line, said)
        else:
            with open(expect, 'rb') as f:
                assert said == f.read(), (line, said)

if __name__ == '__main__':
    all_of_them()
EOT

# second CODE EXPECT OPTION...: with these options it exits with CODE and prints
# what the file EXPECT has, "-" is nothing.  The files must stay until second_all.
second () {
	printf "%s\\t" "$@" && echo
} >>second.todo

second_all () {
	python3 second.py "$py" && rm second.todo
}
