"""An OpenID provider of this machine for tests: who comes says who they are, and that is that.

OpenID Connect Core 1.0 by authorization code, with PKCE (RFC 7636), discovery and logout. What the specification has a
provider refuse is refused here, so that a client which leaves it out fails.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT = "convscope"
FORM = '<h1>Who are you?</h1><form method="post"><input name="sub" autofocus><button>Go on</button></form>'


class Provider:
    """Who signs people in.

    Args:
        url: Of itself, by which it is known.

    Attributes:
        secret: Of its client, which is ConvScope.
        given: Every code and token that it has given away.
    """

    def __init__(self, url: str) -> None:
        from joserfc.jwk import RSAKey

        self.url, self.secret, self.given = url, secrets.token_urlsafe(), list[str]()
        self._key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig"})
        self._codes: dict[str, tuple[str, dict[str, str]]] = {}

    def described(self) -> dict[str, Any]:
        """Return what discovery tells."""
        ways = ("authorization", "token", "end_session")
        return {f"{way}_endpoint": f"{self.url}/{way}" for way in ways} | {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def keys(self) -> dict[str, Any]:
        """Return the keys by which a token's signature is checked."""
        return {"keys": [self._key.as_dict(private=False)]}

    def allow(self, subject: str, asked: dict[str, str]) -> str:
        """Return where somebody who said who they are goes on."""
        assert asked["client_id"] == CLIENT and asked["response_type"] == "code"
        assert "openid" in asked["scope"].split() and asked["code_challenge_method"] == "S256"
        code = self._give()
        self._codes[code] = subject, asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, asked: dict[str, str], authorization: str) -> dict[str, Any]:
        """Return tokens for a code, once."""
        from joserfc import jwt

        assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == f"{CLIENT}:{self.secret}"
        subject, before = self._codes.pop(asked["code"])
        assert asked["redirect_uri"] == before["redirect_uri"]
        digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == before["code_challenge"]
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": subject, "name": f"{subject.title()} of School"}
        claims |= {"iat": now, "exp": now + 600, "nonce": before["nonce"]}
        signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self._key)
        self.given.append(signed)
        return {"access_token": self._give(), "token_type": "Bearer", "expires_in": 600, "id_token": signed}

    def _give(self) -> str:
        self.given.append(secrets.token_urlsafe())
        return self.given[-1]


@contextmanager
def provider() -> Iterator[Provider]:
    """Let a provider answer meanwhile, on a site that is not the app's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as serving:
        known = Provider(f"http://127.0.0.1:{serving.server_address[1]}")

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, query = urlsplit(self.path).path, _one_each(urlsplit(self.path).query)
                if path == "/authorization":
                    self._say(200, FORM.encode(), "text/html")
                elif path == "/end_session":
                    self._go(query["post_logout_redirect_uri"])
                else:
                    found = known.keys() if path == "/keys" else known.described()
                    self._say(200, json.dumps(found).encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if self.path == "/token":
                    tokens = known.token(_one_each(body), self.headers["Authorization"])
                    self._say(200, json.dumps(tokens).encode())
                else:
                    self._go(known.allow(_one_each(body)["sub"], _one_each(urlsplit(self.path).query)))

            def _say(self, status: int, body: bytes, kind: str = "application/json") -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.end_headers()
                self.wfile.write(body)

            def _go(self, where: str) -> None:
                self.send_response(302)
                self.send_header("Location", where)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        serving.RequestHandlerClass = Answer
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield known
        serving.shutdown()


def _one_each(query: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(query).items()}
