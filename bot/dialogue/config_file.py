"""``config.yml``, ``endpoints.yml`` and ``credentials.yml``.

What becomes of each component of Rasa's stands in ``components``. Values may be secrets, so no fault or notice repeats
them.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from bot.dialogue.components import Section, names, treatment
from bot.dialogue.parse import Json
from bot.dialogue.project import Component, Config, Endpoint
from bot.dialogue.reading import Reading, suggest
from bot.dialogue.yaml_tree import Node

CONFIG_KEYS = (
    "recipe",
    "version",
    "assistant_id",
    "language",
    "pipeline",
    "policies",
    "importers",
    "imports",
    "spaces",
    "kefu",
)
KEFU_TEXTS = ("encoder", "retrieval_encoder", "locale", "timezone")
KEFU_SECTIONS = ("filters", "generator", "nlu", "system_entities")
KEFU_NUMBERS = ("nlu_threshold", "sure_at", "learned_at")
SYSTEM_ENTITIES = (
    *("amount-of-money", "credit-card-number", "distance", "duration", "email", "number", "ordinal", "phone-number"),
    *("quantity", "temperature", "time", "url", "volume"),
)
"""The dimensions of Duckling."""
NLU_RANGES: Mapping[str, tuple[float, float]] = {
    "epochs": (1, 1000),
    "batch_size": (1, 1024),
    "max_tokens": (8, 512),
    "frozen_layers": (0, 100),
    "learning_rate": (0.0, 0.1),
    "head_learning_rate": (0.0, 0.1),
    "layer_decay": (0.1, 1.0),
    "weight_decay": (0.0, 1.0),
    "dropout": (0.0, 0.9),
    "label_smoothing": (0.0, 0.9),
    "warmup": (0.0, 1.0),
    "slips": (0.0, 1.0),
    "adversary": (0.0, 10.0),
    "averaged": (1, 10),
    "accumulate": (1, 1024),
    "patience": (0, 1000),
    "lora_rank": (0, 1024),
    "lora_learning_rate": (0.0, 0.1),
}
"""Numbers under ``kefu: nlu:``, which say how understanding is trained, from and to; whole ones where these are."""
NLU_FLAGS = ("train_words", "general_outside", "half_precision")
SERVER_RANGES: Mapping[str, tuple[float, float]] = {"timeout": (1.0, 30.0), "max_tokens": (16, 4096)}
GENERATOR_KEYS = ("base", "url", "model", *SERVER_RANGES, "options", "tone")
"""Under ``kefu: generator:``; all but ``base`` and ``tone`` belong to a server."""
KEY_NAMES = ("api_key", "key", "token", "password")
MAX_TONE = 300
ENDPOINTS = ("action_endpoint", "nlg", "nlu", "models", "store", "tracker_store", "lock_store", "event_broker")
CALLED = ("action_endpoint", "nlg")
"""Endpoints that are HTTP servers."""
ENDPOINT_KEYS = ("url", "headers", "params", "basic_auth", "token", "token_name")
UNUSED: Mapping[str, str] = {
    "tracker_store": "conversations live in Kefu's own store (--redis-url), and GET /conversations/ID/tracker reads it",
    "lock_store": "Kefu's own store keeps the messages of a conversation in order",
    "event_broker": "let what listens there read GET /conversations/ID/tracker instead",
    "models": "models are releases in models/, switched by kefu releases",
    "nlu": "the release understands messages itself",
}
"""Endpoints that Rasa needs and Kefu does not, and what takes their place."""
CHANNELS = (
    "rest",
    "callback",
    "socketio",
    "web",
    "slack",
    "telegram",
    "facebook",
    "whatsapp",
    "twilio",
    "twilio_voice",
    "botframework",
    "mattermost",
    "rocketchat",
    "webexteams",
    "hangouts",
    "rasa",
    "cmdline",
)


def read_config(root: Node, reading: Reading) -> Config:
    """Read ``config.yml``."""
    fields = reading.fields(root, "config.yml", CONFIG_KEYS)
    recipe = reading.optional_text(fields.get("recipe"), "recipe")
    if recipe not in (None, "default.v1"):
        reading.fault(fields["recipe"], f'the recipe "{recipe}" is unknown', 'write "recipe: default.v1"')
    for importer in reading.items(fields.get("importers"), "importers"):
        reading.notice(importer, "importers do not run here; all files of data/ and domain/ are read")
    for folder in reading.items(fields.get("imports"), "imports"):
        reading.notice(folder, "no other projects are imported; all files of data/ and domain/ are read")
    return Config(
        language=reading.optional_text(fields.get("language"), "language") or "en",
        assistant_id=reading.optional_text(fields.get("assistant_id"), "assistant_id"),
        pipeline=_components(fields.get("pipeline"), "pipeline", reading),
        policies=_components(fields.get("policies"), "policies", reading),
        kefu=_kefu(fields.get("kefu"), reading),
    )


def _components(node: Node | None, section: Section, reading: Reading) -> tuple[Component, ...]:
    read = (_component(item, section, reading) for item in reading.items(node, section))
    return tuple(component for component in read if component is not None)


def _component(item: Node, section: Section, reading: Reading) -> Component | None:
    if isinstance(item.value, str):
        reading.fault(item, f"an item of {section} without a key", 'write "- name: ..."')
        return None
    fields = reading.fields(item, f"an item of {section}")
    if "name" not in fields:
        reading.fault(item, f"an item of {section} has no name", 'write "- name: ..."')
        return None
    name = reading.name(fields["name"], "name")
    if name:
        _judge(fields["name"], name, section, reading)
    short = name.rsplit(".", 1)[-1]
    options = {key: child.json() for key, child in fields.items() if key != "name"}
    is_rasas = name.startswith("rasa.") and short in names(section)
    return Component(name=short if is_rasas else name, options=options, line=item.line)


def _judge(node: Node, name: str, section: Section, reading: Reading) -> None:
    """Note a component that is ignored, refused or unknown."""
    found = treatment(name, section)
    if found is None:
        what = f'the component "{name}" is unknown in {section}'
        reading.fault(node, what, suggest(name, names(section)))
    elif found.fate == "refused":
        reading.fault(node, f'the component "{name}" cannot run here', found.words)
    elif found.fate == "ignored":
        reading.notice(node, f'the component "{name}" is ignored: {found.words}')


def _kefu(node: Node | None, reading: Reading) -> Mapping[str, Json]:
    """Read our own section: known keys are checked, others are left to whoever reads them."""
    fields = reading.fields(node, "kefu")
    for key, child in fields.items():
        if key in KEFU_TEXTS:
            reading.optional_text(child, key)
        elif key in KEFU_NUMBERS:
            number = reading.number(child, key, default=0.5)
            if not 0.0 <= number <= 1.0:
                reading.fault(child, f"{key} is a probability and not between 0 and 1", "write a number such as 0.5")
        elif key == "generator":
            _generator(child, reading)
        elif key == "filters":
            _filters(child, reading)
        elif key == "nlu":
            _nlu(child, reading)
        elif key == "system_entities":
            _system_entities(child, reading)
        elif "did you mean" in (meant := suggest(key, (*KEFU_TEXTS, *KEFU_NUMBERS, *KEFU_SECTIONS))):
            reading.notice(child, f'"{key}" is not a known setting of kefu; {meant}')
    return {key: child.json() for key, child in fields.items()}


def _filters(node: Node, reading: Reading) -> None:
    """Check what searches are narrowed by: a value, or the slot or key of the metadata that has it."""
    for name, child in reading.fields(node, "filters").items():
        if not isinstance(child.value, Mapping):
            reading.text(child, f"{name} of filters")
            continue
        sources = reading.fields(child, f"{name} of filters", ("slot", "metadata"))
        if len(sources) != 1:
            reading.fault(child, f"{name} of filters has not one source", 'write "slot: NAME" or "metadata: KEY"')
        for source, named in sources.items():
            reading.text(named, f"{source} of {name} of filters")


def _generator(node: Node, reading: Reading) -> None:
    """Check who drafts answers: the name of a model, or a section with it or with a server."""
    if not isinstance(node.value, Mapping):
        reading.optional_text(node, "generator")
        return
    fields = reading.fields(node, "generator", (*GENERATOR_KEYS, *KEY_NAMES))
    for key in fields.keys() & set(KEY_NAMES):
        remedy = "remove it and set the environment variable KEFU_GENERATOR_KEY"
        reading.fault(fields[key], f"{key} of generator: releases keep this file, so it is no place", remedy)
    reading.optional_text(fields.get("base"), "base of generator")
    tone = reading.optional_text(fields.get("tone"), "tone of generator")
    if tone and len(tone) > MAX_TONE:
        reading.fault(fields["tone"], f"tone has more than {MAX_TONE} characters", "say it in a sentence or two")
    url = reading.optional_text(fields.get("url"), "url of generator")
    if url:
        _generating_server(node, fields, url, reading)
        return
    for key in fields.keys() & {"model", *SERVER_RANGES, "options"}:
        reading.fault(fields[key], f"{key} of generator without a url", "give the url of a server, or remove it")


def _generating_server(node: Node, fields: Mapping[str, Node], url: str, reading: Reading) -> None:
    if not _is_plain_address(url):
        reading.fault(fields["url"], "url of generator is no plain address", 'write "url: http://host:port/v1"')
    if not reading.optional_text(fields.get("model"), "model of generator"):
        reading.fault(node, "generator names a server but no model", 'write "model: NAME", as the server calls it')
    if "base" in fields:
        reading.fault(fields["base"], "generator has a base and a url", "remove one: either the release or a server")
    for key, (least, most) in SERVER_RANGES.items():
        if key in fields and fields[key].value is not None:
            _in_range(fields[key], key, least, most, reading)
    reading.fields(fields.get("options"), "options of generator")


def _is_plain_address(url: str) -> bool:
    """Whether an address is http or https, without a password, a query or a fragment."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return False
    extra = parts.username or parts.password or parts.query or parts.fragment
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0 and not extra


def _nlu(node: Node, reading: Reading) -> None:
    """Check how understanding is to be trained; what is null is left to training."""
    for key, child in reading.fields(node, "nlu", (*NLU_RANGES, *NLU_FLAGS)).items():
        if key in NLU_FLAGS and child.value is not None:
            reading.flag(child, key, default=True)
        elif key in NLU_RANGES and child.value is not None:
            _in_range(child, key, *NLU_RANGES[key], reading)


def _in_range(node: Node, key: str, least: float, most: float, reading: Reading) -> None:
    whole, value = isinstance(least, int), node.value
    fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not fits or not least <= value <= most:  # type: ignore[operator]  # a number, as was just seen
        kind = "a whole number" if whole else "a number"
        reading.fault(node, f"{key} is not {kind} from {least:g} to {most:g}", "write one, or remove the key")


def _system_entities(node: Node, reading: Reading) -> None:
    """Check ``system_entities``: true, false or names of dimensions."""
    if isinstance(node.value, bool):
        return
    for child in node.value if isinstance(node.value, tuple) else (node,):
        name = reading.name(child, "a system entity")
        if name and name not in SYSTEM_ENTITIES:
            reading.fault(child, f'the system entity "{name}" is unknown', suggest(name, SYSTEM_ENTITIES))


def read_endpoints(root: Node, reading: Reading) -> dict[str, Endpoint]:
    """Read ``endpoints.yml``; a section that is empty or not used is left out."""
    endpoints = {}
    for name, node in reading.fields(root, "endpoints.yml", (*ENDPOINTS, "version")).items():
        if name not in ENDPOINTS or node.value is None:
            continue
        if name in UNUSED:
            reading.notice(node, f"{name}{_own_code(node)} is not used: {UNUSED[name]}")
        elif name != "nlg" or _is_served(node, reading):
            endpoints[name] = _endpoint(name, node, reading)
    return endpoints


def _type(node: Node) -> str:
    given = node.value.get("type") if isinstance(node.value, Mapping) else None
    return given.value if given is not None and isinstance(given.value, str) else ""


def _own_code(node: Node) -> str:
    """Name the class that somebody wrote for Rasa, where an endpoint's type is one."""
    return f' "{_type(node)}", which is code of its own,' if "." in _type(node) else ""


def _is_served(node: Node, reading: Reading) -> bool:
    """Whether another server words the responses; a class that does it cannot run here."""
    kind = _type(node)
    if kind.lower() not in ("", "callback", "response"):
        what = f'nlg has the type "{kind}", which is code of its own and cannot run here'
        reading.fault(node, what, 'serve it over HTTP and write "url: http://...", or remove nlg')
    return kind.lower() in ("", "callback")


def _endpoint(name: str, node: Node, reading: Reading) -> Endpoint:
    fields = reading.fields(node, name)
    url = reading.optional_text(fields.get("url"), f"the url of {name}") or ""
    if name in CALLED and not _is_http(url):
        reading.fault(fields.get("url", node), f"{name} has no HTTP address", 'write "url: http://host:port/path"')
    if name == "action_endpoint":
        _check_calls(fields, reading)
    return Endpoint(
        url=url,
        headers=_texts(fields.get("headers"), f"the headers of {name}", reading),
        params=_texts(fields.get("params"), f"the params of {name}", reading),
        basic_auth=_basic_auth(fields.get("basic_auth"), name, reading),
        token=reading.optional_text(fields.get("token"), f"the token of {name}"),
        token_name=reading.optional_text(fields.get("token_name"), f"token_name of {name}") or "token",
        options={key: child.json() for key, child in fields.items() if key not in ENDPOINT_KEYS},
    )


def _check_calls(fields: Mapping[str, Node], reading: Reading) -> None:
    """How actions are called: numbers may come as text, from the environment."""
    for key, least in (("timeout", 0.001), ("concurrency", 1)):
        child = fields.get(key)
        if child is not None and not _at_least(least, child.value):
            reading.fault(child, f"{key} of action_endpoint is no number from {least:g} on", "write one, such as 30")
    for key in ("compress", "enable_selective_domain"):
        reading.flag(fields.get(key), f"{key} of action_endpoint", default=False)
    reading.optional_text(fields.get("cafile"), "the cafile of action_endpoint")


def _at_least(least: float, value: object) -> bool:
    try:
        return least <= float(str(value)) < float("inf")
    except ValueError:
        return False


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _texts(node: Node | None, what: str, reading: Reading) -> dict[str, str]:
    texts = {}
    for key, child in reading.fields(node, what).items():
        if isinstance(child.value, tuple | Mapping) or child.value is None:
            reading.fault(child, f'"{key}" in {what} must be text', "write one text")
        else:
            texts[key] = str(child.value)
    return texts


def _basic_auth(node: Node | None, name: str, reading: Reading) -> tuple[str, str] | None:
    fields = reading.fields(node, f"basic_auth of {name}", ("username", "password"))
    if not fields:
        return None
    username = reading.text(fields.get("username"), "username")
    password = reading.text(fields.get("password"), "password")
    if node is not None and ("username" not in fields or "password" not in fields):
        reading.fault(node, f"basic_auth of {name} is incomplete", "give it a username and a password")
    return (username or "", password or "")


def read_credentials(root: Node, reading: Reading) -> dict[str, Mapping[str, Json]]:
    """Read ``credentials.yml``: the settings of each channel."""
    channels: dict[str, Mapping[str, Json]] = {}
    for name, node in reading.fields(root, "credentials.yml").items():
        if name == "version":
            continue
        if "." in name:
            instead = "let it call POST /webhooks/rest/webhook, or name a callback url that it answers at"
            reading.notice(node, f'the channel "{name}" is code of its own and cannot run here; {instead}')
        elif name not in CHANNELS:
            reading.notice(node, f'the channel "{name}" is unknown; {suggest(name, CHANNELS)}')
        channels[name] = {key: child.json() for key, child in reading.fields(node, name).items()}
    return channels
