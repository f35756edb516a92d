"""A certificate authority for the tests' servers, and tokens that are signed: by the openssl program."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from services.process import LOOPBACK


@dataclass(frozen=True)
class Certificate:
    """PEM files. `both`: key and certificate in one, as Kafka wants them."""

    cert: Path
    key: Path
    both: Path


class Authority:
    """Certificates for `folder`; `ca` is its own."""

    def __init__(self, folder: Path, name: str = "tests") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.ca, self._key = folder / "ca.pem", folder / "ca.key"
        openssl("req", "-x509", *_new_key(self._key), "-out", str(self.ca), "-subj", f"/CN={name}", "-days", "2")

    def issue(self, name: str, *, host: str = LOOPBACK, days: int = 2, password: str | None = None) -> Certificate:
        """For a server at `host` or a client called `name`; `days` below 0: expired. `password`: of the key."""
        made = Certificate(*(self.folder / f"{name}.{suffix}" for suffix in ("pem", "key", "both.pem")))
        request = self.folder / f"{name}.csr"
        openssl("req", *_new_key(made.key), "-out", str(request), "-subj", f"/CN={name}")
        names = self.folder / f"{name}.ext"
        kind = "IP" if host[0].isdigit() else "DNS"
        names.write_text(f"subjectAltName={kind}:{host}\n")
        signed = ["-CA", str(self.ca), "-CAkey", str(self._key), "-CAcreateserial", "-days", str(days)]
        openssl("x509", "-req", "-in", str(request), *signed, "-extfile", str(names), "-out", str(made.cert))
        made.both.write_text(made.key.read_text() + made.cert.read_text() + self.ca.read_text())
        if password is not None:
            encrypted = openssl("pkcs8", "-topk8", "-in", str(made.key), "-passout", f"pass:{password}")
            made.key.write_bytes(encrypted)
        return made


class TokenIssuer:
    """Signs tokens (JWT, RS256); `jwks` is the file by which a broker checks them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._key, self.jwks = folder / "issuer.key", folder / "issuer.jwks"
        openssl("genrsa", "-out", str(self._key), "2048")
        modulus = openssl("rsa", "-in", str(self._key), "-noout", "-modulus").decode().strip().partition("=")[2]
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": _text(bytes.fromhex(modulus)), "e": "AQAB"}
        self.jwks.write_text(json.dumps({"keys": [key]}))

    def token(self, subject: str, *, seconds: int = 600) -> str:
        """Who has it is `subject`, for so many seconds from now on."""
        now = int(time.time())
        claims = {"sub": subject, "iss": "tests", "aud": "kafka", "iat": now - 3600, "exp": now + seconds}
        parts = ({"alg": "RS256", "kid": "1"}, claims)
        content = ".".join(_text(json.dumps(part).encode()) for part in parts)
        signature = openssl("dgst", "-sha256", "-sign", str(self._key), given=content.encode())
        return f"{content}.{_text(signature)}"


def openssl(*arguments: str, given: bytes = b"") -> bytes:
    """What it writes; RuntimeError with its complaint if it fails."""
    done = subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.decode()}")
    return done.stdout


def _new_key(path: Path) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(path)]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
