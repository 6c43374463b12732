"""config.yml, endpoints.yml and credentials.yml."""

import pytest

from bot.dialogue.config_file import read_config, read_credentials, read_endpoints
from bot.dialogue.project import Endpoint, SourceFile
from bot.dialogue.reading import Reading
from bot.dialogue.yaml_tree import read_yaml


def read(reader, text):
    root, faults = read_yaml(SourceFile(path="f.yml", text=text), {})
    assert not faults
    reading = Reading()
    return reader(root, reading), reading


def test_a_config_of_rasa_is_accepted():
    config, reading = read(
        read_config,
        """recipe: default.v1
assistant_id: a
language: zh
pipeline:
- name: JiebaTokenizer
- name: rasa.nlu.classifiers.diet_classifier.DIETClassifier
  epochs: 10
- name: my.module.Component
policies:
kefu: {encoder: "package:x", nlu_threshold: 0.4, other: [1]}
""",
    )
    assert not reading.faults
    assert (config.language, config.assistant_id, config.policies) == ("zh", "a", ())
    assert [(part.name, dict(part.options), part.line) for part in config.pipeline] == [
        ("JiebaTokenizer", {}, 5),
        ("DIETClassifier", {"epochs": 10}, 6),
        ("my.module.Component", {}, 8),
    ]
    assert config.kefu == {"encoder": "package:x", "nlu_threshold": 0.4, "other": [1]}
    assert len(reading.notices) == 1
    assert '"my.module.Component" is ignored' in reading.notices[0]


@pytest.mark.parametrize(
    ("text", "part", "remedy"),
    [
        ("pipline: []", '"pipline"', "pipeline"),
        ("language: 5", "must be text", "quotes"),
        ("pipeline: [DIETClassifier]", "without a key", "name"),
        ("pipeline: [{name: DietClassifier}]", "DietClassifier", "DIETClassifier"),
        ("pipeline: [{epochs: 5}]", "no name", "name"),
        ("pipeline: supervised", "must be a list", "- "),
        ("policies: [{name: RulesPolicy}]", "RulesPolicy", "RulePolicy"),
        ("recipe: graph.v1", "graph.v1", "default.v1"),
        ("kefu: {nlu_threshold: high}", "must be a number", "0.5"),
        ("kefu: {nlu_threshold: 2}", "between 0 and 1", "0.5"),
        ("kefu: {encoder: 5}", "must be text", "quotes"),
        ("kefu: {generator: 5}", "must be text", "quotes"),
        ("kefu: {generator: {bass: x}}", '"bass" in generator', '"base"'),
        ("kefu: {generator: {url: ftp://h/v1, model: m}}", "no plain address", "http://"),
        ("kefu: {generator: {url: 'http://u:p@h/v1', model: m}}", "no plain address", "http://"),
        ("kefu: {generator: {url: 'http://h/v1?key=k', model: m}}", "no plain address", "http://"),
        ("kefu: {generator: {url: 'http://h:99999/v1', model: m}}", "no plain address", "http://"),
        ("kefu: {generator: {url: 'http://h/v1'}}", "no model", "model: NAME"),
        ("kefu: {generator: {url: 'http://h/v1', model: m, base: b}}", "a base and a url", "remove one"),
        ("kefu: {generator: {url: 'http://h/v1', model: m, timeout: 90}}", "from 1 to 30", "remove the key"),
        ("kefu: {generator: {url: 'http://h/v1', model: m, options: [1]}}", "must have keys", "options"),
        ("kefu: {generator: {url: 'http://h/v1', model: m, api_key: canary}}", "no place", "KEFU_GENERATOR_KEY"),
        ("kefu: {generator: {base: b, max_tokens: 50}}", "without a url", "remove it"),
        (f"kefu: {{generator: {{tone: {'x' * 301}}}}}", "300 characters", "a sentence or two"),
        ("kefu: {nlu: fast}", "must have keys", "nlu"),
        ("kefu: {nlu: {epoch: 5}}", '"epoch" in nlu', '"epochs"'),
        ("kefu: {nlu: {epochs: 2.5}}", "whole number from 1 to 1000", "remove the key"),
        ("kefu: {nlu: {epochs: true}}", "whole number", "remove the key"),
        ("kefu: {nlu: {dropout: half}}", "dropout is not a number from 0 to 0.9", "remove the key"),
        ("kefu: {nlu: {learning_rate: -1e-4}}", "from 0 to 0.1", "remove the key"),
        ("kefu: {nlu: {train_words: 1}}", "true or false", "true"),
    ],
)
def test_faults_of_a_config(text, part, remedy):
    _, reading = read(read_config, text)
    assert len(reading.faults) == 1
    assert part in reading.faults[0].what
    assert remedy in reading.faults[0].remedy


def test_a_fault_in_how_understanding_is_trained_names_its_line():
    _, reading = read(read_config, "language: en\nkefu:\n  nlu:\n    epochs: 5\n    drop_out: 0.1\n")
    assert [(fault.path, fault.line) for fault in reading.faults] == [("f.yml", 5)]
    assert reading.faults[0].remedy == 'did you mean "dropout"?'


def test_a_misspelt_setting_of_ours_is_noticed():
    _, reading = read(read_config, "kefu: {nlu_treshold: 0.5}")
    assert 'did you mean "nlu_threshold"?' in reading.notices[0]


def test_importers_and_what_they_import_are_noticed():
    text = "importers:\n- name: MultiProjectImporter\nimports:\n- data\n- ../other\n"
    _, reading = read(read_config, text)
    assert not reading.faults
    assert [notice.split(": ")[0] for notice in reading.notices] == ["f.yml:2", "f.yml:4", "f.yml:5"]


def test_endpoints():
    endpoints, reading = read(
        read_endpoints,
        """action_endpoint:
  url: http://localhost:5055/webhook
  headers: {X-A: 1}
  params: {p: q}
  basic_auth: {username: u, password: p}
  token: t
  enable_selective_domain: true
nlg:
tracker_store: {type: redis, url: redis}
""",
    )
    assert not reading.faults
    assert endpoints["action_endpoint"] == Endpoint(
        url="http://localhost:5055/webhook",
        headers={"X-A": "1"},
        params={"p": "q"},
        basic_auth=("u", "p"),
        token="t",
        options={"enable_selective_domain": True},
    )
    assert list(endpoints) == ["action_endpoint"]
    assert "not used" in reading.notices[0]


@pytest.mark.parametrize(
    ("text", "notice"),
    [
        ("tracker_store: {type: redis, url: redis}", "f.yml:1: tracker_store is not used: conversations live in"),
        (
            "\ntracker_store: {type: my.Store}",
            'f.yml:2: tracker_store "my.Store", which is code of its own, is not used',
        ),
        ("lock_store: {type: in_memory}", "f.yml:1: lock_store is not used: Kefu's own store keeps"),
        ("lock_store: {type: my.Locks}", 'lock_store "my.Locks", which is code of its own, is not used'),
        ("event_broker: {type: pika, url: localhost}", "event_broker is not used: let what listens there read"),
        ("event_broker: {type: my.Broker}", 'event_broker "my.Broker", which is code of its own, is not used'),
        ("models: {url: 'http://a/models'}", "models is not used: models are releases"),
        ("nlu: {url: 'http://a'}", "nlu is not used"),
    ],
)
def test_endpoints_that_are_not_used_are_noticed(text, notice):
    endpoints, reading = read(read_endpoints, text)
    assert (endpoints, reading.faults) == ({}, [])
    assert len(reading.notices) == 1
    assert notice in reading.notices[0]


def test_the_types_of_nlg():
    # the domain's own words, as without the section
    assert read(read_endpoints, "nlg: {type: response}")[0] == {}
    endpoints, reading = read(read_endpoints, "nlg: {type: callback, url: http://a}")
    assert (endpoints["nlg"].url, reading.faults) == ("http://a", [])
    _, reading = read(read_endpoints, "a: 1\nnlg: {type: my.Words}")
    fault = reading.faults[1]
    assert (fault.line, '"my.Words", which is code of its own' in fault.what) == (2, True)
    assert "over HTTP" in fault.remedy


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("action_endpont: {url: http://a}", '"action_endpont"'),
        ("action_endpoint: {}", "no HTTP address"),
        ("action_endpoint: {url: 'localhost:5055'}", "no HTTP address"),
        ("action_endpoint: {url: 'http://[x'}", "no HTTP address"),
        ("action_endpoint: {url: 'http://a', timeout: soon}", "timeout of action_endpoint is no number from 0.001 on"),
        ("action_endpoint: {url: 'http://a', timeout: inf}", "timeout of action_endpoint is no number"),
        ("action_endpoint: {url: 'http://a', concurrency: 0.5}", "concurrency of action_endpoint is no number from 1"),
        ("action_endpoint: {url: 'http://a', enable_selective_domain: some}", "enable_selective_domain of action_end"),
        ("action_endpoint: {url: 'http://a', cafile: [a]}", "the cafile of action_endpoint"),
        ("nlg: {url: http://a, basic_auth: {username: u}}", "incomplete"),
        ("nlg: {url: http://a, headers: {a: [1]}}", "must be text"),
        ("nlg: http://a", "must have keys"),
    ],
)
def test_faults_of_endpoints_without_their_values(text, part):
    _, reading = read(read_endpoints, text)
    assert reading.faults
    assert part in reading.faults[0].what


def test_credentials():
    channels, reading = read(read_credentials, "rest:\ntelegram: {access_token: t}\nmy.Channel: {}\ntelegramm: {}\n")
    assert not reading.faults
    assert channels["rest"] == {}
    assert channels["telegram"] == {"access_token": "t"}
    assert len(reading.notices) == 2
    assert reading.notices[0].startswith(
        'f.yml:3: the channel "my.Channel" is code of its own and cannot run here; let it'
    )
    _, reading = read(read_credentials, "telegram: s3cret-token")
    assert "s3cret" not in str(reading.faults[0])
