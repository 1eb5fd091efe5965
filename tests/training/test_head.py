"""A head before and after training: nothing changes without a mask, and what ships computes what was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tqdm")

from gate.vision.head import join  # noqa: E402
from models.training import head_features, paths  # noqa: E402
from models.training.head_backbone import ConvolutionalNetwork  # noqa: E402
from models.training.head_export import export  # noqa: E402
from models.training.head_network import Deployed, Head, HeadKind, HeadShape, Look, on_grid  # noqa: E402
from models.training.head_train import Batch, loss_of, run_inside  # noqa: E402
from models.training.teacher import normalise, session  # noqa: E402

SHAPE = HeadShape((8, 8), embedding=16, width=4, sides=(14, 7))


def taps(n: int = 3) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(n, *shape, generator=generator) for shape in SHAPE.inputs()]


def opened(head: Head, masked: bool) -> Head:
    """The head with corrections that change everything, sure that a mask is worn, or that none is."""
    for adapter in head.adapters:
        torch.nn.init.normal_(adapter.up.weight)
        torch.nn.init.normal_(adapter.weigh)
    torch.nn.init.normal_(head.correct.weight)
    head.tell[-1].weight.data.zero_()
    head.tell[-1].bias.data = torch.tensor([-9.0, 9.0, 0.0] if masked else [9.0, 0.0, 0.0])
    return head.eval()


def test_without_a_mask_every_tensor_passes_unchanged() -> None:
    # "Nearly unchanged" would cost every unmasked traveller something, and part templates from the backbone's own.
    inputs = taps()
    outputs = Deployed(opened(Head(SHAPE), masked=False))(*inputs)
    for before, after in zip(inputs, outputs, strict=False):
        assert torch.equal(before, after)


def test_with_a_mask_every_tap_is_used() -> None:
    inputs = taps()
    outputs = Deployed(opened(Head(SHAPE), masked=True))(*inputs)
    for before, after in zip(inputs, outputs, strict=False):
        assert not torch.allclose(before, after)


def test_it_starts_as_the_backbone_even_under_a_mask() -> None:
    head = Head(SHAPE).eval()
    head.tell[-1].bias.data = torch.tensor([-9.0, 9.0, 0.0])
    inputs = taps()
    for before, after in zip(inputs, Deployed(head)(*inputs), strict=False):
        torch.testing.assert_close(before, after)


@pytest.mark.parametrize("kind", ["eye-attention", "attention-without-prior", "plain"])
def test_attention_is_a_distribution(kind: HeadKind) -> None:
    head = Head(HeadShape((8, 8), 16, 4, (14, 7), kind)).eval()
    look = head.look(taps()[0])
    torch.testing.assert_close(on_grid(look.attention).sum(dim=(1, 2)), torch.ones(3))


def test_a_mask_moves_untrained_attention_to_the_eyes_only_with_the_prior() -> None:
    shares: dict[tuple[HeadKind, bool], float] = {}
    kinds: tuple[HeadKind, ...] = ("eye-attention", "attention-without-prior")
    for kind in kinds:
        for masked in (False, True):
            head = opened(Head(HeadShape((8, 8), 16, 4, (14, 7), kind)), masked)
            attention = on_grid(head.look(taps()[0]).attention).detach()
            shares[kind, masked] = float(attention[:, 1:4].sum(dim=(1, 2)).mean())
    assert shares["eye-attention", True] > shares["eye-attention", False] + 0.1
    assert shares["attention-without-prior", True] == pytest.approx(shares["attention-without-prior", False], abs=1e-5)


def test_the_loss_prefers_the_person_and_forgives_a_negative_that_is_the_same_person() -> None:
    generator = torch.Generator().manual_seed(2)
    person = torch.nn.functional.normalize(torch.randn(4, 16, generator=generator), dim=1)
    others = torch.nn.functional.normalize(torch.randn(50, 16, generator=generator), dim=1)
    batch = Batch(np.zeros((4, 3, 112, 112), np.float32), torch.tensor([0, 1, 2, 1]), person, person)
    look = Look(torch.zeros(4, 3), torch.ones(4, 1, 14, 14))
    right, _ = loss_of(person, look, batch, others)
    wrong, _ = loss_of(others[:4], look, batch, others)
    doubled, _ = loss_of(person, look, batch, torch.cat([others, person]))
    assert right < wrong
    assert doubled == pytest.approx(float(right), abs=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the exporter, about itself
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_what_ships_computes_what_was_trained(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # bfloat16 in training, float16 weights in the file, surgery at load: three places where a head could get lost.
    monkeypatch.setattr(head_features, "shared_dir", lambda: shared)
    monkeypatch.setattr(paths, "shared_dir", lambda: shared)
    backbone = head_features.BACKBONES["w600k-mbf"]
    network = ConvolutionalNetwork(backbone.path)
    pictures = np.random.default_rng(4).normal(0, 0.5, (2, 3, 112, 112)).astype(np.float32)
    head = Head(HeadShape((256,) * 7))
    for adapter in head.adapters:
        torch.nn.init.normal_(adapter.up.weight, std=0.02)
    head.tell[-1].bias.data = torch.tensor([-9.0, 9.0, 0.0])
    head.eval()
    with torch.no_grad():
        trained, look = run_inside(head, network, backbone, pictures, None)
        bare, _ = run_inside(head, network, backbone, pictures, torch.zeros(2, 1))
    export(head, backbone, tmp_path / "head.onnx")
    runner = session(join(backbone.path.read_bytes(), (tmp_path / "head.onnx").read_bytes(), "head"), threads=1)
    shipped, mask, _ = runner.run(None, {runner.get_inputs()[0].name: pictures})
    assert (normalise(shipped) * trained.numpy()).sum(axis=1).min() > 0.99
    assert (bare * trained).sum(dim=1).max() < 0.98  # else the test would pass without a head
    np.testing.assert_allclose(mask, look.probabilities.float(), atol=0.02)
