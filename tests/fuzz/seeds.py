"""Tiny sound files of every format, made here: small ones are damaged in more ways in the same time."""

import gzip
import io
import json
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from seqlabel.checkpoint import Progress, random_state, save_checkpoint
from seqlabel.decoders import BeamConfig
from seqlabel.encoders import ConvLayerConfig, ConvRecurrentConfig, RecurrentConfig
from seqlabel.experiment import DataConfig, ExperimentConfig, TrainingConfig
from seqlabel.features import ColumnConfig, LogMelConfig, MatrixConfig
from seqlabel.features.normalization import NormalizationConfig
from seqlabel.formats import write_npy
from seqlabel.frontend import Frontend, FrontendConfig
from seqlabel.language_model import LanguageModels, Pronunciation, read_arpa
from seqlabel.model import Model
from seqlabel.model_file import Header, TrainingSummary, save_model, set_decoding
from seqlabel.records import Matrix
from seqlabel.texts import RuleConfig, TextConfig
from seqlabel.tokens import TokenTable
from tests.pages import draw_page
from tests.sphere import write_sphere

_RNG = np.random.default_rng(1)
_SAMPLES = (0.3 * np.sin(np.arange(400) / 5) + 0.05 * _RNG.normal(size=400)).astype(np.float32)


def _sound(
    form: str, subtype: str | None = None, channels: int = 1, rate: int = 8000, samples: Any = _SAMPLES
) -> bytes:
    import soundfile

    buffer = io.BytesIO()
    data = np.repeat(samples[:, None], channels, axis=1)
    soundfile.write(buffer, data, rate, format=form, subtype=subtype)
    return buffer.getvalue()


def wav(folder: Path) -> list[bytes]:
    kinds = ("PCM_16", "PCM_U8", "FLOAT", "ULAW", "IMA_ADPCM", "MS_ADPCM", "GSM610")
    return [_sound("WAV", kind) for kind in kinds] + [
        _sound("WAV", "PCM_24", 2),
        _sound("WAVEX", "PCM_16"),
        _sound("RF64", "PCM_16"),
    ]


def sphere(folder: Path) -> list[bytes]:
    samples = (_SAMPLES * 2**14).astype(np.int16)
    found = [write_sphere(folder / "s.sph", samples, byte_order=order).read_bytes() for order in ("01", "10")]
    codes = _RNG.integers(0, 256, 200, dtype=np.uint8)
    return [*found, write_sphere(folder / "s.sph", codes, coding="ulaw", sample_rate=8000).read_bytes()]


def flac(folder: Path) -> list[bytes]:
    return [
        _sound("FLAC", "PCM_16"),
        _sound("FLAC", "PCM_24", 2),
        _sound("FLAC", "PCM_S8", samples=np.zeros(400, np.float32)),
    ]


def ogg(folder: Path) -> list[bytes]:
    return [_sound("OGG", "VORBIS"), _sound("OGG", "OPUS"), _sound("OGG", "VORBIS", 2, 16000)]


def mp3(folder: Path) -> list[bytes]:
    return [_sound("MP3"), _sound("MP3", channels=2, rate=16000)]


def other_audio(folder: Path) -> list[bytes]:
    return [_sound(form) for form in ("AIFF", "AU", "CAF", "W64")] + [
        _sound("CAF", "ALAC_16"),
        _sound("AIFF", "IMA_ADPCM"),
        _sound("AU", "ALAW"),
    ]


_PIXELS = (255 - 200 * (_RNG.random((12, 40)) < 0.3)).astype(np.uint8)


def _picture(form: str, mode: str = "L", **settings: Any) -> bytes:
    buffer = io.BytesIO()
    image = (
        Image.fromarray(_PIXELS.astype(np.uint16) * 257)
        if mode == "I;16"
        else Image.fromarray(_PIXELS).convert(mode)
    )
    image.save(buffer, format=form, **settings)
    return buffer.getvalue()


def png(folder: Path) -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    found = [_picture("PNG", mode) for mode in ("L", "1", "P", "LA", "RGB", "RGBA", "I;16")]
    return [
        *found,
        _picture("PNG", "P", transparency=3),
        _picture("PNG", exif=exif),
        _picture("PNG", save_all=True, append_images=[Image.new("L", (40, 12))]),
    ]


def jpeg(folder: Path) -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 8
    return [
        _picture("JPEG"),
        _picture("JPEG", "RGB", exif=exif),
        _picture("JPEG", "CMYK"),
        _picture("JPEG", "RGB", progressive=True),
    ]


def tiff(folder: Path) -> list[bytes]:
    kinds = (None, "tiff_lzw", "tiff_deflate", "packbits")
    found = [_picture("TIFF", compression=kind) for kind in kinds]
    found += [_picture("TIFF", mode) for mode in ("RGBA", "I;16", "CMYK", "P", "LAB")]
    found += [_picture("TIFF", "1", compression=kind) for kind in ("group3", "group4")]
    found += [
        _picture("TIFF", "RGB", compression="jpeg"),
        _picture("TIFF", save_all=True, append_images=[Image.new("L", (40, 12))]),
    ]
    return found


def other_images(folder: Path) -> list[bytes]:
    found = [_picture(form) for form in ("BMP", "GIF", "WEBP", "JPEG2000", "PPM")]
    return [
        *found,
        _picture("BMP", "P"),
        _picture("WEBP", "RGBA", lossless=True),
        _picture("PPM", "1"),
        _picture("PPM", "RGB"),
        _picture("JPEG2000", "RGB"),
    ]


_VALUES = _RNG.normal(size=(6, 4)).astype(np.float32)


def npy(folder: Path) -> list[bytes]:
    found = []
    for values in (
        _VALUES,
        _VALUES.astype(">f8"),
        np.asfortranarray(_VALUES),
        _VALUES.astype(np.int16),
        _VALUES > 0,
    ):
        buffer = io.BytesIO()
        np.save(buffer, values)
        found.append(buffer.getvalue())
    write_npy(folder / "a.npy", Matrix(_VALUES))
    return [*found, (folder / "a.npy").read_bytes()]


def mfc(folder: Path) -> list[bytes]:
    numbers = _VALUES.size
    sphinx = [struct.pack(f"{order}i", numbers) + _VALUES.astype(f"{order}f4").tobytes() for order in "<>"]
    htk = [
        struct.pack(f"{order}iihh", 6, 100_000, 16, 9) + _VALUES.astype(f"{order}f4").tobytes()
        for order in "<>"
    ]
    packed = struct.pack(">iihh", 6 + 4, 100_000, 8, 9 | 0o2000) + np.ones((2, 4), ">f4").tobytes()
    return [*sphinx, *htk, packed + (_VALUES * 100).astype(">i2").tobytes()]


def ark(folder: Path) -> list[bytes]:
    shape = b"\4" + struct.pack("<i", 6) + b"\4" + struct.pack("<i", 4)
    found = [
        b"a \0BFM " + shape + _VALUES.tobytes(),
        b"a \0BDM " + shape + _VALUES.astype(np.float64).tobytes(),
    ]
    codes = _RNG.integers(0, 256, 200, dtype=np.uint8).tobytes()
    header = struct.pack("<ffii", -1.0, 2.0, 6, 4)
    found += [
        b"a \0BCM " + header + codes[: 8 * 4 + 24],
        b"a \0BCM2 " + header + codes[:48],
        b"a \0BCM3 " + header + codes[:24],
    ]
    return [*found, found[0] + found[1].replace(b"a ", b"b ")]


def ark_text(folder: Path) -> list[bytes]:
    rows = "\n".join(" ".join(f"{value:.3f}" for value in row) for row in _VALUES)
    return [f"a  [\n{rows} ]\n".encode(), f"a  [\n{rows} ]\nb  [\n1 2\n3 4 ]\n".encode()]


def _pages(folder: Path, kind: str) -> list[bytes]:
    found = [draw_page(folder, "page", texts, kind).read_bytes() for texts in (["ab"], ["ab ca", "b"])]
    text = found[1]
    if kind == "alto":
        words = b'<String ID="s" HPOS="1" VPOS="2" WIDTH="3" HEIGHT="4" CONTENT="ab" WC="0.5"><Glyph ID="g" CONTENT="a"/></String><HYP CONTENT="-"/>'
        line = (
            b'<TextLine ID="l9" HPOS="20" VPOS="30" WIDTH="9" HEIGHT="8" BASELINE="20,38 29,38" TAGREFS="t">'
            + words
            + b"</TextLine></TextBlock>"
        )
        order = b'<ReadingOrder><OrderedGroup ID="o"><ElementRef ID="e" REF="l1 block"/></OrderedGroup></ReadingOrder><Layout>'
        found.append(text.replace(b"</TextBlock>", line).replace(b"<Layout>", order))
        found.append(text.replace(b'ID="block"', b'ID="block" IDNEXT="b2"').replace(b"pixel", b"mm10"))
    else:
        order = b'<ReadingOrder><OrderedGroup id="o" regionRef="r"><RegionRefIndexed index="0" regionRef="block"/></OrderedGroup></ReadingOrder><TextRegion'
        line = (
            b'<TextLine id="l9" custom="readingOrder {index:1;} structure {type:heading;}"><Coords points="20,30 40,30 40,38 20,38"/>'
            b'<Baseline points="20,38 40,38"/><Word id="w"><Coords points="1,2 3,4 5,6"/><Glyph id="g"><TextEquiv><Unicode>a</Unicode>'
            b"</TextEquiv></Glyph></Word></TextLine></TextRegion>"
        )
        found.append(text.replace(b"<TextRegion", order, 1).replace(b"</TextRegion>", line))
        points = (
            b'<Coords><Point x="20" y="30"/><Point x="40" y="30"/><Point x="40" y="38"/></Coords><TextEquiv'
        )
        found.append(text.replace(b"<TextEquiv", points, 1))
    return found


def alto(folder: Path) -> list[bytes]:
    return _pages(folder, "alto")


def page(folder: Path) -> list[bytes]:
    return _pages(folder, "page")


def pages(folder: Path) -> list[bytes]:
    return _pages(folder, "alto") + _pages(folder, "page")


INKML = """<?xml version="1.0" encoding="UTF-8"?>
<ink xmlns="http://www.w3.org/2003/InkML">
<annotation type="truth">ab</annotation>
<definitions><timestamp xml:id="t0" time="1000"/><context xml:id="c"><inkSource xml:id="s"><traceFormat>
<channel name="X" type="decimal"/><channel name="Y" orientation="-ve"/><channel name="T" units="ms" respectTo="#t0"/>
<intermittentChannels><channel name="F" default="0.5"/></intermittentChannels></traceFormat></inkSource></context>
<trace xml:id="d" contextRef="#c">7 7 7</trace></definitions>
<context contextRef="#c"/>
<traceGroup xml:id="g"><annotation type="truth">a</annotation>
<trace xml:id="a">1 2 0, 3 4 8, 5 6 16</trace><trace xml:id="b" continuation="end" priorRef="#a">7 8 20,9 9 30 0.4</trace></traceGroup>
<traceGroup><trace type="penUp">1 1 1</trace><trace timeOffset="40" contextRef="#c">10 0 0,'1'2'8,"1"-1"0,*** , 4 3?</trace>
<annotationXML><x/></annotationXML></traceGroup>
<traceView xml:id="v" traceDataRef="#g" from="1:2" to="2:1"/><traceView><traceView traceDataRef="#a" from="2"/></traceView>
</ink>
"""


def inkml(folder: Path) -> list[bytes]:
    plain = "<ink><trace>1 2, 3 4, 5 6.5</trace><trace>0 1,-1 2,-3 4</trace><trace>#ff 1,0 #a</trace></ink>"
    return [
        INKML.encode(),
        plain.encode(),
        INKML.replace("'1'2'8,\"1\"-1\"0,*** , 4 3?", "1 1 1, 2 2 2").encode(),
    ]


BOARD = """<?xml version="1.0" encoding="ISO-8859-1"?>
<WhiteboardCaptureSession><General><Form id="a01" writerID="10052"/></General>
<Transcription><Text>A MOVE</Text><TextLine id="a01-01" text="A &amp;quot;MOVE&amp;quot; to"/></Transcription>
<WhiteboardDescription><SensorLocation corner="top_left"/></WhiteboardDescription>
<StrokeSet><Stroke colour="black"><Point x="1073" y="1058" time="769.05"/><Point x="1072" y="1085" time="769.07"/></Stroke>
<Stroke><Point x="5" y="6" time="769.80"/></Stroke></StrokeSet></WhiteboardCaptureSession>
"""


def whiteboard(folder: Path) -> list[bytes]:
    return [BOARD.encode(), BOARD.replace("top_left", "bottom_right").encode()]


UNIPEN = """.VERSION 1.0
.HIERARCHY PAGE WORD CHARACTER
.WRITER_ID w1
.COORD X Y T P
.INCLUDE other.dat
.SEGMENT WORD 0-2 OK "ab\\"c"
.SEGMENT CHARACTER 0 ? "8"
.COMMENT 8 12 224
.PEN_DOWN
 1 5 0 3
 2 7 10 4
.PEN_UP
.DT 100
.SEGMENT CHARACTER 1:0-2:0 ? "4"
.PEN_DOWN
 3 3 120 5
.PEN_UP
 4 4 130 0
.PEN_DOWN
 5 6 140 7
.PEN_UP
"""


def unipen(folder: Path) -> list[bytes]:
    (folder / "other.dat").write_text(".COMMENT nothing\n")
    return [UNIPEN.encode(), b'.PEN_DOWN 1 2\n3 4\n.PEN_UP\n.SEGMENT A 0 ? "x"\n']


def ink_json(folder: Path) -> list[bytes]:
    xs, ys = [0, 2, 4, 3, 1, 0, 3], [0, 5, 0, -3, -3, 1, 6]
    rows = [list(pair) for pair in zip(xs, ys, strict=True)]
    points = [{"x": x, "y": y, "time": 8 * i, "pressure": 0.5} for i, (x, y) in enumerate(rows)]
    documents: list[object] = [
        {"strokes": [rows, [[9, 9], [10, 4]]]},
        [rows, [[20, 0]], [[30, 1], [31, 8], [36, 2]]],
        {"strokes": [{"points": points}, points], "time_unit": "ms"},
        {"strokes": [{"x": xs, "y": ys, "t": [0.01 * i for i in range(7)], "p": [0.5] * 7}]},
        {"drawing": [[xs, ys, [8 * i for i in range(7)]], [[9, 9.5], [1, 2], [70, 80]]]},
        {"ink": [[xs, ys]]},
        {"strokes": [[[x + 30 * (i % 5) / 5, 40 * (i // 5) + y] for x, y in rows] for i in range(12)]},
    ]
    return [json.dumps(document).encode() for document in documents]


def symbols(folder: Path) -> list[bytes]:
    return [b"ah b c\n", "é a\u0301 k\n".encode()]


def manifest(folder: Path) -> list[bytes]:
    own = [
        {
            "id": "a",
            "source": "a.wav",
            "text": "one",
            "start_seconds": 0.5,
            "end_seconds": 1.25,
            "group": "theo",
        },
        {"id": "b", "source": "../b.png", "text": None, "labels": [["x", 3], ["y", 1.5]]},
        {"id": "c", "source": "/data/c.ark:17", "text": "é"},
    ]
    nemo = [
        {"audio_filepath": "a.wav", "text": "one", "duration": 1.5, "offset": 0.5, "speaker": 3},
        {"audio_filepath": "b.wav", "text": "two", "speaker": "x"},
    ]
    hugging = [
        {"file_name": "a.png", "text": "one", "writer": "w"},
        {"file_name": "b/c.png", "transcription": "two"},
    ]
    return ["".join(json.dumps(row) + "\n" for row in rows).encode() for rows in (own, nemo, hugging)]


def metadata_csv(folder: Path) -> list[bytes]:
    return [
        b'file_name,text,speaker\na.png,one,x\nb/c.png,"two, ""three""",y\n',
        b"file_name,transcription\r\na.png,one\r\n\r\n",
    ]


def kaldi(folder: Path) -> list[bytes]:
    (folder / "wav.scp").write_text("r1 a.wav\nr2 /b.wav\n")
    (folder / "text").write_text("u1 one\nu2 two three\n")
    (folder / "utt2spk").write_text("u1 s1\nu2 s2\n")
    return [b"u1 r1 0.0 1.5\nu2 r2 0.5 -1\n"]


def kaldi_scp(folder: Path) -> list[bytes]:
    (folder / "text").write_text("u1 one\nu2 two three\n")
    return [
        b"u1 a.wav\nu2 feats.ark:17\n",
        b"u1\ta.wav\nu2 sox a.wav |\n".replace(b"sox a.wav |", b"b/c.wav"),
    ]


def line_texts(folder: Path) -> list[bytes]:
    (folder / "x.png").write_bytes(_picture("PNG"))
    return [b"one two\n", "é\u0301 ü".encode()]


ARPA = """
\\data\\
ngram 1=5
ngram 2=4
ngram 3=1

\\1-grams:
-99\t<s>\t-0.30103
-0.9\t</s>
-0.7\ta\t-0.2
-0.6\tb\t-0.1
-1.2\t<unk>\t0

\\2-grams:
-0.3\t<s> a\t-0.05
-0.4\ta b\t-0.1
-0.5\tb </s>
-0.6\tb a

\\3-grams:
-0.2\t<s> a b

\\end\\
"""


def arpa(folder: Path) -> list[bytes]:
    return [
        ARPA.encode(),
        ARPA.replace("\t", " ").encode(),
        ARPA.replace("-0.4\ta b\t-0.1\n", "").replace("2=4", "2=3").encode(),
    ]


def arpa_gz(folder: Path) -> list[bytes]:
    return [gzip.compress(data) for data in arpa(folder)]


def lexicon(folder: Path) -> list[bytes]:
    return [b"one\ntwo\nthree\n", b";;; CMU\none W AH N\none(2) HH W AH N\ntwo T UW\n"]


def rules(folder: Path) -> list[bytes]:
    return ["\u2019\t'\n# a comment\n(a+)b\t\\1c\tregex\n\t\n\\p{Mn}\t\tregex\n".encode(), b"x\ty\n"]


def rules_json(folder: Path) -> list[bytes]:
    return [b'{"from": "a", "to": "b"}\n{"from": "(x)\\\\1", "to": "\\\\1", "regex": true}\n']


def hypotheses(folder: Path) -> list[bytes]:
    rows = [{"id": "a", "text": "one", "group": "x"}, {"id": "b", "text": "two"}]
    (folder / "reference.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    others = [{"id": "a", "hypothesis": "ones", "score": -1.5}, {"id": "b", "hypothesis": "", "group": 3}]
    return ["".join(json.dumps(row) + "\n" for row in found).encode() for found in (rows, others)]


def texts(folder: Path) -> list[bytes]:
    return [b"ix ih\nax ah\nq\n", "é e\r\nsil\n".encode()]


# --- models -----------------------------------------------------------------------------------------------

_SUMMARY = TrainingSummary(
    epoch=1, num_steps=2, num_train_examples=3, num_dev_examples=4, minutes=1.5, dev_cer=0.1, dev_wer=0.2, dev_ser=0.3,
    finished_at="2026-01-01T00:00:00+00:00", versions={"seqlabel": "0"},
)  # fmt: skip
_RECURRENT = RecurrentConfig(hidden_size=3, num_layers=2, peepholes=True)
_CONVOLUTIONAL = ConvRecurrentConfig(
    layers=(ConvLayerConfig(channels=2, pool=(2, 1)),),
    recurrent=RecurrentConfig(hidden_size=2, num_layers=1),
    shortcut=0.1,
)


@cache
def experiment() -> ExperimentConfig:
    """Returns a small experiment."""
    return _experiment(ColumnConfig(height=4), _CONVOLUTIONAL)


def _experiment(feature: Any, encoder: Any, **settings: Any) -> ExperimentConfig:
    normalization = NormalizationConfig(scope="corpus") if isinstance(feature, MatrixConfig) else None
    return ExperimentConfig(
        name="tiny",
        data=DataConfig(directory="data"),
        frontend=FrontendConfig(feature=feature, normalization=normalization),
        encoder=encoder,
        **settings,
    )


def model(folder: Path) -> list[bytes]:
    torch.manual_seed(1)
    torch.set_num_threads(1)
    found = []
    rule = TextConfig(rules=(RuleConfig(pattern="(a+)b", replacement="\\1", is_regex=True),))
    for config in (
        _experiment(MatrixConfig(dim=4), _RECURRENT, decoder=BeamConfig(beam_width=4, grammar="(a|b)*")),
        _experiment(ColumnConfig(height=4), _CONVOLUTIONAL, texts=rule),
        _experiment(
            LogMelConfig(num_mel_filters=4, sample_rate=4000), RecurrentConfig(hidden_size=2, num_layers=1)
        ),
    ):
        frontend = Frontend(config.frontend)
        frontend.fit([(Matrix(_VALUES), None)] if isinstance(config.frontend.feature, MatrixConfig) else [])
        tokens = TokenTable.from_texts(["a b"])
        network = Model(config.encoder, frontend.dim, len(tokens))
        num_parameters = sum(parameter.numel() for parameter in network.parameters())
        header = Header(experiment=config, tokens=tokens, num_parameters=num_parameters, summary=_SUMMARY)
        save_model(folder / "seed.safetensors", header, network.state_dict(), frontend)
        found.append((folder / "seed.safetensors").read_bytes())
    (folder / "seed.arpa").write_text(ARPA)
    language = LanguageModels(
        tokens=read_arpa(folder / "seed.arpa"),
        words=read_arpa(folder / "seed.arpa"),
        lexicon=(Pronunciation("a", "a"), Pronunciation("b", "b")),
    )
    (folder / "seed.safetensors").write_bytes(found[0])
    set_decoding(
        folder / "seed.safetensors", BeamConfig(beam_width=4, word_lm_weight=0.5, lm_weight=0.5), language
    )
    return [*found, (folder / "seed.safetensors").read_bytes()]


def checkpoint(folder: Path) -> list[bytes]:
    config = _experiment(
        MatrixConfig(dim=4),
        RecurrentConfig(hidden_size=2, num_layers=1),
        training=TrainingConfig(num_epochs=2),
    )
    network = Model(config.encoder, 4, 3)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    progress = Progress(experiment=config, precision="float32", epoch=1, dev_errors=(0.5,))
    state = {"cpu": random_state(torch.device("cpu"))["cpu"][:16].clone()}
    save_checkpoint(
        folder / "seed.safetensors",
        progress,
        network,
        {name: tensor.clone() for name, tensor in network.state_dict().items()},
        optimizer,
        [state],
    )
    return [(folder / "seed.safetensors").read_bytes()]


def overrides(folder: Path) -> list[bytes]:
    words = (
        "--training.seed 2", "--encoder.layers.0.channels 4", "--data.train a.jsonl b.jsonl", "--training.schedule one_cycle",
        "--encoder.recurrent.cell=gru", "--training.average-decay none", "--decoder greedy", "--frontend.feature.band 0.5",
        '--frontend.feature {"type":"columns","height":32}', "--texts.rules [{\"pattern\":\"a\",\"replacement\":\"b\"}]",
    )  # fmt: skip
    return [
        "\n".join(word.split(" ")).encode() if "{" not in word else "\n".join(word.split(" ", 1)).encode()
        for word in words
    ]


def compressed(folder: Path) -> list[bytes]:
    from tests.data_prep.test_unix_compress import compress

    return [compress(b".PEN_DOWN\n 267  333\n" * 40), compress(bytes(range(256)) * 3, 10)]


Seeds = Callable[[Path], list[bytes]]
