"""What ``kefu interactive`` says, in English and Chinese."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    "help": (
        "Enter takes what is shown. At any prompt: :back goes one step back, :slot NAME=VALUE sets a slot (null "
        "empties it), :story shows the story so far, :done saves and ends, :quit ends without saving, :help says this.",
        "直接回车表示接受所示内容。任何提示下都可输入：:back 退回一步，:slot 名称=值 设置词槽（null 为清空），"
        ":story 查看当前故事，:done 保存并结束，:quit 不保存直接退出，:help 再看一遍本说明。",
    ),
    "message": ("you", "您"),
    "parse": (
        "right? Enter, another intent, or the message with its [entities](name)",
        "对吗？回车确认，或输入正确的意图，或输入标注了[实体](名称)的原句",
    ),
    "action": ("do it? Enter, or another action", "执行吗？回车确认，或输入其他动作"),
    "next": ("next", "下一步"),
    "name": ("name of the story (empty: none is saved)", "故事名称（留空则不保存）"),
    "test": ("as a test story, too? [y/N]", "也存为测试故事吗？[y/N]"),
    "nothing": ("nothing was said yet", "还没有对话"),
    "start": ("this is the beginning", "已经是开头了"),
    "no_intent": ("the domain has no intent {0}; {1}", "domain 中没有意图 {0}；{1}"),
    "no_entity": ("the domain has no entity {0}; {1}", "domain 中没有实体 {0}；{1}"),
    "no_action": ("the domain has no action {0}; {1}", "domain 中没有动作 {0}；{1}"),
    "no_slot": ("write :slot NAME=VALUE with a slot of the domain", "请输入 :slot 名称=值，名称须是 domain 中的词槽"),
    "no_command": ("there is no {0}; :help lists what there is", "没有命令 {0}；:help 列出所有命令"),
    "other_words": ("the words differ from the message: {0}", "标注后的文字与原句不同：{0}"),
    "bad_annotation": ("an annotation that cannot be read: {0}", "无法读取的标注：{0}"),
    "failed": ("{0} failed: {1}", "{0} 失败：{1}"),
    "paused": ("a person has the conversation: the bot keeps silent", "会话已转人工，机器人不再作答"),
    "saved": ("saved in {0}", "已保存到 {0}"),
    "kept": ("nothing was saved", "未保存任何内容"),
}
"""By a name: English and Chinese."""


def words(name: str, language: str, *given: str) -> str:
    """A text in the assistant's language."""
    english, chinese = WORDS[name]
    return (chinese if language.lower().startswith("zh") else english).format(*given)
