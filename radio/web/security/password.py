"""The password for a page that other machines can open; only its hash is stored.

    given_password(file, kept) -> Password     from --password-file, else AI_RADIO_PASSWORD, else
                                               the stored one, else typed
    kept_secret(path) -> bytes                 key for signing logins, so that they survive restarts

scrypt (RFC 7914) with the standard library's OpenSSL; 16 MB and some 50 ms a try.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "AI_RADIO_PASSWORD"
MIN_LETTERS, MAX_BYTES = 8, 1024
COST, BLOCKS, LANES = 1 << 14, 8, 1
SECRET_SIZE = 32


class PasswordError(ValueError):
    """There is no password, or it can't be used; the message is one line."""


@dataclass(frozen=True)
class Password:
    """A salt and the hash that it makes of the password."""

    salt: bytes
    hashed: bytes

    @classmethod
    def of(cls, text: str) -> Password:
        """Return the salted hash of a password.

        Raises:
            PasswordError: if it is too short or too long.
        """
        if len(text) < MIN_LETTERS or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            raise PasswordError(
                f"a password has at least {MIN_LETTERS} letters and at most {MAX_BYTES} bytes"
            )
        salt = secrets.token_bytes(16)
        return cls(salt, _hash(text, salt))

    def matches(self, text: str) -> bool:
        """Return whether a text is the password, in constant time."""
        return hmac.compare_digest(_hash(text, self.salt), self.hashed)

    def save(self, path: Path) -> None:
        """Write salt and hash to a private file."""
        write_private(
            path, json.dumps({"salt": self.salt.hex(), "scrypt": self.hashed.hex()}).encode()
        )

    @classmethod
    def load(cls, path: Path) -> Password | None:
        """Return the stored password, or None.

        Raises:
            PasswordError: if the file can't be read.
        """
        try:
            content = json.loads(path.read_bytes())
            kept = cls(bytes.fromhex(content["salt"]), bytes.fromhex(content["scrypt"]))
            if len(kept.salt) != 16 or len(kept.hashed) != 32:
                raise ValueError("it is too short")
            return kept
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError):
            raise PasswordError(
                f"{path} can't be read; delete it and give the password again"
            ) from None


def given_password(file: Path | None, kept: Path) -> Password:
    """Return the password for visitors from other machines.

    Args:
        file: holds it in its first line; None if no file was named.
        kept: file of the hash: written if a password is given, else read.

    Raises:
        PasswordError: if it can't be used, or there is none and no terminal to ask on.
    """
    if file is not None:
        try:
            with file.expanduser().open(encoding="utf-8") as lines:
                text = lines.readline(2 * MAX_BYTES).rstrip("\r\n")
        except (OSError, ValueError) as error:
            raise PasswordError(
                f"the password file {file} can't be read:"
                f" {getattr(error, 'strerror', None) or error}"
            ) from None
    elif not (text := os.environ.get(VARIABLE, "")):
        known = Password.load(kept)
        if known is not None:
            return known
        if not sys.stdin.isatty():
            raise PasswordError(
                "other machines could open this page: set a password with --password-file FILE or"
                f" {VARIABLE}"
            )
        import getpass

        text = getpass.getpass("Password for the page: ")
    password = Password.of(text)
    password.save(kept)
    return password


def kept_secret(path: Path) -> bytes:
    """Return the random bytes in a file, made anew if missing or invalid."""
    with contextlib.suppress(OSError):
        secret = path.read_bytes()
        if len(secret) == SECRET_SIZE:
            return secret
    secret = secrets.token_bytes(SECRET_SIZE)
    write_private(path, secret)
    return secret


def write_private(path: Path, content: bytes) -> None:
    """Write a file atomically that only its owner can read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _hash(text: str, salt: bytes) -> bytes:
    return hashlib.scrypt(
        text.encode("utf-8", "surrogatepass"), salt=salt, n=COST, r=BLOCKS, p=LANES, dklen=32
    )
