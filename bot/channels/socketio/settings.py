"""The section ``socketio`` of ``credentials.yml``, under Rasa's names. Knows no server."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from bot.channels.jwt_key import DEFAULT_METHOD, JwtKey
from bot.dialogue.parse import Json
from bot.errors import CredentialsError

KEYS = (
    "user_message_evt",
    "bot_message_evt",
    "namespace",
    "session_persistence",
    "socketio_path",
    "jwt_key",
    "jwt_method",
    "metadata_key",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketIoSettings:
    """Names of events and addresses; ``session_persistence``: a conversation outlives the socket it began on."""

    user_message_evt: str = "user_uttered"
    bot_message_evt: str = "bot_uttered"
    namespace: str = "/"
    session_persistence: bool = False
    socketio_path: str = "/socket.io"
    jwt: JwtKey | None = None
    metadata_key: str = "metadata"

    @classmethod
    def read(cls, section: Mapping[str, Json]) -> "SocketIoSettings":
        """Check the section. Raises CredentialsError with its first fault."""
        for key in sorted(section.keys() - set(KEYS)):
            near = get_close_matches(key, KEYS, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(KEYS)}"
            raise CredentialsError(f"socketio: there is no key '{key}'; {hint}")
        defaults = cls()
        key, method = _text(section, "jwt_key", ""), _text(section, "jwt_method", DEFAULT_METHOD)
        return cls(
            user_message_evt=_text(section, "user_message_evt", defaults.user_message_evt),
            bot_message_evt=_text(section, "bot_message_evt", defaults.bot_message_evt),
            namespace="/" + _text(section, "namespace", "").strip("/"),
            session_persistence=_flag(section, "session_persistence"),
            socketio_path=_path(_text(section, "socketio_path", defaults.socketio_path)),
            jwt=JwtKey.read(key, method, name="socketio: jwt_key") if key else None,
            metadata_key=_text(section, "metadata_key", defaults.metadata_key),
        )


def _text(section: Mapping[str, Json], name: str, default: str) -> str:
    value = section.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise CredentialsError(f"socketio: '{name}' must be a text, in quotes if it looks like something else")
    return value


def _flag(section: Mapping[str, Json], name: str) -> bool:
    """A switch; what comes out of a variable is a text."""
    value = section.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise CredentialsError(f"socketio: '{name}' must be true or false")


def _path(path: str) -> str:
    clean = "/" + path.strip("/")
    if clean == "/" or set(clean) & set("{}?#% "):
        raise CredentialsError(f"socketio: 'socketio_path': {path!r} is no path of its own; write /socket.io")
    return clean
