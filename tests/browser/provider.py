"""A small OpenID Connect provider on loopback: it asks who you are, and believes it.

Sources: https://openid.net/specs/openid-connect-core-1_0.html (code flow), RFC 7636 (PKCE, S256).
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "quarterdeck", "correct-horse-battery-staple"


class Provider:
    """`people` are those who may say that it is they: a name and what is claimed of them."""

    def __init__(self, people: Mapping[str, dict[str, Any]]) -> None:
        self.people = people
        self.key = RSAKey.generate_key(2048, parameters={"kid": "k1", "use": "sig", "alg": "RS256"})
        self.asked: dict[str, dict[str, str]] = {}
        self.signed_out = 0
        self.age_s = 0
        """How long ago it says that it gave its word."""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.get(self)

            def do_POST(self) -> None:
                provider.token(self)

            def log_message(self, *words: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.metadata_url = f"{self.url}/.well-known/openid-configuration"

    def __enter__(self) -> Provider:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def get(self, request: BaseHTTPRequestHandler) -> None:
        where = urlsplit(request.path)
        asked = dict(parse_qsl(where.query))
        match where.path:
            case "/.well-known/openid-configuration":
                answer(request, json.dumps(self.metadata()), "application/json")
            case "/keys":
                keys = {"keys": [self.key.as_dict(private=False)]}
                answer(request, json.dumps(keys), "application/json")
            case "/authorize" if "as" not in asked:
                links = "".join(
                    f'<p><a href="/authorize?{html.escape(urlencode(asked | {"as": name}))}">{name}</a></p>'
                    for name in self.people
                )
                answer(request, f"<!doctype html><title>Provider</title><h1>Who are you?</h1>{links}")
            case "/authorize":
                code = secrets.token_urlsafe()
                self.asked[code] = asked
                back = urlencode({"code": code, "state": asked["state"]})
                redirect(request, f"{asked['redirect_uri']}?{back}")
            case "/logout":
                self.signed_out += 1
                redirect(request, asked["post_logout_redirect_uri"])
            case _:
                answer(request, "")

    def token(self, request: BaseHTTPRequestHandler) -> None:
        """Exchange a code, once, against the client's secret and the verifier of its challenge."""
        form = parse_qs(request.rfile.read(int(request.headers["Content-Length"])).decode())
        asked = self.asked.pop(form["code"][0], None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        verifier = hashlib.sha256(form.get("code_verifier", [""])[0].encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        is_client = request.headers.get("Authorization") == f"Basic {basic}"
        if asked is None or not is_client or asked["code_challenge"] != challenge:
            request.send_error(400)
            return
        given = {"access_token": "opaque", "token_type": "Bearer", "id_token": self.id_token(asked)}
        answer(request, json.dumps(given), "application/json")

    def id_token(self, asked: Mapping[str, str]) -> str:
        now = int(time.time())
        who = {"iss": self.url, "aud": CLIENT, "sub": f"id-of-{asked['as']}", "nonce": asked["nonce"]}
        times = {"iat": now - self.age_s, "exp": now + 3600}
        return jwt.encode({"alg": "RS256", "kid": "k1"}, who | times | self.people[asked["as"]], self.key)

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }


def answer(request: BaseHTTPRequestHandler, text: str, kind: str = "text/html") -> None:
    body = text.encode()
    request.send_response(200)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def redirect(request: BaseHTTPRequestHandler, where: str) -> None:
    request.send_response(302)
    request.send_header("Location", where)
    request.send_header("Content-Length", "0")
    request.end_headers()
