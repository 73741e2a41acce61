"""scikit-learn's own checks, and its tools around an estimator."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from furlough import FurloughClassifier, FurloughRegressor

NOT_EQUIVALENT = "rows are put into batches, so a row of weight 2 is no two rows: the batches are others"
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": NOT_EQUIVALENT,
    "check_sample_weight_equivalence_on_sparse_data": NOT_EQUIVALENT,
}
VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [FurloughClassifier, FurloughRegressor])
def test_scikit_learns_checks_pass(kind):
    if VERSION < (1, 6):  # it goes by the estimator's tags then
        check_estimator(kind(threads=1))
        return
    results = check_estimator(kind(threads=1), expected_failed_checks=EXPECTED, on_fail="raise")
    assert sum(result["status"] == "passed" for result in results) > 50
    assert {result["check_name"] for result in results if result["status"] == "xfail"} == set(EXPECTED)


def test_a_clone_has_all_parameters():
    one = FurloughClassifier([8], "tanh", dropout=0.3, class_weight="balanced", members=2, recipe={"l1": 1e-5})
    assert clone(one).get_params() == one.get_params()
    assert "dropout=0.3" in repr(one)


def test_grids_and_workers_do_their_work(blobs):
    X, y = blobs
    quick = FurloughClassifier(epochs=15, learning_rate_init=0.01)
    grid = GridSearchCV(quick, {"dropout": [0.0, 0.5], "hidden_layer_sizes": [[8], [8, 8]]}, cv=2)
    assert grid.fit(X, y).best_score_ > 0.9
    scores = cross_val_score(quick, X, y, cv=2, n_jobs=2)
    assert (scores > 0.9).all()


def test_a_worker_of_several_takes_one_thread(blobs, monkeypatch):
    import joblib

    from furlough._threads import threads

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    ask = joblib.delayed(lambda: threads(None))
    assert joblib.Parallel(n_jobs=2, backend="threading")(ask() for _ in range(2)) == [1, 1]
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert threads(None) == 1
    assert threads(3) == 3
    with pytest.raises(ValueError, match="threads = 0: must be at least 1"):
        threads(0)


def test_calibration_importance_and_pipelines_take_it(blobs):
    X, y = blobs
    calibrated = CalibratedClassifierCV(FurloughClassifier(epochs=5, threads=1), cv=2).fit(X, y)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    piped = make_pipeline(StandardScaler(), FurloughClassifier(epochs=5, threads=1)).fit(X, y)
    assert permutation_importance(piped, X, y, n_repeats=2, random_state=0).importances_mean.max() > 0


def test_metadata_are_routed(blobs):
    X, y = blobs
    with sklearn.config_context(enable_metadata_routing=True):
        one = FurloughClassifier(epochs=2, threads=1).set_fit_request(sample_weight=True)
        one.set_score_request(sample_weight=True)
        assert one.get_metadata_routing().fit.requests["sample_weight"] is True
        assert len(cross_val_score(one, X, y, cv=2, params={"sample_weight": np.ones(len(y))})) == 2
