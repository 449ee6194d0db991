"""`seqlabel lm`, and reading with a language model, as a user types it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from seqlabel.decoders import BeamConfig, GreedyConfig
from seqlabel.language_model import LanguageModels, read_arpa
from seqlabel.model_file import read_header, set_decoding
from seqlabel.recognizer import Recognizer
from tests.blocks import TrainedRun

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def model(trained_run: TrainedRun, tmp_path: Path) -> Path:
    """A copy of the model, which may be written to."""
    return Path(shutil.copy(trained_run.model, tmp_path / "model.safetensors"))


@pytest.fixture
def arpa(trained_run: TrainedRun, tmp_path: Path, run: Run) -> Path:
    """A model over the characters of the training texts."""
    path = tmp_path / "chars.arpa"
    code, out, err = run("lm", "build", trained_run.data / "train.jsonl", "-o", path, "--order", 4)
    assert (code, err) == (0, "")
    assert "64 sentences" in out and "4-grams" in out
    return path


def test_a_text_becomes_a_model_that_others_read(run: Run, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("le chat\nle chien\nun chat\n")
    code, out, _ = run("lm", "build", text, "-o", tmp_path / "w.arpa.gz", "--unit", "word", "--order", 2)
    assert code == 0 and "Witten-Bell" in out
    assert "chat" in read_arpa(tmp_path / "w.arpa.gz").words
    code, out, _ = run("lm", "perplexity", tmp_path / "w.arpa.gz", text, "--json")
    found = json.loads(out)
    assert code == 0 and found["num_unknown"] == 0 and found["num_words"] == 9
    assert 1 < found["perplexity"] < 6


def test_sentences_of_other_texts_are_left_out(run: Run, tmp_path: Path) -> None:
    text, test = tmp_path / "text.txt", tmp_path / "test.txt"
    text.write_text("le chat\nle chien\n\nun  cafe\u0301\n")
    test.write_text("un caf\u00e9\nautre\n")
    code, out, _ = run("lm", "build", text, "-o", tmp_path / "a.arpa", "--unit", "word", "--without", test)
    assert code == 0 and "1 of 3 sentences" in out
    assert "caf\u00e9" not in read_arpa(tmp_path / "a.arpa").words
    code, _, err = run("lm", "build", text, "-o", tmp_path / "b.arpa", "--without", text)
    assert code == 2 and "every sentence" in err and not (tmp_path / "b.arpa").exists()


def test_tuning_writes_the_model_file_and_reading_uses_it(
    run: Run, trained_run: TrainedRun, model: Path, arpa: Path
) -> None:
    before = model.read_bytes()
    dev = trained_run.data / "dev.jsonl"
    code, out, err = run("lm", "tune", model, dev, "--lm", arpa, "--beam-width", 8, "--dry-run")
    assert (code, err) == (0, "")
    assert "lm_weight" in out and "greedy" in out
    assert model.read_bytes() == before
    code, out, _ = run("lm", "tune", model, dev, "--lm", arpa, "--beam-width", 8)
    assert code == 0 and str(model) in out
    decoder = read_header(model).experiment.decoder
    assert isinstance(decoder, BeamConfig) and decoder.beam_width == 8
    recognizer = Recognizer.load(model, "cpu")
    assert recognizer.loaded.language.tokens is not None
    assert recognizer.loaded.language.tokens.words == read_arpa(arpa).words
    code, out, _ = run("evaluate", model, dev, "--json")
    tuned = json.loads(out)
    assert (
        code == 0
        and tuned["cer"] <= json.loads(run("evaluate", model, dev, "--json", "--decoder", "greedy")[1])["cer"]
    )
    line = next((trained_run.data / "test").glob("*.png"))
    code, out, _ = run("transcribe", model, line)
    assert code == 0 and out.startswith(f"{line}\t")
    code, out, _ = run("info", model)
    assert code == 0 and "beam" in out.lower()


def test_a_model_over_words_and_a_lexicon_are_flags(
    run: Run, trained_run: TrainedRun, tmp_path: Path
) -> None:
    words = tmp_path / "words.txt"
    words.write_text("ab\nabc\n")
    test = trained_run.data / "test.jsonl"
    out_file = tmp_path / "out.jsonl"
    code, _, err = run("evaluate", trained_run.model, test, "--lexicon", words, "--out", out_file)
    assert (code, err) == (0, "")
    found = {
        word for line in out_file.read_text().splitlines() for word in json.loads(line)["hypothesis"].split()
    }
    assert found and found <= {"ab", "abc"}
    arpa = tmp_path / "w.arpa"
    assert (
        run("lm", "build", trained_run.data / "train.jsonl", "-o", arpa, "--unit", "word", "--order", 2)[0]
        == 0
    )
    command = [
        "evaluate",
        trained_run.model,
        test,
        "--word-lm",
        arpa,
        "--decoder.unknown-word",
        "-4",
        "--json",
    ]
    code, out, err = run(*command)
    assert (code, err) == (0, "") and json.loads(out)["num_examples"] == 12


def test_bfloat16_reads_almost_the_same(run: Run, trained_run: TrainedRun) -> None:
    test = trained_run.data / "test.jsonl"
    whole, half = (
        json.loads(run("evaluate", trained_run.model, test, "--json", "--precision", precision)[1])["cer"]
        for precision in ("float32", "bfloat16")
    )
    assert half == pytest.approx(whole, abs=0.05)


def test_the_best_readings_come_as_json_with_scores_and_frames(run: Run, trained_run: TrainedRun) -> None:
    line = next((trained_run.data / "test").glob("*.png"))
    code, out, _ = run("transcribe", trained_run.model, line, "--json", "--n-best", 3, "--decoder", "beam")
    found = json.loads(out)
    assert code == 0 and len(found["n_best"]) == 3
    assert found["text"] == found["n_best"][0]["text"]
    scores = [reading["score"] for reading in found["n_best"]]
    assert scores == sorted(scores, reverse=True)
    assert "".join(token["text"] for token in found["tokens"]) == found["text"]
    assert [word["text"] for word in found["words"]] == found["text"].split()
    assert all(0 < token["confidence"] <= 1 for token in found["tokens"])


def test_a_blank_penalty_leaves_the_best_path_a_best_path(
    run: Run, trained_run: TrainedRun, arpa: Path
) -> None:
    dev = trained_run.data / "dev.jsonl"
    code, plain, _ = run("evaluate", trained_run.model, dev, "--json")
    assert code == 0
    found = []
    for penalty in (-50, 0, 50):
        words = (trained_run.model, dev, "--json", "--decoder.blank-penalty", penalty)
        code, out, _ = run("evaluate", *words)
        assert code == 0
        found.append(json.loads(out))
    assert found[1] == json.loads(plain)
    # With the blank as good as certain nothing is read, without it there is a token in each frame.
    assert found[0]["deletions"] == found[0]["reference_length"]
    assert found[2]["insertions"] > found[1]["insertions"]


@pytest.mark.parametrize("words", [["--lm", "ARPA"], ["--views", 2], ["--decoder.beam-width", 8]])
def test_a_blank_penalty_beside_what_asks_for_a_beam_is_refused(
    run: Run, trained_run: TrainedRun, arpa: Path, words: list[str | int]
) -> None:
    asked = (trained_run.model, trained_run.data / "dev.jsonl", "--decoder.blank-penalty", 0.5)
    code, _, err = run("evaluate", *asked, *(arpa if word == "ARPA" else word for word in words))
    assert (code, len(err.splitlines())) == (2, 1) and "is for the best path" in err


def test_the_kind_of_a_decoder_may_stand_before_its_settings_or_behind(
    run: Run, trained_run: TrainedRun
) -> None:
    asked = (trained_run.model, trained_run.data / "dev.jsonl", "--json")
    kind, penalty = ("--decoder", "greedy"), ("--decoder.blank-penalty", 50)
    (code, before, _), (other, behind, _) = (
        run("evaluate", *asked, *words) for words in (kind + penalty, penalty + kind)
    )
    assert code == other == 0 and json.loads(before) == json.loads(behind)
    assert json.loads(before)["insertions"] > 0
    code, _, err = run("evaluate", *asked, *penalty, "--decoder", "beam")
    assert code == 2 and "no setting 'blank-penalty' in decoder" in err


def test_the_penalty_of_a_model_file_stays_with_its_best_path(
    run: Run, trained_run: TrainedRun, model: Path
) -> None:
    dev = trained_run.data / "dev.jsonl"
    set_decoding(model, GreedyConfig(blank_penalty=50.0), LanguageModels())
    found: dict[tuple[str | int, ...], int] = {}
    for words in ((), ("--decoder", "greedy"), ("--decoder", "greedy", "--views", 2)):
        code, out, _ = run("evaluate", model, dev, "--json", *words)
        assert code == 0
        found[words] = json.loads(out)["insertions"]
    assert min(found.values()) > 0
    _, _, rates = Recognizer.load(model, "cpu").emissions(dev)
    assert rates.characters.insertions > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lm", "build", "none.txt", "-o", "x.arpa"], "none.txt"),
        (["lm", "build", "empty.txt", "-o", "x.arpa"], "empty"),
        (["lm", "build", "full.txt", "-o", "x.arpa", "--order", "0"], "order 0"),
        (["lm", "build", "full.txt", "-o", "x.arpa", "--cutoffs", "1"], "cut-offs"),
        (["lm", "build", "full.txt", "-o", "x.arpa", "--prune", "0"], "--prune"),
        (["lm", "build", "full.txt", "-o", "nowhere/x.arpa"], "folder does not exist"),
        (["lm", "build", "latin.txt", "-o", "x.arpa"], "not UTF-8"),
        (["lm", "perplexity", "full.txt", "full.txt"], "full.txt:2: expected"),
        (["lm"], "COMMAND"),
        (["evaluate", "MODEL", "DEV", "--lm", "none.arpa"], "none.arpa: no such file"),
        (["evaluate", "MODEL", "DEV", "--decoder.beam-wide", "4"], "did you mean beam-width"),
        (["evaluate", "MODEL", "DEV", "--beam", "4"], "beam"),
        (["evaluate", "MODEL", "DEV", "--lexicon", "empty.txt"], "no words"),
        (["transcribe", "MODEL", "DEV", "--n-best", "3"], "--json beside it"),
        (["lm", "tune", "MODEL", "DEV", "--lexicon", "full.txt", "--beam-width", "0"], "beam_width"),
        (
            ["evaluate", "MODEL", "DEV", "--decoder", "greedy", "--lexicon", "words.txt"],
            "for --decoder beam alone",
        ),
        (["evaluate", "MODEL", "DEV", "--decoder.grammar", "[a"], "grammar '[a'"),
        (["lm", "tune", "MODEL", "DEV"], "no language model to tune"),
    ],
)
def test_what_is_wrong_is_one_line(
    run: Run,
    trained_run: TrainedRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.txt").write_text("\n")
    Path("full.txt").write_text("un deux\n")
    Path("words.txt").write_text("ab\n")
    Path("latin.txt").write_bytes("d\u00e9j\u00e0".encode("latin-1"))
    places = {"MODEL": str(trained_run.model), "DEV": str(trained_run.data / "dev.jsonl")}
    code, out, err = run(*(places.get(word, word) for word in words))
    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert message in err
    assert not Path("x.arpa").exists()
