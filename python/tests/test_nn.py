"""Networks by hand, and the masks of a run."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from furlough import masks, nn

FIXTURE = Path(__file__).parents[2] / "crates/furlough/tests/fixtures/masks.json"


@pytest.fixture
def network():
    return nn.Sequential([nn.Linear(3, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2)], seed=1)


def quick(network, **options):
    return nn.Trainer(network, optimizer="adam", learning_rate=0.01, batch_size=20, threads=1, **options)


def test_a_network_learns_and_comes_back_from_its_file(network, blobs, tmp_path):
    X, y = blobs
    history = quick(network, epochs=20).fit(X, y, validation_data=(X, y))
    assert [figures["epoch"] for figures in history] == list(range(1, 21))
    assert history[-1]["val_accuracy"] == (network.predict(X) == y).mean() > 0.9
    np.testing.assert_allclose(network.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    path = tmp_path / "model.safetensors"
    network.save(path)
    for same in (nn.Sequential.load(path), pickle.loads(pickle.dumps(network))):
        np.testing.assert_array_equal(same(X), network(X))
        assert (same.predict(X) == network.predict(X)).all()


def test_a_second_fit_goes_on(network, blobs):
    X, y = blobs
    trainer = quick(network, epochs=3)
    first = trainer.fit(X, y)
    assert trainer.fit(X, y)[0]["train_loss"] < first[0]["train_loss"]


def test_callbacks_stop_and_early_stopping_takes_the_best(network, blobs):
    X, y = blobs
    assert len(quick(network, epochs=9).fit(X, y, callbacks=[lambda epoch: epoch["epoch"] == 2])) == 2
    history = quick(network, epochs=500, early_stopping=2).fit(X, y, validation_data=(X[:40], y[:40]))
    assert len(history) < 500
    with pytest.raises(ValueError, match="early_stopping = 2: needs validation data"):
        quick(network, early_stopping=2).fit(X, y)


def test_numbers_are_learned_too(blobs):
    X, _ = blobs
    network = nn.Sequential([nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 1)])
    quick(network, epochs=60).fit(X, X[:, 0])
    assert np.corrcoef(network.predict(X), X[:, 0])[0, 1] > 0.9
    assert (network.sample(X, 20).spread > 0).all()


def test_parameters_are_seen_and_set(network):
    parameters = network.parameters()
    assert {name: values.shape for name, values in parameters.items()}["linear1.weight"] == (3, 16)
    np.testing.assert_array_equal(parameters["linear1.weight"], masks.weights(3, 16, seed=1, layer=0))
    network.set_parameters({"linear2.bias": [5, 5]})
    assert network.parameters()["linear2.bias"].tolist() == [5, 5]
    with pytest.raises(ValueError, match="linear2.bias: takes 2 finite numbers"):
        network.set_parameters({"linear2.bias": [np.nan, 1]})
    with pytest.raises(KeyError, match="wing is no parameter"):
        network.set_parameters({"wing": [1]})


def test_what_makes_no_network_is_told(network, blobs):
    X, y = blobs
    with pytest.raises(ValueError, match=r"layer 2 \(Linear\(5, 2\)\)"):
        nn.Sequential([nn.Linear(3, 4), nn.Linear(5, 2)])
    with pytest.raises(ValueError, match=r"layer 2 \(Dropout\(1.5\)\): a drop probability lies between"):
        nn.Sequential([nn.Linear(3, 4), nn.Dropout(1.5), nn.Linear(4, 2)])
    with pytest.raises(ValueError, match="wings is no option"):
        nn.Trainer(network, wings=2).fit(X, y)
    with pytest.raises(ValueError, match="features"):
        nn.Trainer(network).fit(X[:, :2], y)
    with pytest.raises(ValueError, match="a class that training never saw"):
        nn.Trainer(network).fit(X, y, validation_data=(X, y + 1))


@pytest.mark.parametrize("layer", [nn.GaussianDropout, nn.AlphaDropout, nn.DropConnect, nn.ConcreteDropout])
def test_all_kinds_of_dropout_train(layer, blobs):
    X, y = blobs
    network = nn.Sequential([nn.Linear(3, 8), nn.SELU(), layer(0.1), nn.Linear(8, 2)], init="lecun")
    assert quick(network, epochs=1).fit(X, y)[0]["train_loss"] > 0


def test_masks_are_those_of_the_definition():
    checked = 0
    for answer in json.loads(FIXTURE.read_text())["answers"]:
        if "bits" not in answer or answer["stream"] not in (2, 3) or answer.get("sharing", "per-example") != "per-example":
            continue
        how = {"seed": answer["seed"], "step": answer["step"], "layer": answer["layer"], "training": answer["stream"] == 2}
        first = answer["first_unit"]
        if first > 10_000:
            continue
        kept = masks.keeps(answer["examples"], first + answer["units"], answer["p"], **how)[:, first:]
        assert np.packbits(kept, bitorder="little").tobytes().hex() == answer["bits"]
        checked += 1
    assert checked > 20


def test_values_and_derivatives_go_through_one_mask():
    x = np.arange(1, 25, dtype=np.float32).reshape(3, 8)
    how = {"seed": 3, "step": 7, "layer": 2}
    kept = masks.keeps([4, 5, 6], 8, 0.5, **how)
    np.testing.assert_array_equal(masks.dropout(x, [4, 5, 6], 0.5, **how), np.where(kept, 2 * x, 0))
    np.testing.assert_array_equal(masks.backward(x, [4, 5, 6], 0.5, **how), np.where(kept, 2 * x, 0))
    shared = masks.keeps([4, 5, 6], 8, 0.5, sharing="batch", **how)
    assert (shared[0] == shared).all()
    noise = masks.factors(np.arange(2000), 8, 0.5, kind="gaussian", **how)
    assert abs(noise.mean() - 1) < 0.05 and abs(noise.std() - 1) < 0.05
    assert sorted(masks.order(9, seed=2, epoch=1).tolist()) == list(range(9))


def test_what_is_no_mask_is_told():
    with pytest.raises(TypeError, match="colour says nothing of a mask"):
        masks.keeps([0], 4, 0.5, colour=1)
    with pytest.raises(ValueError, match="examples are rows of a data set"):
        masks.keeps([-1], 4, 0.5)
    with pytest.raises(ValueError, match="kind = concrete: has no mask"):
        masks.keeps([0], 4, 0.5, kind="concrete")
    with pytest.raises(ValueError, match="3 rows of values have 1 examples"):
        masks.dropout(np.ones((3, 2)), [0], 0.5)
