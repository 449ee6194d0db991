"""Language models beside KenLM's `lmplz` and `query`, on the same text.

    python -m benchmarks.kenlm FOLDER data/an4/train.jsonl data/an4/dev.jsonl [--order 3] [--unit word]

FOLDER holds the two programs. They need a C++ compiler and Boost, which pip has:

    pip install cmeel-boost && pip download --no-deps --no-binary :all: kenlm && tar xzf kenlm-*.tar.gz
    cmake -S kenlm-* -B build -DCMAKE_PREFIX_PATH=SITE-PACKAGES/cmeel.prefix
    make -C build lmplz query

with `system`, which Boost no longer has, taken out of `find_package(Boost ...)`; FOLDER is then build/bin. Prints how
far apart the probabilities and back-off weights of all n-grams are, the perplexity of the second text by both
programs and by both models, and the seconds that the estimation took.
"""

import argparse
import re
import subprocess
import tempfile
import time
from pathlib import Path

from seqlabel.language_model import NgramModel, corpus, estimate, read_arpa, units, write_arpa
from seqlabel.manifest import read_manifest


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of lmplz and query")
    parser.add_argument("train", type=Path, help="a manifest or a text file")
    parser.add_argument("dev", type=Path, help="a manifest or a text file")
    parser.add_argument("--order", type=int, default=3)
    parser.add_argument("--unit", choices=("char", "word"), default="word")
    arguments = parser.parse_args()
    train, dev = texts(arguments.train), texts(arguments.dev)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, sentences in (("train", train), ("dev", dev)):
            lines = [" ".join(units(sentence, arguments.unit)) for sentence in sentences]
            (work / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        start = time.perf_counter()
        found = estimate(corpus(train, arguments.unit), arguments.order)
        ours_seconds = time.perf_counter() - start
        if not all(found.discounts):
            print("the counts of some order are too few for Kneser-Ney discounts: lmplz refuses this text")
            return
        write_arpa(work / "ours.arpa", found.model)
        start = time.perf_counter()
        command = [arguments.folder / "lmplz", "-o", str(arguments.order), "--text", work / "train"]
        command += ["--arpa", work / "theirs.arpa", "-S", "1G", "-T", work]
        subprocess.run(command, check=True, capture_output=True)
        theirs_seconds = time.perf_counter() - start
        theirs = read_arpa(work / "theirs.arpa")
        compare(found.model, theirs)
        print(f"estimated in {ours_seconds:.2f} s, lmplz {theirs_seconds:.2f} s")
        for name, model in (("ours", found.model), ("theirs", theirs)):
            mine = model.perplexity(units(sentence, arguments.unit) for sentence in dev)
            queried = query(arguments.folder / "query", work / f"{name}.arpa", work / "dev")
            print(
                f"{name:<7} perplexity {mine.including_unknown:.4f}, without unknown {mine.excluding_unknown:.4f}; "
                f"by query {queried[0]:.4f}, {queried[1]:.4f}"
            )


def texts(path: Path) -> list[str]:
    """Returns the sentences of a text file or manifest, without the empty ones."""
    if path.suffix == ".jsonl":
        found = [example.text or "" for example in read_manifest(path)]
    else:
        found = path.read_text(encoding="utf-8").splitlines()
    return [text for text in found if text.strip()]


def compare(ours: NgramModel, theirs: NgramModel) -> None:
    """Prints how far apart two models are, by order, base ten."""
    for order, (mine, other) in enumerate(zip(ngrams(ours), ngrams(theirs), strict=True), 1):
        shared = [words for words in mine if words in other]
        prob, backoff = (
            max((abs(mine[words][k] - other[words][k]) for words in shared), default=0.0) for k in (0, 1)
        )
        print(
            f"{order}-grams {len(mine):,} and {len(other):,}, {len(shared):,} in both; "
            f"log10 of probabilities at most {prob:.1e} apart, of back-off weights {backoff:.1e}"
        )


def ngrams(model: NgramModel) -> list[dict[tuple[str, ...], tuple[float, float]]]:
    """Returns the log10 probability and back-off weight of each n-gram, by order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.arpa"
        write_arpa(path, model)
        found: list[dict[tuple[str, ...], tuple[float, float]]] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.endswith("-grams:"):
                found.append({})
            elif found and (fields := line.split("\t"))[1:]:
                backoff = float(fields[2]) if len(fields) > 2 else 0.0
                found[-1][tuple(fields[1].split(" "))] = float(fields[0]), backoff
        return found


def query(program: Path, arpa: Path, text: Path) -> tuple[float, float]:
    """Returns the perplexities that KenLM's `query` gives, with and without unknown words."""
    with text.open("rb") as file:
        answer = subprocess.run(
            [program, "-v", "summary", arpa], stdin=file, check=True, capture_output=True, text=True
        ).stdout
    including = re.search(r"including OOVs:\s+(\S+)", answer)
    excluding = re.search(r"excluding OOVs:\s+(\S+)", answer)
    if including is None or excluding is None:
        raise RuntimeError(f"query said {answer!r}")
    return float(including[1]), float(excluding[1])


if __name__ == "__main__":
    main()
