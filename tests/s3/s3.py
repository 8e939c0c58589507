#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A client that is not the one under test: Python's own HTTP, and a signature
written from the specification. $ENDPOINT, $AWS_ACCESS_KEY_ID (none: not
signed), $AWS_SECRET_ACCESS_KEY, $AWS_REGION.

    s3.py mb BUCKET
    s3.py put BUCKET/KEY FILE [NAME:VALUE...]    FILE - is standard input
    s3.py parts BUCKET/KEY FILE MIB              in parts of so much
    s3.py tree BUCKET/PREFIX DIR                 every file below DIR
    s3.py get|head|rm BUCKET/KEY
    s3.py ls BUCKET/PREFIX                       key, size, etag; a line each
    s3.py clear BUCKET/PREFIX                    removes all of it
"""
import datetime, hashlib, hmac, http.client, os, ssl, sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from threading import local
from urllib.parse import quote, urlsplit

here = urlsplit(os.environ['ENDPOINT'])
key = os.environ.get('AWS_ACCESS_KEY_ID')
secret = os.environ.get('AWS_SECRET_ACCESS_KEY', '')
region = os.environ.get('AWS_REGION', 'us-east-1')
mine = local()


def hmac256(k, text):
    return hmac.new(k, text.encode(), hashlib.sha256).digest()


def encode(s, safe=''):
    return quote(os.fsencode(s), safe='-_.~' + safe)


def sign(method, path, query, headers):
    now = datetime.datetime.utcnow().strftime('%Y%m%dT%H%M%SZ')
    headers.update({'host': here.netloc, 'x-amz-date': now, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD'})
    names = sorted(headers)
    canonical = '\n'.join([method, path, query,
                           ''.join('%s:%s\n' % (n, headers[n].strip()) for n in names),
                           ';'.join(names), 'UNSIGNED-PAYLOAD'])
    scope = '%s/%s/s3/aws4_request' % (now[:8], region)
    k = ('AWS4' + secret).encode()
    for part in scope.split('/'):
        k = hmac256(k, part)
    text = '\n'.join(['AWS4-HMAC-SHA256', now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    headers['authorization'] = 'AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s' % (
        key, scope, ';'.join(names), hmac256(k, text).hex())


def connection(again=False):
    if again or not hasattr(mine, 'c'):
        if here.scheme == 'https':
            mine.c = http.client.HTTPSConnection(here.netloc, timeout=60, context=ssl._create_unverified_context())
        else:
            mine.c = http.client.HTTPConnection(here.netloc, timeout=60)
    return mine.c


def request(method, name, query=(), body=b'', size=None, headers=()):
    """-> (headers, body); any status but 2xx ends the program"""
    path = '/' + encode(name, '/')
    q = '&'.join(sorted('%s=%s' % (encode(n), encode(v)) for n, v in query))
    for again in (False, True):
        h = {n.lower(): v for n, v in headers}
        h['content-length'] = str(len(body) if size is None else size)
        if key:
            sign(method, path, q, h)
        else:
            h['host'] = here.netloc
        try:
            c = connection(again)
            c.request(method, path + ('?' + q if q else ''), body, h)
            r = c.getresponse()
            text = r.read()
            break
        except (http.client.HTTPException, OSError):
            if again or size is not None:
                raise
    if r.status >= 300:
        sys.exit('%s %s: %d %s' % (method, name, r.status, text[:300].decode(errors='replace')))
    return r.headers, text


def put(name, file, headers=()):
    with (sys.stdin.buffer if file == '-' else open(file, 'rb')) as f:
        if file == '-':
            request('PUT', name, body=f.read(), headers=headers)
        else:
            request('PUT', name, body=f, size=os.fstat(f.fileno()).st_size, headers=headers)


def parts(name, file, mib):
    upload = find(request('POST', name, [('uploads', '')])[1], 'UploadId')[0]
    done = []
    with open(file, 'rb') as f:
        while part := f.read(int(mib) << 20):
            n = str(len(done) + 1)
            h, _ = request('PUT', name, [('partNumber', n), ('uploadId', upload)], part)
            done.append('<Part><PartNumber>%s</PartNumber><ETag>%s</ETag></Part>' % (n, h['etag']))
    text = '<CompleteMultipartUpload>%s</CompleteMultipartUpload>' % ''.join(done)
    _, answer = request('POST', name, [('uploadId', upload)], text.encode())
    if b'<Error>' in answer:
        sys.exit(answer.decode())


def tree(name, top):
    with ThreadPoolExecutor(8) as pool:
        files = [os.path.join(d, f) for d, _, fs in os.walk(top) for f in fs]
        list(pool.map(lambda f: put(name.rstrip('/') + f[len(top.rstrip('/')):], f), files))


def find(text, tag):
    return [e.text or '' for e in ET.fromstring(text).iter() if e.tag.split('}')[-1] == tag]


def listing(name):
    bucket, _, prefix = name.partition('/')
    token = ()
    while True:
        _, text = request('GET', bucket, [('list-type', '2'), ('prefix', prefix), *token])
        yield from zip(find(text, 'Key'), find(text, 'Size'), find(text, 'ETag'))
        if find(text, 'IsTruncated') != ['true']:
            return
        token = [('continuation-token', find(text, 'NextContinuationToken')[0])]


def main(what, name, *rest):
    if what == 'mb':
        request('PUT', name)
    elif what == 'put':
        put(name, rest[0], [h.split(':', 1) for h in rest[1:]])
    elif what == 'parts':
        parts(name, *rest)
    elif what == 'tree':
        tree(name, *rest)
    elif what == 'get':
        sys.stdout.buffer.write(request('GET', name)[1])
    elif what == 'head':
        for n, v in sorted(request('HEAD', name)[0].items()):
            print('%s: %s' % (n.lower(), v))
    elif what == 'rm':
        request('DELETE', name)
    elif what == 'ls':
        for line in listing(name):
            print(*line, sep='\t')
    elif what == 'clear':
        bucket = name.partition('/')[0]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda e: request('DELETE', bucket + '/' + e[0]), list(listing(name))))
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main(*sys.argv[1:]) if len(sys.argv) > 2 else sys.exit(__doc__)
