import struct

import kaldiio
import numpy as np
import pytest

from seqlabel.errors import FormatError
from seqlabel.formats import matrix_shape, read_matrix, split_ark_address, write_npy
from seqlabel.records import Matrix

VALUES = np.random.default_rng(0).normal(size=(17, 13)).astype(np.float32)


def error_of(path):
    with pytest.raises(FormatError) as caught:
        read_matrix(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    return message


def htk(path, values, order=">", kind=6, compressed=False, checksum=False):
    """As HTKBook 5.10.1 says it."""
    rows, columns = values.shape
    if compressed:
        low, high = values.min(axis=0), values.max(axis=0)
        scale = 2 * 32767 / (high - low)
        shift = (high + low) * 32767 / (high - low)
        body = scale.astype(f"{order}f4").tobytes() + shift.astype(f"{order}f4").tobytes()
        body += np.rint(values * scale - shift).astype(f"{order}i2").tobytes()
        header = struct.pack(
            order + "iihh", rows + 4, 100_000, 2 * columns, kind | 0o2000 | 0o10000 * checksum
        )
    else:
        body = values.astype(f"{order}f4").tobytes()
        header = struct.pack(order + "iihh", rows, 100_000, 4 * columns, kind | 0o10000 * checksum)
    path.write_bytes(header + body + b"\x12\x34" * checksum)


# --- NumPy


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint8, bool, np.dtype(">f4")])
def test_npy_matrices_of_any_real_type_become_float32(tmp_path, dtype):
    values = (VALUES * 10).astype(dtype)
    np.save(tmp_path / "a.npy", values)
    back = read_matrix(tmp_path / "a.npy").values
    assert back.dtype == np.float32 and back.flags.c_contiguous and back.flags.writeable
    assert np.array_equal(back, values.astype(np.float32))


def test_a_matrix_in_fortran_order_keeps_its_rows(tmp_path):
    np.save(tmp_path / "a.npy", np.asfortranarray(VALUES))
    assert np.array_equal(read_matrix(tmp_path / "a.npy").values, VALUES)


def test_a_written_matrix_is_read_exactly(tmp_path):
    write_npy(tmp_path / "a.npy", Matrix(VALUES))
    assert np.array_equal(read_matrix(tmp_path / "a.npy").values, VALUES)


@pytest.mark.parametrize(
    "values",
    [
        *(np.zeros(3), np.zeros((2, 2, 2)), np.zeros((0, 3)), np.zeros((3, 0)), np.array([["a"]])),
        *(np.zeros((2, 2), complex), np.array([[1, np.nan]]), np.array([[np.inf, 1]]), np.array([[1e300]])),
    ],
)
def test_arrays_that_are_no_finite_matrix_are_refused(tmp_path, values):
    np.save(tmp_path / "a.npy", values)
    error_of(tmp_path / "a.npy")


def test_pickled_objects_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[{}, 1]], dtype=object), allow_pickle=True)
    error_of(tmp_path / "a.npy")


@pytest.mark.parametrize("size", [3, 8, 20, 100, 128, 200, -1])
def test_a_truncated_npy_is_refused(tmp_path, size):
    np.save(tmp_path / "a.npy", VALUES)
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:size])
    error_of(tmp_path / "a.npy")


def test_a_header_that_promises_terabytes_is_refused(tmp_path):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 1000), }".ljust(117) + b"\n"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header + b"\0" * 64)
    error_of(tmp_path / "a.npy")


# --- Sphinx and HTK


@pytest.mark.parametrize("order", "<>")
def test_sphinx_files_of_either_byte_order_are_read(tmp_path, order):
    (tmp_path / "a.mfc").write_bytes(
        struct.pack(order + "i", VALUES.size) + VALUES.astype(f"{order}f4").tobytes()
    )
    assert np.array_equal(read_matrix(tmp_path / "a.mfc").values, VALUES)


def test_the_width_of_a_sphinx_file_can_be_given(tmp_path):
    (tmp_path / "a.mfc").write_bytes(struct.pack("<i", 24) + np.arange(24, dtype="<f4").tobytes())
    assert read_matrix(tmp_path / "a.mfc", sphinx_width=8).values.shape == (3, 8)
    assert "24 values" in error_of(tmp_path / "a.mfc")


@pytest.mark.parametrize("size", [0, 2, 4, 11, 100, -1, -4])
def test_a_truncated_sphinx_file_is_refused(tmp_path, size):
    data = struct.pack("<i", VALUES.size) + VALUES.tobytes()
    (tmp_path / "a.mfc").write_bytes(data[:size])
    error_of(tmp_path / "a.mfc")


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("checksum", [False, True])
@pytest.mark.parametrize("name", ["a.htk", "a.mfc"])
def test_htk_files_are_read(tmp_path, order, checksum, name):
    htk(tmp_path / name, VALUES, order, checksum=checksum)
    assert np.array_equal(read_matrix(tmp_path / name).values, VALUES)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("checksum", [False, True])
def test_compressed_htk_files_are_read_to_within_their_steps(tmp_path, order, checksum):
    htk(tmp_path / "a.htk", VALUES, order, compressed=True, checksum=checksum)
    steps = (VALUES.max(axis=0) - VALUES.min(axis=0)) / 65534
    assert (np.abs(read_matrix(tmp_path / "a.htk").values - VALUES) <= steps).all()


def test_an_htk_file_of_samples_is_refused_by_its_kind(tmp_path):
    htk(tmp_path / "a.htk", VALUES, kind=0)
    assert "WAVEFORM" in error_of(tmp_path / "a.htk")


@pytest.mark.parametrize("compressed", [False, True])
def test_a_truncated_htk_file_is_refused(tmp_path, compressed):
    htk(tmp_path / "a.htk", VALUES, compressed=compressed)
    (tmp_path / "a.htk").write_bytes((tmp_path / "a.htk").read_bytes()[:-20])
    error_of(tmp_path / "a.htk")


# --- Kaldi, written by kaldiio


def write_ark(folder, arrays, **options):
    kaldiio.save_ark(str(folder / "a.ark"), arrays, scp=str(folder / "a.scp"), **options)
    lines = (folder / "a.scp").read_text().split("\n")[:-1]
    return {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in lines}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_matrix_of_an_ark_is_found_by_its_offset(tmp_path, dtype):
    arrays = {f"utt{i}": (VALUES[: 5 + i] * (i + 1)).astype(dtype) for i in range(3)}
    for key, address in write_ark(tmp_path, arrays).items():
        assert np.array_equal(read_matrix(tmp_path / address).values, arrays[key].astype(np.float32))


@pytest.mark.parametrize("method", [1, 2, 3, 4, 5, 6, 7])
def test_compressed_matrices_equal_kaldiio(tmp_path, method):
    address = write_ark(tmp_path, {"utt": VALUES}, compression_method=method)["utt"]
    expected = kaldiio.load_mat(str(tmp_path / address))
    assert np.allclose(read_matrix(tmp_path / address).values, expected, atol=1e-5)


def test_an_ark_of_one_matrix_needs_no_offset(tmp_path):
    write_ark(tmp_path, {"utt": VALUES})
    assert np.array_equal(read_matrix(tmp_path / "a.ark").values, VALUES)


def test_an_ark_of_two_matrices_asks_for_an_offset_that_works(tmp_path):
    addresses = write_ark(tmp_path, {"one": VALUES, "two": VALUES})
    assert addresses["one"].rsplit("/", 1)[-1] in error_of(tmp_path / "a.ark")


def test_text_arks_are_read(tmp_path):
    address = write_ark(tmp_path, {"utt": VALUES}, text=True)["utt"]
    assert np.allclose(read_matrix(tmp_path / address).values, VALUES, atol=1e-5)
    assert np.allclose(read_matrix(tmp_path / "a.ark").values, VALUES, atol=1e-5)


@pytest.mark.parametrize(
    "options", [{}, {"compression_method": 2}, {"compression_method": 3}, {"text": True}]
)
@pytest.mark.parametrize("size", [2, 5, 9, 15, 24, 60, -30])
def test_a_truncated_ark_is_refused(tmp_path, options, size):
    write_ark(tmp_path, {"utt": VALUES}, **options)
    (tmp_path / "a.ark").write_bytes((tmp_path / "a.ark").read_bytes()[:size])
    error_of(tmp_path / "a.ark")


def test_an_ark_that_promises_gigabytes_is_refused(tmp_path):
    header = b"utt \0BFM \x04" + struct.pack("<i", 2**31 - 1) + b"\x04" + struct.pack("<i", 2**31 - 1)
    (tmp_path / "a.ark").write_bytes(header + b"\0" * 64)
    assert "truncated" in error_of(tmp_path / "a.ark")


def test_a_vector_is_refused(tmp_path):
    write_ark(tmp_path, {"utt": VALUES[0]})
    assert "vector" in error_of(tmp_path / "a.ark")


@pytest.mark.parametrize(
    "text", ["utt  [\n 1 2\n 3 ]\n", "utt  [\n 1 x ]\n", "utt  [ ]\n", "utt 1 2 3\n", "utt"]
)
def test_a_broken_text_ark_is_refused(tmp_path, text):
    (tmp_path / "a.ark").write_text(text)
    error_of(tmp_path / "a.ark")


def test_an_offset_outside_of_the_archive_is_refused(tmp_path):
    write_ark(tmp_path, {"utt": VALUES})
    assert "outside" in error_of(tmp_path / "a.ark:99999")


def test_an_offset_in_the_middle_of_a_matrix_is_refused(tmp_path):
    write_ark(tmp_path, {"utt": VALUES})
    error_of(tmp_path / "a.ark:100")


def test_addresses_are_split_at_their_last_colon(tmp_path):
    assert split_ark_address(tmp_path / "a:b.ark:17") == (tmp_path / "a:b.ark", 17)
    assert split_ark_address(tmp_path / "a.npy") == (tmp_path / "a.npy", None)


# --- any kind


@pytest.mark.parametrize("name", ["a.npy", "a.mfc", "a.htk", "a.ark", "a.xyz", "a.ark:3"])
def test_text_under_any_name_is_refused(tmp_path, name):
    (tmp_path / name.split(":")[0]).write_text("this is not a matrix\n" * 20)
    error_of(tmp_path / name)


def test_a_missing_file_is_refused(tmp_path):
    assert "no such file" in error_of(tmp_path / "a.npy")


def test_every_file_of_an4_has_thirteen_cepstra_of_sane_size(corpora):
    paths = sorted((corpora / "an4").rglob("*.mfc"))
    matrices = [read_matrix(path).values for path in paths]
    assert len(matrices) == 1078
    assert all(values.shape[1] == 13 and np.abs(values).max() < 50 for values in matrices)
    assert 0.7 < sum(len(values) for values in matrices) / 100 / 3600 < 0.9  # hours


# --- headers


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("checksum", [False, True])
def test_the_shape_of_an_htk_file_is_told_by_its_header(tmp_path, compressed, checksum):
    htk(tmp_path / "a.htk", VALUES, compressed=compressed, checksum=checksum)
    assert matrix_shape(tmp_path / "a.htk") == VALUES.shape


@pytest.mark.parametrize(
    "options", [{}, *({"compression_method": method} for method in range(1, 8)), {"text": True}]
)
def test_the_shape_of_a_matrix_in_an_ark_is_told_by_its_header_unless_it_is_text(tmp_path, options):
    address = write_ark(tmp_path, {"utt": VALUES}, **options)["utt"]
    expected = None if "text" in options else VALUES.shape
    assert matrix_shape(tmp_path / address) == matrix_shape(tmp_path / "a.ark") == expected


def test_the_shape_of_an_npy_and_the_size_of_a_sphinx_file_are_told(tmp_path):
    write_npy(tmp_path / "a.npy", Matrix(VALUES))
    (tmp_path / "a.mfc").write_bytes(struct.pack("<i", VALUES.size) + VALUES.tobytes())
    assert matrix_shape(tmp_path / "a.npy") == VALUES.shape
    assert matrix_shape(tmp_path / "a.mfc") == (VALUES.size, None)


@pytest.mark.parametrize("name", ["a.npy", "a.mfc", "a.htk", "a.ark:99", "a.ark:7"])
def test_a_header_that_is_none_is_refused(tmp_path, name):
    (tmp_path / name.split(":")[0]).write_bytes(b"nothing\0Bof the kind at all")
    with pytest.raises(FormatError, match=name.split(":")[0]):
        matrix_shape(tmp_path / name)
