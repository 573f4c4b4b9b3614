"""The password of a page that other machines can open: as it is given, and as it is kept, which is its hash alone.

    given_password(file, kept) -> Password     --password-file, else AI_RADIO_PASSWORD, else the one kept, else as it is typed
    kept_secret(path) -> bytes                 what sessions are signed with, so that they outlive the server

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
SHORTEST, LONGEST = 8, 1024  # letters, and bytes
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
        """Return what is kept of a password.

        Raises:
            PasswordError: if it is too short or too long.
        """
        if len(text) < SHORTEST or len(text.encode("utf-8", "surrogatepass")) > LONGEST:
            raise PasswordError(
                f"a password has at least {SHORTEST} letters and at most {LONGEST} bytes"
            )
        salt = secrets.token_bytes(16)
        return cls(salt, _hash(text, salt))

    def matches(self, text: str) -> bool:
        """Return whether a text is the password, in a time that does not tell how much of it is right."""
        return hmac.compare_digest(_hash(text, self.salt), self.hashed)

    def save(self, path: Path) -> None:
        """Write salt and hash, for the owner's eyes only."""
        write_private(
            path, json.dumps({"salt": self.salt.hex(), "scrypt": self.hashed.hex()}).encode()
        )

    @classmethod
    def load(cls, path: Path) -> Password | None:
        """Return the password that was kept, None if there is none.

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
    """Return the password that those on other machines have to give.

    Args:
        file: that holds it, in its first line; None if none was named.
        kept: where its hash is kept: written when it is given, read when it is not.

    Raises:
        PasswordError: if it can't be used, or there is none and nobody to ask.
    """
    if file is not None:
        try:
            with file.expanduser().open(encoding="utf-8") as lines:
                text = lines.readline(2 * LONGEST).rstrip("\r\n")
        except (OSError, ValueError) as error:
            raise PasswordError(
                f"the password's file {file} can't be read: {getattr(error, 'strerror', None) or error}"
            ) from None
    elif not (text := os.environ.get(VARIABLE, "")):
        known = Password.load(kept)
        if known is not None:
            return known
        if not sys.stdin.isatty():
            raise PasswordError(
                f"other machines could open this page: give a password with --password-file FILE or in {VARIABLE}"
            )
        import getpass

        text = getpass.getpass("Password for those who open the page: ")
    password = Password.of(text)
    password.save(kept)
    return password


def kept_secret(path: Path) -> bytes:
    """Return the random bytes in a file, made if it is not there or something else."""
    with contextlib.suppress(OSError):
        secret = path.read_bytes()
        if len(secret) == SECRET_SIZE:
            return secret
    secret = secrets.token_bytes(SECRET_SIZE)
    write_private(path, secret)
    return secret


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, all or nothing."""
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
