"""Writes a large assistant: 5,000 examples, 276 stories, 53 rules, as a telephone company's bot might have grown.

Made for measuring what size costs (``bench_size``). Forms with questions in between, slots that decide, checkpoints
that join stories and alternatives are in it in the proportions of real projects; the texts come from templates.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice, product

EXAMPLES, STORIES, RULES = 5_000, 276, 53

TOPICS: Mapping[str, tuple[str, ...]] = {
    "invoice": ("invoice", "bill", "last bill"),
    "contract": ("contract", "agreement", "two year contract"),
    "router": ("router", "modem", "wifi box"),
    "sim": ("sim card", "esim", "second sim"),
    "delivery": ("delivery", "parcel", "shipment"),
    "refund": ("refund", "money back", "repayment"),
    "roaming": ("roaming", "use abroad", "roaming package"),
    "voicemail": ("voicemail", "mailbox", "answering service"),
    "data_plan": ("data plan", "data volume", "gigabytes"),
    "email": ("email address", "mail account", "inbox"),
    "password": ("password", "pin", "login"),
    "discount": ("discount", "voucher", "promo code"),
    "gift_card": ("gift card", "top up card", "prepaid credit"),
    "appointment": ("appointment", "technician visit", "visit"),
    "landline": ("landline", "home phone", "fixed line"),
    "tv_box": ("tv box", "receiver", "set top box"),
    "porting": ("number transfer", "porting", "keeping my number"),
    "tablet": ("tablet", "tablet plan", "child's tablet"),
    "insurance": ("insurance", "screen cover", "device protection"),
    "fibre": ("fibre line", "fibre connection", "fast internet"),
    "newsletter": ("newsletter", "advertising mail", "offers by mail"),
    "shop": ("shop", "store around the corner", "branch"),
    "headset": ("headset", "earphones", "accessory"),
    "messages": ("text message", "sms", "short message"),
    "upgrade": ("upgrade", "new phone", "better phone"),
}
ACTS: Mapping[str, tuple[str, ...]] = {
    "about": ("tell me about the {}", "what is the {} good for", "explain the {}", "I know nothing about the {}"),
    "price": ("what does the {} cost", "price of the {}", "how expensive is the {}", "how much do I pay for the {}"),
    "change": ("change my {}", "I need a different {}", "update the {}", "switch the {} please"),
    "problem": ("my {} does not work", "trouble with the {}", "the {} is broken", "there is an error with my {}"),
}
SMALL_TALK: Mapping[str, tuple[str, ...]] = {
    "greet": ("hello", "good morning", "hi there", "hey", "good evening"),
    "bye": ("bye", "see you", "good night", "farewell", "that is all"),
    "thanks": ("thanks", "thank you", "many thanks", "much obliged", "cheers"),
    "affirm": ("yes", "of course", "sure", "that is right", "please do"),
    "deny": ("no", "not really", "never", "I do not want that", "no way"),
    "human": ("a person please", "human agent", "let me talk to somebody", "operator", "I want a real person"),
    "stop": ("stop it", "forget it", "cancel this", "never mind", "abort"),
}
CITIES = ("Berlin", "Paris", "Oslo", "Rome", "Madrid", "Vienna", "Lisbon", "Prague")
FORMS: Mapping[str, tuple[str, ...]] = {
    "repair_form": ("device", "city", "day"),
    "order_form": ("device", "amount", "city"),
    "address_form": ("street", "city"),
    "callback_form": ("phone", "day"),
    "transfer_form": ("phone", "provider"),
    "complaint_form": ("topic", "detail"),
}
BEFORE = ("", "hello, ", "please ", "one question: ", "hi, ", "sorry, ", "good day, ")
BEHIND = ("", " please", " today", " if possible", " for my mother", " right now", " as soon as you can")
FIRST_TURN = "about"
"""Questions of this kind are answered by a rule; for others there are stories."""


def big_assistant() -> dict[str, str]:
    """The files of the assistant, path to text."""
    return {
        "config.yml": "language: en\nassistant_id: big\npipeline: []\n"
        "policies:\n- name: MemoizationPolicy\n- name: RulePolicy\n- name: TEDPolicy\n",
        "domain/intents.yml": _header(("intents", [f"- {intent}" for intent in _intents()])) + _entities(),
        "domain/slots.yml": _header(("slots", list(_slots()))),
        "domain/forms.yml": _header(("forms", list(_forms())), ("actions", list(_actions()))),
        "domain/responses.yml": _header(("responses", list(_responses()))),
        "data/nlu.yml": _header(("nlu", list(_nlu()))),
        "data/rules.yml": _header(("rules", list(_rules()))),
        "data/stories.yml": _header(("stories", list(_stories()))),
        "tests/test_stories.yml": _header(("stories", list(_tests()))),
    }


def _header(*sections: tuple[str, Sequence[str]]) -> str:
    lines = ['version: "3.1"']
    for name, entries in sections:
        lines += [f"{name}:", *entries]
    return "\n".join(lines) + "\n"


def _intents() -> list[str]:
    topics = [f"{topic}_{act}" for topic, act in product(TOPICS, ACTS)]
    return [*SMALL_TALK, *topics, *(f"start_{form}" for form in FORMS), "inform", "identify"]


def _entities() -> str:
    names = ("device", "city", "day", "amount", "provider", "customer")
    return "\n".join(["entities:", *(f"- {name}" for name in names)]) + "\n"


def _slots() -> Iterator[str]:
    for name in ("device", "city", "day", "amount", "provider", "customer"):
        kind = "float, min_value: 0, max_value: 10" if name == "amount" else "text"
        yield f"  {name}: {{type: {kind}, mappings: [{{type: from_entity, entity: {name}}}]}}"
    for name, form in (("street", "address_form"), ("detail", "complaint_form"), ("phone", "callback_form")):
        condition = f"conditions: [{{active_loop: {form}, requested_slot: {name}}}]"
        yield f"  {name}: {{type: text, mappings: [{{type: from_text, {condition}}}]}}"
    yield f"  topic: {{type: categorical, values: [{', '.join(TOPICS)}], mappings: [{{type: custom}}]}}"
    yield "  known: {type: bool, mappings: [{type: custom}]}"
    yield f"  wish: {{type: categorical, values: [{', '.join(TOPICS)}], mappings: [{{type: custom}}]}}"


def _forms() -> Iterator[str]:
    return (f"  {form}: {{required_slots: [{', '.join(slots)}]}}" for form, slots in FORMS.items())


def _actions() -> Iterator[str]:
    yield "- action_look_up"
    for form in FORMS:
        yield f"- validate_{form}"
        yield f"- action_submit_{form}"
    yield from (f"- action_wish_{topic}" for topic in TOPICS)


def _responses() -> Iterator[str]:
    names = [*SMALL_TALK, "default", "ask_rephrase", "who", "known", "unknown", "stopped"]
    names += [f"{topic}_{act}" for topic, act in product(TOPICS, (*ACTS, "more", "done"))]
    names += [f"done_{form}" for form in FORMS]
    names += [f"ask_{slot}" for slot in dict.fromkeys(slot for slots in FORMS.values() for slot in slots)]
    for name in names:
        yield f"  utter_{name}:\n  - text: This is said for {name.replace('_', ' ')}.\n  - text: About {name}."


def _nlu() -> Iterator[str]:
    intents = _intents()
    share, rest = divmod(EXAMPLES, len(intents))
    for number, intent in enumerate(intents):
        count = share + (number < rest)
        lines = "\n".join(f"    - {text}" for text in islice(dict.fromkeys(_phrases(intent)), count))
        yield f"- intent: {intent}\n  examples: |\n{lines}"


def _phrases(intent: str) -> Iterator[str]:
    """More phrases than are needed, each spoken differently."""
    for behind, before, core in product(BEHIND, BEFORE, _cores(intent)):
        yield f"{before}{core}{behind}"


def _cores(intent: str) -> list[str]:
    if intent in SMALL_TALK:
        return list(SMALL_TALK[intent])
    if intent == "inform":
        return [f"[{city}](city)" for city in CITIES] + [f"to [{city}](city) on [monday](day)" for city in CITIES]
    if intent == "identify":
        return [f"my number is [K{number}](customer)" for number in range(1000, 1016)]
    if intent.startswith("start_"):
        word = intent.removeprefix("start_").removesuffix("_form")
        cities = cycle(CITIES)
        return [
            f"{ask} {word}{at.format(next(cities))}" for ask, at in product(("I want a", "new"), ("", " in [{}](city)"))
        ]
    topic, _, act = intent.rpartition("_")
    return [frame.format(word) for frame, word in product(ACTS[act], TOPICS[topic])]


def _rules() -> Iterator[str]:
    for intent in ("greet", "bye", "human"):
        action = "action_handoff" if intent == "human" else f"utter_{intent}"
        yield _told("rule", intent, [f"intent: {intent}", f"action: {action}"])
    yield _told("rule", "not understood", ["intent: nlu_fallback", "action: utter_ask_rephrase"])
    for form in FORMS:
        yield _told("rule", f"begin {form}", [f"intent: start_{form}", f"action: {form}", f"active_loop: {form}"])
        on = f"  condition:\n  - active_loop: {form}\n"
        done = ["active_loop: null", f"action: action_submit_{form}", f"action: utter_done_{form}"]
        yield _told("rule", f"submit {form}", [f"action: {form}", *done], on)
        thanked = ["intent: thanks", "action: utter_thanks", f"action: {form}", f"active_loop: {form}"]
        yield _told("rule", f"thanks in {form}", thanked, on)
    for topic in islice(TOPICS, RULES - 4 - 3 * len(FORMS) - len(FORMS)):
        yield _told("rule", f"what is {topic}", [f"intent: {topic}_about", f"action: utter_{topic}_about"])
    for form, topic in zip(FORMS, TOPICS, strict=False):
        asked = [f"intent: {topic}_price", f"action: utter_{topic}_price", f"action: {form}", f"active_loop: {form}"]
        yield _told("rule", f"price in {form}", asked, f"  condition:\n  - active_loop: {form}\n")


def _stories() -> Iterator[str]:
    yield from islice(_all_stories(), STORIES)


def _all_stories() -> Iterator[str]:
    said = "intent: identify\n    entities:\n    - customer: K1000"
    steps = ["checkpoint: identify", "action: utter_who", said, "action: action_look_up", "checkpoint: identified"]
    yield _told("story", "who are you", steps)
    for answer, then in (("affirm", "utter_ask_rephrase"), ("deny", "utter_bye"), ("bye", "utter_bye")):
        steps = ["checkpoint: anything else", f"intent: {answer}", f"action: {then}"]
        yield _told("story", f"anything else, {answer}", steps)
    yield from _changes()
    yield from _prices()
    yield from _problems()
    yield from _interruptions()
    yield from _chains()


def _changes() -> Iterator[str]:
    """Changes ask first who the customer is, and go on by what was found out and what was wished."""
    for topic in TOPICS:
        begun = [
            f"intent: {topic}_change",
            f"action: action_wish_{topic}",
            _slot("wish", topic),
            "checkpoint: identify",
        ]
        yield _told("story", f"change {topic}", begun)
        for known in ("true", "false"):
            at = f"checkpoint: identified\n    slot_was_set:\n    - wish: {topic}"
            said = (
                ["action: utter_known", f"action: utter_{topic}_change"]
                if known == "true"
                else ["action: utter_unknown"]
            )
            yield _told("story", f"change {topic}, known is {known}", [at, _slot("known", known), *said])


def _prices() -> Iterator[str]:
    for topic, end in product(TOPICS, ("affirm", "deny")):
        answer = "or:\n    - intent: affirm\n    - intent: thanks" if end == "affirm" else "intent: deny"
        then = f"utter_{topic}_more" if end == "affirm" else f"utter_{topic}_done"
        steps = [f"intent: {topic}_price", f"action: utter_{topic}_price", answer, f"action: {then}"]
        yield _told("story", f"price of {topic}, {end}", steps)


def _problems() -> Iterator[str]:
    for topic, city in product(TOPICS, ("", "Berlin")):
        given = f"intent: inform\n    entities:\n    - city: {city}" if city else "intent: deny"
        then = f"utter_{topic}_more" if city else "utter_stopped"
        steps = [f"intent: {topic}_problem", f"action: utter_{topic}_problem", given, f"action: {then}"]
        steps += ["checkpoint: anything else"]
        yield _told("story", f"problem with {topic} {city or 'and nothing else'}", steps)


def _interruptions() -> Iterator[str]:
    """Somebody leaves a form, or asks something in between and stops then."""
    for form in FORMS:
        begun = [f"intent: start_{form}", f"action: {form}", f"active_loop: {form}"]
        ended = ["action: utter_stopped", "action: action_deactivate_loop", "active_loop: null"]
        yield _told("story", f"stop {form}", [*begun, "intent: stop", *ended])
        for topic in islice(TOPICS, 6, 12):
            asked = [f"intent: {topic}_problem", f"action: utter_{topic}_problem"]
            again = [f"action: {form}", f"active_loop: {form}", "intent: stop"]
            yield _told("story", f"{topic} in {form}, then stop", [*begun, *asked, *again, *ended])


def _chains() -> Iterator[str]:
    """Longer conversations about two things."""
    for one, other in product(TOPICS, TOPICS):
        if one != other:
            steps = [f"intent: {one}_price", f"action: utter_{one}_price", f"intent: {other}_price"]
            steps += [f"action: utter_{other}_price", "intent: thanks", "action: utter_thanks"]
            yield _told("story", f"{one}, then {other}", steps)


def _tests() -> Iterator[str]:
    for topic in TOPICS:
        word = TOPICS[topic][0]
        steps = [
            f"user: |\n      hello, what does the {word} cost\n    intent: {topic}_price",
            f"action: utter_{topic}_price",
            "user: |\n      not really\n    intent: deny",
            f"action: utter_{topic}_done",
        ]
        yield _told("story", f"test {topic}", steps)


def _slot(name: str, value: str) -> str:
    return f"slot_was_set:\n    - {name}: {value}"


def _told(kind: str, name: str, steps: Sequence[str], more: str = "") -> str:
    return f"- {kind}: {name}\n{more}  steps:\n" + "\n".join(f"  - {step}" for step in steps)
