// A node of js-ipfs for the tests of a file: RPC and gateway on loopback, no peers.
//
//   node ipfsd.mjs DIR
//
// keeps its repository in DIR/repo, and writes DIR/env, shell variables, when it
// is ready.  Ends with its standard input.
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';

// older versions of Node have it not
Promise.withResolvers ??= () => {
	let resolve, reject;
	const promise = new Promise((a, b) => { resolve = a; reject = b; });
	return { promise, resolve, reject };
};
const { create } = await import('ipfs-core');
const { HttpApi } = await import('ipfs-http-server');
const { HttpGateway } = await import('ipfs-http-gateway');

const dir = process.argv[2];
process.stdin.on('data', () => {});
process.stdin.on('end', () => process.exit());

const freePort = () => new Promise((resolve) => {
	const s = createServer();
	s.listen(0, '127.0.0.1', () => {
		const { port } = s.address();
		s.close(() => resolve(port));
	});
});
const api = await freePort(), gateway = await freePort();
const ipfs = await create({ repo: `${dir}/repo`, offline: true, silent: true,
	init: { profiles: ['test'], emptyRepo: true },
	config: { Addresses: { Swarm: [], API: `/ip4/127.0.0.1/tcp/${api}`,
		Gateway: `/ip4/127.0.0.1/tcp/${gateway}` }, Bootstrap: [] } });
await new HttpApi(ipfs).start();
await new HttpGateway(ipfs).start();
writeFileSync(`${dir}/env.tmp`, `ipfs_api=http://127.0.0.1:${api}\nipfs_gateway=http://127.0.0.1:${gateway}\n`);
renameSync(`${dir}/env.tmp`, `${dir}/env`);
