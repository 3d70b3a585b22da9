// A blob service of our own for the tests of a file: Azurite on loopback, with TLS.
//
//   node azurite.mjs DIR CERT KEY
//
// keeps its data in DIR, makes a container "casg", and writes DIR/env, shell
// variables, when it is ready.  Ends with its standard input.
import { spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [dir, cert, certKey] = process.argv.slice(2);
const account = 'casgacct';
const key = randomBytes(64).toString('base64');
const here = dirname(fileURLToPath(import.meta.url));

const freePort = () => new Promise((resolve, reject) => {
	const s = createServer();
	s.on('error', reject);
	s.listen(0, '127.0.0.1', () => {
		const { port } = s.address();
		s.close(() => resolve(port));
	});
});

// "Create an account SAS", Microsoft: what is signed, from version 2020-12-06 on.
const sas = (permissions, expiry) => {
	const version = '2021-08-06';
	const text = [account, permissions, 'b', 'sco', '', expiry, '', 'https', version, '', ''].join('\n');
	const sig = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');
	return new URLSearchParams({ sv: version, ss: 'b', srt: 'sco', sp: permissions, se: expiry,
		spr: 'https', sig }).toString();
};

// An unsigned token: Azurite looks at what it says.
const token = () => {
	const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
	const now = Math.floor(Date.now() / 1000);
	return [part({ alg: 'none', typ: 'JWT' }), part({ aud: 'https://storage.azure.com',
		iss: 'https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/', iat: now - 60,
		nbf: now - 60, exp: now + 3600, oid: 'x', sub: 'x', tid: 'x' }), 'x'].join('.');
};

const port = await freePort();
const child = spawn(process.execPath, [join(here, 'node_modules/azurite/dist/src/blob/main.js'),
	'-l', dir, '--blobHost', '127.0.0.1', '--blobPort', String(port), '--silent',
	'--skipApiVersionCheck', '--disableTelemetry', '--disableProductStyleUrl', '--oauth', 'basic',
	'--cert', cert, '--key', certKey],
{ stdio: 'ignore', env: { ...process.env, AZURITE_ACCOUNTS: `${account}:${key}` } });
const end = () => child.kill();
child.on('exit', () => process.exit());
process.on('SIGTERM', end);
process.stdin.on('data', () => {});
process.stdin.on('end', end);
process.stdin.on('error', end);

const endpoint = `https://127.0.0.1:${port}/${account}`;
const all = sas('rwdlacut', '2100-01-01T00:00:00Z');
for (let i = 0; i < 100; i++) {
	try {
		const r = await fetch(`${endpoint}/casg?restype=container&${all}`, { method: 'PUT' });
		if (r.status === 201)
			break;
	} catch {
		// it does not listen yet
	}
	await new Promise((resolve) => setTimeout(resolve, 100));
}
writeFileSync(join(dir, 'env.tmp'), [`az_account=${account}`, `az_endpoint=${endpoint}`,
	`az_key='${key}'`, `az_sas='${all}'`, `az_token='${token()}'`,
	`az_sas_read='${sas('rl', '2100-01-01T00:00:00Z')}'`,
	`az_sas_old='${sas('rl', '2020-01-01T00:00:00Z')}'`, ''].join('\n'));
renameSync(join(dir, 'env.tmp'), join(dir, 'env'));
