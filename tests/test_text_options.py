"""Settings of texts as a user types them: writing from right to left, rules, forms, graphemes."""

import json
import shlex
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lxml import etree

from seqlabel.formats import read_page
from seqlabel.language_model import read_arpa
from seqlabel.manifest import read_manifest, write_manifest
from seqlabel.model_file import read_header
from seqlabel.reading_order import visual
from seqlabel.recognizer import Recognizer
from seqlabel.records import Example
from tests.blocks import TrainedRun, draw_blocks, rates_of, train_on_blocks
from tests.pages import draw_page

ROOT = Path(__file__).resolve().parents[1]

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]

GLYPHS = {"\u05d0": "a", "\u05d1": "b", "1": "c", " ": " "}
"""Two Hebrew letters and a digit, and the blocks that they look like."""
HEBREW = "\u05d0\u05d1\u05d0"


def seen(text: str) -> str:
    """What to draw for a text from right to left."""
    return "".join(GLYPHS[character] for character in visual(text, "R"))


@pytest.fixture(scope="module")
def hebrew(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    """A run on lines of Hebrew with numbers, which are drawn from right to left and learnt in visual order."""

    def example(rng: np.random.Generator) -> str:
        words = ["".join(rng.choice(list("\u05d0\u05d1"), rng.integers(1, 4))) for _ in range(2)]
        if rng.integers(2):
            words.insert(1, "1" * int(rng.integers(1, 3)))
        return " ".join(words)

    settings = [
        "--texts.reading-order",
        "visual",
        "--texts.base-direction",
        "R",
        "--training.num-epochs",
        "24",
    ]
    return train_on_blocks(tmp_path_factory.mktemp("hebrew"), example, seen, settings)


# --- from right to left -----------------------------------------------------------------------------------


def test_what_was_learnt_in_visual_order_is_read_in_logical_order(run: Run, hebrew: TrainedRun) -> None:
    assert "cannot be told" not in (hebrew.run / "train.log").read_text()
    code, out, err = run("evaluate", hebrew.model, hebrew.data / "test.jsonl", "--json")
    assert (code, err, json.loads(out)["cer"]) == (0, "", 0.0)
    test = read_manifest(hebrew.data / "test.jsonl")[0]
    assert run("transcribe", hebrew.model, test.source)[1] == f"{test.source}\t{test.text}\n"
    assert run("info", hebrew.model)[1].splitlines()[4].split(maxsplit=1) == [
        "texts",
        "read from left to right on the paper, lines from right to left",
    ]


def test_words_come_as_they_are_read_and_tokens_as_they_stand(
    run: Run, hebrew: TrainedRun, tmp_path: Path
) -> None:
    text = f"{HEBREW} 11 \u05d1"
    draw_blocks(tmp_path / "line.png", seen(text))
    _, out, _ = run(
        "transcribe", hebrew.model, tmp_path / "line.png", "--json", "--n-best", 3, "--decoder", "beam"
    )
    found = json.loads(out)
    assert found["text"] == text
    assert [word["text"] for word in found["words"]] == text.split()
    starts = [word["start_frame"] for word in found["words"]]
    assert starts == sorted(starts, reverse=True)
    assert "".join(token["text"] for token in found["tokens"]) == visual(text, "R")
    assert len({reading["text"] for reading in found["n_best"]}) == 3


def test_words_stand_in_a_page_as_they_are_read(run: Run, hebrew: TrainedRun, tmp_path: Path) -> None:
    page = draw_page(tmp_path, "page", [seen(f"{HEBREW} 11 \u05d1")], "page")
    assert run("transcribe", hebrew.model, page, "--format", "page", "--out", tmp_path / "out")[0] == 0
    assert read_page(tmp_path / "out" / "page.xml").lines[0].text == f"{HEBREW} 11 \u05d1"
    tree = etree.parse(tmp_path / "out" / "page.xml")
    lefts = [
        min(int(point.split(",")[0]) for point in coords.get("points").split())
        for coords in tree.iterfind(".//{*}Word/{*}Coords")
    ]
    assert len(lefts) == 3 and lefts == sorted(lefts, reverse=True)
    glyphs = tree.iterfind(".//{*}Word[1]/{*}Glyph/{*}TextEquiv/{*}Unicode")
    assert "".join(glyph.text for glyph in glyphs) == HEBREW


def test_a_language_model_is_built_in_the_order_of_the_model(
    run: Run, hebrew: TrainedRun, tmp_path: Path
) -> None:
    text = tmp_path / "text.txt"
    text.write_text(f"{HEBREW} \u05d1\n" * 3, encoding="utf-8")
    for unit, first in (("char", "\u05d1"), ("word", "\u05d1")):
        arpa = tmp_path / f"{unit}.arpa"
        words = ("lm", "build", text, "-o", arpa, "--unit", unit, "--order", 2, "--model", hebrew.model)
        assert run(*words)[0] == 0
        begins = [line for line in arpa.read_text(encoding="utf-8").splitlines() if "\t<s> " in line]
        assert [line.split("\t")[1] for line in begins] == [f"<s> {first}"]
    assert HEBREW in read_arpa(tmp_path / "word.arpa").words  # itself as it is written
    measure = ("lm", "perplexity", tmp_path / "word.arpa", text, "--json")
    turned, as_read = (
        json.loads(run(*measure, *more)[1])["perplexity"] for more in (("--model", hebrew.model), ())
    )
    assert turned < as_read


def test_language_models_and_lexica_read_in_visual_order(
    run: Run, hebrew: TrainedRun, tmp_path: Path
) -> None:
    train, test = hebrew.data / "train.jsonl", hebrew.data / "test.jsonl"
    for unit in ("char", "word"):
        arpa = tmp_path / f"{unit}.arpa"
        assert run("lm", "build", train, test, "-o", arpa, "--unit", unit, "--model", hebrew.model)[0] == 0
    code, out, err = run(
        "evaluate",
        hebrew.model,
        test,
        "--json",
        "--lm",
        tmp_path / "char.arpa",
        "--word-lm",
        tmp_path / "word.arpa",
    )
    assert (code, err, json.loads(out)["cer"]) == (0, "", 0.0)
    (tmp_path / "words.txt").write_text(f"{HEBREW}\n1\n11\n\u05d1\n", encoding="utf-8")
    draw_blocks(tmp_path / "line.png", seen(f"{HEBREW} 11 \u05d1"))
    options = ("--lexicon", tmp_path / "words.txt")
    assert run("transcribe", hebrew.model, tmp_path / "line.png", *options)[1].endswith(
        f"\t{HEBREW} 11 \u05d1\n"
    )
    options = ("--decoder.allowed-texts", f"{HEBREW} 11", f"{HEBREW} 11 \u05d1", "\u05d1 11")
    assert run("transcribe", hebrew.model, tmp_path / "line.png", *options)[1].endswith(
        f"\t{HEBREW} 11 \u05d1\n"
    )


def test_a_language_model_of_the_other_order_is_noticed_when_it_is_tuned(
    run: Run, hebrew: TrainedRun, tmp_path: Path
) -> None:
    text = tmp_path / "text.txt"
    text.write_text(
        "".join(f"{e.text}\n" for e in read_manifest(hebrew.data / "dev.jsonl")), encoding="utf-8"
    )
    tuned = ("lm", "tune", hebrew.model, hebrew.data / "dev.jsonl", "--beam-width", 4, "--dry-run", "--lm")
    for options, is_noticed in (((), True), (("--model", hebrew.model), False)):
        assert run("lm", "build", text, "-o", tmp_path / "a.arpa", "--order", 3, *options)[0] == 0
        code, _, err = run(*tuned, tmp_path / "a.arpa")
        assert code == 0
        assert ("foretells the texts better in the order of reading" in err) == is_noticed


def test_a_grammar_is_refused_where_it_would_have_to_be_turned_round(
    refusal: Refusal, hebrew: TrainedRun
) -> None:
    said = refusal("evaluate", hebrew.model, hebrew.data / "test.jsonl", "--decoder.grammar", "1+")
    assert "give the texts with allowed_texts" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--data.token-unit", "word"), "words have no visual order"),
        (("--objective", "framewise"), "for the objective ctc alone"),
    ],
)
def test_what_has_no_visual_order_is_refused(
    words: tuple[str, ...], said: str, refusal: Refusal, trained_run: TrainedRun
) -> None:
    assert said in refusal("train", trained_run.recipe, "--texts.reading-order", "visual", *words)


# --- rules, forms and graphemes ---------------------------------------------------------------------------


@pytest.fixture
def few(trained_run: TrainedRun, tmp_path: Path) -> list[str]:
    """The words of a training that takes no time."""
    words = ["train", trained_run.recipe, "--data-dir", trained_run.data, "--run-dir", tmp_path / "run"]
    return [*map(str, words), "--training.num-epochs", "1", "--encoder.hidden-size", "4"]


def test_rules_of_a_file_are_learnt_kept_in_the_model_and_applied_to_references(
    run: Run, few: list[str], trained_run: TrainedRun, tmp_path: Path
) -> None:
    (tmp_path / "rules.tsv").write_text("c\tab\n^a\tA\tregex\n")
    code, _, err = run(*few, "--texts.rules-file", tmp_path / "rules.tsv")
    assert code == 0
    [line] = [line for line in err.splitlines() if line.startswith("training: rules changed ")]
    assert "of 64 texts: train-0" in line
    (tmp_path / "rules.tsv").unlink()
    model = tmp_path / "run" / "best.safetensors"
    header = read_header(model)
    assert set(header.tokens.tokens) == {"<blank>", " ", "a", "b", "A"}
    assert len(header.experiment.texts.rules) == 2
    assert "2 rules of replacement" in run("info", model)[1]

    test, out = trained_run.data / "test.jsonl", tmp_path / "out.jsonl"
    code, evaluated, err = run("evaluate", model, test, "--json", "--out", out)
    assert code == 0 and err.startswith(f"seqlabel: {test}: rules changed ") and len(err.splitlines()) == 1
    references = [json.loads(line)["reference"] for line in out.read_text().splitlines()]
    assert "c" not in "".join(references)
    # What was kept, and the raw references with the model's rules, score the same; raw ones do not in silence.
    rates = rates_of(evaluated)
    assert rates_of(run("score", out, out, "--json")[1]) == rates
    code, scored, err = run("score", test, out, "--json", "--model", model)
    assert (code, rates_of(scored)) == (0, rates) and "rules changed" in err
    assert rates_of(run("score", test, out, "--json")[1]) != rates


def test_rules_come_as_json_on_the_command_line(run: Run, few: list[str], tmp_path: Path) -> None:
    assert run(*few, "--texts.rules", '[{"pattern": "c", "replacement": "b"}]')[0] == 0
    assert set(read_header(tmp_path / "run" / "best.safetensors").tokens.tokens) == {"<blank>", " ", "a", "b"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("c\tb\n(\tb\tregex\n", "rules.tsv:2: rule '(' -> 'b': missing )"),
        (None, "rules.tsv: No such file or directory"),
    ],
)
def test_a_wrong_file_of_rules_is_one_line(
    content: str | None, said: str, refusal: Refusal, few: list[str], tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "rules.tsv").write_text(content)
    assert said in refusal(*few, "--texts.rules-file", tmp_path / "rules.tsv")
    assert not (tmp_path / "run").exists()


def test_a_wrong_rule_on_the_command_line_is_one_line(refusal: Refusal, few: list[str]) -> None:
    rule = '[{"pattern": "[", "replacement": "b", "is_regex": true}]'
    assert "rule '[' -> 'b': unterminated character set" in refusal(*few, "--texts.rules", rule)


def test_a_run_with_other_rules_is_another_run(
    run: Run, refusal: Refusal, few: list[str], tmp_path: Path
) -> None:
    (tmp_path / "rules.tsv").write_text("c\tb\n")
    options = ("--texts.rules-file", tmp_path / "rules.tsv")
    assert run(*few, *options)[0] == 0
    assert run(*few, *options)[0] == 0
    (tmp_path / "rules.tsv").write_text("c\ta\n")
    assert "texts.rules" in refusal(*few, *options)


@pytest.fixture
def accented(trained_run: TrainedRun, tmp_path: Path) -> Path:
    """The corpus with accents on a: composed in training, decomposed in dev."""
    for split, form in (("train", "NFC"), ("dev", "NFD"), ("test", "NFD")):
        examples = read_manifest(trained_run.data / f"{split}.jsonl")
        write_manifest(
            tmp_path / f"{split}.jsonl",
            [
                Example(
                    id=example.id,
                    source=example.source,
                    text=unicodedata.normalize(form, (example.text or "").replace("a", "\u00e1")),
                )
                for example in examples
            ],
        )
    return tmp_path


@pytest.mark.parametrize(
    ("options", "tokens"),
    [
        ((), ["\u00e1", "b", "c"]),
        (("--texts.unicode-form", "NFD"), ["a", "\u0301", "b", "c"]),
        (("--texts.unicode-form", "NFD", "--data.token-unit", "grapheme"), ["a\u0301", "b", "c"]),
        (("--texts.unicode-form", "none"), ["\u00e1", "b", "c"]),
    ],
)
def test_a_mixed_corpus_is_learnt_in_the_form_of_the_settings(
    options: tuple[str, ...], tokens: list[str], run: Run, few: list[str], accented: Path
) -> None:
    code, _, err = run(*few, "--data-dir", accented, *options)
    assert code == 0
    model = accented / "run" / "best.safetensors"
    assert set(read_header(model).tokens.tokens) == {"<blank>", " ", *tokens}
    assert ("1 characters are written in several ways" in err, "always counted as errors" in err) == (
        True,
        "none" in options,
    )
    assert run("evaluate", model, accented / "test.jsonl")[0] == 0


def test_graphemes_are_learnt_and_have_language_models(
    run: Run, trained_run: TrainedRun, accented: Path
) -> None:
    options = ("--data-dir", accented, "--run-dir", accented / "run", "--device", "cpu")
    units = ("--data.token-unit", "grapheme", "--texts.unicode-form", "NFD")
    assert run("train", trained_run.recipe, *options, *units, "--training.num-epochs", 12)[0] == 0
    model, test = accented / "run" / "last.safetensors", accented / "test.jsonl"
    arpa = accented / "a.arpa"
    assert run("lm", "build", accented / "train.jsonl", "-o", arpa, "--order", 3, "--model", model)[0] == 0
    assert "a\u0301" in read_arpa(arpa).words
    code, out, err = run("evaluate", model, test, "--json", "--lm", arpa, "--unit", "grapheme")
    found = json.loads(out)
    assert (code, err, found["cer"] < 0.1, found["unit"]) == (0, "", True, "grapheme")
    assert json.loads(run("lm", "perplexity", arpa, test, "--json", "--model", model)[1])["num_unknown"] == 0


def test_marks_count_once_with_their_base_if_graphemes_are_scored(run: Run, tmp_path: Path) -> None:
    # This q has no composed form: three code points against one.
    (tmp_path / "r.txt").write_text("q\u0307\u0323a\n", encoding="utf-8")
    (tmp_path / "h.txt").write_text("qa\n", encoding="utf-8")
    files = (tmp_path / "r.txt", tmp_path / "h.txt")
    assert run("score", *files)[1].startswith("CER   50.00 %  2 errors in 4 characters")
    assert run("score", *files, "--unit", "grapheme")[1].startswith("CER   50.00 %  1 error  in 2 graphemes")


def test_the_commands_of_the_documentation_run(
    run: Run, trained_run: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (ROOT / "docs" / "texts.md").read_text(encoding="utf-8").splitlines()
    monkeypatch.chdir(tmp_path)
    Path("recipe.py").write_text(trained_run.recipe.read_text())
    Path("data").symlink_to(trained_run.data)
    rules = [line.removeprefix("    ") for line in lines if line.startswith("    ") and "\t" in line]
    Path("rules.tsv").write_text("".join(f"{line}\n" for line in rules), encoding="utf-8")
    commands = [shlex.split(line) for line in lines if line.startswith("    ") and "seqlabel " in line]
    assert {words[1] for words in commands} == {"train", "evaluate", "transcribe", "score", "lm"}
    for _, *words in commands:
        quick = ("--training.num-epochs", 1, "--encoder.hidden-size", 4) if words[0] == "train" else ()
        code, _, err = run(*words, *quick)
        assert code == 0, (words, err)
    assert len(read_header(Path("runs/rules/best.safetensors")).experiment.texts.rules) == len(rules) == 2


def test_references_in_python_are_prepared_too(hebrew: TrainedRun) -> None:
    recognizer = Recognizer.load(hebrew.model, "cpu")
    examples = read_manifest(hebrew.data / "test.jsonl")
    aligned, offenders = recognizer.align(examples)
    assert not offenders and len(aligned) == len(examples)
    first = aligned[0]
    assert first.labels is not None and first.text == examples[0].text
    assert "".join(label for label, _ in first.labels) == visual(first.text or "", "R")
