"""The part of the Hugging Face hub's API that pushing and pulling a model uses, on this machine and in memory."""

import base64
import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = 'c' * 40


class _Handler(BaseHTTPRequestHandler):
    """Answers of one repository; files are kept in ``server.files``, requests in ``server.asked``."""

    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        self.server.asked.append(('POST', self.path, self.headers.get('Authorization')))
        if self.headers.get('Authorization') != 'Bearer secret':
            return self.reply(dict(error='Invalid username or password.'), 401)
        if self.path == '/api/repos/create':
            wanted = json.loads(body)
            self.server.private = bool(wanted.get('private')) or wanted.get('visibility') == 'private'
            return self.reply(dict(url=f'http://{self.headers["Host"]}/somebody/{wanted["name"]}'))
        if self.path == '/api/validate-yaml':
            return self.reply(dict(errors=[], warnings=[]))
        if '/preupload/' in self.path:
            names = [file['path'] for file in json.loads(body)['files']]
            entries = [dict(path=name, uploadMode='regular', shouldIgnore=False, oid=None) for name in names]
            return self.reply(dict(files=entries))
        if '/commit/' in self.path:
            for line in body.decode().splitlines():
                entry = json.loads(line)
                if entry['key'] == 'file':
                    self.server.files[entry['value']['path']] = base64.b64decode(entry['value']['content'])
            return self.reply(
                dict(
                    success=True,
                    commitOid=COMMIT,
                    commitUrl=f'http://{self.headers["Host"]}/somebody/rings/commit/{COMMIT}',
                )
            )
        return self.reply(dict(error=f'unknown: {self.path}'), 404)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.server.asked.append((self.command, self.path, self.headers.get('Authorization')))
        path = self.path.split('?')[0]
        if not self.server.files:
            return self.reply(dict(error='Repository not found'), 404, {'X-Error-Code': 'RepoNotFound'})
        if '/resolve/' in path:
            name = path.split('/resolve/')[1].split('/', 1)[1]
            return self.send(self.server.files[name])
        if '/tree/' in path:
            entries = [dict(type='file', path=n, size=len(c), oid=_oid(c)) for n, c in self.server.files.items()]
            return self.reply(entries)
        if path.startswith('/api/models/'):
            siblings = [dict(rfilename=name) for name in self.server.files]
            return self.reply(dict(id='somebody/rings', sha=COMMIT, siblings=siblings, private=False))
        return self.reply(dict(error=f'unknown: {path}'), 404)

    def reply(self, content, status=200, headers=None):
        self.send(json.dumps(content).encode(), status, {'Content-Type': 'application/json', **(headers or {})})

    def send(self, content, status=200, headers=None):
        self.send_response(status)
        facts = {'ETag': f'"{_oid(content)}"', 'X-Repo-Commit': COMMIT, 'Content-Length': str(len(content))}
        for key, value in {**facts, **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(content)


def _oid(content):
    return hashlib.sha1(content).hexdigest()


@contextmanager
def hub_stand_in():
    """Start a hub with an empty repository; gives its address and the server."""
    server = ThreadingHTTPServer(('127.0.0.1', 0), _Handler)
    server.files, server.asked, server.private = {}, [], None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.server_port}', server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
