"""``kefu run``, ``ask``, ``shell`` and ``demo``: talking to an assistant."""

import argparse
import asyncio
import os
from contextlib import AsyncExitStack
from dataclasses import asdict
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.options import (
    Subparsers,
    UsageError,
    add_command,
    add_folder,
    add_json,
    port,
    print_json,
    read_line,
    redis_url,
)
from bot.paths import AssistantPaths
from bot.secrets_file import TOKEN_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.app import Serving
    from bot.messages import Reply
    from bot.ports import TurnResult

JWT_VARIABLE = "KEFU_JWT_SECRET"


def add(commands: Subparsers) -> None:
    """Add ``run``, ``ask``, ``shell`` and ``demo``."""
    running = add_command(commands, "run", run, summary="serve an assistant", example="kefu run shop --port 5005")
    add_folder(running)
    _add_serving(running)

    asking = add_command(
        commands, "ask", ask, summary="answer one message and say why", example='kefu ask "where is my order" shop'
    )
    asking.add_argument("text", help="the customer's message")
    add_folder(asking)
    asking.add_argument(
        "--filter",
        type=_filter,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="search only passages with that language, document or metadata; may be repeated",
    )
    add_json(asking)

    shell_parser = add_command(
        commands, "shell", shell, summary="chat in the terminal", example="kefu shell shop --debug"
    )
    add_folder(shell_parser)
    shell_parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="say why after each answer"
    )

    demo_parser = add_command(
        commands, "demo", demo, summary="make, train and serve the starter assistant", example="kefu demo shop"
    )
    add_folder(demo_parser)
    _add_serving(demo_parser)


def _add_serving(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("-p", "--port", type=port, default=5005, help="port (default: 5005; 0 takes a free one)")
    parser.add_argument("-t", "--auth-token", help="the admin token (default: $KEFU_TOKEN, else one is made)")
    parser.add_argument(
        "--jwt-secret",
        default=os.environ.get(JWT_VARIABLE) or None,
        help=f"secret, or public key in PEM, that JWTs of the API are checked with (default: ${JWT_VARIABLE})",
    )
    parser.add_argument(
        "--jwt-method", default="HS256", metavar="METHOD", help="method that a JWT must be signed with (HS256)"
    )
    parser.add_argument("--jwt-private-key", help="accepted as in Rasa; JWTs are only checked here, so it is not used")
    parser.add_argument(
        "--redis-url",
        type=redis_url,
        default=os.environ.get("KEFU_REDIS_URL") or None,
        help="store (default: $KEFU_REDIS_URL, else an embedded one)",
    )
    parser.add_argument("--cors", nargs="*", default=[], metavar="ORIGIN", help="sites that may embed the widget")
    parser.add_argument(
        "--trusted-proxy", type=_network, nargs="*", default=[], metavar="NETWORK", help="proxies in front of the bot"
    )
    parser.add_argument("--enable-api", action="store_true", help="accepted as in Rasa; the API is always on")


def _filter(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not (found and name and value):
        raise argparse.ArgumentTypeError(f"{text!r} is no filter: write product=x")
    return name, value


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no network: write 10.0.0.7 or 10.0.0.0/8") from None


def _check_token(given: str | None) -> None:
    """The admin token that an operator chose. Raises UsageError for one that could be guessed."""
    from bot.channels.security import MIN_TOKEN_LENGTH

    if given and len(given.strip()) < MIN_TOKEN_LENGTH:
        raise UsageError(f"the admin token (--auth-token, $KEFU_TOKEN) needs at least {MIN_TOKEN_LENGTH} characters")


def run(args: argparse.Namespace) -> int:
    """Serve until a signal; running turns are finished first."""
    from bot.app import ServeSettings, serve
    from bot.channels.access_log import configure_logging
    from bot.channels.jwt_key import JwtKey

    _check_token(args.auth_token or os.environ.get(TOKEN_VARIABLE))
    configure_logging(level="DEBUG" if args.debug else "INFO")
    settings = ServeSettings(
        folder=args.folder,
        host=args.host,
        port=args.port,
        redis_url=args.redis_url,
        auth_token=args.auth_token,
        jwt=JwtKey.read(args.jwt_secret, args.jwt_method, name="--jwt-secret") if args.jwt_secret else None,
        origins=tuple(args.cors),
        trusted_proxies=tuple(args.trusted_proxy),
    )
    asyncio.run(serve(settings, _announce))
    return 0


def _announce(serving: "Serving") -> None:
    for warning in serving.warnings:
        print(f"warning: {warning}", flush=True)
    if serving.new_token:
        print(f"Admin token, shown this once (also in .kefu/token): {serving.new_token}", flush=True)
    print(f"Release {serving.release_id} answers at {serving.url}", flush=True)


def demo(args: argparse.Namespace) -> int:
    """Only what is missing is made: the second start just serves."""
    from bot.commands.create import write_assistant
    from bot.commands.learn import train_and_promote

    folder: Path = args.folder
    if not (folder / "domain.yml").is_file():
        write_assistant(folder, None)
    if not (AssistantPaths(folder).models / "current.json").is_file():
        train_and_promote(folder)
    return run(args)


def ask(args: argparse.Namespace) -> int:
    """One turn of a new conversation, without a store."""
    result = asyncio.run(_ask(args.folder, args.text, dict(args.filter)))
    if args.json:
        print_json({"replies": [asdict(reply) for reply in result.replies], "record": asdict(result.record)})
    else:
        print_replies(result.replies)
        _print_reasons(result)
    return 0


async def _ask(folder: Path, text: str, filters: dict[str, str]) -> "TurnResult":
    from bot.actions.filters import METADATA_KEY
    from bot.conversation import Conversation
    from bot.startup import loaded_runtime

    async with AsyncExitStack() as stack:
        runtime = await loaded_runtime(folder, stack)
        known = runtime.current.models.filter_names()
        if unknown := sorted(filters.keys() - known):
            has = ", ".join(sorted(known)) or "no knowledge to filter"
            raise UsageError(f"--filter {unknown[0]}: no passage has it; known: {has}")
        return await Conversation(runtime, metadata={METADATA_KEY: filters} if filters else {}).say(text)


def shell(args: argparse.Namespace) -> int:
    """Type /stop or end the input to leave."""
    asyncio.run(_shell(args.folder, args.debug))
    return 0


async def _shell(folder: Path, debug: bool) -> None:
    from bot.commands.trace import trace
    from bot.conversation import Conversation
    from bot.dialogue.policies.explain import Explainer
    from bot.startup import loaded_runtime

    async with AsyncExitStack() as stack:
        runtime = await loaded_runtime(folder, stack)
        conversation = Conversation(runtime)
        loaded = runtime.current
        explainer = Explainer(project=loaded.project, policies=loaded.policies)
        print("Type a message; /stop leaves.")
        while (text := await asyncio.to_thread(read_line, "you: ")) not in (None, "/stop"):
            before = conversation.so_far
            result = await conversation.say(str(text))
            print_replies(result.replies)
            if debug:
                print("\n".join(trace(before, result, explainer, loaded.models.threshold)))


def print_replies(replies: "Sequence[Reply]") -> None:
    """What the bot says, as the terminal can show it."""
    for reply in replies:
        if reply.text:
            print(f"bot: {reply.text}")
        for button in (*reply.buttons, *reply.quick_replies):
            print(f"     [{button.title}]  {button.payload}")
        for source in reply.sources:
            print(f"     source: {source.title} ({source.url or source.document})")


def _print_reasons(result: "TurnResult") -> None:
    from bot.commands.trace import HITS

    record = result.record
    print(f"why: {record.route}: " + "; ".join(record.reasons))
    if record.intent is not None:
        print(f"     intent {record.intent} {record.confidence or 0:.2f}")
    if record.probability is not None:
        print(f"     knowledge answers with probability {record.probability:.2f}")
    if record.searched:
        print(f"     searched: {record.searched}")
    for hit in record.hits[:HITS]:
        print(f"     found {hit['score']:.2f} {hit['title']} ({hit['document']}, {hit['id']})")
    for action in record.actions:
        if "error" in action:
            print(f"     failed {action['name']}: {action['error']}: {action['detail']}")
        else:
            print(f"     did {action['name']}, decided by {action['policy']} {action['confidence']:.2f}")
    print("     " + ", ".join(f"{name} {ms:.1f} ms" for name, ms in record.timings_ms.items()))
