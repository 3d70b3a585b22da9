// A stub of Google Cloud Storage for the tests, written from Google's documents:
// its JSON API for who has the token "good-token", its XML API for who signs with
// the HMAC key "GOOGTEST", "testsecret".  Not the real thing.
//
//   node gcs-stub.mjs
//
// prints its port when it is ready, and what it was asked on standard error; ends
// with its standard input.  Buckets: "casg"; "lies" stores other bytes than it is
// sent; "short" keeps half of a part; "astray" sends uploads to another host.
import { createHash, createHmac } from 'node:crypto';
import { createServer } from 'node:http';

const objects = new Map(), uploads = new Map();
const buckets = ['casg', 'lies', 'short', 'astray'];
let generation = 1700000000000000, nuploads = 0;

const table = Int32Array.from({ length: 256 }, (_, i) => {
	for (let k = 0; k < 8; k++)
		i = i & 1 ? (i >>> 1) ^ 0x82f63b78 : i >>> 1;
	return i;
});
const crc32c = (bytes) => {
	let crc = -1;
	for (const b of bytes)
		crc = (crc >>> 8) ^ table[(crc ^ b) & 255];
	const out = Buffer.alloc(4);
	out.writeInt32BE(~crc);
	return out.toString('base64');
};
const sha256 = (x) => createHash('sha256').update(x).digest('hex');
const hmac = (key, x) => createHmac('sha256', key).update(x).digest();

class Fail extends Error {
	constructor(status, message) {
		super(message);
		this.status = status;
	}
}

// "V4 signing process": what Google's page says, step by step.
const isSigned = (req, url, body) => {
	const m = /^GOOG4-HMAC-SHA256 Credential=GOOGTEST\/(\d{8})\/auto\/storage\/goog4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/
		.exec(req.headers.authorization ?? '');
	if (!m)
		return false;
	const names = m[2].split(';');
	if (names.join() !== [...names].sort().join() || !names.includes('host') ||
	    Object.keys(req.headers).some((h) => h.startsWith('x-goog-') && !names.includes(h)))
		return false;
	const encode = (s) => encodeURIComponent(s).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());
	const query = [...url.searchParams].map(([k, v]) => `${encode(k)}=${encode(v)}`).sort().join('&');
	const payload = req.headers['x-goog-content-sha256'];
	if (payload !== sha256(body))
		return false;
	const canonical = [req.method, url.pathname, query, ...names.map((n) => `${n}:${req.headers[n].trim()}`),
		'', m[2], payload].join('\n');
	const date = req.headers['x-goog-date'];
	const text = ['GOOG4-HMAC-SHA256', date, `${m[1]}/auto/storage/goog4_request`, sha256(canonical)].join('\n');
	const key = ['auto', 'storage', 'goog4_request'].reduce(hmac, hmac('GOOG4testsecret', m[1]));
	return date.startsWith(m[1]) && hmac(key, text).toString('hex') === m[3];
};

const resource = (o) => JSON.stringify({ kind: 'storage#object', name: o.name, size: String(o.data.length),
	generation: String(o.generation), crc32c: o.crc }, null, 2);

const headersOf = (o) => ({ 'x-goog-generation': String(o.generation), 'x-goog-hash': [`crc32c=${o.crc}`, 'md5=x'],
	etag: `"${sha256(o.data).slice(0, 32)}"` });

const store = (bucket, name, data, ifNew) => {
	const key = `${bucket}/${name}`;
	if (ifNew && objects.has(key))
		throw new Fail(412, 'conditionNotMet');
	if (bucket === 'lies')
		data = Buffer.concat([Buffer.from('!'), data.subarray(1)]);
	const o = { name, data, generation: ++generation, crc: crc32c(data) };
	objects.set(key, o);
	return o;
};

const find = (bucket, name) => {
	const o = objects.get(`${bucket}/${name}`);
	if (!o)
		throw new Fail(404, `No such object: ${bucket}/${name}`);
	return o;
};

const media = (req, res, o, same) => {
	const m = /^bytes=(\d+)-(\d*)$/.exec(req.headers.range ?? '');
	if (same) {
		res.writeHead(304, headersOf(o)).end();
	} else if (m && Number(m[1]) >= o.data.length) {
		throw Object.assign(new Fail(416, 'range'), { headers: { 'content-range': `bytes */${o.data.length}` } });
	} else if (m) {
		const last = Math.min(m[2] === '' ? Infinity : Number(m[2]), o.data.length - 1);
		const part = o.data.subarray(Number(m[1]), last + 1);
		res.writeHead(206, { ...headersOf(o), 'content-length': part.length,
			'content-range': `bytes ${m[1]}-${last}/${o.data.length}` }).end(part);
	} else {
		res.writeHead(200, { ...headersOf(o), 'content-length': o.data.length });
		res.end(req.method === 'HEAD' ? undefined : o.data);
	}
};

const remove = (bucket, name, gen) => {
	const o = find(bucket, name);
	if (gen && gen !== String(o.generation))
		throw new Fail(404, 'No such object: another generation');
	objects.delete(`${bucket}/${name}`);
};

const page = (bucket, url, size, token) => {
	const prefix = `${bucket}/${url.searchParams.get('prefix') ?? ''}`;
	const names = [...objects.keys()].filter((k) => k.startsWith(prefix)).sort();
	const from = token ? Number(Buffer.from(token, 'base64')) : 0;
	const to = from + Number(size ?? 1000);
	return [names.slice(from, to).map((k) => objects.get(k)),
		to < names.length ? Buffer.from(String(to)).toString('base64') : undefined];
};

const begin = (res, req, bucket, name, ifNew) => {
	const id = String(++nuploads);
	uploads.set(id, { bucket, name, ifNew, data: Buffer.alloc(0) });
	const host = bucket === 'astray' ? 'https://elsewhere.example' : `http://${req.headers.host}`;
	res.writeHead(200, { location: `${host}/upload/session?upload_id=${id}` }).end();
};

const session = (req, res, url, body) => {
	const id = url.searchParams.get('upload_id'), u = uploads.get(id);
	if (!u)
		throw new Fail(404, 'no such upload');
	if (req.headers.authorization)
		throw new Fail(400, 'this address needs no credentials');
	if (req.method === 'DELETE') {
		uploads.delete(id);
		res.writeHead(499).end();
		return;
	}
	const m = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(req.headers['content-range']);
	const last = Number(m[2]) + 1 === Number(m[3]);
	if (Number(m[1]) !== u.data.length || Number(m[2]) + 1 - Number(m[1]) !== body.length ||
	    (!last && body.length % 262144))
		throw new Fail(400, 'bad part');
	u.data = Buffer.concat([u.data, u.bucket === 'short' ? body.subarray(0, body.length / 2) : body]);
	if (!last) {
		res.writeHead(308, { range: `bytes=0-${u.data.length - 1}` }).end();
		return;
	}
	uploads.delete(id);
	const o = store(u.bucket, u.name, u.data, u.ifNew);
	res.writeHead(200, headersOf(o)).end(resource(o));
};

const json = (req, res, url, body) => {
	const q = url.searchParams, ifNew = q.get('ifGenerationMatch') === '0';
	const [, upload, bucket, name] = /^(\/upload)?\/storage\/v1\/b\/([^/]+)\/o(?:\/([^/]+))?$/.exec(url.pathname) ?? [];
	if (req.headers.authorization !== 'Bearer good-token')
		throw new Fail(401, 'Invalid Credentials');
	if (!buckets.includes(bucket))
		throw new Fail(404, 'The specified bucket does not exist.');
	const object = decodeURIComponent(name ?? '');
	if (upload && q.get('uploadType') === 'multipart') {
		const boundary = /boundary=(\S+)$/.exec(req.headers['content-type'])[1];
		const text = body.toString('latin1'), from = text.indexOf('{');
		const meta = JSON.parse(text.slice(from, text.indexOf(`\r\n--${boundary}`, from)));
		const start = text.indexOf('\r\n\r\n', text.indexOf(`\r\n--${boundary}`, from)) + 4;
		const data = body.subarray(start, text.lastIndexOf(`\r\n--${boundary}--`));
		if (crc32c(data) !== meta.crc32c)
			throw new Fail(400, 'crc32c');
		res.end(resource(store(bucket, meta.name, data, ifNew)));
	} else if (upload) {
		if (ifNew && objects.has(`${bucket}/${JSON.parse(body).name}`))
			throw new Fail(412, 'conditionNotMet');
		begin(res, req, bucket, JSON.parse(body).name, ifNew);
	} else if (req.method === 'DELETE') {
		remove(bucket, object, q.get('generation'));
		res.writeHead(204).end();
	} else if (!name) {
		const [items, next] = page(bucket, url, q.get('maxResults'), q.get('pageToken'));
		res.end(JSON.stringify({ nextPageToken: next,
			items: items.length ? items.map((o) => JSON.parse(resource(o))) : undefined }));
	} else if (q.get('alt') === 'media') {
		const o = find(bucket, object);
		media(req, res, o, q.get('ifGenerationNotMatch') === String(o.generation));
	} else {
		res.end(resource(find(bucket, object)));
	}
};

const xml = (req, res, url, body) => {
	const [, bucket, name] = /^\/([^/]+)(?:\/(.+))?$/.exec(url.pathname) ?? [];
	const ifNew = req.headers['x-goog-if-generation-match'] === '0';
	if (!isSigned(req, url, body))
		throw new Fail(403, '<Code>SignatureDoesNotMatch</Code>');
	if (!buckets.includes(bucket))
		throw new Fail(404, '<Code>NoSuchBucket</Code>');
	if (req.method === 'PUT') {
		if (req.headers['x-goog-hash'] !== `crc32c=${crc32c(body)}`)
			throw new Fail(400, '<Code>BadDigest</Code>');
		res.writeHead(200, headersOf(store(bucket, name, body, ifNew))).end();
	} else if (req.method === 'POST' && req.headers['x-goog-resumable'] === 'start') {
		if (ifNew && objects.has(`${bucket}/${name}`))
			throw new Fail(412, '<Code>PreconditionFailed</Code>');
		begin(res, req, bucket, name, ifNew);
	} else if (req.method === 'DELETE') {
		remove(bucket, name, url.searchParams.get('generation'));
		res.writeHead(204).end();
	} else if (!name) {
		const [items, next] = page(bucket, url, url.searchParams.get('max-keys'), url.searchParams.get('continuation-token'));
		res.end(`<?xml version='1.0' encoding='UTF-8'?><ListBucketResult xmlns='http://doc.s3.amazonaws.com/2006-03-01'>` +
			`<Name>${bucket}</Name><Prefix></Prefix>` + items.map((o) =>
			`<Contents><Key>${o.name}</Key><Generation>${o.generation}</Generation><Size>${o.data.length}</Size></Contents>`).join('') +
			(next ? `<NextContinuationToken>${next}</NextContinuationToken>` : '') + '</ListBucketResult>');
	} else {
		const o = find(bucket, name);
		media(req, res, o, req.method === 'GET' && req.headers['if-none-match'] === headersOf(o).etag);
	}
};

createServer((req, res) => {
	const chunks = [];
	req.on('data', (c) => chunks.push(c));
	req.on('end', () => {
		const url = new URL(req.url, 'http://x'), body = Buffer.concat(chunks);
		process.stderr.write(`${req.method} ${url.pathname}\n`);
		try {
			if (url.pathname === '/upload/session')
				session(req, res, url, body);
			else if (/^\/(upload\/)?storage\/v1\//.test(url.pathname))
				json(req, res, url, body);
			else
				xml(req, res, url, body);
		} catch (e) {
			res.writeHead(e.status ?? 500, e.headers ?? {}).end(req.method === 'HEAD' ? undefined : e.message);
		}
	});
}).listen(0, '127.0.0.1', function () {
	process.stdout.write(`${this.address().port}\n`);
});
process.stdin.on('data', () => {});
process.stdin.on('end', () => process.exit());
