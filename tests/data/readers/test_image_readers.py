"""Readers of images on files of the real layouts, and on broken ones."""

import pickle
import re

import numpy as np
import pytest
from data.readers import layouts
from PIL import Image

from taskviz.data.readers.celeba import TAG_ATTRIBUTES
from taskviz.data.reference import CollectionRef, open_collection
from taskviz.values import TaskvizError


def test_celeba(tmp_path, cache):
    root = layouts.celeba(tmp_path / "celeba")
    collection = open_collection(str(root), cache)
    assert (collection.modality, collection.layout, collection.n) == ("image", "joint", 30)
    assert collection.names == TAG_ATTRIBUTES
    block = collection.samples[0]
    assert block.inputs.shape == (30, 3, 22, 18)
    assert [len(block.indices(s)) for s in ("train", "valid", "test")] == [20, 5, 5]
    first = np.asarray(Image.open(root / "img_align_celeba" / "000003.jpg")).transpose(2, 0, 1)
    assert np.array_equal(block.inputs[np.array([2])][0], first)
    lines = (root / "list_attr_celeba.txt").read_text().splitlines()
    expected = [float(v == "1") for v in lines[4].split()[1:10]]
    assert [collection.target_of(t)[2, 0] for t in range(9)] == expected
    again = pickle.loads(pickle.dumps(block.inputs))
    assert np.array_equal(again[[0, 5]], block.inputs[[0, 5]])
    assert again.fingerprint == block.inputs.fingerprint


def test_celeba_with_attributes_and_a_size_of_ones_own(tmp_path, cache):
    root = layouts.celeba(tmp_path / "celeba")
    (root / "collection.toml").write_text(
        'name = "faces"\nmodality = "image"\n[options]\nsize = [8, 10]\n'
        '[[tasks]]\nname = "beardless"\ntarget = "No_Beard"\nkind = "binary"\nmetric = "error"\n'
        '[[tasks]]\nname = "Other_3"\n'
    )
    collection = open_collection(str(root), cache)
    assert collection.name == "faces"
    assert collection.names == ("beardless", "Other_3")
    assert collection.tasks[0].metric == "error"
    assert collection.samples[0].inputs.shape == (30, 3, 8, 10)


def test_a_changed_image_changes_the_fingerprint(tmp_path, cache):
    root = layouts.celeba(tmp_path / "celeba")
    before = open_collection(str(root), cache).fingerprint
    assert open_collection(str(root), cache).fingerprint == before
    layouts.image(root / "img_align_celeba" / "000001.jpg", 99, (18, 22))
    assert open_collection(str(root), cache).fingerprint != before


def test_a_celeba_without_an_image_is_not_read_whole(tmp_path, cache, monkeypatch):
    from taskviz.data.readers import image_files

    root = layouts.celeba(tmp_path / "celeba")
    opened = []
    real = image_files._open

    def noted(path, label):
        opened.append(label)
        return real(path, label)

    monkeypatch.setattr(image_files, "_open", noted)
    collection = open_collection(str(root), cache)
    assert opened == ["000001.jpg"]
    collection.samples[0].inputs[[4, 7]]
    assert opened == ["000001.jpg", "000005.jpg", "000008.jpg"]


def test_broken_celeba(tmp_path, cache, errors):
    root = layouts.celeba(tmp_path / "celeba")
    listed = root / "list_attr_celeba.txt"
    whole = listed.read_text()
    (root / "img_align_celeba" / "000004.jpg").unlink()
    assert any("000004.jpg, which is not in" in e for e in errors(root))
    layouts.image(root / "img_align_celeba" / "000004.jpg", 3)
    truncated = root / "img_align_celeba" / "000006.jpg"
    good = truncated.read_bytes()
    truncated.write_bytes(good[:-150])
    assert any("000006.jpg cannot be decoded" in e for e in errors(root))
    with pytest.raises(TaskvizError, match=r"000006\.jpg"):
        open_collection(str(root), cache).samples[0].inputs[[5]]
    truncated.write_bytes(b"no image at all")
    assert any("000006.jpg is no image" in e for e in errors(root))
    layouts.image(truncated, 5, mode="L")
    assert any("000006.jpg has one channel (grey) but" in e for e in errors(root))
    truncated.write_bytes(good)
    for change, words in (
        (lambda t: t.replace("30\n", "29\n", 1), "29 images but has 30 rows: a row is too many"),
        (lambda t: t.replace("000002.jpg", "000001.jpg"), "000001.jpg more than once"),
        (lambda t: t + "000031.jpg 1 1\n", "line 33: 3 cells but 41"),
        (lambda t: t.replace("\n000003.jpg", " 1\n000003.jpg"), "line 4: 42 cells but 41"),
        (lambda t: t.replace("-1", "nan", 1), "'nan' is no label of an attribute"),
        (lambda t: "\n".join(t.splitlines()[1:]), "does not begin like CelebA's list"),
    ):
        listed.write_text(change(whole))
        assert any(words in e for e in errors(root)), (words, errors(root))
    listed.write_text(whole)
    (root / "list_eval_partition.txt").write_text("000001.jpg 0\n")
    assert any("has no line for 000002.jpg" in e for e in errors(root))


def test_class_folders(tmp_path, cache):
    root = layouts.class_folders(tmp_path / "colorectal")
    collection = open_collection(str(root), cache)
    assert collection.names == ("01_TUMOR", "02_STROMA", "03_COMPLEX")
    assert collection.samples[0].inputs.shape == (24, 3, 15, 15)
    assert collection.target_of(1)[:, 0].sum() == 8
    picture = np.asarray(Image.open(root / "tiles" / "02_STROMA" / "0000_02_STROMA.tif"))
    place = int(np.flatnonzero(collection.target_of(1)[:, 0])[0])
    assert np.array_equal(collection.samples[0].inputs[[place]][0], picture.transpose(2, 0, 1))


def test_class_folders_below_train_and_test(tmp_path, cache):
    for part, n in (("train", 20), ("test", 6)):
        for name in ("cat", "dog", "owl"):
            for i in range(n):
                layouts.image(tmp_path / "pets" / part / name / f"{i}.png", i, (9, 9))
    collection = open_collection(str(tmp_path / "pets"), cache)
    block = collection.samples[0]
    assert len(block.indices("test")) == 18
    assert len(block.indices("valid")) == 15


def test_broken_class_folders(tmp_path, cache, errors):
    root = layouts.class_folders(tmp_path / "colorectal")
    (root / "tiles" / "04_EMPTY").mkdir()
    assert any("04_EMPTY holds no image" in e for e in errors(root))
    (tmp_path / "none").mkdir()
    assert any("The folder none is empty" in e for e in errors(tmp_path / "none"))


def test_a_pixel_bomb_is_refused_before_it_is_decoded(tmp_path, cache, errors):
    root = layouts.class_folders(tmp_path / "colorectal")
    bomb = root / "tiles" / "01_TUMOR" / "bomb.png"
    Image.new("1", (9_000, 9_000)).save(bomb)
    assert any("bomb.png" in e and "pixels" in e for e in errors(root))


def test_cifar10(tmp_path, cache):
    root = layouts.cifar10(tmp_path / "cifar")
    collection = open_collection(str(root), cache)
    assert collection.names[0] == "airplane"
    assert len(collection.tasks) == 10
    block = collection.samples[0]
    assert block.inputs.shape == (72, 3, 32, 32)
    assert len(block.indices("test")) == 12
    raw = np.fromfile(root / "cifar-10-batches-bin" / "data_batch_1.bin", np.uint8)
    assert np.array_equal(block.inputs[1].ravel(), raw[3074:6146])


def test_broken_cifar10(tmp_path, cache, errors):
    root = layouts.cifar10(tmp_path / "cifar")
    folder = root / "cifar-10-batches-bin"
    data = (folder / "data_batch_2.bin").read_bytes()
    (folder / "data_batch_2.bin").write_bytes(data[:-100])
    (folder / "data_batch_3.bin").write_bytes(b"\x0b" + data[1:])
    (folder / "test_batch.bin").unlink()
    found = errors(root)
    assert any("data_batch_2.bin has 36,776 bytes" in e for e in found)
    assert any("data_batch_3.bin, image 1: the label is 11" in e for e in found)
    assert any("test_batch.bin of CIFAR-10 is missing" in e for e in found)


def test_stl10_is_turned_upright(tmp_path, cache):
    root = layouts.stl10(tmp_path / "stl")
    collection = open_collection(str(root), cache)
    inputs = collection.samples[0].inputs
    assert np.array_equal(inputs[:20], np.load(root / "train.npy"))
    assert np.array_equal(inputs[20:], np.load(root / "test.npy"))


def test_broken_stl10(tmp_path, cache, errors):
    root = layouts.stl10(tmp_path / "stl")
    folder = root / "stl10_binary"
    (folder / "train_y.bin").write_bytes(bytes([1] * 21))
    (folder / "test_y.bin").write_bytes(bytes([0] * 20))
    found = errors(root)
    assert any("train_y.bin has 21 labels but train_X.bin has 20" in e for e in found)
    assert any("test_y.bin holds a label outside 1 to 10" in e for e in found)


def test_svhn(tmp_path, cache):
    from scipy.io import loadmat

    root = layouts.svhn(tmp_path / "svhn")
    collection = open_collection(str(root), cache)
    assert collection.names == tuple("0123456789")
    block = collection.samples[0]
    stored = loadmat(root / "test_32x32.mat")["X"]
    assert np.array_equal(block.inputs[25], stored[:, :, :, 5].transpose(2, 0, 1))
    # The label 10 stands for the digit 0.
    assert collection.target_of(0)[9, 0] == 1


def test_broken_svhn(tmp_path, cache, errors):
    from scipy.io import savemat

    root = layouts.svhn(tmp_path / "svhn")
    path = root / "test_32x32.mat"
    for content, words in (
        ({"X": np.zeros((32, 32, 3, 4), np.uint8)}, "no variable 'y'"),
        ({"X": np.array([{"a": 1}], dtype=object), "y": np.ones(1)}, "X"),
        ({"X": np.zeros((32, 32, 1, 4), np.uint8), "y": np.ones((4, 1))}, r"\(32, 32, 1, 4\)"),
        ({"X": np.zeros((32, 32, 3, 4), np.uint8), "y": np.ones((5, 1))}, "4 images but 5 labels"),
    ):
        savemat(path, content)
        found = errors(root)
        assert len(found) == 1
        assert re.search(words, found[0]), found
    path.write_bytes(b"MATLAB 5.0 but cut")
    assert "cannot be read as a MATLAB file" in errors(root)[0]


def test_npz_of_images(tmp_path, cache):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 8, 9, 3), dtype=np.uint8)
    marks = np.arange(40)
    path = tmp_path / "pictures.npz"
    np.savez(
        path,
        images=pixels,
        even=marks % 2,
        size=rng.normal(size=40),
        word=np.array(list("abcd") * 10),
    )
    collection = open_collection(str(path), cache)
    assert collection.modality == "image"
    assert collection.samples[0].inputs.shape == (40, 3, 8, 9)
    assert [t.kind for t in collection.tasks] == ["binary", "regression", "multiclass"]


def test_broken_npz(tmp_path, cache, errors):
    path = tmp_path / "a.npz"
    good = {"x": np.zeros((30, 4)), "y": np.arange(30) % 2, "z": np.arange(30) % 3}
    for change, words in (
        ({"y": np.array([{}] * 30, dtype=object)}, "pickled objects"),
        ({"y": np.arange(31)}, r"array 'y' has shape \(31,\) but there are 30"),
        ({"x": np.zeros(30)}, "'x' has shape"),
        ({"split": np.array(["train"] * 29 + ["dev"])}, "'split' needs one of"),
    ):
        np.savez(path, **(good | change))
        with pytest.raises(TaskvizError, match=words):
            open_collection(str(path), cache)
    whole = path.read_bytes()
    for bad in (whole[: len(whole) // 2], b"", b"text"):
        path.write_bytes(bad)
        with pytest.raises(TaskvizError, match=r"cannot be read as \.npz"):
            open_collection(str(path), cache)


def test_a_separate_collection_of_image_sets(tmp_path, cache):
    layouts.cifar10(tmp_path / "sets" / "cifar")
    layouts.svhn(tmp_path / "sets" / "svhn")
    layouts.class_folders(tmp_path / "sets" / "tissue")
    collection = open_collection(CollectionRef(str(tmp_path / "sets")), cache)
    assert (collection.layout, collection.modality) == ("separate", "image")
    assert collection.names == ("cifar", "svhn", "tissue")
    assert [len(t.classes) for t in collection.tasks] == [10, 10, 3]
    assert [s.inputs.shape for s in collection.samples] == [
        (72, 3, 32, 32),
        (40, 3, 32, 32),
        (24, 3, 15, 15),
    ]
