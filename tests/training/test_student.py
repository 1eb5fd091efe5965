"""Guards the student's promises: shapes, unit length, attention that moves to the eyes, a file that runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install .[train]")
onnx = pytest.importorskip("onnx")

from models.training.export import OUTPUTS, export  # noqa: E402
from models.training.student import Student, StudentShape  # noqa: E402
from models.training.teacher import session  # noqa: E402


@pytest.fixture(scope="module")
def student() -> Student:
    torch.manual_seed(0)
    network = Student(StudentShape(widths=(16, 32, 40, 48), blocks=(1, 1, 1, 1)))
    network.eval()
    return network


@pytest.mark.parametrize("half", [False, True])
def test_the_exported_file_says_what_the_network_says(student: Student, tmp_path: Path, half: bool) -> None:
    path = tmp_path / "model.onnx"
    export(student, path, half=half)
    crops = np.random.default_rng(0).uniform(-1, 1, (3, 3, 112, 112)).astype(np.float32)
    said = dict(zip(OUTPUTS, session(path, threads=1).run(list(OUTPUTS), {"crop": crops}), strict=True))
    with torch.no_grad():
        wanted = student(torch.from_numpy(crops))
    assert said["embedding"].shape == (3, 512)
    np.testing.assert_allclose(np.linalg.norm(said["embedding"], axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(said["embedding"], wanted.embedding.numpy(), atol=2e-3 if half else 1e-5)
    np.testing.assert_allclose(said["attention"].sum(axis=(1, 2)), 1, atol=1e-4)
    assert said["mask"].shape == (3, 2)
    assert (said["mask"][:, 1] <= said["mask"][:, 0] + 1e-6).all()
    assert said["recognisability"].shape == (3,)


def test_half_weights_halve_the_file(student: Student, tmp_path: Path) -> None:
    for half in (False, True):
        export(student, tmp_path / f"{half}.onnx", half=half)
    assert (tmp_path / "True.onnx").stat().st_size < 0.65 * (tmp_path / "False.onnx").stat().st_size


def test_a_mask_moves_the_attention_up(student: Student) -> None:
    """The prior is what makes the eyes carry the identity under a mask; a wrong sign would do the opposite."""
    tokens = torch.randn(2, 128, 70, 1)
    attention = student.attention
    rows = torch.arange(49) // 7
    with torch.no_grad():
        bare = attention(tokens, torch.zeros(2))[1].mean(dim=(0, 1))
        masked = attention(tokens, torch.ones(2))[1].mean(dim=(0, 1))
    assert masked[:49][rows >= 4].sum() < bare[:49][rows >= 4].sum()


def test_without_the_prior_a_mask_changes_nothing() -> None:
    network = Student(StudentShape(widths=(16, 32, 40, 48), blocks=(1, 1, 1, 1), head="attention-without-prior"))
    tokens = torch.randn(2, 128, 70, 1)
    with torch.no_grad():
        bare, masked = (network.attention(tokens, torch.full((2,), value))[1] for value in (0.0, 1.0))
    assert torch.equal(bare, masked)


@pytest.mark.parametrize("head", ["eye-attention", "attention-without-prior", "plain"])
def test_every_weight_learns(head: str) -> None:
    """A branch cut off from the loss would ship untrained."""
    network = Student(StudentShape(widths=(16, 32, 40, 48), blocks=(1, 1, 1, 1), head=head))  # type: ignore[arg-type]
    if head != "plain":
        torch.nn.init.normal_(network.mix[1].weight)
    out = network(torch.randn(4, 3, 112, 112))
    (out.embedding[:, :5].sum() + out.mask[:, 0].sum() + out.recognisability.sum()).backward()
    attention = () if head == "plain" else ("strip", "face", "attention", "mix")
    trained = [name for name, p in network.named_parameters() if p.grad is not None and bool(p.grad.abs().sum() > 0)]
    for part in ("stem", "stage1", "stage4", "half3", "whole", "mask", "quality", *attention):
        assert any(name.startswith(part) for name in trained), part
