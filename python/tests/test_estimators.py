"""What the estimators do with arrays and frames, and what they say of bad input."""

import copy
import os
import pickle
import threading

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from furlough import FurloughClassifier, FurloughRegressor, UnseenDataWarning, load


@pytest.fixture(scope="module")
def classifier(houses, features):
    return FurloughClassifier(epochs=20, threads=1).fit(features, houses["sold"])


@pytest.fixture(scope="module")
def regressor(houses, features):
    return FurloughRegressor(epochs=60, threads=1).fit(features, houses["price"])


def test_a_frame_is_learned(houses, features, classifier, regressor):
    assert classifier.score(features, houses["sold"]) > 0.85
    assert regressor.score(features, houses["price"]) > 0.8
    assert classifier.classes_.tolist() == ["at once", "slowly"]
    assert classifier.feature_names_in_.tolist() == features.columns.tolist()
    assert (classifier.n_features_in_, classifier.n_iter_) == (5, len(classifier.loss_curve_))
    assert len(classifier.validation_scores_) == classifier.n_iter_
    assert regressor.best_loss_ < regressor.loss_curve_[0]


def test_columns_are_found_by_name_in_any_order(features, classifier):
    turned = features[features.columns[::-1]].assign(extra=1)
    with pytest.warns(UnseenDataWarning, match="extra"):
        answers = classifier.predict(turned)
    np.testing.assert_array_equal(answers, classifier.predict(features))
    with pytest.raises(ValueError, match="column town: is missing in this table.*did you mean twon"):
        classifier.predict(features.rename(columns={"town": "twon"}))


def test_gaps_and_levels_that_training_never_saw_are_answered_and_told(features, classifier):
    strange = features.iloc[:2].assign(town=["Chur", None])
    with pytest.warns(UnseenDataWarning, match="town"):
        assert len(classifier.predict(strange)) == 2


def test_all_kinds_of_columns_are_one_to_pandas(features, houses):
    fitted = FurloughRegressor(epochs=3, threads=1).fit(features, houses["price"])
    others = features.astype({"rooms": "Int64", "town": "category", "area": "float32"})
    others["garden"] = others["garden"].astype("boolean")
    dates = features.assign(built=features["built"].dt.date)
    frames = [others.astype({"area": "float64"}), dates]
    try:
        frames.append(features.convert_dtypes(dtype_backend="pyarrow"))
    except (ImportError, NameError):
        pass  # pyarrow does not go with this numpy
    for frame in frames:
        np.testing.assert_allclose(fitted.predict(frame), fitted.predict(features), rtol=1e-5)
        again = FurloughRegressor(epochs=3, threads=1).fit(frame, houses["price"])
        np.testing.assert_allclose(again.predict(features), fitted.predict(features), rtol=1e-4)


def test_categories_of_numbers_stay_categories(houses):
    codes = houses[["rooms"]].astype("category")
    fitted = FurloughRegressor(epochs=2, threads=1).fit(codes.assign(area=houses["area"]), houses["price"])
    assert b"rooms=2" in fitted.model_.to_bytes()


def test_arrays_sparse_arrays_and_single_precision_agree(blobs):
    X, y = blobs
    dense = FurloughClassifier(epochs=4, threads=1).fit(X.astype(np.float32), y)
    thin = FurloughClassifier(epochs=4, threads=1).fit(sparse.csr_array(X.astype(np.float32)), y)
    np.testing.assert_array_equal(dense.predict_proba(X), thin.predict_proba(sparse.csr_matrix(X)))
    huge = sparse.csr_array((10**6, 10**6))
    with pytest.raises(ValueError, match=r"a sparse array of 1000000 x 1000000 takes .* GB"):
        dense.fit(huge, np.arange(10**6) % 2)


def test_labels_come_back_as_they_were(blobs):
    X, y = blobs
    for labels in ([False, True], [3, 1], ["yes", "No"], [1.5, -2.0], ["", "NA"], ["2020-01-01", "2021-01-01"]):
        given = np.array(labels)[y]
        if given.dtype.kind == "f":
            continue  # numbers that are not whole are no classes to scikit-learn
        fitted = FurloughClassifier(epochs=30, threads=1).fit(X, given)
        assert fitted.classes_.tolist() == sorted(labels)
        assert fitted.predict(X).dtype == given.dtype
        assert fitted.score(X, given) > 0.9
        order = np.argmax(fitted.predict_proba(X), axis=1)
        np.testing.assert_array_equal(fitted.classes_[order], fitted.predict(X))


def test_several_numbers_are_predicted_together(features, houses):
    both = houses[["price"]].assign(half=houses["price"] / 2).to_numpy()
    fitted = FurloughRegressor(epochs=40, threads=1).fit(features, both)
    assert fitted.predict(features).shape == both.shape
    assert fitted.score(features, both) > 0.7
    low, high = fitted.predict_interval(features)
    assert low.shape == both.shape and (low < high).all()


def test_intervals_and_sets_hold_what_they_should(features, houses, classifier, regressor):
    low, high = regressor.predict_interval(features, 0.8)
    held = (low <= houses["price"]) & (houses["price"] <= high)
    assert held.mean() > 0.75
    sets = classifier.predict_set(features, 0.9)
    assert sets[np.arange(len(sets)), np.searchsorted(classifier.classes_, houses["sold"])].mean() > 0.85
    with pytest.raises(ValueError, match="interval = 1"):
        regressor.predict_interval(features, 1.0)
    no_judge = FurloughRegressor(epochs=2, early_stopping=False, threads=1).fit(features, houses["price"])
    with pytest.raises(ValueError, match="trained without such rows"):
        no_judge.predict_interval(features)


def test_masked_passes_say_how_sure_they_are(features, classifier, regressor):
    doubts = classifier.predict_uncertainty(features, samples=20)
    assert set(doubts.answers) <= set(classifier.classes_)
    np.testing.assert_allclose(doubts.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (doubts.mutual_information >= -1e-9).all()
    assert (regressor.predict_uncertainty(features, samples=20).deviations > 0).all()
    with pytest.raises(ValueError, match="samples = 1: at least 2"):
        regressor.predict_uncertainty(features, samples=1)


def test_a_pickle_holds_the_model_file_and_no_rows(features, classifier, tmp_path):
    pickled = pickle.dumps(classifier)
    assert classifier.model_.to_bytes() in pickled
    assert len(pickled) < len(classifier.model_.to_bytes()) + 20_000
    for same in (pickle.loads(pickled), copy.deepcopy(classifier)):
        np.testing.assert_array_equal(same.predict_proba(features), classifier.predict_proba(features))
    with pytest.raises(Exception, match=r"(truncated|ran out)"):
        pickle.loads(pickled[:-100])
    path = tmp_path / "model.safetensors"
    classifier.save(path)
    np.testing.assert_array_equal(load(path).predict(features), classifier.predict(features))


def test_files_that_are_no_models_are_refused(classifier, tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(FileNotFoundError, match=r"model\.safetensors"):
        load(path)
    path.write_bytes(classifier.model_.to_bytes()[:-1])
    with pytest.raises(ValueError, match="damaged|cut off|shorter"):
        load(path)
    classifier.save(path)
    with pytest.raises(ValueError, match="is the model of a FurloughClassifier"):
        FurloughRegressor.load(path)


def test_bad_input_is_told_in_scikit_learns_kinds(features, houses, classifier):
    fresh = FurloughRegressor(epochs=2, threads=1)
    price = houses["price"].to_numpy()
    with pytest.raises(ValueError, match="contains NaN"):
        fresh.fit(features, np.where(np.arange(len(price)) == 3, np.nan, price))
    with pytest.raises(ValueError, match="contains NaN"):
        classifier.fit(features, houses["sold"].where(houses["rooms"] > 2))
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        fresh.fit(features.iloc[:0], price[:0])
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[400, 399\]"):
        fresh.fit(features, price[1:])
    with pytest.raises(ValueError, match="X has 2 features, but FurloughRegressor is expecting 3 features"):
        FurloughRegressor(epochs=1).fit(np.eye(8)[:, :3], price[:8]).predict(np.zeros((2, 2)))
    with pytest.raises(ValueError, match='column area: "large" is not a number'):
        fresh.fit(features, price).predict(features.assign(area="large"))
    with pytest.raises(TypeError, match="argument must be a string or a number"):
        fresh.fit(features.assign(town=[{}] * 400), price)
    with pytest.raises(ValueError, match="dropout = 2: a drop probability lies between 0 .* and 1"):
        FurloughRegressor(dropout=2).fit(features, price)
    with pytest.raises(ValueError, match="wings is not a key of a recipe"):
        FurloughRegressor(recipe={"wings": 2}).fit(features, price)
    with pytest.raises(ValueError, match="preset = fast: no preset; there are auto, realmlp"):
        FurloughRegressor(preset="fast").fit(features, price)
    with pytest.raises(ValueError, match="class_weight names 'quickly'"):
        FurloughClassifier(class_weight={"quickly": 2}).fit(features, houses["sold"])
    with pytest.raises(ValueError, match="max_iter = 3, epochs = 4"):
        FurloughRegressor(max_iter=3, epochs=4).fit(features, price)
    with pytest.raises(ValueError, match="validation_fraction = 0.9"):
        FurloughRegressor(validation_fraction=0.9).fit(features, price)


def test_an_exception_in_a_callback_reaches_the_caller(features, houses):
    def fails(figures):
        raise KeyError(figures["epoch"])

    with pytest.raises(KeyError, match="1"):
        FurloughRegressor(callbacks=[fails], threads=1).fit(features, houses["price"])


def test_callbacks_see_each_epoch_and_may_stop(features, houses, capsys):
    seen = []

    def third(figures):
        seen.append(figures["epoch"])
        return figures["epoch"] == 3

    fitted = FurloughRegressor(epochs=9, callbacks=[third], verbose=True, threads=1).fit(features, houses["price"])
    assert (seen, fitted.n_iter_) == ([1, 2, 3], 3)
    assert "3/9" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="signals are those of Unix")
@pytest.mark.parametrize("members", [1, 5])
def test_ctrl_c_keeps_what_was_learned(features, houses, members):
    import signal

    timer = threading.Timer(0.4, lambda: os.kill(os.getpid(), signal.SIGINT))
    endless = FurloughRegressor(epochs=1_000_000, n_iter_no_change=1_000_000, members=members, threads=1)
    timer.start()
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        endless.fit(features, houses["price"])
    assert 1 <= endless.n_iter_ < 1_000_000
    assert np.isfinite(endless.predict(features)).all()


def test_time_is_limited(features, houses):
    fitted = FurloughRegressor(epochs=1_000_000, n_iter_no_change=1_000_000, time_limit=0.3, threads=1)
    assert fitted.fit(features, houses["price"]).n_iter_ < 1_000_000


def test_learning_goes_on_piece_by_piece(blobs):
    X, y = blobs
    fitted = FurloughClassifier(learning_rate_init=0.01, batch_size=10, threads=1)
    fitted.partial_fit(X[y == 0], y[y == 0], classes=[0, 1])
    for _ in range(30):
        fitted.partial_fit(X[:50], y[:50]).partial_fit(X[50:], y[50:])
    assert fitted.score(X, y) > 0.9
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 61
    with pytest.raises(ValueError, match="classes that were not there"):
        fitted.partial_fit(X, y + 5)
    numbers = FurloughRegressor(threads=1)
    for _ in range(30):
        numbers.partial_fit(X, X[:, 0])
    assert numbers.score(X, X[:, 0]) > 0.9


def test_a_warm_start_goes_on_from_what_there_is(features, houses):
    fitted = FurloughRegressor(epochs=3, warm_start=True, random_state=1, threads=1).fit(features, houses["price"])
    before = fitted.loss_curve_[-1]
    fitted.fit(features, houses["price"])
    assert fitted.loss_curve_[0] < before


def test_threads_and_weights_of_one_change_no_bit(features, houses):
    one = FurloughRegressor(epochs=4, threads=1).fit(features, houses["price"])
    two = FurloughRegressor(epochs=4, threads=2).fit(features, houses["price"])
    assert one.model_.to_bytes() == two.model_.to_bytes()
    weighted = FurloughRegressor(epochs=4, threads=1).fit(features, houses["price"], sample_weight=np.ones(400))
    np.testing.assert_array_equal(weighted.predict(features), one.predict(features))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_after_threads_answers(features, regressor):
    regressor.set_params(threads=2)
    expected = regressor.predict(features)
    child = os.fork()
    if child == 0:
        os._exit(0 if (regressor.predict(features) == expected).all() else 1)
    regressor.set_params(threads=1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_threads_of_python_share_a_model(features, regressor):
    expected, found = regressor.predict(features), []
    workers = [threading.Thread(target=lambda: found.append(regressor.predict(features))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all((answers == expected).all() for answers in found)


def test_dates_and_frames_without_rows_are_refused_when_asked(features, classifier):
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        classifier.predict(features.iloc[:0])
    assert isinstance(pd.Series(classifier.predict(features)), pd.Series)
