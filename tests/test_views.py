"""A signal looked at several times, and models that read together."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from seqlabel.decoders import Beam, Greedy, GreedyConfig
from seqlabel.errors import ConfigError, ManifestError
from seqlabel.features import ColumnConfig, MatrixConfig, MfccConfig, PenConfig, SymbolsConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.frontend import Frontend, FrontendConfig
from seqlabel.manifest import read_manifest, write_manifest
from seqlabel.model_file import save_model
from seqlabel.recognizer import Recognizer
from seqlabel.records import Example, LineImage, Matrix, Strokes, Waveform
from seqlabel.views import IMAGES, INK, MOST_VIEWS, SOUND, views_of
from tests.blocks import TrainedRun, draw_blocks
from tests.pages import draw_page

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]


@pytest.mark.parametrize("rows", [(54, 66), (36, 84), (6, 114)])
def test_writing_is_cut_out_anew_at_each_size(rows: tuple[int, int], tmp_path: Path) -> None:
    # Also where the height of the writing may be corrected no further.
    path = tmp_path / "line.png"
    image = Image.new("L", (600, 120), 255)
    pen = ImageDraw.Draw(image)
    for left in range(20, 580, 30):
        pen.rectangle((left, rows[0], left + 12, rows[1]), fill=0)
    image.save(path)
    frontend = Frontend(FrontendConfig(feature=ColumnConfig(height=64, band=0.22), normalization=None))
    views = views_of(frontend, MOST_VIEWS)
    assert len(views) == 1 + len(IMAGES)
    example = Example(id="a", source=path)
    shown = [view(view.frontend.read(example)) for view in views]
    np.testing.assert_array_equal(shown[0], frontend(frontend.read(example)))
    for size, frames in zip(IMAGES, shown[1:], strict=True):
        assert frames.shape[1] == 64
        assert len(frames) == pytest.approx(size * len(shown[0]), rel=0.03)
        # The letters are as much higher as they are wider.
        high = [(part > 0.5).sum(axis=1).max() for part in (frames, shown[0])]
        assert high[0] == pytest.approx(min(64, size * high[1]), abs=2)


@pytest.mark.parametrize(("band", "expected"), [(0.8, [1.125, 0.87, 1.125, 1.12]), (0.95, [1, 0.87, 1, 1])])
def test_writing_stays_within_the_height(band: float, expected: list[float]) -> None:
    frontend = Frontend(FrontendConfig(feature=ColumnConfig(height=64, band=band), normalization=None))
    sizes = [view.frontend.feature.size for view in views_of(frontend, MOST_VIEWS)]
    assert sizes == pytest.approx([1.0, *expected])


def test_a_line_of_its_own_height_is_made_wider(tmp_path: Path) -> None:
    draw_blocks(tmp_path / "a.png", "ab ca")
    frontend = Frontend(FrontendConfig(feature=ColumnConfig(height=8, pad_columns=0), normalization=None))
    signal = frontend.read(Example(id="a", source=tmp_path / "a.png"))
    assert isinstance(signal, LineImage)
    before = signal.pixels.copy()
    for size, view in zip(IMAGES, views_of(frontend, MOST_VIEWS)[1:], strict=True):
        wider = view.changed(signal)
        assert wider.pixels.shape == (8, round(signal.pixels.shape[1] * size))
        assert wider.pixels.min() == 0 and wider.pixels.max() == 255
    np.testing.assert_array_equal(signal.pixels, before)


def test_ink_is_slanted_and_made_wider_and_narrower() -> None:
    ink = Strokes(
        (np.array([[0, 0], [0, 10]], np.float32), np.array([[30, 10]], np.float32)),
        times=(np.array([0, 1], np.float32), np.array([3], np.float32)),
    )
    frontend = Frontend(FrontendConfig(feature=PenConfig(), normalization=None))
    for (size, slant), view in zip(INK, views_of(frontend, MOST_VIEWS)[1:], strict=True):
        looked_at = view.changed(ink)
        assert looked_at.times is ink.times
        top, bottom = looked_at.strokes[0]
        assert bottom[1] - top[1] == 10
        assert bottom[0] - top[0] == pytest.approx(10 * slant)
        assert looked_at.strokes[1][0, 0] - bottom[0] == pytest.approx(30 * size)


def test_sound_and_matrices_last_longer_and_shorter() -> None:
    sound = Waveform(np.sin(np.arange(8000, dtype=np.float32) / 5), 8000)
    matrix = Matrix(np.arange(200, dtype=np.float32).reshape(100, 2))
    of_sound = views_of(
        Frontend(FrontendConfig(feature=MfccConfig(sample_rate=8000), normalization=None)), MOST_VIEWS
    )
    of_matrices = views_of(
        Frontend(FrontendConfig(feature=MatrixConfig(dim=2), normalization=None)), MOST_VIEWS
    )
    for size, heard, shown in zip(SOUND, of_sound[1:], of_matrices[1:], strict=True):
        longer = heard.changed(sound)
        assert (longer.sample_rate, len(longer.samples)) == (8000, round(8000 * size))
        rows = shown.changed(matrix).values
        assert rows.shape == (round(100 * size), 2)
        assert rows[0].tolist() == [0, 1] and rows[-1].tolist() == [198, 199]


@pytest.mark.parametrize("num_views", [0, -1, MOST_VIEWS + 1])
def test_there_are_so_many_views_and_no_more(
    num_views: int, trained_run: TrainedRun, refusal: Refusal
) -> None:
    said = refusal("transcribe", trained_run.model, "x.png", "--views", num_views)
    assert f"{num_views} views: expected 1 to {MOST_VIEWS}" in said


def test_symbols_have_one_view() -> None:
    frontend = Frontend(FrontendConfig(feature=SymbolsConfig(table=("a", "b")), normalization=None))
    assert len(views_of(frontend, 1)) == 1
    with pytest.raises(ConfigError, match="one only"):
        views_of(frontend, 2)


def test_all_views_go_by_the_statistics_that_the_network_has_learnt_with(tmp_path: Path) -> None:
    frontend = Frontend(
        FrontendConfig(
            feature=ColumnConfig(height=16, band=0.3), normalization=NormalizationConfig(scope="corpus")
        )
    )
    draw_blocks(tmp_path / "a.png", "abc")
    example = Example(id="a", source=tmp_path / "a.png")
    frontend.fit([(frontend.read(example), None)])
    for view in views_of(frontend, MOST_VIEWS):
        assert view.frontend.normalizer is frontend.normalizer
        assert np.isfinite(view(view.frontend.read(example))).all()


@pytest.fixture(scope="module")
def grouped(trained_run: TrainedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of the run, each of whose writers is normalised by himself."""
    from msgspec.structs import replace

    reader = Recognizer.load(trained_run.model, "cpu")
    config = replace(reader.header.experiment.frontend, normalization=NormalizationConfig(scope="group"))
    header = replace(reader.header, experiment=replace(reader.header.experiment, frontend=config))
    path = tmp_path_factory.mktemp("grouped") / "model.safetensors"
    save_model(path, header, reader.loaded.model.state_dict(), Frontend(config))
    return path


def test_groups_have_their_own_statistics_in_each_network(
    grouped: Path, trained_run: TrainedRun, tmp_path: Path
) -> None:
    dev = [
        Example(id=one.id, source=one.source, text=one.text, group=f"writer{k % 2}")
        for k, one in enumerate(read_manifest(trained_run.data / "dev.jsonl"))
    ]
    twice = Recognizer.load(grouped, "cpu", others=[grouped], num_views=2)
    alone = Recognizer.load(grouped, "cpu")
    first, second = twice.evaluate(dev), alone.evaluate(dev)
    assert first.ids == second.ids
    own, other = (
        member.view.frontend.normalizer.groups
        for member in (twice.ensemble.members[0], twice.ensemble.members[2])
    )
    assert set(own) == set(other) == {"writer0", "writer1"}
    for name, statistics in own.items():
        np.testing.assert_array_equal(statistics.mean, other[name].mean)
        np.testing.assert_array_equal(statistics.std, other[name].std)


@pytest.mark.parametrize("more", [["--views", 3], ["--with", "MODEL"], ["--views", 2, "--with", "MODEL"]])
def test_several_read_what_one_reads_well(
    more: list[object], trained_run: TrainedRun, run: Run, tmp_path: Path
) -> None:
    words = [trained_run.model if word == "MODEL" else word for word in more]
    dev = trained_run.data / "dev.jsonl"
    code, out, _ = run("evaluate", trained_run.model, dev, "--json", *words)
    assert code == 0 and json.loads(out)["cer"] <= 0.05
    draw_blocks(tmp_path / "line.png", "cab")
    code, out, err = run("transcribe", trained_run.model, tmp_path / "line.png", *words)
    assert (code, out, err) == (0, f"{tmp_path / 'line.png'}\tcab\n", "")


def test_what_all_say_is_the_score(trained_run: TrainedRun, tmp_path: Path) -> None:
    draw_blocks(tmp_path / "line.png", "ab")
    reader = Recognizer.load(trained_run.model, "cpu", num_views=3)
    [(_, found)] = list(reader.read_files([tmp_path / "line.png"], n_best=3))
    assert found[0].acoustic_score == pytest.approx(found[0].score)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_n_best_readings_are_those_of_all(trained_run: TrainedRun, run: Run, tmp_path: Path) -> None:
    draw_blocks(tmp_path / "line.png", "ab")
    code, out, _ = run(
        "transcribe", trained_run.model, tmp_path / "line.png", "--json", "--n-best", 4, "--views", 2
    )
    readings = json.loads(out)["n_best"]
    assert code == 0 and readings[0]["text"] == "ab"
    assert 1 < len(readings) <= 4 and len({reading["text"] for reading in readings}) == len(readings)


@pytest.mark.parametrize("kind", ["alto", "page"])
def test_words_of_a_page_stand_where_the_page_has_them(
    kind: str, trained_run: TrainedRun, run: Run, tmp_path: Path
) -> None:
    page = draw_page(tmp_path / "in", "one", ["ab ca", "b"], kind)
    written = {}
    for name, words in (("alone", []), ("views", ["--views", 3])):
        code, _, err = run(
            "transcribe", trained_run.model, page, "--format", kind, "--out", tmp_path / name, *words
        )
        assert (code, err) == (0, "")
        text = (tmp_path / name / "one.xml").read_text()
        written[name] = [row.split("WC=")[0].split("conf=")[0] for row in text.splitlines()]
    assert written["alone"] == written["views"]


def test_other_tokens_are_refused(trained_run: TrainedRun, tmp_path: Path, refusal: Refusal) -> None:
    from msgspec.structs import replace

    from seqlabel.tokens import TokenTable

    reader = Recognizer.load(trained_run.model, "cpu")
    other = tmp_path / "other.safetensors"
    own = reader.header.tokens.tokens
    header = replace(reader.header, tokens=TokenTable((*own[:-1], "z")))
    save_model(other, header, reader.loaded.model.state_dict(), reader.loaded.frontend)
    said = refusal("evaluate", trained_run.model, trained_run.data / "dev.jsonl", "--with", other)
    assert "model 2 has other tokens than the first one: 'c', 'z' in one of them alone" in said
    header = replace(reader.header, tokens=TokenTable((own[0], *reversed(own[1:]))))
    save_model(other, header, reader.loaded.model.state_dict(), reader.loaded.frontend)
    said = refusal("evaluate", trained_run.model, trained_run.data / "dev.jsonl", "--with", other)
    assert "another order" in said


def test_a_model_that_is_not_there_is_told(trained_run: TrainedRun, tmp_path: Path, refusal: Refusal) -> None:
    gone = tmp_path / "gone.safetensors"
    assert str(gone) in refusal("transcribe", trained_run.model, "x.png", "--with", gone)


def test_a_stream_is_read_by_one(trained_run: TrainedRun, refusal: Refusal) -> None:
    assert "--views" in refusal("transcribe", trained_run.model, "--stream", "-", "--views", 2)


def test_several_are_read_by_a_beam_where_nobody_says_otherwise(trained_run: TrainedRun) -> None:
    assert isinstance(Recognizer.load(trained_run.model, "cpu").decoder, Greedy)
    assert isinstance(Recognizer.load(trained_run.model, "cpu", num_views=2).decoder, Beam)
    assert isinstance(
        Recognizer.load(trained_run.model, "cpu", decoder=GreedyConfig(), num_views=2).decoder, Greedy
    )


def test_the_title_of_an_evaluation_says_who_has_read(
    trained_run: TrainedRun, run: Run, tmp_path: Path
) -> None:
    dev, report = trained_run.data / "dev.jsonl", tmp_path / "report"
    more = ("--with", trained_run.model, "--views", 2, "--report", report)
    assert run("evaluate", trained_run.model, dev, *more)[0] == 0
    assert f"read by {trained_run.model} and {trained_run.model} at 2 views" in (
        report / "report.md"
    ).read_text().replace("\\", "")


def test_a_file_that_goes_away_between_looks_is_told(
    trained_run: TrainedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_blocks(tmp_path / "line.png", "ab")
    manifest = tmp_path / "test.jsonl"
    write_manifest(manifest, [Example(id="a", source=tmp_path / "line.png", text="ab")])
    reader = Recognizer.load(trained_run.model, "cpu", others=[trained_run.model])
    other = reader.ensemble.members[1].view.frontend
    read = other.read

    def gone(example: Example) -> object:
        (tmp_path / "line.png").unlink()
        return read(example)

    monkeypatch.setattr(other, "read", gone)
    with pytest.raises(ManifestError, match=r"test\.jsonl: 'a': .*line\.png.*read along"):
        reader.evaluate(manifest)
