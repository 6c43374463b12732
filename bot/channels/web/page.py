"""The page at ``/``: a shop's help page with the widget in it, to try an assistant before it goes on a real site."""

import html
import re
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path
from string import Template

from aiohttp import web

from bot.channels.web.settings import WebSettings

_TEMPLATE = Template((Path(__file__).parent / "index.html").read_text(encoding="utf-8"))
_HOST = re.compile(r"[A-Za-z0-9.\-\[\]:]+")

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "lang": "en",
        "heading": "How can we help?",
        "intro": "Ask about an order, a delivery or a return. The assistant answers at once, from our help pages, "
        "and fetches a colleague when it cannot.",
        "ask": "Ask the assistant",
        "popular": "People often ask",
        "languages": "Language",
        "note": "This is a demo page. The chat on it is one script tag that you can add to any site:",
    },
    "zh": {
        "lang": "zh-CN",
        "heading": "有什么可以帮您？",
        "intro": "订单、配送、退货，都可以直接问。助手会根据帮助中心的内容马上回答；答不上来时，会请同事来接手。",
        "ask": "咨询助手",
        "popular": "大家常问",
        "languages": "语言",
        "note": "这是一个演示页面。页面上的聊天窗口只需要一行脚本，可以放进任何网站：",
    },
}


class Page:
    """Handles ``GET /``."""

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings

    async def handle(self, request: web.Request) -> web.Response:
        """The page in the language that the query or the browser asks for."""
        lang = _language(request)
        nonce = secrets.token_urlsafe(16)
        body = _TEMPLATE.substitute(
            {key: html.escape(value) for key, value in _WORDS[lang].items()},
            title=html.escape(self._settings.title),
            greeting=html.escape(self._settings.greeting),
            questions="".join(
                f'<li><button type="button" class="question">{html.escape(text)}</button></li>'
                for text in self._settings.suggestions
            ),
            suggestions=html.escape("|".join(self._settings.suggestions[:3])),
            widget_lang=lang,
            nonce=nonce,
        )
        headers = security_headers(request.host, nonce, self._settings.image_hosts)
        return web.Response(text=body, content_type="text/html", headers=headers)


def _language(request: web.Request) -> str:
    asked = request.query.get("lang", "") or request.headers.get("Accept-Language", "")
    return "zh" if asked.lower().startswith("zh") else "en"


def security_headers(host: str, nonce: str, image_hosts: Collection[str] = ()) -> dict[str, str]:
    """What the page may load and who may frame it: itself only.

    The socket's address is spelled out because not every browser counts ``ws:`` as part of ``'self'``.
    """
    sockets = f"ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    policy = (
        "default-src 'none'",
        f"script-src 'nonce-{nonce}' 'strict-dynamic'",
        "style-src 'self'",
        f"connect-src 'self' {sockets}".strip(),
        " ".join(("img-src 'self' data:", *(f"https://{name}" for name in sorted(image_hosts)))),
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        "Cache-Control": "no-cache",
        "Vary": "Accept-Language",
    }
