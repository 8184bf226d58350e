"""Settings of a process, read from the environment once at start; every one is named `STORMWACHT_...`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from services.messages.faults import OperatorError
from services.messages.identity import Keyring, KeyringError
from services.messages.topics import Topics
from services.messages.vocabulary import Sentiment


class SettingsError(OperatorError):
    """A setting is missing or wrong; the message names the variable and what would be right."""


@dataclass(frozen=True, slots=True)
class BrokerLimits:
    """What a broker can and cannot do; the only place that knows one broker from another."""

    idempotent_producer: bool = True
    true_end_offsets: bool = True
    topic_settings: bool = True
    session_timeout_s: float = 15.0
    heartbeat_s: float = 3.0


APACHE = BrokerLimits()
# Tansu has no idempotent producer, reports end offsets by batch, and waits half the session
# timeout before a group's first assignment.
EMBEDDED = BrokerLimits(
    idempotent_producer=False,
    true_end_offsets=False,
    topic_settings=False,
    session_timeout_s=2.0,
    heartbeat_s=0.5,
)
_BROKERS = {"kafka": APACHE, "embedded": EMBEDDED}


@dataclass(frozen=True)
class Settings:
    """Everything a process needs to know that is not in the subscription file."""

    bootstrap: str = "127.0.0.1:9092"
    limits: BrokerLimits = APACHE
    topics: Topics = field(default_factory=Topics)
    partitions: int = 12
    replication: int = 1
    min_insync: int = 1
    config: Path = Path("stormwacht.yaml")
    database: str = "sqlite:///stormwacht.db"
    clock: Literal["system", "ticks"] = "system"
    http_host: str = "127.0.0.1"
    http_port: int = 0
    log_format: Literal["console", "json"] = "json"
    log_level: str = "info"
    model: Path | None = None
    model_backend: Literal["onnx", "torch"] = "onnx"
    model_threads: int = 2
    model_labels: Mapping[str, Sentiment] = field(default_factory=dict)
    secrets: tuple[bytes, ...] = field(default=(), repr=False)

    def keyring(self) -> Keyring:
        """Return the keys of this installation.

        Raises:
            SettingsError: no usable secret is set.

        """
        try:
            return Keyring(self.secrets)
        except KeyringError as error:
            raise SettingsError(
                f"STORMWACHT_KEY_FILE: {error}; make one with: "
                "python3 -c 'import secrets; print(secrets.token_hex(32))' > stormwacht.key, "
                "then set STORMWACHT_KEY_FILE=stormwacht.key"
            ) from None


def from_environment(env: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a variable has a value that it cannot have.

    """
    read = _Reader(env)
    return Settings(
        bootstrap=read.text("BOOTSTRAP", Settings.bootstrap),
        limits=_BROKERS[read.choice("BROKER", ("kafka", "embedded"))],
        topics=Topics(read.text("TOPIC_PREFIX", "stormwacht")),
        partitions=read.number("PARTITIONS", Settings.partitions, least=1),
        replication=read.number("REPLICATION", Settings.replication, least=1),
        min_insync=read.number("MIN_INSYNC", Settings.min_insync, least=1),
        config=Path(read.text("CONFIG", str(Settings.config))),
        database=read.text("DATABASE", Settings.database),
        clock=read.choice("CLOCK", ("system", "ticks")),  # type: ignore[arg-type]
        http_host=read.text("HTTP_HOST", Settings.http_host),
        http_port=read.number("HTTP_PORT", Settings.http_port, least=0),
        log_format=read.choice("LOG_FORMAT", ("json", "console")),  # type: ignore[arg-type]
        log_level=read.choice("LOG_LEVEL", ("info", "debug", "warning", "error")),
        model=Path(model) if (model := read.text("MODEL", "")) else None,
        model_backend=read.choice("MODEL_BACKEND", ("onnx", "torch")),  # type: ignore[arg-type]
        model_threads=read.number("MODEL_THREADS", Settings.model_threads, least=1),
        model_labels=read.meanings("MODEL_LABELS"),
        secrets=read.secrets("KEY_FILE"),
    )


def to_environment(settings: Settings, key_file: Path, http_port: int) -> dict[str, str]:
    """Return what makes a child process read these settings; its secrets go by way of a file."""
    key_file.write_bytes(b"\n".join(settings.secrets))
    broker = next(name for name, limits in _BROKERS.items() if limits == settings.limits)
    values = {
        "BOOTSTRAP": settings.bootstrap,
        "BROKER": broker,
        "TOPIC_PREFIX": settings.topics.prefix,
        "PARTITIONS": settings.partitions,
        "CONFIG": settings.config,
        "DATABASE": settings.database,
        "CLOCK": settings.clock,
        "KEY_FILE": key_file,
        "HTTP_PORT": http_port,
        "LOG_LEVEL": settings.log_level,
    }
    return {f"STORMWACHT_{name}": str(value) for name, value in values.items()}


class _Reader:
    """Reads one variable at a time and names it in its errors."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def text(self, name: str, default: str) -> str:
        return self._env.get(f"STORMWACHT_{name}", default)

    def choice(self, name: str, options: tuple[str, ...]) -> str:
        """Return the value, or the first option when it is not set."""
        value = self.text(name, options[0])
        if value not in options:
            raise SettingsError(f"STORMWACHT_{name}: {value!r} is none of {', '.join(options)}")
        return value

    def number(self, name: str, default: int, *, least: int) -> int:
        value = self.text(name, str(default))
        if not value.isdecimal() or int(value) < least:
            raise SettingsError(f"STORMWACHT_{name}: {value!r} is not a whole number of {least} or more")
        return int(value)

    def meanings(self, name: str) -> dict[str, Sentiment]:
        """Return what each label of a foreign model means, from pairs such as ``LABEL_0=negative``."""
        meanings: dict[str, Sentiment] = {}
        for pair in filter(None, self.text(name, "").split(",")):
            label, _, meaning = (part.strip() for part in pair.rpartition("="))
            if not label or meaning not in list(Sentiment):
                raise SettingsError(
                    f"STORMWACHT_{name}: {pair!r} is no LABEL=meaning, where meaning is one of "
                    + ", ".join(Sentiment)
                )
            meanings[label] = Sentiment(meaning)
        return meanings

    def secrets(self, name: str) -> tuple[bytes, ...]:
        """Return the lines of the key file, newest first; nothing when no file is named."""
        path = self.text(name, "")
        if not path:
            return ()
        try:
            lines = Path(path).read_bytes().splitlines()
        except OSError as error:
            raise SettingsError(f"STORMWACHT_{name}: {path}: {error.strerror}") from None
        return tuple(line.strip() for line in lines if line.strip())
